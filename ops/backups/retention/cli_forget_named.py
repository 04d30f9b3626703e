"""Delete named snapshots for a person, and accept what is there after somebody has looked."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from backup.progress import Progress
from backup.repository.repository import Repository
from backup.snapshots.selection import find_snapshot
from ops.access.approvals.ask import ask_second_person, refuse_alone
from ops.access.session import Bench, at_bench
from ops.backups.repositories.catalog_index import was_seen
from ops.backups.repositories.open import open_repository
from ops.backups.retention.cli import forget_site, index_snapshots, look_now, write_removed
from ops.backups.retention.deletion_records import DeletionPlan
from ops.backups.retention.forget_named import (
    BELOW_MINIMUM,
    NamedWish,
    forget_named,
    plan_named,
    wish_deletion,
)
from ops.backups.retention.job import read_guard, stop
from ops.backups.retention.kind import forget_job
from ops.backups.retention.look_before_deleting import accept_present
from ops.backups.retention.losses import read_losses
from ops.backups.retention.tasks import Forget
from ops.errors import WrongUseError
from ops.estate.choose import choose_stores
from ops.estate.history.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.jobs.run_now import run_by_hand
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.journal.journal import Entry
from ops.language.formats import format_moment
from ops.language.text import _, ngettext
from ops.outcomes.output import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.confirm import need_confirmation
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_line
from ops.terminal.progress import showing_progress


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
        refuse_alone(bench, BELOW_MINIMUM)
        if not typed.dry_run:
            need_confirmation(site.name, typed.confirm, _("They will be removed for good."))
        permit = ask_second_person(bench, wish_deletion(plan, wish), dry_run=typed.dry_run)
        if permit is None:
            return 0
        work = partial(forget_named, wish=wish, permit=permit, progress=progress)
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
        write_line(text.format(count=count))
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
