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
        successors: Name of an asset → the device that takes its place; of the empty name for the
            only one.
        ends: Name of an asset → until when it is renewed or its upkeep paid for; that of the empty
            name holds for all.
        unchanged: Why the register stays as it is; empty where it does not.
    """

    successors: Mapping[str, Successor] = field(default_factory=dict)
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
    if bool(news.unchanged) + bool(news.ends) + bool(news.successors) > 1:
        raise refuse(
            N_("an asset is replaced, or goes on, or stays as it is"),
            N_("say one of these: `--serial` and the rest, `--ends-on`, or `--asset-unchanged`"),
        )
    told = {**news.ends, **news.successors}
    strange = [it for it in told if it and it not in names]
    if strange or (told and not names):
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
    if news.successors:
        return _replace(line, news.successors, rows)
    return [change for name in names for change in _go_on(line, rows[name], news)]


def _replace(
    line: PlanLine, successors: Mapping[str, Successor], rows: Mapping[str, AssetRow]
) -> list[AssetChange]:
    names = line.item.assets
    if not {*line.works.values()} <= {REPLACEMENT, ""}:
        raise refuse(
            N_("item {number} does not replace one device by another"),
            N_("take a sheet over (`asset.import`), then give `--asset-unchanged WHY`"),
            number=line.number,
        )
    only = successors.get("") if len(names) == 1 else None
    lacking = [] if only else [it for it in names if it not in successors]
    if lacking:
        raise refuse(
            N_("item {number} replaces {names} too, and nobody has said by what"),
            N_("give a serial for each: `--serial {name}=SERIAL`"),
            number=line.number,
            names=", ".join(lacking),
            name=lacking[0],
        )
    found: list[AssetChange] = []
    for name in names:
        taken = {**rows, **{it.asset.name: it.asset for it in found}}
        found += plan_replacement(rows[name], only or successors[name], taken)
    return found


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
