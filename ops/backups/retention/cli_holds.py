"""Place, list and release holds for a person at a terminal.

List what was deleted of a site: the deletion records.
"""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from backup.snapshots.selection import find_snapshot
from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.session import at_bench
from ops.backups.repositories.open import open_repository
from ops.backups.retention.deletion_records import list_deletions
from ops.backups.retention.holds import (
    check_hold,
    find_hold,
    list_holds,
    place_hold,
    refuse_released,
    release_hold,
    wish_release,
)
from ops.backups.retention.tasks import PlaceHold, Release
from ops.catalog.columns import columns_of
from ops.errors import WrongUseError
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal.journal import Entry
from ops.language.formats import format_id, format_number
from ops.language.text import N_, _
from ops.terminal.output import Cell, write_line
from ops.terminal.view import Column, Row, View, moment, short_id, write_list

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


def _count_removed(row: Row) -> Cell:
    if not row["ended_at"]:
        return Cell(_("not ended"), "warning")
    return Cell("/".join(format_number(len(row[it])) for it in ("removed", "planned")))


DELETIONS = View(
    N_("Nothing was deleted so far."),
    Column("planned_at", N_("Planned"), moment),
    Column("store", N_("Store")),
    Column("removed", N_("Deleted"), of=_count_removed),
    Column(
        "rule",
        N_("By"),
        of=lambda row: _("by name") if row["rule"].get("named") else _("retention"),
    ),
    Column("basis", N_("Ground")),
    Column("approved_by", N_("Approved by")),
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


def show_deletions(name: str, *, as_json: bool) -> None:
    """Write the deletion records of a site, oldest first."""
    estate = load_estate()
    with at_bench(estate) as bench, bench.catalog.reading() as session:
        items = [columns_of(it) for it in list_deletions(session, name)]
    write_list(DELETIONS, items, as_json=as_json, zone=estate.organisation.timezone)
