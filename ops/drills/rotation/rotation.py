"""Which drills are due, overdue and next, chosen so that nothing is forgotten; pure.

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
from datetime import date
from typing import Literal

from ops.drills.rotation.facts import LONG_AGO, OpenFinding, Past, RotationFacts, sort_past
from ops.drills.rotation.needs import ONE_DAY, Line, Term, Wanted
from ops.drills.rotation.turns import Choice, choose_copy, choose_site, engine_for, free_after

FINDING = "drill-finding-fixed"
"""Name of the duty that says by when a finding is to be fixed."""

State = Literal["overdue", "due", "ahead"]
Hindrance = Literal["", "no_backup", "tried", "by_people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
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


def plan_rotation(facts: RotationFacts) -> list[Entry]:
    """Say of each need how it stands and what is to be run for it: overdue, due, ahead."""
    past = sort_past(facts)
    entries = [_of_finding(it, past) for it in facts.findings]
    entries += [_of_line(it, past) for it in facts.lines]
    ranks = {"overdue": 0, "due": 1, "ahead": 2}
    return sorted(entries, key=lambda it: (ranks[it.state], _rank(it)))


def choose_next(entries: Iterable[Entry]) -> Entry | None:
    """Give what is to be asked for now; None where nothing is due that can run by itself."""
    ready = [it for it in entries if it.state != "ahead" and not it.hindrance and it.choice]
    return min(ready, key=_rank, default=None)


def _rank(entry: Entry) -> tuple[bool, date, str, str, str]:
    return (not entry.finding, entry.due_on, entry.duty, entry.subject, entry.finding)


def _of_line(line: Line, past: Past) -> Entry:
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


def _entry(line: Line, term: Term | None, past: Past, *, is_late: bool = False) -> Entry:
    """Say how one period stands; where no row names a next one, it begins after the present one."""
    if term is None:
        term = Term(line.current.due_on + ONE_DAY, line.current.due_on + ONE_DAY)
    slot = max(term.since, line.known) if is_late else line.day_of(term)
    tried = {it.day for kind in past.of(line) for it in kind.in_vain_since(term.since)}
    engine = engine_for(line.wanted, past)
    site, free_on = choose_site(line, engine, term, past)
    return _judged(
        Entry(
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


def _of_finding(finding: OpenFinding, past: Past) -> Entry:
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
        Entry(
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


def _judged(entry: Entry, wanted: Wanted, today: date) -> Entry:
    """Say what keeps a drill from being asked for."""
    hindrance: Hindrance = ""
    if entry.choice is None:
        hindrance = "no_backup"
    elif wanted.from_paper:
        hindrance = "by_people"
    elif entry.state != "ahead" and today < entry.ready_on:
        hindrance = "tried"
    return replace(entry, hindrance=hindrance)
