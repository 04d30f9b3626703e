"""Holds: what must stay for an inspection, whatever retention says, until two people release it."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.snapshots.selection import find_snapshot
from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import Permit
from ops.access.session import at_bench
from ops.backups.repositories.open import open_repository
from ops.backups.retention.protection import HoldView
from ops.backups.retention.tasks import PlaceHold, Release
from ops.catalog.columns import columns_of, find_by_id, new_id
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.retention import Hold
from ops.errors import WrongUseError
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.journal.record_proofs import journaled_holds, read_acts
from ops.language.formats import format_id
from ops.language.text import N_, _
from ops.terminal.output import write_line
from ops.terminal.view import Column, View, moment, short_id, write_list

RELEASE = "hold-release"
PLACED = "backup.hold"


def check_hold(wish: PlaceHold) -> None:
    """Refuse a hold that nobody could explain later.

    Raises:
        WrongUseError: It lacks a reason or a reference.
    """
    if not wish.reason.strip() or not wish.reference.strip():
        raise WrongUseError(
            "a hold needs a reason and the reference of the document that asks for it",
            next_step="add `--reason TEXT --reference NUMBER`",
        )


def place_hold(session: Session, origin: Origin, wish: PlaceHold, *, now: datetime) -> Hold:
    """Write a hold and its journal row; it holds from the commit on.

    Raises:
        WrongUseError: It lacks a reason or a reference.
    """
    check_hold(wish)
    hold = Hold(
        id=new_id(),
        site=wish.site,
        snapshot=wish.snapshot,
        reason=wish.reason,
        reference=wish.reference,
        placed_at=now,
        placed_by=origin.person or origin.login,
    )
    session.add(hold)
    session.flush()
    details = {"hold": str(hold.id), "snapshot": hold.snapshot, "reference": hold.reference}
    entry = Entry(PLACED, hold.site, {**details, "reason": hold.reason})
    journal.append(session, origin, [entry])
    return hold


def wish_release(hold: Hold, reason: str) -> Wish:
    """Give the request for a release; another hold would need another one."""
    plan = {"hold": str(hold.id), "snapshot": hold.snapshot, "reference": hold.reference}
    return Wish(RELEASE, hold.site, plan, reason)


def release_hold(
    session: Session, origin: Origin, hold_id: uuid.UUID, permit: Permit, reason: str, now: datetime
) -> Entry:
    """End a hold, in the transaction that uses the approval up; gives what the journal says.

    Raises:
        WrongUseError: It holds no more.
    """
    hold = session.get_one(Hold, hold_id)
    refuse_released(hold)
    hold.released_at = now
    hold.released_by = origin.person or origin.login
    hold.release_reason = reason
    hold.release_request = permit.request
    session.flush()
    details = {**wish_release(hold, reason).plan, "reason": reason}
    return Entry("backup.release", hold.site, details)


def refuse_released(hold: Hold) -> None:
    """Refuse to release a hold twice.

    Raises:
        WrongUseError: It was released before.
    """
    if hold.released_at is not None:
        raise WrongUseError(
            'the hold "{hold}" was released on {moment}',
            next_step="`{program} backup.hold --list` lists the holds",
            hold=str(hold.id),
            moment=hold.released_at,
        )


def find_hold(session: Session, wanted: str) -> Hold:
    """Find a hold by its id, or as much of it as no other has.

    Raises:
        WrongUseError: There is none, or several fit.
    """
    hold = find_by_id(session, Hold, wanted)
    if hold is None:
        raise WrongUseError(
            'there is no hold "{hold}"',
            next_step="`{program} backup.hold --list` lists the holds",
            hold=wanted,
        )
    return hold


def read_holds(session: Session, site: str) -> tuple[HoldView, ...]:
    """Give the holds in force for a site: of tables and journal, whichever says that it holds."""
    return read_all_holds(session).get(site, ())


def read_all_holds(session: Session) -> dict[str, tuple[HoldView, ...]]:
    """Give the holds in force by site, as `read_holds` does for one."""
    recorded = [(it.site, HoldView(it.snapshot, it.reference)) for it in list_holds(session)]
    journaled = [
        (it.site, HoldView(it.snapshot, it.reference))
        for it in journaled_holds(session).values()
        if not it.is_released
    ]
    found: dict[str, dict[HoldView, None]] = {}
    for site, hold in (*recorded, *journaled):
        found.setdefault(site, {})[hold] = None
    return {site: tuple(holds) for site, holds in found.items()}


def put_back(session: Session, hold_id: str) -> None:
    """Write a hold's record anew, in force, from the row of the journal that placed it."""
    acts = read_acts(session, PLACED)
    act = next(it for it in acts if it.details.get("hold") == hold_id)
    row = session.get_one(JournalRow, act.sequence)
    found = session.get(Hold, uuid.UUID(hold_id)) or Hold(id=uuid.UUID(hold_id))
    found.site, found.snapshot = row.subject, str(act.details["snapshot"])
    found.reason, found.reference = str(act.details["reason"]), str(act.details["reference"])
    found.placed_at, found.placed_by = row.at, row.person or row.login
    found.released_at, found.release_request = None, None
    found.released_by = found.release_reason = ""
    session.add(found)
    session.flush()


def list_holds(session: Session, site: str = "", *, released_too: bool = False) -> list[Hold]:
    """Give the holds, oldest first; of all sites unless one is named."""
    query = select(Hold).order_by(Hold.placed_at, Hold.id)
    if site:
        query = query.where(Hold.site == site)
    if not released_too:
        query = query.where(Hold.released_at.is_(None))
    return list(session.execute(query).scalars())


HOLDS = View(
    N_("Nothing is held."),
    Column("id", N_("Hold"), short_id),
    Column("site", N_("Site")),
    Column("snapshot", N_("Snapshot"), of=lambda row: row["snapshot"][:8] or _("all")),
    Column("placed_at", N_("Since"), moment),
    Column("placed_by", N_("By")),
    Column("reference", N_("Document")),
    Column("reason", N_("Why")),
)


def hold(wish: PlaceHold) -> int:
    """Place a hold, or list those that are there; gives the exit code."""
    if wish.list or wish.json:
        return show_holds(wish.site, as_json=wish.json)
    check_hold(wish)
    if not wish.site:
        raise WrongUseError(
            "the flag --{flag} must be given",
            next_step="`{program} {task} --help` lists all flags",
            flag="site",
            task="backup.hold",
        )
    estate = load_estate()
    title = title_of_known(estate, wish.site)
    wish = replace(wish, snapshot=_resolve(estate, wish))
    told = wish.snapshot[:8] or _("all snapshots, later ones too")
    write_line(f"{wish.site} · {title} · {told}")
    if wish.dry_run:
        write_line("  " + _("would be held: {reference}"), reference=wish.reference)
        return 0
    with at_bench(estate) as bench:
        origin = replace(bench.origin, reason=wish.reason, document=wish.reference)
        with bench.catalog.writing() as session:
            placed = place_hold(session, origin, wish, now=datetime.now(UTC)).id
    write_line("  " + _("held; the hold is {hold}"), hold=format_id(placed))
    return 0


def show_holds(name: str, *, as_json: bool) -> int:
    """Write the holds in force, of one site or of all; as JSON those released too. Gives 0."""
    estate = load_estate()
    with at_bench(estate) as bench, bench.catalog.reading() as session:
        holds = list_holds(session, name, released_too=as_json)
        items = [columns_of(it) for it in holds]
    write_list(HOLDS, items, as_json=as_json, zone=estate.organisation.timezone)
    return 0


def release(wish: Release) -> int:
    """Release a hold with a second person's approval; gives the exit code."""
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            hold = find_hold(session, wish.hold)
        refuse_released(hold)
        what = hold.snapshot[:8] or _("all snapshots, later ones too")
        write_line(f"{hold.site} · {what} · {hold.reference}")

        def record(session: Session, agreed: Agreed) -> list[Entry]:
            origin, now = agreed.bench.origin, datetime.now(UTC)
            return [release_hold(session, origin, hold.id, agreed.permit, wish.reason, now)]

        if ask_second_person(bench, wish_release(hold, wish.reason), record):
            write_line("  " + _("released; retention decides again"))
    return 0


def _resolve(estate: Estate, wish: PlaceHold) -> str:
    if not wish.snapshot:
        return ""
    return find_snapshot(open_repository(estate, wish.site), wish.snapshot).id
