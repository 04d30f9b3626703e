"""What the catalog says of the archive: whether it was read back, whether it has whole copies."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.copies import ArchivePlace
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import Snapshot
from ops.duties.evidence.verdicts import Piece
from ops.estate.model.archive import ROOT_NAMES
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.schedule.ledger.job import Outcome

if TYPE_CHECKING:
    from ops.duties.evidence.queries import Ask

CHECK, CAPTURE = "archive-check", "archive"


def find_fixity(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find the runs that read the archive and its copies back; they are the organisation's."""
    first, after = ask.bounds()
    rows = select(Run.id, Run.ended_at, Run.outcome, Run.reason, Run.summary).where(
        Run.kind == CHECK, Run.ended_at >= first, Run.ended_at < after, Run.outcome.is_not(None)
    )
    for run_id, ended_at, outcome, reason, summary in session.execute(rows):
        places = (summary or {}).get("places", ())
        details = {
            "reason": reason,
            "repaired": (summary or {}).get("repaired", 0),
            "places": [
                {
                    name: it.get(name)
                    for name in ("place", "items", "read", "damaged", "oldest_days")
                }
                for it in places
            ],
        }
        moment, ended_as = cast("datetime", ended_at), cast("Outcome", outcome)
        yield Piece("", moment, ended_as, "runs", str(run_id), details)


def find_metadata(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find, for each site, how many items its captures kept without a field that is required.

    Every item is looked at when it is new and when it changed. A run of a version that did not
    look says nothing.
    """
    first, after = ask.bounds()
    query = select(Run.id, Run.site, Run.ended_at, Run.summary).where(
        Run.kind == CAPTURE, Run.ended_at >= first, Run.ended_at < after, Run.outcome.is_not(None)
    )
    of_site: dict[str, list[tuple[str, datetime, dict[str, Any]]]] = {}
    for run_id, site, ended_at, summary in session.execute(query.order_by(Run.ended_at)):
        if "lacking" in (summary or {}):
            row = (str(run_id), cast("datetime", ended_at), summary)
            of_site.setdefault(site, []).append(row)
    for site, runs in of_site.items():
        lacks = Counter[str]()
        for _id, _moment, summary in runs:
            lacks.update(summary["lacks"])
        details = {
            "items": sum(it["new"] + it["changed"] for _id, _moment, it in runs),
            "lacking": sum(it["lacking"] for _id, _moment, it in runs),
            "lacks": dict(lacks),
        }
        outcome: Outcome = "incomplete" if details["lacking"] else "ok"
        yield Piece(site, runs[-1][1], outcome, "runs", runs[-1][0], details)


def find_reserve_statistics(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find the newest count of what is archived and of its copies: the last check that read them.

    What it counted stands in its record for good, so a past year can be told of, too.
    """
    first, after = ask.bounds()
    query = (
        select(Run.id, Run.ended_at, Run.summary)
        .where(Run.kind == CHECK, Run.ended_at >= first, Run.ended_at < after)
        .order_by(Run.ended_at.desc())
    )
    for run_id, ended_at, summary in session.execute(query):
        places = {
            it["place"]: {"items": it.get("items"), "damaged": it.get("damaged")}
            for it in (summary or {}).get("places", ())
        }
        if places.keys() >= set(ROOT_NAMES):
            yield Piece(
                "", cast("datetime", ended_at), "ok", "runs", str(run_id), {"places": places}
            )
            return


def find_reserve(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Count what is archived and its reserve copies: plain ones, and backups in stores.

    Good is what every object has one whole reserve copy of. Of a period that is over, the tables
    tell no more: what they cannot prove is not checked.
    """
    first, after = ask.bounds()
    rows = {it.name: it for it in session.execute(select(ArchivePlace)).scalars()}
    roots = [rows[name] for name in ROOT_NAMES if name in rows]
    if not sum(it.objects for it in roots):
        return
    copies = {
        it.name: {"objects": it.objects, "lacks": it.lacks, "damaged": len(it.damaged)}
        for it in rows.values()
        if it.name not in ROOT_NAMES and it.checked_at and first <= it.checked_at < after
    }
    query = (
        select(Snapshot.store, func.max(Snapshot.taken_at))
        .where(Snapshot.site == ARCHIVE_SITE, Snapshot.taken_at >= first, Snapshot.taken_at < after)
        .group_by(Snapshot.store)
    )
    stores = {store: taken_at for store, taken_at in session.execute(query)}  # noqa: C416 - dict() loses the types
    whole = [name for name, it in copies.items() if not it["lacks"] and not it["damaged"]]
    details = {
        **{it.name: it.objects for it in roots},
        "copies": copies,
        "stores": {store: moment.isoformat() for store, moment in stores.items()},
    }
    # Private parts have no plain copy: only a store holds theirs.
    is_kept = bool(stores) or (bool(whole) and not rows[ROOT_NAMES[1]].objects)
    lacking: Outcome = "not_checked" if ask.is_past else "failed"
    moments = [*stores.values(), *(it.checked_at for it in rows.values() if it.checked_at)]
    newest = max((it for it in moments if first <= it < after), default=None)
    if newest is not None:
        outcome: Outcome = "ok" if is_kept else lacking
        yield Piece("", newest, outcome, "archive_places", ROOT_NAMES[0], details)
