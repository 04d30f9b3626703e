"""Recurrent spending or investment, and how long a device lives: dated rows with their source.

The rows stand in `spending.toml` (law.md 1.6: NĐ 224/2026 Điều 34, 65). What none of them settles
is asked, and papers do not claim it.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ops.assets.asset import AssetRow
from ops.planning.item import Item
from ops.toml import read_toml


@cache
def _rows(name: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(read_toml(Path(__file__).with_name("spending.toml"))[name])


def _valid(name: str, day: date) -> list[Mapping[str, Any]]:
    return [it for it in _rows(name) if it["from"] <= day <= it.get("to", date.max)]


def is_recurrent(item: Item, day: date) -> bool | None:
    """Say whether an item is recurrent spending on a day; None where no row settles it."""
    piece = item.asked // item.quantity if item.is_priced else None
    for row in _valid("rules", day):
        fits = item.group in row.get("groups", (item.group,)) and item.form in row.get(
            "forms", (item.form,)
        )
        if fits and ("below" not in row or (piece is not None and piece < row["below"])):
            return bool(row["spending"] == "recurrent")
    return None


def end_of_life(asset: AssetRow, day: date) -> tuple[date, str] | None:
    """Give the day to which a device is meant to last, and what says so; None where none does."""
    for row in _valid("lives", day):
        if asset.kind in row["kinds"] and asset.bought_on is not None:
            bought = asset.bought_on
            # The first of the month: of a 29 February most years have none.
            return bought.replace(year=bought.year + row["years"], day=1), row["source"]
    return None
