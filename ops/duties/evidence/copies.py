"""What the catalog says of the copies that stores hold, and of their listings."""

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backup.stores.kinds import is_remote
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import Snapshot, StoreSeen
from ops.duties.evidence.verdicts import Piece
from ops.duties.table.models import Proof
from ops.schedule.ledger.job import Outcome

if TYPE_CHECKING:
    from ops.duties.evidence.queries import Ask


def find_copies(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Count, for each site, the stores that hold a snapshot taken in the period."""
    first, after = ask.bounds()
    query = (
        select(Snapshot.site, Snapshot.store, func.max(Snapshot.taken_at))
        .where(Snapshot.taken_at >= first, Snapshot.taken_at < after)
        .group_by(Snapshot.site, Snapshot.store)
    )
    stores = {it["name"]: it for it in ask.estate.get("stores", ())}
    held: dict[str, dict[str, datetime]] = {}
    for site, store, taken_at in session.execute(query):
        if store in stores:
            held.setdefault(site, {})[store] = taken_at
    for site, moments in held.items():
        found = count_copies(stores[name] for name in moments)
        enough = has_enough(found, ask.duty.evidence)
        lacking: Outcome = "not_checked" if ask.is_past else "failed"
        details = {**found, "stores": sorted(moments)}
        newest = max(moments.values())
        yield Piece(site, newest, "ok" if enough else lacking, "snapshots", site, details)
    if ask.is_past:
        yield from _find_let_go(session, ask, held)


def _find_let_go(session: Session, ask: "Ask", held: Container[str]) -> Iterator[Piece]:
    """Tell of sites that were backed up in a past period of which no snapshot is kept any more."""
    first, after = ask.bounds()
    query = (
        select(Run.site, func.max(Run.ended_at))
        .where(Run.kind == "backup", Run.outcome == "ok")
        .where(Run.ended_at >= first, Run.ended_at < after)
        .group_by(Run.site)
    )
    for site, ended_at in session.execute(query):
        if site not in held:
            yield Piece(site, cast("datetime", ended_at), "not_checked", "snapshots", site)


def count_copies(stores: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count copies, kinds of medium, places, locked copies, and copies on other machines.

    A store whose address is kept in a secret file is not counted as another machine: nothing
    here proves it.
    """
    known = list(stores)
    return {
        "copies": len(known),
        "media": len({it.get("medium") for it in known}),
        "places": len({it.get("location") for it in known}),
        "locked": sum(it.get("object_lock") is not None for it in known),
        "remote": sum(is_remote(str(it.get("url"))) for it in known),
    }


def has_enough(found: Mapping[str, int], proof: Proof) -> bool:
    """Say whether no count is below its limit."""
    return all(count >= getattr(proof, name) for name, count in found.items())


def find_catalogue(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find which sites had their copies listed in every store.

    Of a listing only the newest is kept; checks count what they read, and stay.
    """
    first, after = ask.bounds()
    query = select(StoreSeen.site, StoreSeen.store, StoreSeen.seen_at, StoreSeen.snapshot_count)
    told = Run.summary["store"].as_string(), Run.summary["snapshots"].as_integer()
    checks = select(Run.site, told[0], Run.ended_at, told[1]).where(
        Run.kind == "check", Run.outcome == "ok", Run.ended_at >= first, Run.ended_at < after
    )
    stores = {it["name"] for it in ask.estate.get("stores", ())}
    seen: dict[str, dict[str, tuple[datetime, int]]] = {}
    rows = (*session.execute(checks.order_by(Run.ended_at)), *session.execute(query))
    for site, store, seen_at, count in rows:
        if seen_at is not None and first <= seen_at < after and store in stores:
            seen.setdefault(site, {})[store] = (seen_at, count)
    for site, listed in seen.items():
        details = {"stores": sorted(listed), "snapshots": sum(it[1] for it in listed.values())}
        lacking: Outcome = "not_checked" if ask.is_past else "incomplete"
        outcome: Outcome = "ok" if stores == listed.keys() else lacking
        newest = max(it[0] for it in listed.values())
        yield Piece(site, newest, outcome, "stores_seen", site, details)
