"""Look for malware for a person at a terminal, and say what came of it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from backup.errors import BackupError
from backup.progress import Progress
from backup.snapshots.walk import TreeReader
from ops.errors import OpsError
from ops.estate.load import load_estate
from ops.estate.stores import Store
from ops.jobs.by_hand import Bench, at_bench, run_by_hand
from ops.jobs.choosing import choose_sites
from ops.jobs.definitions import scan_job
from ops.jobs.looking import choose_snapshot
from ops.jobs.reading_lock import hold_reading_lock
from ops.jobs.repositories import open_repository
from ops.jobs.running import write_outcome
from ops.jobs.scanning import scan_copy
from ops.ledger.definitions import JobResult
from ops.malware.clamscan import find_scanner
from ops.malware.looking import gather
from ops.malware.signatures import read_signatures
from ops.malware.telling import tell_reason
from ops.present import format_moment, format_number, format_size, write_json, write_line
from ops.tasks.gravest import EXIT_CODES, INCOMPLETE, gravest
from ops.tasks.running import report
from ops.text import _

_EXIT_CODES = {**EXIT_CODES, "not_checked": INCOMPLETE}
_NO_WAIT = timedelta(0)
_MOST_SHOWN = 50


def scan_sites(
    name: str, progress: Progress, *, snapshot: str, store: str, as_json: bool, dry_run: bool
) -> int:
    """Look through one site's copy, or those of all sites; gives the exit code.

    Args:
        name: Name of the site; empty for all.
        progress: Told of it.
        snapshot: Beginning of an id; empty for the newest.
        store: Name of the store; empty for the primary.
        as_json: Write the results as one JSON object, by site.
        dry_run: Say only what would be looked through.
    """
    estate = load_estate()
    place = estate.store(store) if store else estate.primary_store
    results: dict[str, JobResult] = {}
    codes = []
    with at_bench(estate, dry_run=dry_run) as bench:
        for site in choose_sites(estate, name):
            try:
                if dry_run:
                    _rehearse(bench, site.name, place, snapshot)
                    continue
                result = _scan(bench, site.name, place, snapshot, progress)
            except (BackupError, OpsError) as error:
                codes.append(report(error))
                continue
            results[site.name] = result
            codes.append(_EXIT_CODES[result.outcome])
            if not as_json:
                _write(site.name, place, result, estate.organisation.timezone)
    if as_json and not dry_run:
        write_json({site: asdict(result) for site, result in results.items()})
    return gravest(codes)


def _scan(bench: Bench, site: str, place: Store, snapshot: str, progress: Progress) -> JobResult:
    is_primary = place.role == "primary"
    arguments = {
        **({} if is_primary else {"store": place.name}),
        **({"snapshot": snapshot} if snapshot else {}),
    }
    job = scan_job(site, "" if is_primary else place.name)
    work = partial(scan_copy, progress=progress, wait_for_lock=_NO_WAIT)
    return run_by_hand(bench, work, job=job, kind="scan", site=site, arguments=arguments)


def _rehearse(bench: Bench, site: str, place: Store, snapshot: str) -> None:
    """Say what would be looked through, and by what; writes nothing but a lock."""
    estate = bench.estate
    signatures = read_signatures(estate.security.clamav_database)
    scanner = find_scanner(signatures.path)
    repository = open_repository(estate, site, place)
    with hold_reading_lock(repository):
        chosen = choose_snapshot(repository, estate, site, wanted=snapshot)
        contents = gather(TreeReader(repository, repository.load_index()), chosen.tree)
    fitting = [it for it in contents if it.node.size <= scanner.largest_bytes]
    text = _(
        "{site} · {store} · {snapshot}: would look through {files} files, {size};"
        " too large: {large}"
    )
    write_line(
        text.format(
            site=site,
            store=place.name,
            snapshot=chosen.short_id,
            files=format_number(sum(len(it.paths) for it in fitting)),
            size=format_size(sum(it.node.size for it in fitting)),
            large=format_number(len(contents) - len(fitting)),
        )
    )


def _write(site: str, place: Store, result: JobResult, zone: str) -> None:
    summary = result.summary
    if "snapshot" in summary:
        write_line(f"{site} · {place.name} · {summary['snapshot'][:8]}")
        _write_numbers(summary, zone)
        for found in summary["infected"]:
            write_line(f"  {found['signature']}: {found['path']}")
        for skipped in summary["not_checked"][:_MOST_SHOWN]:
            write_line("  " + _("not checked: {path} ({reason})").format(
                path=skipped["path"], reason=tell_reason(skipped["reason"])
            ))  # fmt: skip
        more = summary["not_checked_count"] - _MOST_SHOWN
        if more > 0:
            write_line("  " + _("and {count} more, in the record").format(count=more))
    write_outcome(result, job=scan_job(site), site=site)


def _write_numbers(summary: Mapping[str, Any], zone: str) -> None:
    text = _("looked through {files} files, {size}; {tool}, {database} of {moment}")
    write_line(
        "  "
        + text.format(
            files=format_number(summary["files"]),
            size=format_size(summary["scanned_bytes"]),
            tool=summary["tool"],
            database=summary["database"],
            moment=format_moment(datetime.fromisoformat(summary["database_at"]), zone),
        )
    )
