"""Place, list and release holds for a person at a terminal."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from backup.snapshots.selection import find_snapshot
from ops.catalog.retention_records import Hold
from ops.errors import WrongUseError
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.jobs.by_hand import Bench, at_bench
from ops.jobs.repositories import open_repository
from ops.jobs.second_person import ask_second_person, refuse_alone
from ops.jobs.vanished import title_of_known
from ops.people.approvals import Permit
from ops.present import format_moment, write_json, write_line, write_table
from ops.retention.holds import (
    RELEASE,
    HoldWish,
    check_hold,
    find_hold,
    list_holds,
    place_hold,
    refuse_released,
    release_hold,
    wish_release,
)
from ops.text import _


def place(wish: HoldWish, *, dry_run: bool) -> int:
    """Place a hold; gives the exit code."""
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
    if dry_run:
        write_line("  " + _("would be held: {reference}").format(reference=wish.reference))
        return 0
    with at_bench(estate) as bench:
        origin = replace(bench.origin, reason=wish.reason, document=wish.reference)
        with bench.catalog.writing() as session:
            hold = place_hold(session, origin, wish, now=datetime.now(UTC)).id
    write_line("  " + _("held; the hold is {hold}").format(hold=hold))
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


def release(wanted: str, reason: str, *, dry_run: bool) -> int:
    """Release a hold with a second person's approval; gives the exit code."""
    with at_bench(load_estate(), dry_run=dry_run) as bench:
        with bench.catalog.reading() as session:
            hold = find_hold(session, wanted)
        refuse_released(hold)
        what = hold.snapshot[:8] or _("all snapshots, later ones too")
        write_line(f"{hold.site} · {what} · {hold.reference}")
        refuse_alone(bench, RELEASE)
        permit = _release(bench, hold, reason, dry_run=dry_run)
    if permit is None:
        return 0
    write_line("  " + _("released; retention decides again"))
    return 0


def _release(bench: Bench, hold: Hold, reason: str, *, dry_run: bool) -> Permit | None:
    origin = replace(bench.origin, reason=reason)

    def act(session: Session, permit: Permit) -> None:
        release_hold(session, origin, hold.id, permit, reason, datetime.now(UTC))

    asking = replace(bench, origin=origin)
    return ask_second_person(asking, wish_release(hold, reason), dry_run=dry_run, act=act)


def _resolve(estate: Estate, wish: HoldWish) -> str:
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
        str(hold.id),
        hold.site,
        hold.snapshot[:8] or _("all"),
        format_moment(hold.placed_at, zone),
        hold.placed_by,
        hold.reference,
        hold.reason,
    ]
