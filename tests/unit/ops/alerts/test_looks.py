"""What a look changes, decided from states and conditions alone."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.alerts.looks import (
    Condition,
    Decision,
    Held,
    decide_look,
    find_hidden,
    find_root,
    note_told,
)

NOW = datetime(2026, 11, 29, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOST = "host:web1"
DISK = f"{HOST}/disk:/var"
ALERT = UUID(int=1)


def a_condition(subject: str = HOST, state: Any = "bad", **changes: Any) -> Condition:
    return Condition(**{"subject": subject, "state": state, "code": "silent"} | changes)


class Watch:
    """States over many looks, as the catalog would keep them; each telling noted."""

    def __init__(self) -> None:
        self.states: dict[str, Held] = {}
        self.told: list[str] = []
        self.over: list[str] = []
        self.quiet: Collection[str] = ()

    def look(
        self,
        at: datetime,
        *conditions: Condition,
        looked_at: Iterable[str] = ("host:", "site:", "line:"),
        after_gap: Iterable[str] = (),
    ) -> Decision:
        decision = decide_look(
            self.states, conditions, at, looked_at=list(looked_at), after_gap=list(after_gap),
            is_quiet=lambda subject, _site, _severity: subject in self.quiet,
        )  # fmt: skip
        self.states = dict(decision.states)
        for held in (*decision.opened, *decision.changed):
            self.states[held.subject] = note_told(held, ALERT, at)
            self.told.append(held.subject)
        self.over += [it.subject for it in decision.over]
        return decision


def test_it_is_told_once_it_was_red_for_its_time_and_over_when_it_is_good() -> None:
    watch = Watch()
    red = a_condition(holds_for=2 * MINUTE)
    for minute in range(5):
        watch.look(NOW + minute * MINUTE, red)
        assert len(watch.told) == (1 if minute >= 2 else 0)
    watch.look(NOW + 5 * MINUTE, replace(red, state="good"))

    assert (watch.told, watch.over) == ([HOST], [HOST])


def test_what_is_good_again_before_its_time_is_not_told() -> None:
    watch = Watch()
    red = a_condition(holds_for=2 * MINUTE)
    watch.look(NOW, red)
    watch.look(NOW + MINUTE, replace(red, state="good"))
    watch.look(NOW + 2 * MINUTE, red)
    watch.look(NOW + 3 * MINUTE, red)

    assert watch.told == []


def test_what_is_not_checked_is_neither_red_nor_over() -> None:
    watch = Watch()
    watch.look(NOW, a_condition(state="not_checked"))
    watch.look(NOW + MINUTE, a_condition())
    watch.look(NOW + 2 * MINUTE, a_condition(state="not_checked"))

    assert (watch.told, watch.over) == ([HOST], [])


def test_no_data_is_red_in_its_own_right_and_no_second_message_about_what_was_red() -> None:
    watch = Watch()
    watch.look(NOW, a_condition(state="no_data", code="unseen"))
    watch.look(NOW + MINUTE, a_condition(code="full"))
    watch.look(NOW + 2 * MINUTE, a_condition(state="no_data", code="unseen"))
    graver = a_condition(state="no_data", code="unseen", severity="critical")
    watch.look(NOW + 3 * MINUTE, graver)

    assert watch.told == [HOST] * 3  # unseen, full, and gravely unseen


def test_while_what_it_stands_on_is_red_it_is_not_told_and_afterwards_it_is() -> None:
    watch = Watch()
    host, disk = a_condition(severity="critical"), a_condition(DISK, code="full", parent=HOST)
    watch.look(NOW, host, disk)
    under = [it.subject for it in find_hidden(watch.states, {HOST})]
    watch.look(NOW + MINUTE, replace(host, state="good"), disk)

    assert (watch.told, under, watch.over) == ([HOST, DISK], [DISK], [HOST])


def test_what_is_less_grave_hides_nothing_graver_that_stands_on_it_silent_or_not() -> None:
    watch = Watch()
    load = a_condition(code="load")
    page, disk = (
        a_condition("site:cong", severity="critical", parent=HOST),
        a_condition(DISK, parent=HOST),
    )

    def is_quiet(subject: str, _site: str, severity: str) -> bool:
        return subject == HOST and severity != "critical"

    decision = decide_look(
        {}, [load, page, disk], NOW, looked_at=["host:", "site:"], is_quiet=is_quiet
    )
    assert [it.subject for it in decision.opened] == ["site:cong"]
    assert decision.states[DISK].stage == "hushed"
    watch.look(NOW, load, page, disk)
    assert watch.told == [HOST, "site:cong"]
    assert watch.states[DISK].stage == "suppressed"


def test_a_subject_that_is_given_twice_counts_once() -> None:
    watch = Watch()
    watch.look(NOW, a_condition(state="good"), a_condition(), a_condition())

    assert watch.told == [HOST]


def test_a_chain_is_followed_up_to_the_line_even_while_that_still_waits() -> None:
    watch = Watch()
    line = a_condition("line:so", holds_for=5 * MINUTE)
    below = [
        a_condition(parent="line:so"),
        a_condition("site:cong", parent=HOST),
        a_condition("site:cong/page:/", parent="site:cong"),
    ]
    for minute in range(7):
        watch.look(NOW + minute * MINUTE, line, *below)

    assert watch.told == ["line:so"]
    assert len(find_hidden(watch.states, {"line:so"})) == 3


def test_what_stands_on_each_other_in_a_circle_hangs_nobody() -> None:
    watch = Watch()
    watch.look(NOW, a_condition(parent=DISK), a_condition(DISK, parent=HOST))

    assert watch.told == []  # each is hidden by the other: nothing is lost, both are listed
    assert {it.stage for it in watch.states.values()} == {"suppressed"}


def test_what_was_not_seen_because_its_host_is_down_stays_and_what_is_gone_is_over() -> None:
    watch = Watch()
    disk = a_condition(DISK, code="full", parent=HOST)
    watch.look(NOW, a_condition(state="good"), disk)
    watch.look(NOW + MINUTE, a_condition(state="no_data"))
    assert (watch.told, watch.over) == ([DISK, HOST], [])
    watch.look(NOW + 2 * MINUTE, a_condition(state="good"))

    assert watch.over == [HOST, DISK]


def test_what_was_not_looked_at_stays_as_it_is() -> None:
    watch = Watch()
    watch.look(NOW, a_condition())
    before = watch.states
    watch.look(NOW + MINUTE, looked_at=["site:"])

    assert watch.states == before


def test_what_keeps_changing_is_held_open_and_said_once() -> None:
    watch = Watch()
    for minute in range(0, 40, 2):
        watch.look(NOW + minute * MINUTE, a_condition())
        watch.look(NOW + (minute + 1) * MINUTE, a_condition(state="good"))
    assert len(watch.told) == 3  # twice as it seemed, and once that it keeps changing
    assert len(watch.over) == 2
    watch.look(NOW + 98 * MINUTE, a_condition(state="good"))
    watch.look(NOW + 101 * MINUTE, a_condition(state="good"))

    assert (len(watch.told), len(watch.over)) == (3, 3)


def test_what_never_stays_red_for_its_time_is_told_when_it_keeps_changing() -> None:
    watch = Watch()
    red = a_condition(holds_for=3 * MINUTE)
    for minute in range(0, 20, 2):
        watch.look(NOW + minute * MINUTE, red)
        watch.look(NOW + (minute + 1) * MINUTE, replace(red, state="good"))

    assert watch.told == [HOST]


def test_what_is_hushed_is_told_when_the_quiet_is_over() -> None:
    watch = Watch()
    watch.quiet = {HOST}
    watch.look(NOW, a_condition())
    assert (watch.told, watch.states[HOST].stage) == ([], "hushed")
    watch.quiet = ()
    watch.look(NOW + MINUTE, a_condition())

    assert watch.told == [HOST]


def test_after_a_gap_of_our_own_the_first_look_tells_nothing() -> None:
    watch = Watch()
    firing, waiting = a_condition("host:a"), a_condition("host:b", holds_for=2 * MINUTE)
    watch.look(NOW, firing, waiting)
    later = NOW + timedelta(hours=3)
    new = a_condition("host:c")
    is_good = replace(firing, state="good")
    watch.look(later, is_good, waiting, new, after_gap=["host:"])
    assert (watch.told, watch.over) == (["host:a"], [])
    watch.look(later + MINUTE, is_good, waiting, new)
    assert (watch.told, watch.over) == (["host:a", "host:c"], ["host:a"])
    watch.look(later + 2 * MINUTE, is_good, waiting, new)

    assert watch.told == ["host:a", "host:c", "host:b"]


@pytest.mark.parametrize(
    ("subject", "roots", "found"),
    [
        (DISK, {HOST}, HOST),
        (DISK, {"host:"}, "host:"),
        (DISK, {"host:web"}, None),
        ("host:web1", {"host:web1", "host:"}, "host:web1"),
        ("plain", {"host:"}, None),
    ],
)
def test_a_subject_lies_below_its_roots(subject: str, roots: set[str], found: str | None) -> None:
    assert find_root(subject, roots) == found


STATES = st.sampled_from(["good", "bad", "no_data", "not_checked", "absent"])
LOOKS = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=20),
        st.tuples(STATES, STATES, STATES),
        st.sampled_from(["warning", "critical"]),
        st.sampled_from(["full", "hangs"]),
    ),
    min_size=1,
    max_size=25,
)


@given(LOOKS)
def test_no_cause_is_told_twice_in_its_life_and_a_look_taken_in_again_changes_nothing(
    looks: list[tuple[int, tuple[Any, Any, Any], Any, str]],
) -> None:
    watch, at = Watch(), NOW
    causes: dict[str, list[str]] = {}
    for minutes, (line, host, disk), severity, code in looks:
        at += minutes * MINUTE
        chain = (("line:so", line, ""), (HOST, host, "line:so"), (DISK, disk, HOST))
        seen = [
            Condition(subject=subject, state=state, severity=severity, code=code, parent=parent,
                      holds_for=3 * MINUTE)
            for subject, state, parent in chain if state != "absent"
        ]  # fmt: skip
        before = dict(watch.states)
        decision = watch.look(at, *seen)
        for held in decision.over:
            assert before[held.subject].alert is not None
            causes[held.subject] = []
        for held in (*decision.opened, *decision.changed):
            told = watch.states[held.subject].told
            assert told not in causes.setdefault(held.subject, [])[-1:]
            causes[held.subject].append(told)
        firing = {it.subject for it in watch.states.values() if it.alert}
        assert firing == {it for it, told in causes.items() if told}  # open, or it was resolved
        again = watch.look(at, *seen)
        assert (again.opened, again.changed, again.over) == ((), (), ())
        assert again.states == watch.states
