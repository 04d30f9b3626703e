"""Bring one mirror or copy of a site up to date with the store it is made from.

Order:

1. Open both. A copy's repository is made on first use, cut like its source so that what is stored
   there already is known again; never a second time: a disk may just not be mounted.
2. Mirror (`backup.copies.mirror`) or copy (`backup.copy`): durable when these return.
3. Bring the index tables up to date.
4. The caller records the result.

Killed after any step, the next run goes on from what the stores hold.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from backup.copies.copy import copy_snapshots, find_copy
from backup.copies.mirror import MirrorResult, look_at_mirror, update_mirror
from backup.copies.mirror_plan import plan_mirror
from backup.errors import DamagedError
from backup.format.snapshot import Snapshot
from backup.progress import SILENT, Progress
from backup.repository.locks import Lock, hold_lock
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from ops.access.session import Bench, at_bench
from ops.backups.kinds import copy_job
from ops.backups.repositories.catalog_index import update_index, was_seen
from ops.backups.repositories.open import (
    RepositoryMissingError,
    find_repository,
    hold_reading_lock,
    init_repository,
    open_place,
    open_repository,
)
from ops.backups.retention.job import plan_for_site, read_guard
from ops.backups.retention.look_before_deleting import find_standing_brake
from ops.backups.retention.protection import Guard
from ops.backups.tasks import CopyNow
from ops.catalog.open import Catalog
from ops.errors import WrongUseError
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.jobs.run_now import begin, run_by_hand
from ops.language.formats import format_size
from ops.language.text import _, fill, ngettext
from ops.outcomes import write_outcome
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_line
from ops.terminal.progress import showing_progress

_SHORT = timedelta(minutes=10)


def bring_up_to_date(
    context: RunContext, progress: Progress = SILENT, *, wait_for_lock: timedelta = _SHORT
) -> JobResult:
    """Run it; the caller holds the site's lock.

    Arguments in the context: `store`, which mirror or copy; `allow_shrink`, follow a source that
    has lost most of its snapshots.

    Raises:
        EstateError, OpsError: The estate, the site or the store cannot be used.
        BackupError: The engine failed.
    """
    estate, _version, site = begin(context)
    store, source = find_pair(estate, str(context.arguments["store"]))
    try:
        repository = open_repository(estate, site.name, source)
    except RepositoryMissingError:
        if was_seen(context.catalog, site.name, source.name):
            raise
        return JobResult("not_checked", "nothing_to_copy", {"store": store.name})
    if store.role == "mirror":
        return _mirror(context, estate, store, repository, progress, wait_for_lock)
    return _copy(context, (estate, site, store), repository, progress, wait_for_lock)


def find_pair(estate: Estate, name: str) -> tuple[Store, Store]:
    """Give a mirror or copy, and the store it is made from.

    Raises:
        WrongUseError: There is no such store, or it is the primary one.
    """
    store = estate.store(name)
    if store.of is None:
        raise WrongUseError(
            'the store "{store}" is the primary one: nothing is copied to it',
            next_step="`{program} estate.show` lists the mirrors and copies",
            store=name,
        )
    return store, estate.store(store.of)


def _mirror(
    context: RunContext,
    estate: Estate,
    store: Store,
    source: Repository,
    progress: Progress,
    wait: timedelta,
) -> JobResult:
    site = context.site
    ensure_mounted(context.catalog, estate, site, store)
    place = open_place(estate, site, store)
    allow = bool(context.arguments.get("allow_shrink"))
    with context.catalog.reading() as session:
        is_frozen = find_standing_brake(session, site) is not None
    done = update_mirror(
        source, place, allow_shrink=allow, keep_all=is_frozen, retry_for=wait, progress=progress
    )
    repository = open_repository(estate, site, store)
    stored = update_index(context.catalog, repository, site=site, store=store.name)
    return conclude_mirror(done, store, {**summarize(store, stored), "frozen": is_frozen})


def ensure_mounted(catalog: Catalog, estate: Estate, site: str, store: Store) -> None:
    """Refuse a mirror that was there before and is not now: a disk that is not mounted.

    Raises:
        RepositoryMissingError: It is gone.
    """
    if was_seen(catalog, site, store.name):
        open_repository(estate, site, store)


def conclude_mirror(done: MirrorResult, store: Store, summary: dict[str, Any]) -> JobResult:
    """Give the result of a mirror that was brought up to date, or that keeps what its source lost.

    What a bucket has promised to keep for now is no failure; it is counted.

    Args:
        done: What was done.
        store: The mirror.
        summary: What is known besides.
    """
    plan = done.plan
    summary |= {"added": len(plan.add), "added_bytes": plan.add_bytes, "removed": done.removed}
    if locked := plan.locked | done.locked.keys:
        summary["locked"] = len(locked)
    if plan.held_back:
        params = {"store": store.name, "source": store.of}
        return JobResult("failed", f"mirror_{plan.held_back}", params, summary)
    if done.superseded is not None and done.superseded.odd:
        odd = done.superseded.odd
        return JobResult(
            "incomplete", "objects_overwritten", {"count": len(odd), "first": odd[0]}, summary
        )
    return JobResult("ok", summary=summary)


def summarize(store: Store, stored: Sequence[Snapshot]) -> dict[str, Any]:
    """Give what is kept of a run about a mirror or copy, as JSON values."""
    return {
        "store": store.name,
        "role": store.role,
        "snapshots": len(stored),
        "newest": stored[-1].time.isoformat() if stored else None,
    }


def _copy(
    context: RunContext,
    where: tuple[Estate, Site, Store],
    source: Repository,
    progress: Progress,
    wait: timedelta,
) -> JobResult:
    estate, site, store = where
    target = open_or_make(context.catalog, estate, site.name, store, source)
    with context.catalog.reading() as session:
        guard = read_guard(session, estate, site, store)
    with hold_lock(source, retry_for=wait), hold_lock(target, retry_for=wait) as lock:
        there = load_readable_snapshots(target).snapshots
        here = load_readable_snapshots(source).snapshots
        chosen = choose_to_copy((estate, site, store), here, there, guard, now=datetime.now(UTC))
        copied, failed = _copy_each(source, target, chosen, lock, progress)
    stored = update_index(context.catalog, target, site=site.name, store=store.name)
    summary = {**summarize(store, stored), "copied": copied}
    if failed is not None:
        params = {
            "store": store.name,
            "count": len(chosen) - copied,
            "first": fill(failed.what, failed.params),
        }
        return JobResult("incomplete", "not_all_copied", params, summary)
    return JobResult("ok", summary=summary)


def open_or_make(
    catalog: Catalog, estate: Estate, site: str, store: Store, source: Repository | None = None
) -> Repository:
    """Open a repository; it is made on first use, cut like its source, and never a second time.

    Raises:
        RepositoryMissingError: It was there before.
    """
    try:
        return open_repository(estate, site, store)
    except RepositoryMissingError:
        if was_seen(catalog, site, store.name):
            raise
    return init_repository(estate, site, store, like=source)


def choose_to_copy(
    where: tuple[Estate, Site, Store],
    here: Sequence[Snapshot],
    there: Sequence[Snapshot],
    guard: Guard,
    *,
    now: datetime,
) -> list[Snapshot]:
    """Choose what a copy lacks and would keep by its own rules; pure.

    Args:
        where: Estate, site and the copy's store.
        here: All snapshots of the source.
        there: All snapshots of the copy.
        guard: What must stay whatever the rules say.
        now: Present moment, aware.
    """
    estate, site, store = where
    lacking = [it for it in here if find_copy(it, there) is None]
    plan = plan_for_site(estate, site, [*there, *lacking], guard, now=now, store=store)
    return [it for it in lacking if it.id not in plan.remove]


def _copy_each(
    source: Repository,
    target: Repository,
    chosen: Sequence[Snapshot],
    lock: Lock,
    progress: Progress,
) -> tuple[int, DamagedError | None]:
    """Copy all at once; where the source is damaged each by itself, the newest first.

    Returns:
        How many were copied, and the first thing that kept one from it.
    """
    try:
        return len(list(copy_snapshots(source, target, chosen, lock=lock, progress=progress))), None
    except DamagedError as error:
        first = error
    copied = 0
    for snapshot in reversed(chosen):
        try:
            copied += len(list(copy_snapshots(source, target, [snapshot], lock=lock)))
        except DamagedError as error:
            first = error
    return copied, first


_EXIT_CODES = {**EXIT_CODES, "not_checked": 0}


@showing_progress
def copy_sites(wish: CopyNow, progress: Progress) -> int:
    """Bring one mirror or copy up to date, or all, of one site or all; gives the exit code.

    Raises:
        WrongUseError: There is no such store or site, or the store is the primary one.
    """
    estate = load_estate()
    stores = [find_pair(estate, wish.to)[0]] if wish.to else in_order(estate)
    if not stores:
        write_line(_("the estate names no mirror and no copy"))
        return 0
    codes: list[int] = []
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        for site in choose_sites(estate, wish.site):
            for store in stores:
                with noting(codes):
                    if wish.dry_run:
                        _rehearse(bench, site, store, allow_shrink=wish.allow_shrink)
                    else:
                        codes.append(
                            _copy_now(bench, site, store, progress, allow=wish.allow_shrink)
                        )
    return gravest(codes)


def in_order(estate: Estate) -> list[Store]:
    """Give the mirrors and copies, each after the one it is made from."""
    ordered, known = [], {estate.primary_store.name}
    waiting = [store for store in estate.stores if store.of is not None]
    while ready := [store for store in waiting if store.of in known]:
        ordered += ready
        known |= {store.name for store in ready}
        waiting = [store for store in waiting if store not in ready]
    return ordered


def _copy_now(bench: Bench, site: Site, store: Store, progress: Progress, *, allow: bool) -> int:
    write_line(f"{site.name} · {store.of} → {store.name}")
    work = partial(bring_up_to_date, progress=progress)
    job = copy_job(site.name, store.name)
    arguments = {"store": store.name, **({"allow_shrink": True} if allow else {})}
    result = run_by_hand(bench, work, job=job, kind="copy", site=site.name, arguments=arguments)
    _write_numbers(result)
    write_outcome(result, job=job, site=site.name)
    return _EXIT_CODES[result.outcome]


def _write_numbers(result: JobResult) -> None:
    summary = result.summary
    if "copied" in summary:
        count = int(summary["copied"])
        text = ngettext("{count} snapshot copied", "{count} snapshots copied", count)
        write_line("  " + text, count=count)
    if "added" in summary:
        _write_objects(
            _("{added} objects written, {size}; {removed} removed"),
            summary["added"],
            summary["added_bytes"],
            summary["removed"],
        )
    if "locked" in summary:
        count = int(summary["locked"])
        text = ngettext(
            "{count} object stays: the store has promised to keep it for now",
            "{count} objects stay: the store has promised to keep them for now",
            count,
        )
        write_line("  " + text, count=count)


def _write_objects(text: str, added: int, size: int, removed: int) -> None:
    write_line("  " + text, added=added, size=format_size(size), removed=removed)


def _rehearse(bench: Bench, site: Site, store: Store, *, allow_shrink: bool) -> None:
    """Say what would be done; nothing is written but a lock on the source."""
    estate = bench.estate
    write_line(f"{site.name} · {store.of} → {store.name}")
    source = open_repository(estate, site.name, find_pair(estate, store.name)[1])
    with hold_reading_lock(source):
        if store.role == "mirror":
            ensure_mounted(bench.catalog, estate, site.name, store)
            facts = look_at_mirror(source, open_place(estate, site.name, store))
            plan = plan_mirror(facts, allow_shrink=allow_shrink)
            text = _("would write {added} objects, {size}; would remove {removed}")
            with bench.catalog.reading() as session:
                is_frozen = find_standing_brake(session, site.name) is not None
            removed = 0 if is_frozen else len(plan.remove)
            _write_objects(text, len(plan.add), plan.add_bytes, removed)
            return
        target = find_repository(estate, site.name, store)
        there = load_readable_snapshots(target).snapshots if target else []
        here = load_readable_snapshots(source).snapshots
        with bench.catalog.reading() as session:
            guard = read_guard(session, estate, site, store)
        where = (estate, site, store)
        count = len(choose_to_copy(where, here, there, guard, now=datetime.now(UTC)))
    text = ngettext("would copy {count} snapshot", "would copy {count} snapshots", count)
    write_line("  " + text, count=count)
