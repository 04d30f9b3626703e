"""Place, list and release holds for a person at a terminal.

List what was deleted of a site: the deletion records.
"""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from backup.snapshots.selection import find_snapshot
from ops.access.approvals.ask import ask_second_person, refuse_alone
from ops.access.approvals.require import Permit
from ops.access.session import Bench, at_bench
from ops.backups.repositories.open import open_repository
from ops.backups.retention.deletion_records import list_deletions
from ops.backups.retention.holds import (
    RELEASE,
    check_hold,
    find_hold,
    list_holds,
    place_hold,
    refuse_released,
    release_hold,
    wish_release,
)
from ops.backups.retention.tasks import PlaceHold, Release
from ops.catalog.tables.retention import Deletion, Hold
from ops.errors import WrongUseError
from ops.estate.history.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_id, format_moment, format_number
from ops.language.text import _
from ops.terminal.output import Cell, write_json, write_line, write_table


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
        write_line("  " + _("would be held: {reference}").format(reference=wish.reference))
        return 0
    with at_bench(estate) as bench:
        origin = replace(bench.origin, reason=wish.reason, document=wish.reference)
        with bench.catalog.writing() as session:
            placed = place_hold(session, origin, wish, now=datetime.now(UTC)).id
    write_line("  " + _("held; the hold is {hold}").format(hold=format_id(placed)))
    return 0


def show_holds(name: str, *, as_json: bool) -> int:
    """Write the holds in force, of one site or of all; as JSON those released too. Gives 0."""
    estate = load_estate()
    with at_bench(estate) as bench, bench.catalog.reading() as session:
        holds = list_holds(session, name, released_too=as_json)
        if as_json:
            write_json([_as_values(it) for it in holds])
            return 0
        if not holds:
            write_line(_("Nothing is held."))
            return 0
        heads = [_("Hold"), _("Site"), _("Snapshot"), _("Since"), _("By"), _("Document"), _("Why")]
        write_table(heads, [_row(it, estate.organisation.timezone) for it in holds])
    return 0


def release(wish: Release) -> int:
    """Release a hold with a second person's approval; gives the exit code."""
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            hold = find_hold(session, wish.hold)
        refuse_released(hold)
        what = hold.snapshot[:8] or _("all snapshots, later ones too")
        write_line(f"{hold.site} · {what} · {hold.reference}")
        refuse_alone(bench, RELEASE)
        permit = _release(bench, hold, wish)
    if permit is None:
        return 0
    write_line("  " + _("released; retention decides again"))
    return 0


def _release(bench: Bench, hold: Hold, wish: Release) -> Permit | None:
    origin = replace(bench.origin, reason=wish.reason)

    def act(session: Session, permit: Permit) -> None:
        release_hold(session, origin, hold.id, permit, wish.reason, datetime.now(UTC))

    asking = replace(bench, origin=origin)
    asked = wish_release(hold, wish.reason)
    return ask_second_person(asking, asked, dry_run=wish.dry_run, act=act)


def _resolve(estate: Estate, wish: PlaceHold) -> str:
    if not wish.snapshot:
        return ""
    return find_snapshot(open_repository(estate, wish.site), wish.snapshot).id


def _as_values(hold: Hold) -> dict[str, object]:
    names = (
        "id", "site", "snapshot", "reason", "reference", "placed_at", "placed_by",
        "released_at", "released_by", "release_reason", "release_request",
    )  # fmt: skip
    values = {name: getattr(hold, name) for name in names}
    request = hold.release_request
    return {**values, "id": str(hold.id), "release_request": str(request) if request else None}


def _row(hold: Hold, zone: str) -> list[str]:
    return [
        format_id(hold.id),
        hold.site,
        hold.snapshot[:8] or _("all"),
        format_moment(hold.placed_at, zone),
        hold.placed_by,
        hold.reference,
        hold.reason,
    ]


_VALUES = (
    "id", "site", "store", "run", "rule", "basis", "planned", "removed", "plan_digest",
    "requested_by", "approved_by", "request", "reason", "planned_at", "ended_at",
)  # fmt: skip


def show_deletions(name: str, *, as_json: bool) -> None:
    """Write the deletion records of a site, oldest first."""
    estate = load_estate()
    with at_bench(estate) as bench, bench.catalog.reading() as session:
        deletions = list_deletions(session, name)
    if as_json:
        write_json([_values_of_deletion(it) for it in deletions])
        return
    if not deletions:
        write_line(_("Nothing was deleted so far."))
        return
    heads = [
        _("Planned"), _("Store"), _("Deleted"), _("By"), _("Ground"), _("Approved by"),
    ]  # fmt: skip
    rows = [_deletion_row(it, estate.organisation.timezone) for it in deletions]
    write_table(heads, rows, right=(2,))


def _values_of_deletion(deletion: Deletion) -> dict[str, object]:
    request = str(deletion.request) if deletion.request else None
    values = {name: getattr(deletion, name) for name in _VALUES}
    return {**values, "id": str(deletion.id), "request": request}


def _deletion_row(deletion: Deletion, zone: str) -> list[str | Cell]:
    counts = f"{format_number(len(deletion.removed))}/{format_number(len(deletion.planned))}"
    is_named = bool(deletion.rule.get("named"))
    return [
        format_moment(deletion.planned_at, zone),
        deletion.store,
        counts if deletion.ended_at else Cell(_("not ended"), "warning"),
        _("by name") if is_named else _("retention"),
        deletion.basis or "–",
        deletion.approved_by or "–",
    ]
