"""What the acceptance of an item does to the assets it is about, as a person says it; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from ops.assets.asset import AssetRow
from ops.assets.records import AssetChange
from ops.assets.succession import Successor, end_repair, move_end, pay_upkeep, plan_replacement
from ops.language.text import N_
from ops.planning.item import PlanLine, refuse
from ops.planning.proposal import REPLACEMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetNews:
    """What a person says of the assets of an item whose work is accepted.

    Attributes:
        successor: The device that takes the other's place; None for none.
        ends: Name of an asset → until when it is renewed or its upkeep paid for; that of the empty
            name holds for all.
        unchanged: Why the register stays as it is; empty where it does not.
    """

    successor: Successor | None = None
    ends: Mapping[str, date] = field(default_factory=dict)
    unchanged: str = ""


def plan_assets(line: PlanLine, news: AssetNews, known: Iterable[AssetRow]) -> list[AssetChange]:
    """Give what changes in the register.

    Args:
        line: Of the item.
        news: What was said.
        known: Every asset, retired ones too.

    Raises:
        WrongUseError: Something has to be said first, or does not fit.
    """
    names, rows = line.item.assets, {it.name: it for it in known}
    if bool(news.unchanged) + bool(news.ends) + (news.successor is not None) > 1:
        raise refuse(
            N_("an asset is replaced, or goes on, or stays as it is"),
            N_("say one of these: `--serial` and the rest, `--ends-on`, or `--asset-unchanged`"),
        )
    strange = [it for it in news.ends if it and it not in names]
    if strange or (not names and (news.successor or news.ends)):
        raise refuse(
            N_("item {number} is not about the asset {names}"),
            N_("`{program} plan.show` shows the assets of an item"),
            number=line.number,
            names=", ".join(strange) or "–",
        )
    if news.unchanged:
        return []
    lacking = [it for it in names if it not in rows]
    if lacking:
        raise refuse(
            N_("the register has no asset {names}, which item {number} is about"),
            N_("add it (`asset.import`), or say why the register stays: `--asset-unchanged WHY`"),
            names=", ".join(lacking),
            number=line.number,
        )
    if news.successor is not None:
        return _replace(line, news.successor, rows)
    return [change for name in names for change in _go_on(line, rows[name], news)]


def _replace(
    line: PlanLine, successor: Successor, rows: Mapping[str, AssetRow]
) -> list[AssetChange]:
    [(name, work), *others] = line.works.items()
    if others or work not in {REPLACEMENT, ""}:
        raise refuse(
            N_("item {number} does not replace one device by another"),
            N_("take a sheet over (`asset.import`), then give `--asset-unchanged WHY`"),
            number=line.number,
        )
    return plan_replacement(rows[name], successor, rows)


def _go_on(line: PlanLine, asset: AssetRow, news: AssetNews) -> list[AssetChange]:
    work, until = line.works[asset.name], news.ends.get(asset.name) or news.ends.get("")
    if work == "broken" and until is None:
        return end_repair(asset)
    if work == REPLACEMENT or until is None:
        wanted = {
            REPLACEMENT: "`--serial`, `--warranty-until`, `--supported-until`",
            "": "`--serial`, `--warranty-until`, `--supported-until`, `--ends-on`",
        }
        raise refuse(
            N_("the register does not know yet what item {number} has done to {title} ({name})"),
            N_("give {flags} of what is accepted, or `--asset-unchanged WHY` where nothing is new"),
            number=line.number,
            title=asset.title,
            name=asset.name,
            flags=wanted.get(work, "`--ends-on`"),
        )
    return (pay_upkeep if work == "warranty" else move_end)(asset, until)
