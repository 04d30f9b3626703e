"""Assets in the catalog: each import is one transaction with a journal row for each change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.assets.asset import FIELDS, AssetRow, AssetSheet
from ops.assets.compare import Mismatch
from ops.catalog.columns import new_id
from ops.catalog.tables.register import Asset
from ops.journal import journal
from ops.journal.journal import Entry, Origin

COMPARED = "asset.compared"
"""What the journal tells of a comparison with the hosts."""


@dataclass(frozen=True, slots=True)
class AssetChange:
    """What an import does to one asset.

    Attributes:
        asset: As it is to be.
        before: The values that change, by field; None for a new asset.
    """

    asset: AssetRow
    before: Mapping[str, Any] | None

    def as_values(self) -> dict[str, Any]:
        """Give each changed field as [old, new], in JSON values."""
        if self.before is None:
            given = {name: getattr(self.asset, name) for name in FIELDS[1:]}
            return {name: [None, _plain(it)] for name, it in given.items() if it not in {"", None}}
        return {
            name: [_plain(old), _plain(getattr(self.asset, name))]
            for name, old in self.before.items()
        }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def list_assets(session: Session, *, kind: str = "", retired_too: bool = False) -> list[AssetRow]:
    """Give the assets by kind and name; those that are retired only where asked for."""
    query = select(Asset).order_by(Asset.kind, Asset.name)
    query = query.where(Asset.kind == kind) if kind else query
    query = query if retired_too else query.where(Asset.state != "retired")
    return [_row(it) for it in session.execute(query).scalars()]


def _row(row: Asset) -> AssetRow:
    return AssetRow(**{name: getattr(row, name) for name in FIELDS})


def plan_import(known: Iterable[AssetRow], sheet: AssetSheet) -> list[AssetChange]:
    """Decide what an import changes, in the order of the sheet; pure.

    An asset that the sheet does not name stays as it is: to end it, write `retired` as its state.
    So does what the sheet has no column for.
    """
    by_name = {it.name: it for it in known}
    found = []
    for given in sheet.rows:
        old = by_name.get(given.name)
        if old is None:
            found.append(AssetChange(given, None))
            continue
        asset = replace(old, **{name: getattr(given, name) for name in sheet.fields})
        found += change_asset(old, asset)
    return found


def change_asset(old: AssetRow, asset: AssetRow) -> list[AssetChange]:
    """Give the change from one to the other; none where nothing differs; pure."""
    changed = {
        name: getattr(old, name)
        for name in FIELDS[1:]
        if getattr(old, name) != getattr(asset, name)
    }
    return [AssetChange(asset, changed)] if changed else []


def apply_import(
    session: Session, origin: Origin, changes: Sequence[AssetChange], *, now: datetime
) -> None:
    """Write the changes, and journal each."""
    rows = {it.name: it for it in session.execute(select(Asset)).scalars()}
    for change in changes:
        values = {name: getattr(change.asset, name) for name in FIELDS}
        row = rows.get(change.asset.name)
        if row is None:
            session.add(Asset(id=new_id(), changed_at=now, **values))
            continue
        for name, value in values.items():
            setattr(row, name, value)
        row.changed_at = now
    entries = [
        Entry(
            "asset.added" if it.before is None else "asset.changed",
            it.asset.name,
            {"changes": it.as_values()},
        )
        for it in changes
    ]
    journal.append(session, origin, entries)


def note_comparison(
    session: Session, origin: Origin, seen: Mapping[str, object | None], found: Sequence[Mismatch]
) -> None:
    """Journal that hosts were compared with the register: which, which not, and what differed."""
    details = {
        "hosts": [name for name, told in seen.items() if told is not None],
        "not_checked": [name for name, told in seen.items() if told is None],
        "differences": [[it.code, it.name] for it in found],
    }
    journal.append(session, origin, [Entry(COMPARED, "", details)])
