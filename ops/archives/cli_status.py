"""Say what is archived and whether it is intact; verify and heal it, for a person at a terminal."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.progress import SILENT, Progress
from ops.access.session import at_bench
from ops.archives.counting import show_counts
from ops.archives.fixity import check_archive
from ops.archives.kind import CAPTURE, FIXITY, FIXITY_JOB, PAGE_CAPTURE
from ops.archives.places import (
    PRIVATE,
    Place,
    Standing,
    all_places,
    opened_index,
    own_places,
    read_standings,
)
from ops.archives.tasks import ArchiveStatus, Repair, Verify
from ops.archives.wording import tell_refusal
from ops.catalog.tables.core import Run
from ops.errors import WrongUseError, unknown
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import ARCHIVE_SITE
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill, ngettext
from ops.outcomes import write_outcome
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition, JobResult, schedule_of
from ops.schedule.occurrences import next_due
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE
from ops.terminal.output import Cell, write_json, write_line
from ops.terminal.progress import shown_progress
from ops.terminal.view import Column, Row, View, day, moment, number, outcome, size, write_list


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


def status(wish: ArchiveStatus) -> int:
    """Say how the archive is, or what a year brought; the exit code is that of its last check."""
    if wish.counts or wish.year or wish.since or wish.until or wish.site:
        return show_counts(wish)
    estate = load_estate()
    now = datetime.now(UTC)
    figures: list[dict[str, Any]] = []
    for place in own_places(estate):
        if place.index is not None and place.index.exists():
            with opened_index(place, read_only=True) as index:
                figures += [{"place": place.name, **it} for it in index.figures()]
    with at_bench(estate, dry_run=True) as bench, bench.catalog.reading() as session:
        standings = read_standings(session, estate, now)
        runs = {
            site.name: _last(session, CAPTURE, site.name) for site in estate.sites if site.archive
        }
        pages = [_pages_of(session, it, now) for it in PAGE_CAPTURE.jobs(estate)]
    is_lost = any(map(_is_lost, all_places(estate), standings))
    is_bad = any(it.damaged or it.lacks or it.is_overdue(now) for it in standings)
    code = INCOMPLETE if is_lost or is_bad else 0
    places = [
        {**asdict(it), "is_overdue": it.is_overdue(now), "is_lost": _is_lost(place, it)}
        for place, it in zip(all_places(estate), standings, strict=True)
    ]
    if wish.json:
        write_json(figures, places=places, runs=runs, pages=pages)
        return code
    titles = {it.name: it.title or it.name for it in estate.classes}
    zone = estate.organisation.timezone
    write_list(KEPT, figures, as_json=False, beside={"class": partial(_class, titles)})
    _write_open_questions(figures)
    write_line()
    folders = {it.name: it.folder for it in all_places(estate)}
    beside = {"name": lambda row: f"{row['name']}: {folders[row['name']]}"}
    write_list(PLACES, places, as_json=False, zone=zone, beside=beside)
    if pages:
        write_line()
        write_list(PAGES, pages, as_json=False, zone=zone)
    for site, run in runs.items():
        _write_run(site, run)
    return code


def _last(session: Session, kind: JobKind, site: str) -> dict[str, Any]:
    run = session.execute(
        select(Run)
        .where(Run.kind == kind.name, Run.site == site, Run.outcome.is_not(None))
        .order_by(Run.started_at.desc())
        .limit(1)
    ).scalar_one_or_none()
    if run is None:
        return {}
    return {"at": run.started_at, "outcome": run.outcome, **(run.summary or {})}


def _pages_of(session: Session, job: JobDefinition, now: datetime) -> dict[str, Any]:
    """Give what is known of a site's captured pages: its last crawl, and when the next is due.

    `failed`, `left` and `waiting` are addresses: without an answer, left out by a rule, left to
    the next run. `scan` is what was looked through for malware; empty: nothing was.
    """
    run = _last(session, PAGE_CAPTURE, job.site)
    due = next_due(schedule_of(job), now)
    return {
        "site": job.site,
        "at": run["at"].isoformat() if run else "",
        "outcome": run.get("outcome", ""),
        "answers": run.get("requests", 0),
        "revisits": run.get("revisits", 0),
        "failed": run.get("failed", 0),
        "left": sum(run.get("left", {}).values()),
        "waiting": run.get("waiting", 0),
        "scan": run.get("scan", {}),
        "next": due.isoformat() if due else "",
    }


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
    infected = sum(it["infected"] for it in figures)
    if infected:
        text = N_(
            "{count} items carry malware, as the portal did: `{program} archive.show` names it"
        )
        write_line(fill(text, {"count": format_number(infected)}))


def _class(titles: Mapping[str, str], figure: Row) -> str:
    """Give a class's title; of the private root it says so."""
    title = titles.get(figure["class"], figure["class"])
    return _("{title}, private").format(title=title) if figure["place"] == PRIVATE else title


def _is_lost(place: Place, known: Standing) -> bool:
    """Say whether a root that was used is not in its folder."""
    return not place.is_there and bool(known.objects or known.checked_at)


def _write_run(site: str, run: Mapping[str, Any]) -> None:
    if not run:
        write_line(_("{site}: its items were never archived").format(site=site))
        return
    for key, why in run.get("refused", []):
        text = _("{site}: refused {key}: {why}")
        write_line(text.format(site=site, key=key, why=tell_refusal(why)))


def _place_state(row: Row) -> Cell:
    if row["is_lost"]:
        return Cell(_("lost"), "bad")
    if row["damaged"]:
        return Cell(_("damaged: {count}").format(count=len(row["damaged"])), "bad")
    if row["lacks"]:
        return Cell(_("lacks: {count}").format(count=row["lacks"]), "warning")
    if not row["checked_at"]:
        return Cell(_("not checked"), "warning")
    if row["is_overdue"]:
        text = _("late: not read for more than {days} days")
        return Cell(text.format(days=row["reread_days"]), "warning")
    return Cell(_("intact"), "good")


def _unread(row: Row) -> str | Cell:
    """Tell how old the oldest unverified byte is, and how old it may become."""
    if row["checked_at"] is None:
        return _("never read back")
    if row["oldest_at"] is None:
        return ""
    days = (datetime.now(UTC) - datetime.fromisoformat(row["oldest_at"])).days
    text = _("{age}, of {most} days at most")
    told = text.format(age=tell_days(days), most=format_number(row["reread_days"]))
    return Cell(told, "bad" if row["is_overdue"] else "plain")


def _lacks(page: Row) -> Cell:
    texts = (
        ("failed", _("{count} without an answer")),
        ("left", _("{count} left out")),
        ("waiting", _("{count} wait for the next crawl")),
    )
    told = [text.format(count=format_number(page[name])) for name, text in texts if page[name]]
    is_bad = page["failed"] or page["waiting"]
    return Cell("; ".join(told) or "–", "warning" if is_bad else "plain")


def _malware(page: Row) -> Cell:
    scan = page["scan"]
    if scan.get("infected_count"):
        text = ngettext(
            "{count} address with malware", "{count} addresses with malware", scan["infected_count"]
        )
        return Cell(text.format(count=format_number(scan["infected_count"])), "bad")
    if not scan.get("has_run"):
        return Cell(_("not checked") if page["at"] else "–", "warning" if page["at"] else "plain")
    if scan["not_checked"]:
        text = _("{count} not checked")
        return Cell(text.format(count=format_number(scan["not_checked"])), "warning")
    return Cell(_("none found"))


def _answers(page: Row) -> str:
    text = _("{count}, of them {revisits} as before")
    revisits = format_number(page["revisits"])
    return text.format(count=format_number(page["answers"]), revisits=revisits)


def _day(value: str, zone: str) -> str:
    return day(value[:10], zone)


KEPT = View(
    N_("nothing is archived yet: `{program} archive.capture`"),
    Column("site", N_("Site")),
    Column("class", N_("Class")),
    Column("items", N_("Items"), number),
    Column("withdrawn", N_("Gone"), number),
    Column("bytes", N_("Size"), size),
    Column("first", N_("First day"), _day),
    Column("last", N_("Last day"), _day),
    Column("unmapped", N_("No term yet"), number),
)
PLACES = View(
    "",
    Column("name", N_("Kept in")),
    Column("is_lost", N_("State"), of=_place_state),
    Column("objects", N_("Items"), number),
    Column("damaged", N_("Damaged"), damaged, of=lambda row: len(row["damaged"])),
    Column("lacks", N_("Lacks"), number),
    Column("oldest_at", N_("Longest unread"), of=_unread),
    Column("full_pass_at", N_("Read whole"), moment),
)
PAGES = View(
    "",
    Column("site", N_("Pages of"), link="/site?site={site}"),
    Column("at", N_("Last crawl"), moment, of=lambda row: row["at"] or Cell(_("never"))),
    Column("outcome", N_("Result"), outcome),
    Column("answers", N_("Answers"), of=_answers),
    Column("failed", N_("Lacks"), of=_lacks),
    Column("scan", N_("Malware"), of=_malware),
    Column("next", N_("Due next"), moment, of=lambda row: row["next"] or Cell(_("only by hand"))),
)
