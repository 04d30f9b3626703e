"""Archive a site, by itself or by hand: items, pages, or both.

Order:

1. The roots are made on first use; the newest whole backup is chosen and kept from being pruned.
2. The connector's questions are asked of it in the sandbox (`ops.archives.portal`).
3. Items are kept (`ops.archives.keep`): durable, read back, indexed, journaled, batch by batch.
4. The plain copies get what is new, and it is read back there.
5. The caller records the result.

Feeds and sitemaps are read from the site itself (`ops.archives.lists`), in place of 1 and 2.

Killed at any point, what was kept stays, and the next run goes on with the rest.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from archive.capture.connectors import find_connector
from archive.errors import ArchiveError
from backup.format.snapshot import Snapshot
from backup.progress import SILENT, Progress
from ops.access.session import at_bench
from ops.archives.bench import set_up
from ops.archives.capture import Gone, capture_items, portal_of
from ops.archives.fixity import bring_up_to_date
from ops.archives.keep import Counts, keeping
from ops.archives.kind import CAPTURE, PAGE_CAPTURE, archive_job, pages_job
from ops.archives.lists import capture_lists
from ops.archives.pages import capture_pages, web_of
from ops.archives.places import all_places, make_roots
from ops.archives.portal import PortalCopy, PortalFiles, no_rows, portal_rows, root_of
from ops.archives.tasks import Capture
from ops.archives.wording import as_cause, tell_left
from ops.backups.repositories.moments import choose_state
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.run.job import back_up
from ops.errors import OpsError, WrongUseError
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.archive import SQL_CONNECTORS, SiteArchive
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.jobs.run_now import Work, begin, run_by_hand
from ops.language.formats import format_number, format_size
from ops.language.text import _
from ops.outcomes import write_outcome
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult, Outcome
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_json, write_line
from ops.terminal.progress import shown_progress
from ops.version import software_version

_NAMED = 5


def capture_site(
    context: RunContext,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = timedelta(minutes=10),
) -> JobResult:
    """Run it; the caller holds the site's lock.

    Arguments in the context: `accept_gone` believes that items are gone, however many.
    """
    estate, _version, site = begin(context)
    wanted = wanted_of(site)
    make_roots(estate, context.catalog)
    if wanted.connector not in SQL_CONNECTORS:
        counts, gone = capture_lists(context, estate, site, wanted, progress)
        lost = _copy(context, estate, progress)
        return conclude(wanted, counts, gone, None, site.name, lost)
    part = wanted.part or site.databases[0].name
    if wanted.origin == "live":
        saved = replace(context, arguments={"database": part})
        back_up(saved, progress, wait_for_lock=wait_for_lock)
    repository = open_repository(estate, site.name)
    with hold_reading_lock(repository, retry_for=wait_for_lock):
        state = choose_state(repository, estate, site.name, databases=[part])
        snapshot = state.of(part)
        if snapshot is None:
            raise no_rows(site.name, part)
        copy = PortalCopy(repository, snapshot, state.whole)
        counts, gone = _capture(context, estate, site, copy, progress)
    lost = _copy(context, estate, progress)
    return conclude(wanted, counts, gone, snapshot, site.name, lost)


def wanted_of(site: Site) -> SiteArchive:
    """Give what of a site is archived."""
    if site.archive is None:
        raise WrongUseError(
            "nothing of {site} is archived",
            why="the estate has no `[sites.archive]` for it",
            next_step="write `[sites.archive]` with the `connector` that fits",
            site=site.name,
        )
    return site.archive


def _capture(
    context: RunContext, estate: Estate, site: Site, copy: PortalCopy, progress: Progress
) -> tuple[Counts, Gone]:
    wanted = wanted_of(site)
    mapping = wanted.mapping.read_text(encoding="utf-8") if wanted.mapping else ""
    connector = find_connector(wanted.connector, mapping)
    portal = portal_of(estate, site, wanted, copy.rows.time)
    with portal_rows(estate, site, wanted, copy, progress) as (rows, folder):
        files = None
        if copy.files is not None:
            files = PortalFiles(copy.repository, copy.files, root_of(site, wanted), folder)
        with keeping(context, estate, set_up(estate), f"giucong {software_version()}") as keeper:
            accepts = bool(context.arguments.get("accept_gone"))
            progress.start("archive items", None, "items")
            gone = capture_items(connector, rows, portal, files, keeper, progress, accepts=accepts)
        progress.finish()
        return keeper.counts, gone


def _copy(context: RunContext, estate: Estate, progress: Progress) -> dict[str, Any]:
    """Bring the plain copies up to date; gives why one could not be, by name."""
    lost: dict[str, Any] = {}
    for place in all_places(estate):
        if place.index is not None:
            continue
        try:
            bring_up_to_date(estate, context.catalog, place, progress)
        except (ArchiveError, OpsError) as error:
            lost[place.name] = as_cause(error)
    return lost


def conclude(
    wanted: SiteArchive,
    counts: Counts,
    gone: Gone,
    snapshot: Snapshot | None,
    site: str,
    lost: Mapping[str, Any],
) -> JobResult:
    """Give the result of a capture; pure."""
    summary: dict[str, Any] = {
        **asdict(counts),
        "connector": wanted.connector,
        "snapshot": snapshot.id if snapshot else "",
        "taken_at": (snapshot.time if snapshot else datetime.now(UTC)).astimezone(UTC).isoformat(),
        "gone": gone.count,
        "copies_lost": dict(lost),
        "captured_at": datetime.now(UTC).isoformat(),
    }
    for name in ("refused", "left_out"):
        summary[name] = [list(it) for it in summary[name]]
    found = partial(_result, summary, site)
    if not gone.believed:
        return found("incomplete", "archive_many_gone", {"count": gone.count})
    if counts.refused_count:
        named = [f"{key}: {why}" for key, why in counts.refused[:_NAMED]]
        return found(
            "incomplete", "archive_refused", {"count": counts.refused_count, "first": named}
        )
    if counts.left_out_count:
        named = [f"{key}: {why}" for key, why in counts.left_out[:_NAMED]]
        return found(
            "incomplete", "archive_files_left_out", {"count": counts.left_out_count, "first": named}
        )
    if not counts.seen:
        return found("incomplete", "archive_nothing_seen", {})
    for place, why in lost.items():
        return found("incomplete", "archive_place_lost", {"place": place, "why": why})
    return JobResult("ok", summary=summary)


def _result(
    summary: Mapping[str, Any], site: str, outcome: Outcome, reason: str, params: dict[str, Any]
) -> JobResult:
    return JobResult(outcome, reason, {**params, "site": site}, dict(summary))


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
