"""Verify, heal and survey the archive, for a person at a terminal."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.progress import SILENT, Progress
from ops.access.session import at_bench
from ops.archives.fixity import check_archive
from ops.archives.kind import FIXITY, FIXITY_JOB
from ops.archives.places import PRIVATE, all_places, opened_index, own_places
from ops.archives.standing import Standing, read_standings
from ops.catalog.tables.core import Run
from ops.errors import WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.archive_site import ARCHIVE_SITE
from ops.estate.model.estate import Estate
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_date, format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes.output import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE
from ops.terminal.output import Cell, write_json, write_line, write_table


def verify(
    place: str, progress: Progress, *, everything: bool, as_json: bool, dry_run: bool
) -> int:
    """Run the check now; gives the exit code."""
    estate = load_estate()
    names = [it.name for it in all_places(estate)]
    if place and place not in names:
        raise WrongUseError(
            'the archive has no place "{name}"',
            why="it has: {known}",
            data="nothing was changed",
            next_step="name one of these with --place",
            name=place,
            known=", ".join(names),
        )
    if dry_run:
        for name in names:
            if place in {name, ""}:
                write_line(_("{place}: would be read back").format(place=name))
        return 0
    return _run(estate, {"place": place, "all": everything}, progress, as_json=as_json)


def repair(confirm: str, *, as_json: bool, dry_run: bool) -> int:
    """Heal what is known to be damaged; gives the exit code."""
    estate = load_estate()
    if confirm not in {"", ARCHIVE_SITE}:
        raise WrongUseError(
            '"{given}" is not what was to be typed',
            data="nothing was changed",
            next_step="`{program} archive.repair --confirm {name}`",
            given=confirm,
            name=ARCHIVE_SITE,
        )
    with at_bench(estate, dry_run=True) as bench, bench.catalog.reading() as session:
        standings = read_standings(session, estate, datetime.now(UTC))
    damaged = [(it.name, path) for it in standings for path in it.damaged]
    if dry_run or not damaged:
        for name, path in damaged:
            write_line(f"{name}: {path}")
        text = _("{count} objects are known to be damaged")
        write_line(text.format(count=format_number(len(damaged))))
        return 0
    return _run(estate, {"repair": True, "confirm": bool(confirm)}, SILENT, as_json=as_json)


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
    columns = (
        _("Kept in"), _("Items"), _("Read back"), _("Damaged"), _("Copied"), _("Longest unread"),
    )  # fmt: skip
    write_table(
        columns,
        [
            [
                it["place"], format_number(it["items"]),
                f"{format_number(it['read'])} · {format_size(it['bytes'])}",
                Cell(format_number(it["damaged"]), "bad" if it["damaged"] else "plain"),
                format_number(it["copied"]), _days(it["oldest_days"]),
            ]
            for it in result.summary["places"]
        ],
        right=(1, 3, 4),
    )  # fmt: skip
    if result.summary["repaired"]:
        text = _("{count} objects were healed from a copy that proved itself")
        write_line(text.format(count=format_number(result.summary["repaired"])))
    write_outcome(result, job=FIXITY_JOB, site=ARCHIVE_SITE)


def _days(days: int) -> str:
    return _("{count} days").format(count=format_number(days)) if days else _("today")


def status(*, as_json: bool) -> int:
    """Say how the archive is; the exit code is that of its last check."""
    estate = load_estate()
    now = datetime.now(UTC)
    figures: list[dict[str, Any]] = []
    for place in own_places(estate):
        if place.index is not None and place.index.exists():
            with opened_index(place, read_only=True) as index:
                figures += [{"place": place.name, **it} for it in index.figures()]
    with at_bench(estate, dry_run=True) as bench, bench.catalog.reading() as session:
        standings = read_standings(session, estate, now)
        runs = {site.name: _last(session, site.name) for site in estate.sites if site.archive}
    if as_json:
        places = [{**asdict(it), "is_overdue": it.is_overdue(now)} for it in standings]
        write_json(figures, places=places, runs=runs)
        return 0
    _write_figures(estate, figures)
    _write_open_questions(figures)
    write_line()
    _write_places(estate, standings, now)
    for site, run in runs.items():
        _write_run(site, run)
    is_bad = any(it.damaged or it.lacks or it.is_overdue(now) for it in standings)
    return INCOMPLETE if is_bad else 0


def _last(session: Session, site: str) -> dict[str, Any]:
    run = session.execute(
        select(Run)
        .where(Run.kind == "archive", Run.site == site, Run.outcome.is_not(None))
        .order_by(Run.started_at.desc())
        .limit(1)
    ).scalar_one_or_none()
    if run is None:
        return {}
    return {"at": run.started_at, "outcome": run.outcome, **(run.summary or {})}


def _write_figures(estate: Estate, figures: list[dict[str, Any]]) -> None:
    if not figures:
        write_line(fill(N_("nothing is archived yet: `{program} archive.capture`"), {}))
        return
    titles = {it.name: it.title or it.name for it in estate.classes}
    write_table(
        (_("Site"), _("Class"), _("Items"), _("Gone"), _("Size"), _("First day"), _("Last day"),
         _("No term yet")),
        [
            [
                it["site"], _class(titles, it), format_number(it["items"]),
                format_number(it["withdrawn"]), format_size(it["bytes"]), _day(it["first"]),
                _day(it["last"]), format_number(it["unmapped"]),
            ]
            for it in figures
        ],
        right=(2, 3, 4, 7),
    )  # fmt: skip


def _write_open_questions(figures: list[dict[str, Any]]) -> None:
    """Say what nobody has decided, or has looked at."""
    unmapped = [it for it in figures if it["unmapped"]]
    if unmapped:
        text = _(
            "{count} items have no retention row and are kept until somebody decides: {classes}"
        )
        names = sorted({it["class"] for it in unmapped})
        count = format_number(sum(it["unmapped"] for it in unmapped))
        write_line(text.format(count=count, classes=", ".join(names)))
    unscanned = sum(it["unscanned"] for it in figures)
    if unscanned:
        text = _("{count} items were not looked through for malware: no scanner could be used")
        write_line(text.format(count=format_number(unscanned)))


def _class(titles: Mapping[str, str], figure: Mapping[str, Any]) -> str:
    """Give a class's title; of the private root it says so."""
    title = titles.get(figure["class"], figure["class"])
    return _("{title}, private").format(title=title) if figure["place"] == PRIVATE else title


def _day(text: str | None) -> str:
    return datetime.fromisoformat(text).strftime("%d/%m/%Y") if text else "–"


def _write_places(estate: Estate, standings: list[Standing], now: datetime) -> None:
    places = {it.name: it for it in all_places(estate)}
    write_table(
        (_("Kept in"), _("Folder"), _("Items"), _("Damaged"), _("Lacks"), _("Longest unread"),
         _("Read whole")),
        [
            [
                it.name, str(places[it.name].folder), format_number(it.objects),
                Cell(format_number(len(it.damaged)), "bad" if it.damaged else "plain"),
                Cell(format_number(it.lacks), "warning" if it.lacks else "plain"),
                Cell(_tell_unread(it, now), "bad" if it.is_overdue(now) else "plain"),
                _local_day(estate, it.full_pass_at),
            ]
            for it in standings
        ],
        right=(2, 3, 4),
    )  # fmt: skip


def _local_day(estate: Estate, moment: datetime | None) -> str:
    return format_date(moment.astimezone(estate.zone).date()) if moment else "–"


def _tell_unread(it: Standing, now: datetime) -> str:
    """Tell how old the oldest unverified byte is, and how old it may become."""
    if it.checked_at is None:
        return _("never read back")
    if it.oldest_at is None:
        return "–"
    text = _("{age}, of {most} days at most")
    return text.format(age=_days((now - it.oldest_at).days), most=format_number(it.reread_days))


def _write_run(site: str, run: Mapping[str, Any]) -> None:
    if not run:
        write_line(_("{site}: never archived").format(site=site))
        return
    for key, why in run.get("refused", []):
        write_line(_("{site}: refused {key}: {why}").format(site=site, key=key, why=_(why)))
