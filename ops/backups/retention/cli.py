"""Forget and prune for a person: by the rules, or what is named; accept what is there.

First the plan, then a confirmation, then the act.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from backup.format.snapshot import Snapshot
from backup.progress import Progress
from backup.prune.prune import plan_prune
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.retention.forget import ForgetPlan
from backup.snapshots.selection import find_snapshot
from ops.access.approvals.ask import ask_second_person
from ops.access.session import Bench, at_bench
from ops.backups.brakes import Brake, decide_brake
from ops.backups.kinds import arguments_at, forget_job, name_elsewhere
from ops.backups.repositories.catalog_index import update_index, was_seen
from ops.backups.repositories.open import open_repository
from ops.backups.retention.deletion_records import DeletionPlan, read_losses
from ops.backups.retention.forget_named import (
    NamedWish,
    forget_named,
    plan_named,
    wish_deletion,
)
from ops.backups.retention.job import (
    forget_and_prune,
    plan_for_site,
    prune_only,
    read_guard,
    stop,
    write_locked,
)
from ops.backups.retention.look_before_deleting import (
    accept_present,
    find_standing_brake,
    read_facts,
)
from ops.backups.retention.tasks import Forget, Prune
from ops.errors import WrongUseError
from ops.estate.choose import choose_stores
from ops.estate.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.jobs.run_now import NO_WAIT, run_by_hand
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_duration, format_moment, format_size
from ops.language.text import N_, _, ngettext
from ops.outcomes import write_outcome
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import Cell, write_line, write_table
from ops.terminal.progress import need_confirmation, showing_progress

_RULES = {
    "last snapshot": N_("newest ones"),
    "hourly snapshot": N_("hourly"),
    "daily snapshot": N_("daily"),
    "weekly snapshot": N_("weekly"),
    "monthly snapshot": N_("monthly"),
    "yearly snapshot": N_("yearly"),
}


def forget_site(wish: Forget, progress: Progress) -> int:
    """Forget a site's old snapshots in one store, the primary unless named; gives the exit code."""
    estate, name = load_estate(), wish.site
    place = _place(estate, wish.store)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        require_site(estate, bench.catalog, name)
        repository = open_repository(estate, name, place)
        snapshots = index_snapshots(bench, repository, name, place)
        plan = _plan_forget(bench, name, snapshots, place)
        write_plan(plan, estate.organisation.timezone)
        brake = look_now(bench, name, snapshots, store=place)
        if brake is not None:
            write_outcome(stop(brake), job=_job(name, place), site=name)
            return EXIT_CODES["failed"]
        if wish.dry_run or not plan.remove:
            return 0
        count = len(plan.remove)
        question = ngettext(
            "{count} snapshot of {title} will be removed for good.",
            "{count} snapshots of {title} will be removed for good.",
            count,
        ).format(count=count, title=bench.estate.title_at(name))
        need_confirmation(name, wish.confirm, question)
        work = partial(forget_and_prune, prunes=False, progress=progress, wait_for_lock=NO_WAIT)
        result = _act(bench, name, work, place)
    return write_removed(result, name, _job(name, place))


def _place(estate: Estate, store: str) -> Store:
    """Give the store that snapshots are removed from; a mirror follows its source."""
    (place,) = choose_stores(estate, store or estate.primary_store.name, ("primary", "copy"))
    return place


def _job(name: str, place: Store) -> str:
    return forget_job(name, name_elsewhere(place))


def write_removed(result: JobResult, name: str, job: str = "") -> int:
    """Write how many snapshots went, and how it ended; gives the exit code."""
    count = result.summary["forgotten"]
    write_line(
        ngettext("{count} snapshot removed", "{count} snapshots removed", count), count=count
    )
    write_locked(result)
    write_outcome(result, job=job or forget_job(name), site=name)
    write_line(
        _("their data goes with `backup.prune --site {site}`, or by itself on the next `forget`"),
        site=name,
    )
    return EXIT_CODES[result.outcome]


def index_snapshots(
    bench: Bench, repository: Repository, name: str, store: Store | None = None
) -> list[Snapshot]:
    """Give a site's snapshots in a store, oldest first, and index them; None for the primary."""
    place = store or bench.estate.primary_store
    return update_index(bench.catalog, repository, site=name, store=place.name)


def look_now(
    bench: Bench,
    name: str,
    snapshots: list[Snapshot],
    *,
    leaving_out: Collection[str] = (),
    store: Store | None = None,
) -> Brake | None:
    """Say why nothing of a site may be deleted now; None where all is as expected."""
    place = store or bench.estate.primary_store
    now = datetime.now(UTC)
    present = {it.id: it.time for it in snapshots if it.id not in leaving_out}
    with bench.catalog.reading() as session:
        facts = read_facts(session, name, place.name, present, now=now)
        standing = find_standing_brake(session, name)
    return standing or decide_brake(replace(facts, expected=facts.expected - set(leaving_out)))


def _plan_forget(bench: Bench, name: str, snapshots: list[Snapshot], place: Store) -> ForgetPlan:
    site = bench.estate.site(name)
    with bench.catalog.reading() as session:
        guard = read_guard(session, bench.estate, site, place)
    return plan_for_site(bench.estate, site, snapshots, guard, now=datetime.now(UTC), store=place)


def write_plan(plan: ForgetPlan, zone: str) -> None:
    """Write every snapshot with what becomes of it and why."""
    rows = []
    for group in plan.groups:
        fates = {
            verdict.snapshot.id: ", ".join(dict.fromkeys(map(tell_reason, verdict.reasons)))
            for verdict in group.keep
        }
        everything = [*(verdict.snapshot for verdict in group.keep), *group.remove]
        for snapshot in sorted(everything, key=lambda it: it.time):
            stays = snapshot.id in fates
            fate = Cell(_("stays"), "good") if stays else Cell(_("goes"), "warning")
            moment = format_moment(snapshot.time, zone)
            paths = " ".join(snapshot.paths)
            rows.append((snapshot.short_id, moment, paths, fate, fates.get(snapshot.id, "")))
    if not rows:
        write_line(_("there is no snapshot yet"))
        return
    write_table([_("Snapshot"), _("Taken"), _("Holds"), _("Fate"), _("Kept by")], rows)
    count = len(plan.remove)
    text = ngettext("{count} snapshot goes.", "{count} snapshots go.", count)
    write_line(text.format(count=count) if count else _("No snapshot goes."))


def tell_reason(reason: str) -> str:
    """Say in the reader's language why retention keeps a snapshot; the engine speaks restic's."""
    rule = reason.removeprefix("oldest ")
    if rule.startswith("within "):
        days = rule.removeprefix("within ").removesuffix("d")
        told = format_duration(timedelta(days=int(days))) if days.isdecimal() else days
        return _("younger than {duration}").format(duration=told)
    told = _(_RULES.get(rule, rule))
    return told if rule == reason else _("{rule} (the oldest)").format(rule=told)


@showing_progress
def prune_site(wish: Prune, progress: Progress) -> int:
    """Remove the data that no snapshot of a site needs; gives the exit code."""
    estate, name = load_estate(), wish.site
    place = _place(estate, wish.store)
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        require_site(estate, bench.catalog, name)
        repository = open_repository(estate, name, place)
        snapshots = index_snapshots(bench, repository, name, place)
        brake = look_now(bench, name, snapshots, store=place)
        if brake is not None:
            write_outcome(stop(brake), job=_job(name, place), site=name)
            return EXIT_CODES["failed"]
        with hold_lock(repository):
            plan = plan_prune(repository, progress=progress)
        figures = plan.figures
        left = figures.unindexed_bytes  # by backups that did not end
        freed = figures.removed_bytes + figures.repack_removed_bytes + left
        write_line(
            _("in use: {used}; no longer needed: {unused}, of which {freed} can go now"),
            used=format_size(figures.used_bytes),
            unused=format_size(figures.unused_bytes + left),
            freed=format_size(freed),
        )
        if wish.dry_run or not plan.has_work:
            return 0
        question = _("Data that no snapshot needs will be removed for good.")
        need_confirmation(name, wish.confirm, question)
        work = partial(prune_only, progress=progress, wait_for_lock=NO_WAIT)
        result = _act(bench, name, work, place)
    write_line(
        _("removed {packs} packs, {size}"),
        packs=result.summary["removed_packs"],
        size=format_size(result.summary["removed_bytes"]),
    )
    write_locked(result)
    write_outcome(result, job=_job(name, place), site=name)
    return EXIT_CODES[result.outcome]


def _act(
    bench: Bench, name: str, work: Callable[[RunContext], JobResult], place: Store
) -> JobResult:
    job, arguments = _job(name, place), arguments_at(place)
    return run_by_hand(bench, work, job=job, kind="forget", site=name, arguments=arguments)


@showing_progress
def forget(wish: Forget, progress: Progress) -> int:
    """Forget by the rules, or what is named, or accept what is there; gives the exit code.

    Raises:
        WrongUseError: There is no reason, or another store was named.
    """
    if wish.accept:
        return _accept_present_state(wish)
    if wish.snapshot:
        return _forget_named(wish, progress)
    return forget_site(wish, progress)


def _forget_named(typed: Forget, progress: Progress) -> int:
    _need_reason(typed.reason)
    estate = load_estate()
    _refuse_other_store(estate, typed)
    with at_bench(estate, dry_run=typed.dry_run) as bench:
        site = require_site(estate, bench.catalog, typed.site)
        repository = open_repository(estate, site.name)
        wish = _resolve(repository, typed)
        snapshots = index_snapshots(bench, repository, site.name)
        brake = look_now(bench, site.name, snapshots, leaving_out=wish.snapshots)
        if brake is not None:
            write_outcome(stop(brake), job=forget_job(site.name), site=site.name)
            return EXIT_CODES["failed"]
        with bench.catalog.reading() as session:
            guard = read_guard(session, estate, site)
        plan = plan_named(estate, site, snapshots, guard, wish, now=datetime.now(UTC))
        _write_named(bench, plan)
        question = _("They will be removed for good.")
        confirm = partial(need_confirmation, site.name, typed.confirm, question)
        agreed = ask_second_person(bench, wish_deletion(plan, wish), confirm=confirm)
        if agreed is None:
            return 0
        work = partial(forget_named, wish=wish, permit=agreed.permit, progress=progress)
        result = run_by_hand(bench, work, job=forget_job(site.name), kind="forget", site=site.name)
    return write_removed(result, site.name)


def _accept_present_state(wish: Forget) -> int:
    """Take a site's snapshots as they are now, and this machine's clock, as right.

    Where no store is named: in the primary, and in every copy that was ever seen.
    """
    _need_reason(wish.reason)
    if wish.snapshot:
        raise WrongUseError(
            "--accept and --snapshot do not go together",
            next_step="first look and type --accept alone, then delete",
        )
    estate, name = load_estate(), wish.site
    with (
        at_bench(estate, dry_run=wish.dry_run) as bench,
        hold_site_lock(estate.service.state, name, holder="accept"),
    ):
        require_site(estate, bench.catalog, name)
        places = [
            it
            for it in choose_stores(estate, wish.store, ("primary", "copy"))
            if it.role == "primary" or wish.store or was_seen(bench.catalog, name, it.name)
        ]
        accepted, codes = list[bool](), list[int]()
        for place in places:
            with noting(codes):
                accepted.append(_accept_in(bench, place, wish))
    if any(accepted) and not wish.dry_run:
        write_line(_("Accepted; from now on forgetting goes on from what is there."))
    if not any(accepted) and not codes:
        write_line(_("Everything is as expected; there is nothing to accept."))
    return gravest(codes)


def _accept_in(bench: Bench, store: Store, wish: Forget) -> bool:
    """Say what is not as expected in one store, and accept it; gives whether there was anything."""
    estate, name = bench.estate, wish.site
    repository = open_repository(estate, name, store)
    snapshots = index_snapshots(bench, repository, name, store)
    brake = look_now(bench, name, snapshots, store=store)
    with bench.catalog.reading() as session:
        losses = read_losses(session, estate).get(name, [])
    loss = next((it for it in losses if it.store == store.name), None)
    if brake is None and loss is None:
        return False
    found = stop(brake) if brake is not None else None
    if loss is not None and (found is None or loss.held):
        found = JobResult("incomplete", loss.reason, loss.as_params())
    if found is not None:
        write_outcome(found, job=forget_job(name), site=name)
    if loss is not None and loss.held:
        write_line("  " + _("what is held stays expected until two people end the hold"))
    count = len(snapshots)
    if wish.dry_run:
        text = ngettext(
            "would take {count} snapshot and the clock as right",
            "would take {count} snapshots and the clock as right",
            count,
        )
        write_line(text, count=count)
        return True
    params = brake.params if brake is not None else {"gone": loss.count if loss else 0}
    details = {
        "brake": brake.reason if brake is not None else "",
        **params,
        "snapshots": count,
        "store": store.name,
    }
    with bench.catalog.writing() as session:
        accept_present(session, name, store.name, snapshots, now=datetime.now(UTC))
        origin = replace(bench.origin, reason=wish.reason)
        journal.append(session, origin, [Entry("backup.accept", name, details)])
    return True


def _resolve(repository: Repository, typed: Forget) -> NamedWish:
    ids = tuple(dict.fromkeys(find_snapshot(repository, it).id for it in typed.snapshot))
    return NamedWish(snapshots=ids, reason=typed.reason, reference=typed.document)


def _write_named(bench: Bench, plan: DeletionPlan) -> None:
    estate = bench.estate
    rules = estate.retention_for(estate.site(plan.site), estate.primary_store)
    now = datetime.now(UTC)
    for snapshot in plan.snapshots:
        moment = format_moment(snapshot.time, estate.organisation.timezone)
        line = f"{snapshot.short_id} · {moment}"
        if (now - snapshot.time).days < rules.minimum_days:
            line += " · " + _("younger than the minimum of {days} days ({basis})").format(
                days=rules.minimum_days, basis=rules.minimum_basis or "–"
            )
        write_line(line)


def _refuse_other_store(estate: Estate, wish: Forget) -> None:
    if wish.store and estate.store(wish.store).role != "primary":
        raise WrongUseError(
            "--snapshot deletes from the primary store alone, {primary}, not from {store}",
            why="a mirror follows its source; a copy lets go of snapshots by its own rules",
            next_step="leave `--store` out to delete it from {primary}",
            primary=estate.primary_store.name,
            store=wish.store,
        )


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise WrongUseError(
            "this goes past the rules, so it needs a reason",
            next_step="add `--reason TEXT`, and `--document NUMBER` where there is one",
        )
