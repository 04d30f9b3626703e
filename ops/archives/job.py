"""Archive a site, by itself or by hand.

Order:

1. The roots are made on first use; the newest whole backup is chosen and kept from being pruned.
2. The connector's questions are asked of it in the sandbox (`ops.archives.portal`).
3. Items are kept (`ops.archives.keep`): durable, read back, indexed, journaled, batch by batch.
4. The plain copies get what is new, and it is read back there.
5. The caller records the result.

Feeds and sitemaps are read from the site itself (`ops.archives.lists`), in place of 1 and 2.

Killed at any point, what was kept stays, and the next run goes on with the rest.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from archive.capture.connectors import find_connector
from archive.errors import ArchiveError
from backup.format.snapshot import Snapshot
from backup.progress import SILENT, Progress
from ops.archives.bench import set_up
from ops.archives.capture import Gone, capture_items, portal_of
from ops.archives.fixity import bring_up_to_date
from ops.archives.keep import Counts, keeping
from ops.archives.lists import capture_lists
from ops.archives.places import all_places, make_roots
from ops.archives.portal import Copy, PortalFiles, no_rows, portal_rows, root_of
from ops.archives.wording import as_cause
from ops.backups.repositories.moments import choose_state
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.run.job import back_up
from ops.errors import OpsError, WrongUseError
from ops.estate.model.archive import SQL_CONNECTORS, SiteArchive
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.jobs.run_now import begin
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult, Outcome
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
        copy = Copy(repository, snapshot, state.whole)
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
    context: RunContext,
    estate: Estate,
    site: Site,
    copy: Copy,
    progress: Progress,
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
