"""Archive now, for a person at a terminal: items, pages, or both."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from archive.errors import ArchiveError
from backup.progress import Progress
from ops.access.session import at_bench
from ops.archives.job import capture_site, wanted_of
from ops.archives.kind import CAPTURE, PAGE_CAPTURE, archive_job, pages_job
from ops.archives.pages import capture_pages, web_of
from ops.archives.tasks import Capture
from ops.archives.wording import tell_left
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.archive import SQL_CONNECTORS
from ops.estate.model.sites import Site
from ops.jobs.run_now import Work, run_by_hand
from ops.language.formats import format_number, format_size
from ops.language.text import _
from ops.outcomes import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_json, write_line
from ops.terminal.progress import shown_progress

_NO_WAIT = timedelta(0)


def capture(wish: Capture) -> int:
    """Archive one site, or all that the estate archives; gives the exit code."""
    estate = load_estate()
    sites = [it for it in choose_sites(estate, wish.site) if wish.site or it.archive]
    codes: list[int] = []
    results: list[dict[str, Any]] = []
    with shown_progress() as progress, at_bench(estate, dry_run=wish.dry_run) as bench:
        for site in sites:
            for plan in _plans(site, wish, progress):
                if wish.dry_run:
                    results.append({"site": site.name, "kind": plan.kind, "plan": plan.told})
                    if not wish.json:
                        write_line(plan.told)
                    continue
                with noting(codes, ArchiveError):
                    result = run_by_hand(
                        bench,
                        plan.work,
                        job=plan.job,
                        kind=plan.kind,
                        site=site.name,
                        arguments={"accept_gone": True} if wish.accept_gone else {},
                    )
                    codes.append(EXIT_CODES[result.outcome])
                    results.append({"site": site.name, "kind": plan.kind, **asdict(result)})
                    if not wish.json:
                        plan.write(site.name, result)
                        write_outcome(result, job=plan.job, site=site.name)
    if wish.json:
        write_json(results)
    return gravest(codes)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A job of a site, how it is done and how its result is told."""

    job: str
    kind: str
    work: Work
    told: str
    write: Callable[[str, JobResult], None]


def _plans(site: Site, wish: Capture, progress: Progress) -> Iterator[_Plan]:
    """Give what is done of a site, items first.

    Raises:
        WrongUseError: Nothing of it is archived, or its pages are not and were asked for.
    """
    wanted = wanted_of(site)
    if wish.items or not wish.web:
        from_backup = _("{site}: would archive with {connector}, from the newest backup")
        from_site = _("{site}: would archive with {connector}, from the site itself")
        text = from_backup if wanted.connector in SQL_CONNECTORS else from_site
        told = text.format(site=site.name, connector=wanted.connector)
        work = partial(capture_site, progress=progress, wait_for_lock=_NO_WAIT)
        yield _Plan(archive_job(site.name), CAPTURE.name, work, told, _write_captured)
    only_web = wish.web and not wish.items
    if only_web or (wanted.web and (wish.web or not wish.items)):
        web = web_of(site)
        told = _("{site}: would capture the pages of {url}, {count} requests a minute").format(
            site=site.name, url=site.url, count=format_number(web.pages_a_minute)
        )
        work = partial(capture_pages, progress=progress)
        yield _Plan(pages_job(site.name), PAGE_CAPTURE.name, work, told, _write_pages)


def _write_captured(site: str, result: JobResult) -> None:
    summary = result.summary
    text = _(
        "{site}: {seen} items on the portal; {new} new, {changed} changed, {unchanged} as before,"
        " {withdrawn} gone; {size}"
    )
    write_line(
        text.format(
            site=site,
            size=format_size(summary["bytes"]),
            **{
                it: format_number(summary[it])
                for it in ("seen", "new", "changed", "unchanged", "withdrawn")
            },
        )
    )


def _write_pages(site: str, result: JobResult) -> None:
    summary = result.summary
    text = _("{site}: {requests} answers captured, {revisits} of them as before; {size}")
    counts = {it: format_number(summary[it]) for it in ("requests", "revisits")}
    write_line(text.format(site=site, size=format_size(summary["size"]), **counts))
    if summary["left"]:
        named = ", ".join(
            f"{tell_left(reason)}: {format_number(count)}"
            for reason, count in sorted(summary["left"].items())
        )
        write_line(_("  left out: {named}").format(named=named))
