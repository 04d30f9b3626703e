"""Recurrent spending or investment, clause and form, how long a device lives: dated rows.

The rows stand in `spending.toml` (law.md 1.6: NĐ 224/2026 Điều 34, 65). What none of them settles
is asked, and papers do not claim it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
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
    piece = _piece(item)
    for row in _valid("rules", day):
        fits = item.group in row.get("groups", (item.group,)) and item.form in row.get(
            "forms", (item.form,)
        )
        if fits and ("below" not in row or (piece is not None and piece < row["below"])):
            return bool(row["spending"] == "recurrent")
    return None


def _piece(item: Item) -> int | None:
    """Give what one piece costs with tax; None where nobody knows it."""
    return item.asked // item.quantity if item.is_priced else None


def words_by_rule(item: Item, day: date) -> Mapping[str, str]:
    """Give clause and form that the rules of a day tell; empty where none does."""
    piece = _piece(item)
    for row in _valid("words", day):
        least = row.get("from_price", 0)
        if item.group in row["groups"] and (not least or (piece is not None and piece >= least)):
            return {name: row.get(name, "") for name in ("clause", "form")}
    return {"clause": "", "form": ""}


def follow_rules(before: Item, item: Item, said: Collection[str], day: date) -> Item:
    """Give a changed item with clause, form and kind of spending by the rules of a day.

    What a person says now, or has said of the same group otherwise than the rules, stays.

    Args:
        before: As it was.
        item: As it was typed.
        said: Names of the fields that were typed; the page of an item types all, changed or not.
        day: On which the rules hold.
    """
    earlier, now = words_by_rule(before, day), words_by_rule(item, day)
    is_other = item.group != before.group
    changed: dict[str, Any] = {
        name: word
        for name, word in now.items()
        if getattr(item, name) in {"", getattr(before, name)}
        and (is_other or getattr(before, name) in {"", earlier[name]})
    }
    item = replace(item, **changed)
    by_rule = before.is_recurrent in {None, is_recurrent(before, day)}
    if "is_recurrent" not in said and by_rule:
        item = replace(item, is_recurrent=is_recurrent(item, day))
    return item


def end_of_life(asset: AssetRow, day: date) -> tuple[date, str] | None:
    """Give the day to which a device is meant to last, and what says so; None where none does."""
    for row in _valid("lives", day):
        if asset.kind in row["kinds"] and asset.bought_on is not None:
            bought = asset.bought_on
            # The first of the month: of a 29 February most years have none.
            return bought.replace(year=bought.year + row["years"], day=1), row["source"]
    return None
