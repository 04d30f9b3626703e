"""fab backup.check: the checks of some sites, now, and what they found."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from backup.progress import Progress
from ops.access.session import Bench, at_bench
from ops.backups.checks.job import ReadData, check
from ops.backups.kinds import arguments_at, check_job, name_elsewhere
from ops.backups.repositories.catalog_index import was_seen
from ops.backups.tasks import Check
from ops.backups.wording import advise_on_faults, tell_fault
from ops.estate.choose import choose_sites, choose_stores
from ops.estate.load.load import load_estate
from ops.estate.model.stores import Store
from ops.jobs.run_now import NO_WAIT, run_by_hand
from ops.language.formats import format_size
from ops.language.text import LABELS, N_, _
from ops.outcomes import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_line
from ops.terminal.progress import showing_progress
from ops.terminal.view import Column, Row, View, duration, number, verdict, write_list


def _tell_read(row: Row) -> str:
    summary = row["summary"]
    if not summary["packs_read"]:
        return _("not checked")
    size = format_size(summary["bytes_read"])
    return _("all, {size}").format(size=size) if summary["every_pack_read"] else size


CHECKS = View(
    "",
    Column("site", N_("Site")),
    Column("store", N_("Store")),
    Column("outcome", N_("Result"), verdict),
    Column("snapshots", N_("Snapshots"), number, of=lambda row: row["summary"]["snapshots"]),
    Column("packs", N_("Packs"), number, of=lambda row: row["summary"]["packs"]),
    Column("read", N_("Read back"), of=_tell_read),
    Column("took", N_("Took"), duration, of=lambda row: row["summary"]["seconds"]),
)


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
    if results or wish.json:
        items = [{"site": it, "store": at, **asdict(found)} for (it, at), found in results.items()]
        write_list(CHECKS, items, as_json=wish.json)
    if not wish.json:
        _write_faults(results, estate.primary_store.name)
    return gravest(codes)


def _check_at(
    bench: Bench, site: str, place: Store, progress: Progress, wanted: ReadData
) -> JobResult:
    work = partial(check, progress=progress, wait_for_lock=NO_WAIT)
    arguments = {"read_data": wanted, **arguments_at(place)}
    job = check_job(site, name_elsewhere(place))
    return run_by_hand(bench, work, job=job, kind="check", site=site, arguments=arguments)


def _write_faults(results: Mapping[tuple[str, str], JobResult], primary: str) -> None:
    for (site, store), result in results.items():
        findings = result.params.get("first", ())
        for finding in findings:
            write_line(f"  {site} ({store}): {tell_fault(finding)}")
        elsewhere = "" if store == primary else store
        for advice in advise_on_faults(findings, site, elsewhere):
            write_line(f"  {_(LABELS['next_step'])}: {advice}")
        if result.reason:
            write_outcome(result, job=check_job(site, elsewhere), site=site)
