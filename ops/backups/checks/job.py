"""Check a site's repository: its structure always, and each day a share of the stored bytes.

Order of a check (`check`), under the lock of the site's checks:

1. Read the repository under a shared lock of its own: its structure, and the packs of the day
   (`make_check_request`).
2. With the site's lock: mend packs that are damaged (`ops.backups.checks.packs.mend`) and, where
   any was mended, look again; bring the index tables up to date.
3. Note which packs were found sound, which damaged, and which are gone.
4. Try whether the store lets its content be deleted (`try_protection`).
5. The caller records the result.

Cut off before 3, the packs of the day count as not read, and the next check reads them.

The catalog remembers when each pack was last read back and found sound. Each day reads those that
were not read for longest, a share of the bytes and one more for every day on which no check ran, so
that every stored byte is read back within `reread_days`.

What was found damaged is read again by every check, also by one that reads nothing else, until it
is sound or gone: no check that has not looked there calls the repository good.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from backup.check.check import CheckRequest, CheckResult, PackChoice, check_repository
from backup.check.findings import Finding
from backup.errors import ObjectExistsError, StoreError, StoreUnavailableError
from backup.progress import SILENT, Progress
from backup.repository.repository import Repository
from backup.stores.base import Store as OpenStore
from backup.stores.leftovers import remove_for_good
from backup.stores.object_lock import promises_of
from ops.access.session import Bench, at_bench
from ops.backups.checks.packs import (
    DAMAGED_AT,
    choose_packs,
    mend,
    recall_readings,
    remember_readings,
)
from ops.backups.kinds import arguments_at, check_job, name_elsewhere
from ops.backups.repositories.catalog_index import update_index, was_seen
from ops.backups.repositories.open import hold_reading_lock, open_place, open_repository
from ops.backups.retention.deletion_records import read_losses
from ops.backups.tasks import CheckBackups
from ops.backups.wording import advise_on_faults, tell_fault
from ops.catalog.open import Catalog
from ops.catalog.tables.copies import StoreTrial
from ops.estate.choose import choose_sites, choose_stores, chosen_store
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.jobs.run_now import NO_WAIT, begin, run_by_hand
from ops.jobs.site_lock import SiteBusyError, hold_site_lock
from ops.language.formats import format_size
from ops.language.text import LABELS, N_, _
from ops.outcomes import write_outcome
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult, Outcome
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_line
from ops.terminal.progress import showing_progress
from ops.terminal.view import Column, Row, View, duration, number, verdict, write_list
from ops.told_text import keep_told

PROBE = "keys/giucong-probe"
_TEXT = b"giucong: may this be deleted?\n"
_AGAIN_AFTER = timedelta(hours=20)


def try_protection(catalog: Catalog, estate: Estate, site: str, store: Store) -> None:
    """Try a store once a day, and keep the verdict; where the trial fails the old one stays.

    Whether the service's own credential can delete is tried with an object made for that. Order:

    1. Write the probe where locked objects lie; one that an earlier trial could not delete will do,
       and is locked anew like anything that a new snapshot needs.
    2. Delete it: in a bucket that locks, the very version, and past the lock where that may be
       passed. What refuses, and still has it afterwards, is protected (`find_refusal`).
    3. Keep the verdict.

    Killed between 1 and 2, a probe of a few bytes is left, which the next trial takes.

    Args:
        catalog: Open.
        estate: As it is now.
        site: In whose repository the probe lies.
        store: Which store.
    """
    now = datetime.now(UTC)
    with catalog.reading() as session:
        known = session.get(StoreTrial, store.name)
        if known is not None and now - known.tried_at < _AGAIN_AFTER:
            return
    try:
        told = find_refusal(open_place(estate, site, store))
    except StoreError:
        return
    with catalog.writing() as session:
        is_protected = told is not None
        session.merge(
            StoreTrial(store=store.name, is_protected=is_protected, told=told or "", tried_at=now)
        )


def find_refusal(place: OpenStore) -> str | None:
    """Try to delete a probe; give what the store said against it, None where it deleted.

    Raises:
        StoreError: The store could not be tried.
    """
    with suppress(ObjectExistsError):
        place.write(PROBE, _TEXT)
    promises = promises_of(place)
    if promises is not None:
        promises.renew([PROBE])
        return remove_for_good(place, PROBE)
    try:
        place.delete(PROBE)
    except StoreUnavailableError:
        raise
    except StoreError as error:
        place.size(PROBE)
        return str(error)
    return None


ReadData = Literal["none", "share", "all"]

MOST_TOLD = 20
"""Findings that a result names; of more only the number is given."""


def check(
    context: RunContext,
    progress: Progress = SILENT,
    *,
    wait_for_lock: timedelta = timedelta(minutes=10),
) -> JobResult:
    """Run a check; the caller holds the lock of the site's checks.

    What it writes it writes with the site's lock. Where somebody works on the site just now, damage
    is told and left to the next check to mend, and whoever works there writes the index.

    Arguments in the context: `read_data`, one of `none`, `share` (unless given) and `all`;
    `store`, which store (unless given the primary).

    Raises:
        EstateError, OpsError: The estate or the site cannot be used.
        BackupError: The repository could not be looked at, which says nothing of its data.
    """
    estate, _version, site = begin(context)
    store = chosen_store(estate, context.arguments)
    repository = open_repository(estate, site.name, store)
    wanted: ReadData = context.arguments.get("read_data", "share")
    now = datetime.now(UTC)
    read_at = recall_readings(context.catalog, site.name, store.name)
    within = timedelta(days=site.targets.reread_days)
    with hold_reading_lock(repository, retry_for=wait_for_lock):
        request = make_check_request(repository, wanted, read_at, within=within, now=now)
        result = check_repository(repository, request, progress)
    mended: dict[str, list[str]] = {}
    with (
        suppress(SiteBusyError),
        hold_site_lock(context.state, site.name, holder=str(context.run_id), wait=wait_for_lock),
    ):
        if result.damaged_packs:
            mended = mend(
                context,
                estate,
                store,
                repository,
                result.damaged_packs,
                wait_for_lock=wait_for_lock,
            )
        if mended:  # what followed from the damage is gone with it; only another look can tell
            with hold_reading_lock(repository, retry_for=wait_for_lock):
                request = make_check_request(repository, wanted, read_at, within=within, now=now)
                result = check_repository(repository, request, progress)
        update_index(context.catalog, repository, site=site.name, store=store.name)
    stored = repository.list_packs()
    gone = [it for it in read_at if it not in stored]
    damaged = [it for it in result.damaged_packs if it in stored]
    where = (site.name, store.name)
    remember_readings(
        context.catalog, where, result.verified_packs, damaged=damaged, gone=gone, now=now
    )
    try_protection(context.catalog, estate, site.name, store)
    concluded = _conclude(result, {"store": store.name, "mended": mended})
    return _add_loss(concluded, context, estate, store)


def _add_loss(result: JobResult, context: RunContext, estate: Estate, store: Store) -> JobResult:
    """Tell what is gone from the store, unless there is damage to tell of."""
    with context.catalog.reading() as session:
        losses = read_losses(session, estate).get(context.site, [])
    loss = next((it for it in losses if it.store == store.name), None)
    if loss is None or result.outcome == "failed" or (result.outcome != "ok" and not loss.held):
        return result
    outcome: Outcome = "failed" if loss.held else "incomplete"
    return JobResult(outcome, loss.reason, loss.as_params(), result.summary)


def make_check_request(
    repository: Repository,
    wanted: ReadData,
    read_at: Mapping[bytes, datetime],
    *,
    within: timedelta,
    now: datetime,
) -> CheckRequest:
    """Say which packs to read back.

    Args:
        repository: Its packs are listed where a share is wanted.
        wanted: Whether to read none, the day's share or all.
        read_at: When each pack was last read back and found sound; `DAMAGED_AT` where it was not.
        within: Everything is to be read back within that time.
        now: Present moment.
    """
    if wanted == "all":
        return CheckRequest(read_data="all")
    if wanted == "none":
        damaged = frozenset(it for it, at in read_at.items() if at == DAMAGED_AT)
        return CheckRequest(PackChoice(damaged) if damaged else "none")
    packs = repository.list_packs()
    return CheckRequest(PackChoice(choose_packs(packs, read_at, within=within, now=now)))


def _conclude(result: CheckResult, where: dict[str, Any]) -> JobResult:
    counts = result.counts
    summary: dict[str, Any] = {
        "snapshots": counts.snapshots,
        "packs": counts.packs,
        "blobs": counts.blobs,
        "packs_read": counts.packs_read,
        "bytes_read": counts.bytes_read,
        "every_pack_read": result.is_every_pack_verified,
        "hints": len(result.hints),
        **where,
    }
    if not result.errors and where["mended"]:
        count = sum(map(len, where["mended"].values()))
        params = {"count": count, "stores": sorted(where["mended"]), "store": where["store"]}
        return JobResult("incomplete", "damage_mended", params, summary)
    if not result.errors:
        return JobResult("ok", summary=summary)
    params = {
        "count": len(result.errors),
        "first": [tell_finding(it) for it in result.errors[:MOST_TOLD]],
        "snapshots": counts.snapshots,
    }
    return JobResult("failed", "damaged", params, summary)


def tell_finding(finding: Finding) -> dict[str, Any]:
    """Give a finding as JSON values that can be told in any language."""
    return {
        "code": finding.code,
        "concerned": finding.concerned,
        "params": {name: keep_told(value) for name, value in finding.params.items()},
    }


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
def check_sites(wish: CheckBackups, progress: Progress) -> int:
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
