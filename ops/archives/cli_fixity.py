"""Verify, heal and survey the archive, for a person at a terminal."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from backup.progress import SILENT, Progress
from ops.access.session import at_bench
from ops.archives.fixity import check_archive
from ops.archives.kind import FIXITY, FIXITY_JOB
from ops.archives.places import all_places
from ops.archives.standing import read_standings
from ops.archives.tasks import Repair, Verify
from ops.errors import WrongUseError, unknown
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _
from ops.outcomes import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE
from ops.terminal.output import Cell, write_json, write_line
from ops.terminal.progress import shown_progress
from ops.terminal.view import Column, Row, View, number, write_list


def _read(row: Row) -> str:
    return f"{format_number(row['read'])} · {format_size(row['bytes'])}"


def damaged(value: int, _zone: str) -> Cell:
    """Show how many objects are damaged."""
    return Cell(format_number(value), "bad" if value else "plain")


READ_BACK = View(
    N_("Nothing."),
    Column("place", N_("Kept in")),
    Column("items", N_("Items"), number),
    Column("read", N_("Read back"), of=_read),
    Column("damaged", N_("Damaged"), damaged),
    Column("copied", N_("Copied"), number),
    Column("oldest_days", N_("Longest unread"), lambda value, _zone: tell_days(value)),
)


def verify(wish: Verify) -> int:
    """Run the check now; gives the exit code."""
    estate = load_estate()
    names = [it.name for it in all_places(estate)]
    if wish.place and wish.place not in names:
        raise unknown('the archive has no place "{name}"', wish.place, names)
    if wish.dry_run:
        read = [name for name in names if wish.place in {name, ""}]
        if wish.json:
            write_json([{"place": name} for name in read])
        for name in () if wish.json else read:
            write_line(_("{place}: would be read back").format(place=name))
        return 0
    given = {"place": wish.place, "all": wish.all}
    with shown_progress() as progress:
        return _run(estate, given, progress, as_json=wish.json)


def repair(wish: Repair) -> int:
    """Heal what is known to be damaged; gives the exit code."""
    estate = load_estate()
    if wish.confirm not in {"", ARCHIVE_SITE}:
        raise WrongUseError(
            '"{given}" is not what was to be typed',
            next_step="`{program} archive.repair --confirm {name}`",
            given=wish.confirm,
            name=ARCHIVE_SITE,
        )
    with at_bench(estate, dry_run=True) as bench, bench.catalog.reading() as session:
        standings = read_standings(session, estate, datetime.now(UTC))
    damaged = [(it.name, path) for it in standings for path in it.damaged]
    if wish.dry_run or not damaged:
        _write_damaged(damaged, as_json=wish.json)
        return 0
    given = {"repair": True, "confirm": bool(wish.confirm)}
    return _run(estate, given, SILENT, as_json=wish.json)


def _write_damaged(damaged: list[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        write_json([{"place": name, "path": path} for name, path in damaged])
        return
    for name, path in damaged:
        write_line(f"{name}: {path}")
    text = _("{count} objects are known to be damaged")
    write_line(text.format(count=format_number(len(damaged))))


def _run(estate: Estate, arguments: Mapping[str, Any], progress: Progress, *, as_json: bool) -> int:
    with at_bench(estate) as bench:
        work = partial(check_archive, progress=progress)
        given = {name: value for name, value in arguments.items() if value}
        result = run_by_hand(
            bench, work, job=FIXITY_JOB, kind=FIXITY.name, site=ARCHIVE_SITE, arguments=given
        )
    if as_json:
        write_json([asdict(result)])
    else:
        _write(result)
    return {**EXIT_CODES, "not_checked": INCOMPLETE}[result.outcome]


def _write(result: JobResult) -> None:
    write_list(READ_BACK, result.summary["places"], as_json=False)
    if result.summary["repaired"]:
        text = _("{count} objects were healed from a copy that proved itself")
        write_line(text.format(count=format_number(result.summary["repaired"])))
    write_outcome(result, job=FIXITY_JOB, site=ARCHIVE_SITE)


def tell_days(days: int) -> str:
    """Say how many days ago something was."""
    return _("{count} days").format(count=format_number(days)) if days else _("today")
