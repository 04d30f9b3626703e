"""Bring mirrors and copies up to date for a person at a terminal, and say what came of it."""

from datetime import UTC, datetime
from functools import partial

from backup.copies.mirror import look_at_mirror
from backup.copies.mirror_plan import plan_mirror
from backup.progress import Progress
from backup.snapshots.selection import load_readable_snapshots
from ops.access.session import Bench, at_bench
from ops.backups.copies.job import bring_up_to_date, choose_to_copy, ensure_mounted, find_pair
from ops.backups.kinds import copy_job
from ops.backups.repositories.open import (
    find_repository,
    hold_reading_lock,
    open_place,
    open_repository,
)
from ops.backups.retention.job import read_guard
from ops.backups.retention.look_before_deleting import find_standing_brake
from ops.backups.tasks import CopyNow
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.estate.model.stores import Store
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_size
from ops.language.text import _, ngettext
from ops.outcomes import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_line
from ops.terminal.progress import showing_progress

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
                        codes.append(_copy(bench, site, store, progress, allow=wish.allow_shrink))
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


def _copy(bench: Bench, site: Site, store: Store, progress: Progress, *, allow: bool) -> int:
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
