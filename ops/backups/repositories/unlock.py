"""Remove the locks that dead processes left in a site's repositories, for a person at a terminal.

Order: read all locks and tell whose they are (`--dry-run` ends here); have the person confirm;
remove those that gave no sign of life for half an hour; journal what was removed. A holder that
wakes up after all finds its lock gone and stops before others see anything of it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from backup.errors import RepositoryLockedError
from backup.repository.locks import LockInfo, drop_locks, is_stale, list_locks
from backup.repository.repository import Repository
from ops.access.session import Bench, at_bench
from ops.backups.repositories.open import find_repository
from ops.backups.tasks import Unlock
from ops.estate.choose import choose_stores
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.jobs.site_lock import hold_site_lock
from ops.language.text import _, fill, ngettext
from ops.terminal.exit_codes import gravest, noting
from ops.terminal.output import write_indented, write_line
from ops.terminal.progress import need_confirmation


@dataclass(frozen=True, slots=True)
class _Found:
    """The locks of one repository."""

    store: str
    repository: Repository
    dead: list[LockInfo]
    living: list[LockInfo]


def unlock_site(wish: Unlock) -> int:
    """Remove them; gives the exit code.

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
