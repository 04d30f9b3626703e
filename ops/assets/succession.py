"""What accepted work does to assets: a device takes another's place, an end moves; pure.

Nothing is ever renamed: the one that is replaced stays in the register as retired.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ops.assets.asset import AssetRow
from ops.assets.records import AssetChange, change_asset
from ops.errors import WrongUseError
from ops.language.formats import format_date

_YEAR = re.compile(r"-\d{4}$")
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """What is known of a device that takes another's place; fields as in `AssetRow`.

    Attributes:
        name: Its own; empty: that of the old one with the year of purchase.
        price: Đồng with tax; None where nobody knows.
    """

    serial: str
    bought_on: date
    warranty_until: date
    supported_until: date
    price: int | None = None
    name: str = ""


def plan_replacement(
    old: AssetRow, new: Successor, known: Mapping[str, AssetRow]
) -> list[AssetChange]:
    """Give the changes: the old one is retired, the new one does in its place what it did.

    Raises:
        WrongUseError: The name is taken, the serial is the old one's, or a day makes no sense.
    """
    stem = _YEAR.sub("", old.name)[: _LONGEST_NAME - 5]
    name = new.name or f"{stem}-{new.bought_on.year}"
    if name in known:
        raise WrongUseError(
            'the register has an asset "{name}" already',
            next_step="give the new one a name of its own with `--asset-name`",
            name=name,
        )
    if old.serial and new.serial.casefold() == old.serial.casefold():
        raise WrongUseError(
            "this is the serial of {name}, which is replaced",
            next_step="look at the new device, and give its own with `--serial`",
            name=old.name,
        )
    for end in (new.warranty_until, new.supported_until):
        if end <= new.bought_on:
            raise WrongUseError(
                "warranty and support of the new one end after {bought}, when it was bought",
                next_step="look at its papers, and type the days again",
                bought=format_date(new.bought_on),
            )
    fresh = replace(
        old,
        name=name,
        serial=new.serial,
        state="in-use",
        price=new.price,
        bought_on=new.bought_on,
        warranty_until=new.warranty_until,
        supported_until=new.supported_until,
        maintained_until=None,
        contract="",
        documents="",
        note="",
    )
    return [*change_asset(old, replace(old, state="retired")), AssetChange(fresh, None)]


def move_end(asset: AssetRow, until: date) -> list[AssetChange]:
    """Give the change of a line, a licence, a name that is renewed until a day.

    Each end that is known and earlier moves, so that `ends_on` does.
    """
    _refuse_earlier(asset, asset.ends_on, until)
    ends: dict[str, Any] = {
        name: until
        for name in ("warranty_until", "supported_until")
        if (end := getattr(asset, name)) is not None and end < until
    } or {"supported_until": until}
    return change_asset(asset, replace(asset, **ends))


def pay_upkeep(asset: AssetRow, until: date) -> list[AssetChange]:
    """Give the change of a device whose upkeep is paid for until a day."""
    _refuse_earlier(asset, asset.maintained_until, until)
    return change_asset(asset, replace(asset, maintained_until=until))


def _refuse_earlier(asset: AssetRow, end: date | None, until: date) -> None:
    if end is not None and until <= end:
        raise WrongUseError(
            "{name} ends on {end} already, so {until} would move nothing",
            next_step="look at the contract, and give the day until which it is paid for now",
            name=asset.name,
            end=format_date(end),
            until=format_date(until),
        )


def end_repair(asset: AssetRow) -> list[AssetChange]:
    """Give the change of a device that works again."""
    return change_asset(asset, replace(asset, state="in-use")) if asset.state == "broken" else []
