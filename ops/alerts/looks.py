"""What a look changes: pending → firing → resolved, for each condition; pure.

A condition that is red for its time is told, unless something it stands on is as red
(`suppressed`) or somebody wants quiet (`hushed`); as soon as neither holds any more it is told, if
it is still red.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from ops.alerts.decisions import is_graver
from ops.alerts.drafts import Severity

State = Literal["good", "bad", "no_data", "not_checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that can be red, as one look found it.

    Attributes:
        subject: What it is about, unique in a look: `host:web1`, `host:web1/disk:/var`.
        state: `no_data` where the look should have seen it and did not; `not_checked` where it may
            not or cannot be seen, which is never told as good.
        severity: How grave it is while it is bad.
        code: What its sentences are made from.
        params: JSON values for those sentences; text in them was sanitised and bounded.
        parent: Subject of what it stands on, such as the host of a disk; empty for none. While a
            parent is bad its children are not told.
        holds_for: How long it is bad before anybody is told.
        site: The site it concerns; empty for none or several.
    """

    subject: str
    state: State
    severity: Severity = "warning"
    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    holds_for: timedelta = timedelta()
    site: str = ""


Stage = Literal["quiet", "pending", "suppressed", "hushed", "firing"]
"""`quiet`: good, kept for its changes; `pending`: not red for its time yet; `firing`: told."""

RED = frozenset({"bad", "no_data"})
FLAPS_WITHIN = timedelta(hours=1)
MOST_CHANGES = 4
"""What changes more often within `FLAPS_WITHIN` is held open until it has calmed down."""
GAP = 5
"""A look that comes this many times later than usual follows a gap of our own."""
_FLAPS = ":flaps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One condition as the catalog keeps it; fields as in `ops.catalog.tables.alerts`."""

    subject: str
    state: State
    severity: Severity
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    site: str = ""
    holds_for: timedelta = timedelta()
    since: datetime
    stage: Stage = "pending"
    told: str = ""
    changes: tuple[datetime, ...] = ()
    alert: UUID | None = None

    def is_flapping(self, now: datetime) -> bool:
        """Say whether it changes too often to be believed when it is good."""
        return len(self.changes) > MOST_CHANGES and len(_recent(self.changes, now)) > MOST_CHANGES

    def is_down(self, now: datetime) -> bool:
        """Say whether what stands on it is not told."""
        return self.state in RED or self.alert is not None or self.is_flapping(now)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a look changes.

    Attributes:
        states: Every state afterwards, by subject; those to be told are as they were before.
        opened: What is to be told.
        changed: What was told, and has another cause now, or is graver.
        over: What was told, and is good again or no more; as it was before.
    """

    states: Mapping[str, Held]
    opened: tuple[Held, ...] = ()
    changed: tuple[Held, ...] = ()
    over: tuple[Held, ...] = ()


IsQuiet = Callable[[str, str, str], bool]
"""Says of a subject, site and severity whether nobody is to be told."""


def find_root(subject: str, roots: Collection[str]) -> str | None:
    """Give the nearest of some roots that a subject is, or lies below; None for none."""
    end = len(subject)
    while end > 0:
        if subject[:end] in roots:
            return subject[:end]
        end = subject.rfind("/", 0, end)
    kind = subject[: subject.find(":") + 1]
    return kind if kind in roots else None


def cause_of(held: Held, now: datetime) -> str:
    """Give what a message about it tells of: each is told once while it is red."""
    return f"{held.severity}:{held.code}" + (_FLAPS if held.is_flapping(now) else "")


def note_told(held: Held, alert: UUID, now: datetime) -> Held:
    """Give what is told from now on, by an alert."""
    told = f"{held.told} {cause_of(held, now)}".lstrip()
    return replace(held, stage="firing", told=told, alert=alert)


def decide_look(
    known: Mapping[str, Held],
    conditions: Iterable[Condition],
    now: datetime,
    *,
    looked_at: Collection[str],
    after_gap: Collection[str] = (),
    is_quiet: IsQuiet,
) -> Decision:
    """Decide what one look changes.

    Args:
        known: All states, by subject.
        conditions: What was seen; the last one of a subject counts.
        now: Aware.
        looked_at: Roots that were looked at.
        after_gap: Those of them that had not been looked at for too long.
        is_quiet: Whether nobody is to be told of something.
    """
    roots, gaps = frozenset(looked_at), frozenset(after_gap)
    states, over, red = dict(known), [], []
    seen = {it.subject: it for it in conditions}
    for subject, condition in seen.items():
        before = known.get(subject)
        if before is None and condition.state not in RED:
            continue
        is_late = bool(gaps) and find_root(subject, gaps) is not None
        after = _follow(before, condition, now, is_late=is_late)
        if after.state in RED:
            red.append((subject, is_late))
        elif after.alert and after.state == "good" and not is_late and not after.is_flapping(now):
            over.append(after)
            after = replace(after, told="", alert=None)
        _keep(states, after, now)
    for before in _unseen(known, seen, roots):
        if not _is_hidden(before, states, seen, roots, now):
            del states[before.subject]
            over += [before] if before.alert else []
    return _sort(states, red, over, now, is_quiet)


def _keep(states: dict[str, Held], held: Held, now: datetime) -> None:
    """Keep a state, unless nothing is left of it that anybody asks for."""
    if held.state in RED or held.alert:
        states[held.subject] = held
    elif held.state == "good" and _recent(held.changes, now):
        states[held.subject] = replace(held, stage="quiet") if held.stage != "quiet" else held
    else:
        states.pop(held.subject, None)


def _unseen(
    known: Mapping[str, Held], seen: Collection[str], roots: Collection[str]
) -> Iterator[Held]:
    for subject, before in known.items():
        if subject not in seen and find_root(subject, roots) is not None:
            yield before


def _is_hidden(
    before: Held,
    states: Mapping[str, Held],
    seen: Collection[str],
    roots: Collection[str],
    now: datetime,
) -> bool:
    """Say whether it was not seen because something it stands on is red, and was seen or kept."""
    for above in _ancestors(before, states):
        is_kept = above.subject in seen or find_root(above.subject, roots) is None
        if is_kept and above.is_down(now):
            return True
    return False


def _ancestors(held: Held, states: Mapping[str, Held]) -> Iterator[Held]:
    """Yield what it stands on, the nearest first; nothing below what is good explains it."""
    passed = {held.subject}
    above = states.get(held.parent)
    while above is not None and above.subject not in passed:
        if above.stage == "quiet":
            return
        passed.add(above.subject)
        yield above
        above = states.get(above.parent)


def _follow(before: Held | None, condition: Condition, now: datetime, *, is_late: bool) -> Held:
    """Give what is known of a condition after it was seen; its stage is not decided yet."""
    is_red = condition.state in RED
    if before is None:
        return _begin(condition, now, (now,))
    if condition.state == "not_checked":
        return replace(before, state="not_checked") if before.state != "not_checked" else before
    was_red = before.state != "good"
    changes = before.changes if was_red == is_red else (*_recent(before.changes, now), now)
    if not is_red:
        return before if not was_red else replace(before, state="good", changes=changes)
    is_steady = was_red or len(changes) > MOST_CHANGES
    is_new_here = is_late and before.alert is None
    after = _begin(
        condition, min(before.since, now) if is_steady and not is_new_here else now, changes, before
    )
    if (
        condition.state == "no_data"
        and before.alert
        and not is_graver(after.severity, before.severity)
    ):
        cause = {"code": before.code, "severity": before.severity, "params": before.params}
        after = replace(after, **cause)  # type: ignore[arg-type] # as they were
    return after if after != before else before


def _begin(
    condition: Condition, since: datetime, changes: tuple[datetime, ...], before: Held | None = None
) -> Held:
    return Held(
        subject=condition.subject,
        state=condition.state,
        severity=condition.severity,
        code=condition.code,
        params=condition.params,
        parent=condition.parent,
        site=condition.site,
        holds_for=condition.holds_for,
        since=since,
        stage=before.stage if before else "pending",
        told=before.told if before else "",
        changes=changes,
        alert=before.alert if before else None,
    )


def _recent(changes: Iterable[datetime], now: datetime) -> tuple[datetime, ...]:
    return tuple(it for it in changes if abs(now - it) < FLAPS_WITHIN)


def _sort(
    states: dict[str, Held],
    red: Iterable[tuple[str, bool]],
    over: Iterable[Held],
    now: datetime,
    is_quiet: IsQuiet,
) -> Decision:
    """Decide the stage of everything that is red, against the states as they are now."""
    opened, changed = [], []
    stages = dict(states)
    for subject, is_late in red:
        held = states[subject]
        if held.alert is None:
            stage = _stage_of(held, states, now, is_quiet, is_late=is_late)
            if stage == "firing":
                opened.append(held)
            elif stage != held.stage:
                stages[subject] = replace(held, stage=stage)
        elif not is_late and is_news(held, now):
            is_told = _find_hindrance(held, states, now, is_quiet) is None
            changed += [held] if is_told else []
    return Decision(stages, tuple(opened), tuple(changed), tuple(over))


def is_news(held: Held, now: datetime) -> bool:
    """Say whether what is told of it has another cause now, is graver, or changes all the time."""
    told = held.told.split()
    pairs = (it.removesuffix(_FLAPS).split(":", 1) for it in told)
    is_known = any(code == held.code and not is_graver(held.severity, as_) for as_, code in pairs)
    return not is_known or (held.is_flapping(now) and not any(it.endswith(_FLAPS) for it in told))


def _stage_of(
    held: Held, states: Mapping[str, Held], now: datetime, is_quiet: IsQuiet, *, is_late: bool
) -> Stage:
    if is_late or now - held.since < held.holds_for:
        return "pending"
    return _find_hindrance(held, states, now, is_quiet) or "firing"


def _find_hindrance(
    held: Held, states: Mapping[str, Held], now: datetime, is_quiet: IsQuiet
) -> Literal["suppressed", "hushed"] | None:
    """Say why something is not told just now.

    What is less grave hides nothing: that a host does not let our key in must not hide that its
    site is down. What is hushed itself hides only what is no graver: a silence about a host's load
    must not hide that its site is down.
    """
    down = [it for it in _ancestors(held, states) if it.is_down(now)]
    for at, above in enumerate(down):
        explains = not is_graver(held.severity, above.severity)
        if explains and not any(is_quiet(it.subject, it.site, above.severity) for it in down[at:]):
            return "suppressed"
    is_hushed = any(is_quiet(it.subject, it.site, held.severity) for it in (held, *down))
    return "hushed" if is_hushed else None


def find_hidden(states: Mapping[str, Held], subjects: Collection[str]) -> list[Held]:
    """Give what is red and not told because of some subjects, by name."""
    found = [
        it
        for it in states.values()
        if it.stage == "suppressed"
        and any(above.subject in subjects for above in _ancestors(it, states))
    ]
    return sorted(found, key=lambda it: it.subject)
