"""fab backup.check: the checks of some sites, now, and what they found."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from backup.progress import Progress
from ops.access.session import Bench, at_bench
from ops.backups.checks.job import ReadData, check
from ops.backups.checks.kind import check_job
from ops.backups.checks.tasks import Check
from ops.backups.checks.wording import advise_on_faults, tell_fault
from ops.backups.repositories.catalog_index import was_seen
from ops.backups.run.cli import _NO_WAIT
from ops.estate.choose import choose_sites, choose_stores
from ops.estate.load.load import load_estate
from ops.estate.model.stores import Store
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import LABELS, _
from ops.outcomes.output import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import Cell, outcome_cell, write_json, write_line, write_table
from ops.terminal.progress import showing_progress


@showing_progress
def check_sites(wish: Check, progress: Progress) -> int:
    """Check one site's repositories or all, and write what was found; gives the exit code."""
    estate = load_estate()
    wanted: ReadData = "all" if wish.read_data else "share" if wish.share else "none"
    results: dict[tuple[str, str], JobResult] = {}
    codes: list[int] = []
    with at_bench(estate) as bench:
        for site in choose_sites(estate, wish.site):
            for place in choose_stores(estate, wish.store):
                if place.role != "primary" and not (
                    wish.store or was_seen(bench.catalog, site.name, place.name)
                ):
                    continue
                with noting(codes):
                    result = _check_at(bench, site.name, place, progress, wanted)
                    results[site.name, place.name] = result
                    codes.append(EXIT_CODES[result.outcome])
    if wish.json:
        write_json(
            {"site": site, "store": place, **asdict(result)}
            for (site, place), result in results.items()
        )
    else:
        _write_checks(results, estate.primary_store.name)
    return gravest(codes)


def _check_at(
    bench: Bench, site: str, place: Store, progress: Progress, wanted: ReadData
) -> JobResult:
    is_primary = place.role == "primary"
    work = partial(check, progress=progress, wait_for_lock=_NO_WAIT)
    arguments = {"read_data": wanted, **({} if is_primary else {"store": place.name})}
    job = check_job(site, "" if is_primary else place.name)
    return run_by_hand(bench, work, job=job, kind="check", site=site, arguments=arguments)


def _write_checks(results: Mapping[tuple[str, str], JobResult], primary: str) -> None:
    if results:
        heads = [_("Site"), _("Store"), _("Result"), _("Snapshots"), _("Packs"), _("Read back"),
                 _("Took")]  # fmt: skip
        rows = [_check_row(site, store, result) for (site, store), result in results.items()]
        write_table(heads, rows, right=(3, 4, 5))
    for (site, store), result in results.items():
        findings = result.params.get("first", ())
        for finding in findings:
            write_line(f"  {site} ({store}): {tell_fault(finding)}")
        elsewhere = "" if store == primary else store
        for advice in advise_on_faults(findings, site, elsewhere):
            write_line(f"  {_(LABELS['next_step'])}: {advice}")
        if result.reason:
            write_outcome(result, job=check_job(site, elsewhere), site=site)


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
