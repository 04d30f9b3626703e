"""Whose turn it is: which site, which engine, which copy; when again after a try; pure.

When a drill of a site may run: when its backups do, and behind them; pure.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ops.drills.records import Kind
from ops.drills.rotation.facts import LONG_AGO, Past
from ops.drills.rotation.needs import Line, Term, Wanted
from ops.schedule.occurrences import next_due, second_half
from ops.schedule.windows import Cron, Schedule, Window, spread_place

_LONGEST_PAUSE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Choice:
    """The drill that is to be run.

    Attributes:
        site, scope, engine, from_paper: As the drill's task takes them.
        store: Where to restore from.
        path: The file that is to be restored; empty for a whole site, and where chance decides.
    """

    site: str
    scope: Kind
    engine: str
    from_paper: bool
    store: str
    path: str = ""


def pause_after(tries: int) -> timedelta:
    """Give how long to wait after so many days on which it was tried in vain."""
    return timedelta(days=min(2 ** max(tries - 1, 0), _LONGEST_PAUSE_DAYS))


def free_after(tried: set[date]) -> date:
    """Give from when on it may be tried again, after these days on which it was in vain."""
    return max(tried) + pause_after(len(tried)) if tried else date.min


def choose_site(line: Line, engine: str, term: Term, past: Past) -> tuple[str, date]:
    """Give the site whose turn it is, and from when on; an empty name where none has a backup.

    One that was tried in vain lately lets the others go first, as long as there are others.
    """
    scope = line.wanted.scope
    free = {
        it: free_after(_tried_since_good(it, scope, engine, past))
        for it in line.sites
        if it in past.facts.stores
    }
    ready = [it for it, day in free.items() if day <= past.today]
    if not ready:
        first = min(free, key=lambda it: (free[it], it), default="")
        return first, free.get(first, date.min)
    lot = f"{line.duty}/{term.due_on.isoformat()}"
    order = {it: (past.newest_good(it, scope), spread_place(f"{lot}/{it}")) for it in ready}
    return min(ready, key=lambda it: order[it]), date.min


def _tried_since_good(site: str, scope: Kind, engine: str, past: Past) -> set[date]:
    """Give the days since a site's last good drill on which one was tried in vain."""
    kinds = past.of_site.get(site, ())
    mine = [it for it in kinds if (it.like.scope, it.like.engine) == (scope, engine)]
    good = max((it.newest_good for it in mine), default=LONG_AGO)
    return {it.day for kind in mine for it in kind.in_vain if it.at > good}


def engine_for(wanted: Wanted, past: Past) -> str:
    """Give the engine: the one that is wanted, else stock restic when its turn has come."""
    if wanted.engine:
        return wanted.engine
    if wanted.scope != "site" or wanted.from_paper:
        return "ours"
    others = past.facts.stock_every - 1
    recent = past.whole[-others:] if others else ()
    is_turn = len(recent) == others and all(it.engine == "ours" for it in recent)
    return "restic" if is_turn else "ours"


def choose_copy(site: str, wanted: Wanted, engine: str, past: Past) -> Choice:
    """Choose the copy whose last good drill for this site is longest ago; the primary first."""
    if wanted.scope == "archive":
        return Choice(site, "archive", engine, from_paper=False, store="")  # its own first copy
    kinds = [it for it in past.of_site.get(site, ()) if it.like.scope == wanted.scope]
    stores = past.facts.stores.get(site, ())
    newest = {
        store: max((it.good_copies.get(store, LONG_AGO) for it in kinds), default=LONG_AGO)
        for store in stores
    }
    store = min(stores, key=lambda it: newest[it], default="")
    return Choice(site, wanted.scope, engine, wanted.from_paper, store)


_AFTER_BACKUP = timedelta(hours=1)


def next_moment(schedule: Schedule, now: datetime) -> datetime:
    """Give when a site can be drilled next, in UTC to the whole second.

    Args:
        schedule: Of the site's backup. A window: its second half, when the night's backups have
            begun. A cron line: an hour after the next backup. None: now, since no time is better.
        now: Aware.
    """
    moment: datetime | None = now.astimezone(UTC)
    if isinstance(schedule, Window):
        moment = second_half(schedule, now)
    elif isinstance(schedule, Cron):
        due = next_due(schedule, now - _AFTER_BACKUP)
        moment = due and due + _AFTER_BACKUP
    return (moment or now.astimezone(UTC)).replace(microsecond=0)
