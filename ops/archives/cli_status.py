"""Say what is archived and whether it is intact, for a person at a terminal."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.archives.cli_counts import show_counts
from ops.archives.cli_fixity import tell_days
from ops.archives.kind import CAPTURE, PAGE_CAPTURE
from ops.archives.places import PRIVATE, Place, all_places, opened_index, own_places
from ops.archives.standing import Standing, read_standings
from ops.archives.tasks import Status
from ops.archives.wording import tell_refusal
from ops.catalog.tables.core import Run
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_moment, format_number, format_size
from ops.language.text import N_, _, fill, ngettext
from ops.schedule.kinds import JobKind
from ops.schedule.ledger.job import JobDefinition, schedule_of
from ops.schedule.occurrences import next_due
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import Cell, outcome_cell, write_json, write_line, write_table


def status(wish: Status) -> int:
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
    if wish.json:
        places = [
            {**asdict(it), "is_overdue": it.is_overdue(now), "is_lost": _is_lost(place, it)}
            for place, it in zip(all_places(estate), standings, strict=True)
        ]
        write_json(figures, places=places, runs=runs, pages=pages)
        return code
    _write_figures(estate, figures)
    _write_open_questions(figures)
    write_line()
    _write_places(estate, standings, now)
    _write_pages(pages, estate.organisation.timezone)
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
    infected = sum(it["infected"] for it in figures)
    if infected:
        text = N_(
            "{count} items carry malware, as the portal did: `{program} archive.show` names it"
        )
        write_line(fill(text, {"count": format_number(infected)}))


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
                it.name, _folder(places[it.name], it), format_number(it.objects),
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
    return text.format(age=tell_days((now - it.oldest_at).days), most=format_number(it.reread_days))


def _is_lost(place: Place, known: Standing) -> bool:
    """Say whether a root that was used is not in its folder."""
    return not place.is_there and bool(known.objects or known.checked_at)


def _folder(place: Place, known: Standing) -> Cell:
    if not _is_lost(place, known):
        return Cell(str(place.folder))
    return Cell(_("{folder}: not there").format(folder=place.folder), "bad")


def _write_run(site: str, run: Mapping[str, Any]) -> None:
    if not run:
        write_line(_("{site}: its items were never archived").format(site=site))
        return
    for key, why in run.get("refused", []):
        text = _("{site}: refused {key}: {why}")
        write_line(text.format(site=site, key=key, why=tell_refusal(why)))


def _write_pages(pages: list[dict[str, Any]], zone: str) -> None:
    if not pages:
        return
    write_line()
    write_table(
        (_("Pages of"), _("Last crawl"), _("Result"), _("Answers"), _("Lacks"), _("Malware"),
         _("Due next")),
        [
            [
                it["site"], _moment(it["at"], zone) or _("never"),
                outcome_cell(it["outcome"]) if it["at"] else "–",
                _("{count}, of them {revisits} as before").format(
                    count=format_number(it["answers"]), revisits=format_number(it["revisits"])
                ),
                _lacks(it), _malware(it), _moment(it["next"], zone) or _("only by hand"),
            ]
            for it in pages
        ],
    )  # fmt: skip


def _moment(text: str, zone: str) -> str:
    return format_moment(datetime.fromisoformat(text), zone) if text else ""


def _lacks(page: Mapping[str, Any]) -> Cell:
    texts = (
        ("failed", _("{count} without an answer")),
        ("left", _("{count} left out")),
        ("waiting", _("{count} wait for the next crawl")),
    )
    told = [text.format(count=format_number(page[name])) for name, text in texts if page[name]]
    is_bad = page["failed"] or page["waiting"]
    return Cell("; ".join(told) or "–", "warning" if is_bad else "plain")


def _malware(page: Mapping[str, Any]) -> Cell:
    scan = page["scan"]
    if scan.get("infected_count"):
        text = ngettext("{count} address with malware", "{count} addresses with malware",
                        scan["infected_count"])  # fmt: skip
        return Cell(text.format(count=format_number(scan["infected_count"])), "bad")
    if not scan.get("has_run"):
        return Cell(_("not checked") if page["at"] else "–", "warning" if page["at"] else "plain")
    if scan["not_checked"]:
        text = _("{count} not checked")
        return Cell(text.format(count=format_number(scan["not_checked"])), "warning")
    return Cell(_("none found"))
