"""Back up sites for a person at a terminal, and say what came of it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any

from backup.progress import Progress
from ops.access.session import Bench, at_bench
from ops.backups.kinds import backup_job, database_job, full_read_job
from ops.backups.pages.verdict import UNLIKE, list_remarks, write_pages
from ops.backups.ransomware.freeze import write_freeze, write_watch
from ops.backups.run.follow_up import ask_for_copies, jobs_from
from ops.backups.run.job import back_up, count_rows, rehearse, size_parts
from ops.backups.tasks import BackUp, RunAll
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.sites import Site
from ops.jobs.run_now import NO_WAIT, Start, run_by_hand
from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import _
from ops.outcomes import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_json, write_line
from ops.terminal.progress import showing_progress


@showing_progress
def run(wish: BackUp, progress: Progress) -> int:
    """Back up one site, or say what would be stored of it; gives the exit code."""
    return _rehearse(wish, progress) if wish.dry_run else _run(wish, progress)


@showing_progress
def run_all(wish: RunAll, progress: Progress) -> int:
    """Back up all sites and write a line for each; gives the gravest exit code."""
    act = _rehearse if wish.dry_run else _run
    codes: list[int] = []
    for site in choose_sites(load_estate(), ""):
        with noting(codes, OSError):
            codes.append(act(BackUp(site=site.name), progress))
        write_line()
    good = sum(code == 0 for code in codes)
    write_line(
        _("{good} of {count} sites are backed up.").format(good=good, count=len(codes))
        if not wish.dry_run
        else _("Nothing was stored: this was a rehearsal.")
    )
    return gravest(codes)


def _run(wish: BackUp, progress: Progress) -> int:
    estate = load_estate()
    site = estate.site(wish.site)
    with at_bench(estate) as bench:
        if not wish.json:
            write_line(f"{site.name} · {estate.title_at(site.name)} → {estate.primary_store.name}")
        result = _back_up(bench, site, progress, _arguments(wish))
        if result.outcome in {"ok", "incomplete"} and site.name != OWN_SITE:
            with bench.catalog.writing() as session:
                names = jobs_from(estate, site.name, estate.primary_store.name)
                ask_for_copies(session, estate, site.name, names, bench.origin)
    if wish.json:
        write_json([{"site": site.name, **asdict(result)}])
    else:
        write_backup(site.name, result)
    return EXIT_CODES[result.outcome]


def _arguments(wish: BackUp) -> dict[str, Any]:
    """Give the arguments of `ops.backups.run.job.back_up`; what was not asked for is left out."""
    names = ("database", "full_read", "accept_size")
    return {name: value for name in names if (value := getattr(wish, name))}


def _back_up(
    bench: Bench, site: Site, progress: Progress, arguments: Mapping[str, Any]
) -> JobResult:
    job = backup_job(site.name)
    if "database" in arguments:
        job = database_job(site.name, arguments["database"])
    if "full_read" in arguments:
        job = full_read_job(site.name)
    work = partial(back_up, progress=progress, wait_for_lock=NO_WAIT)
    return run_by_hand(bench, work, job=job, kind="backup", site=site.name, arguments=arguments)


def _rehearse(wish: BackUp, progress: Progress) -> int:
    """Read a site as a backup would, store nothing, and write what would be stored."""
    estate, name = load_estate(), wish.site
    site = estate.site(name)
    result, reading = rehearse(Start(estate, "", site), progress)
    numbers = result.summary
    if wish.json:
        missing = [{"path": path, "reason": reason} for path, reason in reading.missing]
        write_json([{"site": name, "outcome": result.outcome, "summary": numbers}], missing=missing)
        return EXIT_CODES[result.outcome]
    write_line(f"{site.name} · {estate.title_at(name)} → {estate.primary_store.name}")
    _write_parts(size_parts(name, result), count_rows(reading))
    write_line(
        _("would read {files} files, {size}; would store {added} ({packed} packed)"),
        files=int(str(numbers["total_files_processed"])),
        size=format_size(int(str(numbers["total_bytes_processed"]))),
        added=format_size(int(str(numbers["data_added"]))),
        packed=format_size(int(str(numbers["data_added_packed"]))),
    )
    write_pages(name, list_remarks(reading.pages))
    return EXIT_CODES[result.outcome]


def write_backup(site: str, result: JobResult) -> None:
    """Write what a backup did, for people."""
    summary = result.summary
    _write_parts(summary["parts"], summary["rows"])
    write_line(
        _(
            "  snapshot {snapshot}: {files} files, {size}; stored {added} new ({packed} packed) in"
            " {duration}"
        ),
        snapshot=str(summary["snapshot"])[:8],
        files=summary["files"],
        size=format_size(summary["processed_bytes"]),
        added=format_size(summary["added_bytes"]),
        packed=format_size(summary["added_packed_bytes"]),
        duration=format_duration(timedelta(seconds=summary["seconds"])),
    )
    waiting = [name for name, outcome in summary["stores"].items() if outcome == "waiting"]
    if waiting:
        text = _("  still to be brought up to date: {stores}; the service does it next")
        write_line(text, stores=", ".join(waiting))
    if summary["not_consistent"]:
        text = _("  not consistent: {databases}; tables without transactions were not locked")
        write_line(text, databases=", ".join(summary["not_consistent"]))
    if summary.get("without_history"):
        text = _("  present rows only: {databases}; tables there keep a history that is not copied")
        write_line(text, databases=", ".join(summary["without_history"]))
    write_pages(site, summary.get("pages", ()))
    write_watch(site, summary)
    if UNLIKE in summary and result.reason != UNLIKE:
        write_freeze(site, summary[UNLIKE])
    write_outcome(result, job=backup_job(site), site=site)


def _write_parts(parts: dict[str, int], rows: dict[str, int]) -> None:
    width = max((len(part) for part in parts), default=0)
    for part, size in parts.items():
        line = f"  {part:{width}}  {format_size(size):>11}"
        name = part.removeprefix("databases/").removesuffix(".sqlite").removesuffix(".sql")
        if part.startswith("databases/") and name in rows:
            line += "  " + _("{rows} rows").format(rows=format_number(rows[name]))
        write_line(line)
