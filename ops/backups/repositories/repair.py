"""Repair a site's repository, or remove dead locks: first what there is, then a confirmation."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from backup.errors import RepositoryLockedError
from backup.format.pack import PackedBlob
from backup.progress import Progress
from backup.repair.index import RepairIndexPlan, apply_repair_index, plan_repair_index
from backup.repair.packs import RepairPacksPlan, apply_repair_packs, plan_repair_packs
from backup.repository.locks import Lock, LockInfo, drop_locks, hold_lock, is_stale, list_locks
from backup.repository.repository import Repository
from ops.access.session import Bench, at_bench
from ops.backups.kinds import REPAIR
from ops.backups.repositories.catalog_index import update_index
from ops.backups.repositories.open import find_repository, open_repository
from ops.backups.tasks import Repair, Unlock
from ops.errors import WrongUseError
from ops.estate.choose import choose_stores
from ops.estate.known_sites import require_site, title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.jobs.run_now import NO_WAIT, run_by_hand
from ops.jobs.site_lock import hold_site_lock
from ops.language.text import N_, _, fill, ngettext
from ops.outcomes import write_outcome
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, gravest, noting
from ops.terminal.output import write_indented, write_line
from ops.terminal.progress import need_confirmation, showing_progress

_ID_DIGITS = 64
_MOST_SHOWN = 20

Plan = RepairIndexPlan | RepairPacksPlan


@showing_progress
def repair_site(wish: Repair, progress: Progress) -> int:
    """Repair the index, or packs that are named; gives the exit code.

    Order:

    1. Look under a shared lock, and write what would be done; nothing is changed.
    2. Have the person confirm.
    3. Take the exclusive lock, look again, and repair (`backup.repair`, `backup.repair.packs`).
    4. Bring the index tables up to date, and journal what was done.

    Cut off between 3 and 4, the repository is repaired and the run is recorded as lost.

    Raises:
        WrongUseError: A pack's id is none, or nobody confirmed.
    """
    pack_ids = tuple(dict.fromkeys(map(parse_pack_id, wish.pack)))
    estate = load_estate()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        site = require_site(estate, bench.catalog, wish.site)
        store = estate.store(wish.store) if wish.store else estate.primary_store
        repository = open_repository(estate, site.name, store)
        with hold_lock(repository):
            plan = _plan(repository, pack_ids, progress)
        _write_plan(plan)
        if wish.dry_run or not _is_needed(plan):
            return 0
        need_confirmation(site.name, wish.confirm, _("The repository will be changed as said."))
        work = partial(_repair, store=store, pack_ids=pack_ids, progress=progress)
        job = f"{REPAIR.name}/{site.name}"
        result = run_by_hand(bench, work, job=job, kind=REPAIR.name, site=site.name)
        bench.note("backup.repair", site.name, {"store": store.name, **result.summary})
    write_outcome(result, job=job, site=site.name)
    step = N_(
        "store again what is still at the source: `{program} backup.run --site {site}`; then"
        " `{program} backup.check --site {site} --read-data`"
    )
    write_line("  " + fill(step, {"site": site.name}))
    return EXIT_CODES[result.outcome]


def parse_pack_id(text: str) -> bytes:
    """Read a pack's id; a check names packs as `data/ab/abcd…`.

    Raises:
        WrongUseError: It is none.
    """
    digits = text.rpartition("/")[2]
    try:
        if len(digits) == _ID_DIGITS:
            return bytes.fromhex(digits)
    except ValueError:
        pass
    raise WrongUseError(
        '"{text}" is no id of a pack',
        next_step="take the ids from `{program} backup.check --site NAME --read-data`, in full",
        text=text,
    )


def _plan(repository: Repository, pack_ids: tuple[bytes, ...], progress: Progress) -> Plan:
    if pack_ids:
        return plan_repair_packs(repository, pack_ids, progress)
    return plan_repair_index(repository, progress=progress)


def _is_needed(plan: Plan) -> bool:
    return bool(plan.bad) if isinstance(plan, RepairPacksPlan) else plan.is_needed


def _write_plan(plan: Plan) -> None:
    lines = _pack_lines(plan) if isinstance(plan, RepairPacksPlan) else _index_lines(plan)
    for line in lines[:_MOST_SHOWN]:
        write_line(f"  {line}")
    if more := len(lines[_MOST_SHOWN:]):
        write_line("  " + ngettext("and {count} other", "and {count} others", more), count=more)


def _index_lines(plan: RepairIndexPlan) -> list[str]:
    lines = [
        _("index file {id} is damaged and is replaced").format(id=file_id)
        for file_id in sorted(plan.damaged_index_files)
    ]
    lines += [
        _("pack {id} is gone; the index forgets it").format(id=pack_id.hex())
        for pack_id in plan.missing
    ]
    lines += [
        _("pack {id}: its entries are taken from the pack itself").format(id=pack_id.hex())
        for pack_id in plan.read_again
    ]
    lines += [
        _("pack {id} cannot be read and stays out of the index: {reason}").format(
            id=pack.id.hex(), reason=fill(pack.error.what, pack.error.params)
        )
        for pack in plan.unreadable
    ]
    return lines if plan.is_needed else [*lines, _("the index is right already; nothing to do")]


def _pack_lines(plan: RepairPacksPlan) -> list[str]:
    text = _("pack {id}: {kept} blobs can be kept, {lost} are lost; the pack goes")
    return [
        _("pack {id} is sound; it stays").format(id=verdict.id.hex())
        if verdict.is_sound
        else text.format(id=verdict.id.hex(), kept=len(verdict.salvaged), lost=len(verdict.lost))
        for verdict in plan.verdicts
    ]


def _repair(
    context: RunContext, *, store: Store, pack_ids: tuple[bytes, ...], progress: Progress
) -> JobResult:
    """Look again and repair; the caller holds the site's lock."""
    estate = load_estate()
    repository = open_repository(estate, context.site, store)
    with hold_lock(repository, exclusive=True, retry_for=NO_WAIT) as lock:
        plan = _plan(repository, pack_ids, progress)
        result = _apply(repository, plan, lock, progress)
    update_index(context.catalog, repository, site=context.site, store=store.name)
    return result


def _apply(repository: Repository, plan: Plan, lock: Lock, progress: Progress) -> JobResult:
    if isinstance(plan, RepairPacksPlan):
        lost = [_name_blob(blob) for verdict in plan.bad for blob in verdict.lost]
        removed = apply_repair_packs(repository, plan, lock, progress)
        packs = [verdict.id.hex() for verdict in plan.bad]
        return JobResult(
            "ok", summary={"packs_removed": removed, "packs": packs, "blobs_lost": lost}
        )
    written = apply_repair_index(repository, plan, lock, progress)
    summary: dict[str, Any] = {
        "index_files_written": len(written),
        "index_files_damaged": sorted(plan.damaged_index_files),
        "packs_missing": [pack_id.hex() for pack_id in plan.missing],
        "packs_unreadable": [pack.id.hex() for pack in plan.unreadable],
    }
    if plan.unreadable:
        params = {"count": len(plan.unreadable), "first": summary["packs_unreadable"][0]}
        return JobResult("incomplete", "packs_unreadable", params, summary)
    return JobResult("ok", summary=summary)


def _name_blob(blob: PackedBlob) -> str:
    return f"{blob.type.word} {blob.id.hex()}"


@dataclass(frozen=True, slots=True)
class _Found:
    """The locks of one repository."""

    store: str
    repository: Repository
    dead: list[LockInfo]
    living: list[LockInfo]


def unlock_site(wish: Unlock) -> int:
    """Remove dead locks; gives the exit code.

    Order: read all locks and tell whose they are (`--dry-run` ends here); have the person confirm;
    remove those that gave no sign of life for half an hour; journal what was removed. A holder that
    wakes up after all finds its lock gone and stops before others see anything of it.

    Raises:
        WrongUseError: There is no such site or store, or nobody confirmed.
    """
    estate, site = load_estate(), wish.site
    title_of_known(estate, site)
    with (
        at_bench(estate, dry_run=wish.dry_run) as bench,
        hold_site_lock(estate.service.state, site, holder="unlock"),
    ):
        found, codes = _look(estate, site, wish.store)
        hosts = sorted({it.hostname or "?" for each in found for it in each.dead})
        if any(each.living for each in found):
            codes.append(RepositoryLockedError.exit_code)
        if not any(each.dead or each.living for each in found):
            write_line(_("no lock stands in the way"))
        if not hosts or wish.dry_run:
            return gravest(codes)
        question = _(
            "The locks of processes that gave no sign of life for half an hour are removed. Make"
            " sure first that none of these works any more on: {hosts}"
        )
        need_confirmation(site, wish.confirm, question.format(hosts=", ".join(hosts)))
        for each in found:
            _remove(bench, site, each)
    return gravest(codes)


def _look(estate: Estate, site: str, store: str) -> tuple[list[_Found], list[int]]:
    """Read the locks in each store and tell of each; a store that fails does not hide the others.

    Returns:
        What was found, and an exit code for each store that failed.
    """
    found, codes = list[_Found](), list[int]()
    for place in choose_stores(estate, store):
        with noting(codes):
            repository = find_repository(estate, site, place)
            if repository is None:
                continue
            now = repository.clock.now()
            each = _Found(place.name, repository, [], [])
            for lock in list_locks(repository):
                is_dead = not lock.is_readable or is_stale(lock, now)
                (each.dead if is_dead else each.living).append(lock)
                _tell(place.name, lock, now, is_dead=is_dead)
            found.append(each)
    return found, codes


def _tell(store: str, lock: LockInfo, now: datetime, *, is_dead: bool) -> None:
    holder = lock.tell_holder(now)
    told = fill(holder.what, holder.params)
    state = _("its process seems to be gone") if is_dead else _("it is at work: wait for it")
    write_indented(f"{store} · {told}; {state}", "  ", "    ")


def _remove(bench: Bench, site: str, each: _Found) -> None:
    if not each.dead:
        return
    drop_locks(each.repository, each.dead)
    text = ngettext(
        "{count} lock removed from {store}", "{count} locks removed from {store}", len(each.dead)
    )
    write_line("  " + text, count=len(each.dead), store=each.store)
    locks = [
        {
            "id": it.id,
            "host": it.hostname,
            "user": it.username,
            "pid": it.pid,
            "exclusive": it.exclusive,
            "at": "" if it.time is None else it.time.astimezone(UTC).isoformat(),
        }
        for it in each.dead
    ]
    bench.note("backup.unlock", site, {"store": each.store, "locks": locks})
