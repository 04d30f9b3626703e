"""The annexes of a plan: what a reader needs behind it; an empty one is left out; pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.planning.document import Drawing, PlanDocument
from ops.planning.item import PRIORITIES, Evidence, Item
from ops.reports.kinds.kind import UNKNOWN, Frame
from ops.reports.kinds.plan_tables import (
    asset_table,
    detail_table,
    duty_table,
    is_monthly,
    ordered,
    upkeep_table,
)
from ops.reports.papers.paper import Annex, Block, Chart, Paragraph, Table, roman

_WIDE = frozenset({"money", "assets"})
_MOST_SAID = 3

Annexes = Mapping[str, Sequence[Block]]


def list_annexes(document: PlanDocument, frame: Frame) -> Annexes:
    """Give what each annex holds, by its name and in order."""
    found: dict[str, Sequence[Block]] = {
        "money": [detail_table(document, frame)],
        "assets": [it for it in [asset_table(document, frame)] if it],
        "calendar": [*_upkeep(document, frame), *_backups(document, frame)],
        "service": [
            *_charts(document.annexes.service),
            *_charts(document.annexes.drills),
            *_charts(document.annexes.capacity),
            *_outlooks(document, frame),
        ],
        "risks": [_risk_table(document, frame)],
    }
    return {name: blocks for name, blocks in found.items() if blocks}


def mark_annexes(annexes: Annexes) -> dict[str, str]:
    """Give what texts call each annex by: its number, as the writers count them."""
    return {f"annex_{name}": roman(place) for place, name in enumerate(annexes, start=1)}


def write_annexes(
    annexes: Annexes, frame: Frame, values: Mapping[str, Any]
) -> Iterator[Annex | Block]:
    """Yield them, each under its title."""
    for name, blocks in annexes.items():
        yield Annex(frame.texts.say(f"annex_{name}", **values), name in _WIDE)
        yield from blocks


def _charts(drawings: Sequence[Drawing]) -> list[Block]:
    return [Chart(it.svg, it.caption) for it in drawings]


def _upkeep(document: PlanDocument, frame: Frame) -> list[Block]:
    table = upkeep_table(document, frame)
    return [table, Paragraph(frame.texts.say("upkeep_note"), "note")] if table else []


def _backups(document: PlanDocument, frame: Frame) -> Iterator[Block]:
    rows = document.annexes.backups
    if rows:
        yield frame.table("backups", "1.9l 1.6l 1.2l 1.3l 0.9l 1l", rows)
    if table := duty_table(document, frame):
        yield table
    monthly = [title for title, months in document.annexes.duties if is_monthly(months)]
    if monthly:
        yield Paragraph(frame.texts.say("monthly", titles="; ".join(monthly)), "note")


def _outlooks(document: PlanDocument, frame: Frame) -> Iterator[Block]:
    rows = document.annexes.outlooks
    if rows:
        yield frame.table("outlooks", "1.6l 0.8l 2.2l 0.9l", rows)


def _risk_table(document: PlanDocument, frame: Frame) -> Table:
    """Give for each item how much it is needed, what may happen without it, what speaks for it."""
    rows = [
        (
            number,
            it.item.title,
            PRIORITIES[it.item.priority],
            it.item.risk or UNKNOWN,
            _tell_evidence(it.item, frame),
        )
        for number, it in ordered(document)
    ]
    return frame.table("risks", "0.6c 2.2l 0.9c 2.6l 2.4l", rows)


def _tell_evidence(item: Item, frame: Frame) -> str:
    """Say in words what speaks for an item; of many rows of a kind only how many they are."""
    rows: dict[str, list[Evidence]] = {}
    for it in item.evidence:
        rows.setdefault(it.kind, []).append(it)
    return "; ".join(_tell_rows(kind, own, frame) for kind, own in rows.items()) or UNKNOWN


def _tell_rows(kind: str, rows: Sequence[Evidence], frame: Frame) -> str:
    table = frame.texts.tables["evidence"]
    if len(rows) > _MOST_SAID and f"many_{kind}" in table:
        return frame.texts.say(f"many_{kind}", table="evidence", count=len(rows))
    parts = [it.id.partition("-") for it in rows]
    told = [
        frame.texts.say(kind, table="evidence", id=it.id, year=year, number=number, says=it.says)
        for it, (year, _dash, number) in zip(rows, parts, strict=True)
    ]
    return "; ".join(dict.fromkeys(told))
