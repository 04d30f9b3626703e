"""Whose turn it is: which site, which engine, which copy; when, and when again after a try; pure.

- A drill runs when the site's backups do, and behind them.
- A drill counts where it went well; one that did not is tried again: after a day, then two, four,
  at most seven, so that what cannot succeed does not keep the others from their turn.
- Of several sites the one whose last good drill is longest ago comes first; among equals the lot
  decides, which is drawn anew in each period.
- A period that has passed without a good drill stays overdue until there is one.
- What a drill has shown to be wrong is a need of its own: the same drill, before all others.
- A share of the drills of whole sites is done with stock restic, by turn; copies take turns, too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from ops.drills.records import Kind
from ops.drills.rotation.needs import (
    LONG_AGO,
    ONE_DAY,
    DutyLine,
    OpenFinding,
    Past,
    RotationFacts,
    Term,
    Wanted,
    sort_past,
)
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


def choose_site(line: DutyLine, engine: str, term: Term, past: Past) -> tuple[str, date]:
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


FINDING = "drill-finding-fixed"
"""Name of the duty that says by when a finding is to be fixed."""

State = Literal["overdue", "due", "ahead"]
Hindrance = Literal["", "no_backup", "tried", "by_people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One need and how it stands.

    Attributes:
        duty, subject: Which.
        state: `overdue` (its day has passed), `due` (it is asked for), `ahead` (its day comes).
        due_on: By the end of which day.
        ready_on: From which day on it is asked for.
        choice: What is to be run, as things stand; None where nothing can be.
        hindrance: Why it is not asked for although its day has come: there is no `no_backup`, it
            was `tried` lately, or `by_people`: only they can do it.
        finding: Id of the finding that is to be shown fixed; empty for a duty's period.
        tries: Days on which it was tried in vain.
    """

    duty: str
    subject: str
    state: State
    due_on: date
    ready_on: date
    choice: Choice | None
    hindrance: Hindrance = ""
    finding: str = ""
    tries: int = 0


def plan_rotation(facts: RotationFacts) -> list[Need]:
    """Say of each need how it stands and what is to be run for it: overdue, due, ahead."""
    past = sort_past(facts)
    entries = [_of_finding(it, past) for it in facts.findings]
    entries += [_of_line(it, past) for it in facts.lines]
    ranks = {"overdue": 0, "due": 1, "ahead": 2}
    return sorted(entries, key=lambda it: (ranks[it.state], _rank(it)))


def choose_next(entries: Iterable[Need]) -> Need | None:
    """Give what is to be asked for now; None where nothing is due that can run by itself."""
    ready = [it for it in entries if it.state != "ahead" and not it.hindrance and it.choice]
    return min(ready, key=_rank, default=None)


def _rank(entry: Need) -> tuple[bool, date, str, str, str]:
    return (not entry.finding, entry.due_on, entry.duty, entry.subject, entry.finding)


def _of_line(line: DutyLine, past: Past) -> Need:
    good = max((it.newest_good for it in past.of(line)), default=LONG_AGO).date()
    last = line.last
    if last is not None and good < last.since:
        allowed = _allowed(last, line.known)
        if past.today > allowed:
            return _entry(line, Term(last.since, allowed), past, is_late=True)
        # A site that is new is drilled within one length of the period all the same.
        term = Term(line.current.since, min(line.current.due_on, allowed))
        return _entry(line, term, past)
    if good < line.current.since:
        return _entry(line, line.current, past)
    return _entry(line, line.following, past)


def _allowed(last: Term, known: date) -> date:
    """Give by when a period's drill had to be done: of a site that was new in it, later."""
    return max(last.due_on, known + (last.due_on - last.since))


def _entry(line: DutyLine, term: Term | None, past: Past, *, is_late: bool = False) -> Need:
    """Say how one period stands; where no row names a next one, it begins after the present one."""
    if term is None:
        term = Term(line.current.due_on + ONE_DAY, line.current.due_on + ONE_DAY)
    slot = max(term.since, line.known) if is_late else line.day_of(term)
    tried = {it.day for kind in past.of(line) for it in kind.in_vain_since(term.since)}
    engine = engine_for(line.wanted, past)
    site, free_on = choose_site(line, engine, term, past)
    return _judged(
        Need(
            duty=line.duty,
            subject=line.subject,
            state=_state(term, slot, past.today),
            due_on=term.due_on,
            ready_on=max(slot, free_after(tried), free_on),
            choice=choose_copy(site, line.wanted, engine, past) if site else None,
            tries=len(tried),
        ),
        line.wanted,
        past.today,
    )


def _of_finding(finding: OpenFinding, past: Past) -> Need:
    wanted = Wanted(finding.scope, finding.engine, finding.from_paper)
    tried = {
        it.day
        for kind in past.of_site.get(finding.site, ())
        if kind.like.meets(wanted)
        for it in kind.in_vain_since(finding.opened_on)
        if it.store in {"", finding.store}
    }
    stores = past.facts.stores.get(finding.site, ())
    choice = choose_copy(finding.site, wanted, finding.engine, past)
    if finding.store:
        choice = replace(choice, store=finding.store)
    can_run = finding.scope == "archive" or choice.store in stores
    return _judged(
        Need(
            duty=FINDING,
            subject=finding.site,
            state="overdue" if past.today > finding.due_on else "due",
            due_on=finding.due_on,
            ready_on=max(finding.opened_on, free_after(tried)),
            choice=replace(choice, path=finding.path) if can_run else None,
            finding=finding.id,
            tries=len(tried),
        ),
        wanted,
        past.today,
    )


def _state(term: Term, slot: date, today: date) -> State:
    if today > term.due_on:
        return "overdue"
    return "due" if today >= slot else "ahead"


def _judged(entry: Need, wanted: Wanted, today: date) -> Need:
    """Say what keeps a drill from being asked for."""
    hindrance: Hindrance = ""
    if entry.choice is None:
        hindrance = "no_backup"
    elif wanted.from_paper:
        hindrance = "by_people"
    elif entry.state != "ahead" and today < entry.ready_on:
        hindrance = "tried"
    return replace(entry, hindrance=hindrance)
