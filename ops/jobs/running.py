"""Back up and check sites for a person at a terminal, and say what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from backup.errors import BackupError
from backup.progress import Progress
from ops.errors import OpsError
from ops.estate.load import load_estate
from ops.estate.own_site import OWN_SITE
from ops.estate.sites import Site
from ops.estate.stores import Store
from ops.jobs.after_backup import ask_for_copies, jobs_from
from ops.jobs.backup import back_up, rehearse
from ops.jobs.beginning import Start
from ops.jobs.by_hand import Bench, at_bench, run_by_hand
from ops.jobs.check import ReadData, check
from ops.jobs.choosing import choose_sites, choose_stores
from ops.jobs.definitions import backup_job, check_job
from ops.jobs.indexing import was_seen
from ops.jobs.reasons import advise_on_faults, explain, tell_fault
from ops.jobs.watch_telling import write_watch
from ops.ledger.definitions import JobResult
from ops.pages.telling import list_remarks, write_pages
from ops.present import (
    Cell,
    format_duration,
    format_number,
    format_size,
    outcome_cell,
    write_json,
    write_line,
    write_table,
)
from ops.sites import Reading
from ops.tasks.gravest import EXIT_CODES, gravest
from ops.tasks.running import report
from ops.text import LABELS, _

_NO_WAIT = timedelta(0)


def run_site(
    name: str,
    progress: Progress,
    *,
    database: str = "",
    full_read: bool = False,
    accept_size: bool = False,
    as_json: bool = False,
) -> int:
    """Back up one site and write the result; gives the exit code."""
    estate = load_estate()
    site = estate.site(name)
    with at_bench(estate) as bench:
        if not as_json:
            write_line(f"{site.name} · {site.title} → {estate.primary_store.name}")
        arguments = _arguments(database, full_read=full_read, accept_size=accept_size)
        result = _back_up(bench, site, progress, arguments)
        if result.outcome in {"ok", "incomplete"} and site.name != OWN_SITE:
            with bench.catalog.writing() as session:
                names = jobs_from(estate, site.name, estate.primary_store.name)
                ask_for_copies(session, estate, site.name, names, bench.origin)
    if as_json:
        write_json({"site": site.name, **asdict(result)})
    else:
        write_backup(site.name, result)
    return EXIT_CODES[result.outcome]


def _arguments(database: str, *, full_read: bool, accept_size: bool) -> dict[str, Any]:
    """Give the arguments of `ops.jobs.backup.back_up`; what was not asked for is left out."""
    asked = {"database": database, "full_read": full_read, "accept_size": accept_size}
    return {name: value for name, value in asked.items() if value}


def _back_up(
    bench: Bench, site: Site, progress: Progress, arguments: Mapping[str, Any]
) -> JobResult:
    job = backup_job(site.name)
    if "database" in arguments:
        job = f"backup-database/{site.name}/{arguments['database']}"
    if "full_read" in arguments:
        job = f"full-read/{site.name}"
    work = partial(back_up, progress=progress, wait_for_lock=_NO_WAIT)
    return run_by_hand(bench, work, job=job, kind="backup", site=site.name, arguments=arguments)


def run_all_sites(progress: Progress, *, dry_run: bool) -> int:
    """Back up all sites and write a line for each; gives the gravest exit code."""
    estate = load_estate()
    codes = []
    for site in choose_sites(estate, ""):
        try:
            codes.append(
                rehearse_site(site.name, progress, as_json=False)
                if dry_run
                else run_site(site.name, progress)
            )
        except (BackupError, OpsError, OSError) as error:
            codes.append(report(error))
        write_line()
    good = sum(code == 0 for code in codes)
    write_line(
        _("{good} of {count} sites are backed up.").format(good=good, count=len(codes))
        if not dry_run
        else _("Nothing was stored: this was a rehearsal.")
    )
    return gravest(codes)


def rehearse_site(name: str, progress: Progress, *, as_json: bool) -> int:
    """Read a site as a backup would, store nothing, and write what would be stored."""
    estate = load_estate()
    site = estate.site(name)
    result, reading = rehearse(Start(estate, "", site), progress)
    numbers = result.summary
    if as_json:
        missing = [{"path": path, "reason": reason} for path, reason in reading.missing]
        write_json({"site": name, "outcome": result.outcome, "summary": numbers,
                    "missing": missing})  # fmt: skip
        return EXIT_CODES[result.outcome]
    write_line(f"{site.name} · {site.title} → {estate.primary_store.name}")
    parts = {report.at.decode()[len(name) + 2 :]: report.bytes for report in result.mounts[:-1]}
    _write_parts(parts, _rows(reading))
    write_line(
        _("would read {files} files, {size}; would store {added} ({packed} packed)").format(
            files=format_number(int(str(numbers["total_files_processed"]))),
            size=format_size(int(str(numbers["total_bytes_processed"]))),
            added=format_size(int(str(numbers["data_added"]))),
            packed=format_size(int(str(numbers["data_added_packed"]))),
        )
    )
    write_pages(list_remarks(reading.pages))
    return EXIT_CODES[result.outcome]


def _rows(reading: Reading) -> dict[str, int]:
    return {
        it.part.name: sum(count or 0 for count in it.facts.tables.values())
        for it in reading.databases
        if it.facts is not None
    }


def write_backup(site: str, result: JobResult) -> None:
    """Write what a backup did, for people."""
    summary = result.summary
    _write_parts(summary["parts"], summary["rows"])
    text = _(
        "  snapshot {snapshot}: {files} files, {size}; stored {added} new ({packed} packed) in"
        " {duration}"
    )
    write_line(
        text.format(
            snapshot=str(summary["snapshot"])[:8],
            files=format_number(summary["files"]),
            size=format_size(summary["processed_bytes"]),
            added=format_size(summary["added_bytes"]),
            packed=format_size(summary["added_packed_bytes"]),
            duration=format_duration(timedelta(seconds=summary["seconds"])),
        )
    )
    waiting = [name for name, outcome in summary["stores"].items() if outcome == "waiting"]
    if waiting:
        text = _("  still to be brought up to date: {stores}; the service does it next")
        write_line(text.format(stores=", ".join(waiting)))
    if summary["not_consistent"]:
        text = _("  not consistent: {databases}; tables without transactions were not locked")
        write_line(text.format(databases=", ".join(summary["not_consistent"])))
    if summary.get("without_history"):
        text = _("  present rows only: {databases}; tables there keep a history that is not copied")
        write_line(text.format(databases=", ".join(summary["without_history"])))
    write_pages(summary.get("pages", ()))
    write_watch(site, summary)
    write_outcome(result, job=backup_job(site), site=site)


def write_outcome(result: JobResult, *, job: str, site: str) -> None:
    """Write how a run ended; what is not plainly good is explained."""
    cell = outcome_cell(result.outcome)
    write_line(f"  {cell.text}")
    if not result.reason:
        return
    found = explain(result.reason, result.params, job=job, site=site)
    write_line(f"  {found.what}")
    parts = (("why", found.why), ("data", found.data), ("next_step", found.next_step))
    for label, text in parts:
        if text:
            write_line(f"    {_(LABELS[label])}: {text}")


def _write_parts(parts: dict[str, int], rows: dict[str, int]) -> None:
    width = max((len(part) for part in parts), default=0)
    for part, size in parts.items():
        line = f"  {part:{width}}  {format_size(size):>11}"
        name = part.removeprefix("databases/").removesuffix(".sqlite").removesuffix(".sql")
        if part.startswith("databases/") and name in rows:
            line += "  " + _("{rows} rows").format(rows=format_number(rows[name]))
        write_line(line)


def check_sites(
    name: str, progress: Progress, wanted: ReadData, *, as_json: bool, store: str = ""
) -> int:
    """Check one site's repositories or all, and write what was found; gives the exit code.

    Args:
        name: Name of the site; empty for all.
        progress: Told of it.
        wanted: Whether to read no pack back, the day's share, or all.
        as_json: Write JSON: by site; other stores than the primary stand below `stores` there.
        store: Name of one store; empty for all that are there.
    """
    estate = load_estate()
    results: dict[tuple[str, str], JobResult] = {}
    codes = []
    with at_bench(estate) as bench:
        for site in choose_sites(estate, name):
            for place in choose_stores(estate, store):
                if place.role != "primary" and not (
                    store or was_seen(bench.catalog, site.name, place.name)
                ):
                    continue
                try:
                    result = _check_at(bench, site.name, place, progress, wanted)
                except (BackupError, OpsError) as error:
                    codes.append(report(error))
                    continue
                results[site.name, place.name] = result
                codes.append(EXIT_CODES[result.outcome])
    if as_json:
        write_json(_as_values(results, estate.primary_store.name))
    else:
        _write_checks(results)
    return gravest(codes)


def _check_at(
    bench: Bench, site: str, place: Store, progress: Progress, wanted: ReadData
) -> JobResult:
    is_primary = place.role == "primary"
    work = partial(check, progress=progress, wait_for_lock=_NO_WAIT)
    arguments = {"read_data": wanted, **({} if is_primary else {"store": place.name})}
    job = check_job(site, "" if is_primary else place.name)
    return run_by_hand(bench, work, job=job, kind="check", site=site, arguments=arguments)


def _as_values(results: Mapping[tuple[str, str], JobResult], primary: str) -> dict[str, Any]:
    """Give results by site; those of other stores stand below `stores` of their site."""
    values: dict[str, Any] = {}
    for (site, store), result in results.items():
        if store == primary:
            values.setdefault(site, {}).update(asdict(result))
        else:
            values.setdefault(site, {}).setdefault("stores", {})[store] = asdict(result)
    return values


def _write_checks(results: Mapping[tuple[str, str], JobResult]) -> None:
    if results:
        heads = [_("Site"), _("Store"), _("Result"), _("Snapshots"), _("Packs"), _("Read back"),
                 _("Took")]  # fmt: skip
        rows = [_check_row(site, store, result) for (site, store), result in results.items()]
        write_table(heads, rows, right=(3, 4, 5))
    for (site, store), result in results.items():
        findings = result.params.get("first", ())
        for finding in findings:
            write_line(f"  {site} ({store}): {tell_fault(finding)}")
        for advice in advise_on_faults(findings, site):
            write_line(f"  {_(LABELS['next_step'])}: {advice}")
        if result.reason:
            write_outcome(result, job=check_job(site), site=site)


def _check_row(site: str, store: str, result: JobResult) -> Sequence[str | Cell]:
    summary = result.summary
    read = format_size(summary["bytes_read"]) if summary["packs_read"] else _("not checked")
    if summary["every_pack_read"] and summary["packs_read"]:
        read = _("all, {size}").format(size=read)
    return (
        site,
        store,
        outcome_cell(result.outcome),
        format_number(summary["snapshots"]),
        format_number(summary["packs"]),
        read,
        format_duration(timedelta(seconds=summary["seconds"])),
    )
