"""Danh mục thiết bị, phần mềm, bản sao: three sheets (law.md 1.4: eight fields each; 2.9)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ops.assets.asset import KINDS, STATES, AssetRow
from ops.assets.records import list_assets
from ops.catalog.tables.index import Snapshot
from ops.duties.wording import tell_medium
from ops.language.text import _
from ops.reports.kinds.kind import Ask, Book, Frame

_SOFTWARE = {"software", "licence"}
_MOST_COPIES = 100_000


@dataclass(frozen=True, slots=True)
class Lists:
    """Assets in the register, and snapshots in the stores with their places."""

    assets: Sequence[AssetRow]
    copies: Sequence[tuple[object, ...]]


def gather_inventory(ask: Ask) -> Lists:
    """Read the register of assets, and the index of snapshots."""
    places = {it.name: (it.location, tell_medium(it.medium)) for it in ask.estate.stores}
    query = select(
        Snapshot.site,
        Snapshot.store,
        Snapshot.id,
        Snapshot.taken_at,
        Snapshot.outcome,
        Snapshot.processed_bytes,
    ).order_by(Snapshot.site, Snapshot.store, Snapshot.taken_at)
    query = query.where(Snapshot.site == ask.site) if ask.site else query
    copies = [
        (
            site,
            store,
            *places.get(store, ("", "")),
            key,
            f"{taken.astimezone(ask.window.zone):%d/%m/%Y %H:%M:%S %z}",
            outcome,
            size,
        )
        for site, store, key, taken, outcome, size in ask.session.execute(query.limit(_MOST_COPIES))
    ]
    return Lists(list_assets(ask.session), copies)


def write_inventory(facts: Lists, frame: Frame) -> Book:
    """Write the sheets; what nobody has recorded is an empty cell."""
    texts = frame.texts
    devices = [it for it in facts.assets if it.kind not in _SOFTWARE]
    software = [it for it in facts.assets if it.kind in _SOFTWARE]
    outcomes = texts.tables["run_outcomes"]
    sheets = {
        "devices": [_device(number, it) for number, it in enumerate(devices, start=1)],
        "software": [_software(number, it) for number, it in enumerate(software, start=1)],
        "copies": [
            (number, *row[:6], outcomes.get(str(row[6]), ""), row[7])
            for number, row in enumerate(facts.copies, start=1)
        ],
    }
    return Book(
        sheets={
            texts.say(name, table="sheets"): [list(texts.heads(name)), *rows]
            for name, rows in sheets.items()
        }
    )


def _device(number: int, it: AssetRow) -> tuple[object, ...]:
    return (number, it.title, it.name, _(KINDS[it.kind]), it.serial, it.address, it.place,
            it.purpose, _(STATES[it.state]), it.owner, it.bought_on, it.warranty_until,
            it.price)  # fmt: skip


def _software(number: int, it: AssetRow) -> tuple[object, ...]:
    return (number, it.title, it.name, _(KINDS[it.kind]), it.version, it.licence, it.host,
            it.scope, it.supplier, it.owner, it.supported_until, it.price)  # fmt: skip
