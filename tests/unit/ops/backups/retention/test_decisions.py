"""Over many histories: no rule takes what a minimum or a hold protects; doubts stop deleting."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.format.snapshot import Snapshot
from backup.retention.forget import plan_forget
from ops.backups.brakes import (
    BRAKES,
    CLOCK_AHEAD,
    CLOCK_BEHIND,
    HELD_GONE,
    MANY_GONE,
    NOTHING_SEEN,
    BrakeFacts,
    decide_brake,
)
from ops.backups.retention.holds import check_hold
from ops.backups.retention.minimums import Minimum, decide_minimum, find_lowered
from ops.backups.retention.protection import (
    HELD,
    NEWEST_WHOLE,
    Guard,
    HoldView,
    find_protected,
    is_held,
    make_policy,
    protect,
)
from ops.backups.retention.tasks import PlaceHold
from ops.errors import WrongUseError
from ops.estate.model.minimums import decide_floor, floor_in
from ops.estate.model.people import ContentClass
from ops.estate.model.policies import Retention, StoreRetention

HANOI = timezone(timedelta(hours=7))
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOURS_OF_THREE_YEARS = 3 * 365 * 24

ages = st.lists(st.integers(-48, HOURS_OF_THREE_YEARS), max_size=60, unique=True)
counts = st.integers(0, 12)
rules = st.builds(
    Retention,
    keep_last=st.integers(1, 5),
    keep_daily=counts,
    keep_weekly=counts,
    keep_monthly=counts,
    keep_yearly=counts,
    minimum_days=st.integers(0, 400),
)


def a_snapshot(hours: int, path: str = "/a") -> Snapshot:
    time = (NOW - timedelta(hours=hours)).astimezone(HANOI)
    number = (hours + 48) * 2 + (path == "/b")
    return Snapshot(time=time, tree=b"", paths=(path,), hostname="a", id=f"{number:064x}")


@given(data=st.data(), first=ages, second=ages, retention=rules)
def test_no_plan_takes_what_is_young_held_or_the_newest_whole(
    data: st.DataObject, first: list[int], second: list[int], retention: Retention
) -> None:
    snapshots = [a_snapshot(it) for it in first] + [a_snapshot(it, "/b") for it in second]
    ids = [it.id for it in snapshots]
    held = data.draw(st.sets(st.sampled_from(ids)) if ids else st.just(set[str]()))
    whole = data.draw(st.sets(st.sampled_from(ids)) if ids else st.just(set[str]()))
    guard = Guard(
        floor_days=retention.minimum_days,
        holds=tuple(HoldView(it, "12/QĐ") for it in held),
        outcomes=dict.fromkeys(whole, "ok"),
    )
    ruled = plan_forget(snapshots, make_policy(retention), now=NOW)
    plan = protect(ruled, guard, now=NOW)
    going = [it for it in snapshots if it.id in plan.remove]

    assert set(plan.remove) <= set(ruled.remove)
    if retention.minimum_days:  # without one, not even what a clock ahead has made is too young
        assert all(NOW - it.time >= retention.minimum_days * DAY for it in going)
    assert not held & set(plan.remove)
    for path in ("/a", "/b"):
        good = [it for it in snapshots if it.paths == (path,) and it.id in whole]
        assert not good or max(good, key=lambda it: it.time).id not in plan.remove
    kept = {verdict.snapshot.id for group in plan.groups for verdict in group.keep}
    assert kept | set(plan.remove) == set(ids)
    assert not kept & set(plan.remove)
    protected = protect(ruled, replace(guard, holds=(HoldView("", "all"),)), now=NOW)
    assert protected.remove == ()


def test_what_stays_says_why() -> None:
    snapshots = [a_snapshot(24 * day) for day in (1, 5, 20)]
    guard = Guard(10, (HoldView(snapshots[2].id, "x"),), {snapshots[1].id: "ok"})

    assert find_protected(snapshots, guard, now=NOW) == {
        snapshots[0].id: ("within 10d",),
        snapshots[1].id: ("within 10d", NEWEST_WHOLE),
        snapshots[2].id: (HELD,),
    }


def test_nothing_grows_old_while_no_backups_are_made() -> None:
    snapshots = [a_snapshot(24 * day) for day in (400, 405, 500)]
    protected = find_protected(snapshots, Guard(30), now=NOW)

    assert sorted(protected) == sorted(it.id for it in snapshots[:2])


def test_the_longest_minimum_of_site_classes_and_store_holds() -> None:
    own = Retention(minimum_days=30, minimum_basis="tự đặt")
    news = ContentClass(name="news")
    feedback = ContentClass(name="feedback", minimum_days=90, minimum_basis="QĐ 12")

    assert decide_floor(own, [news]).days == 30
    assert decide_floor(own, [news, feedback]).days == 90
    assert decide_floor(own, [feedback, news]).basis == "QĐ 12"
    assert decide_floor(own, [feedback], StoreRetention(minimum_days=5)).days == 90
    assert decide_floor(own, [feedback], StoreRetention(minimum_days=120)).days == 120
    assert decide_floor(Retention(minimum_days=90), [feedback]).basis == "QĐ 12"


LATER = Minimum(NOW - 20 * DAY, 30)
LOWER = Minimum(NOW - 10 * DAY, 0)
HIGHER = Minimum(NOW - 5 * DAY, 90)
AGREED = Minimum(NOW - 3 * DAY, 0, is_agreed=True)


@pytest.mark.parametrize(
    ("made_days_ago", "history", "today", "days"),
    [
        (15, (), 30, 30),
        (15, (LATER,), 30, 30),
        (15, (LATER, LOWER), 0, 30),  # one person's edit takes nothing
        (25, (LATER, LOWER), 0, 30),  # older than the first estate that is known
        (9, (LATER, LOWER), 0, 0),  # made under the lower one
        (9, (LATER, LOWER, HIGHER), 90, 90),  # raised later
        (15, (LATER, LOWER, HIGHER), 90, 90),
        (15, (LATER, LOWER, HIGHER, AGREED), 0, 0),
        (15, (LATER, LOWER, AGREED, replace(HIGHER, at=NOW - DAY)), 90, 90),
        (15, (LATER, LOWER, AGREED), 7, 7),  # never below the estate in force
    ],
)
def test_a_snapshot_keeps_the_minimum_it_was_made_under(
    made_days_ago: int, history: tuple[Minimum, ...], today: int, days: int
) -> None:
    assert decide_minimum(NOW - made_days_ago * DAY, history, today) == days


@pytest.mark.parametrize(
    ("history", "today", "lowered"),
    [
        ((), 0, 0),
        ((LATER,), 30, 0),
        ((LATER, LOWER), 0, 30),
        ((LATER, LOWER, AGREED), 0, 0),
        ((replace(LATER, at=NOW - 200 * DAY), replace(LOWER, at=NOW - 100 * DAY)), 0, 0),  # aged
    ],
)
def test_a_lowered_minimum_is_told_while_something_may_still_keep_it(
    history: tuple[Minimum, ...], today: int, lowered: int
) -> None:
    assert find_lowered(history, today, NOW) == lowered


def test_what_was_made_under_a_longer_minimum_says_so() -> None:
    snapshots = [a_snapshot(24 * day) for day in (9, 15, 40)]
    guard = Guard(0, minimums=(LATER, LOWER))

    assert find_protected(snapshots, guard, now=NOW) == {snapshots[1].id: ("within 30d",)}


def test_the_minimum_of_a_stored_estate_is_read_from_its_document() -> None:
    document = {
        "defaults": {"retention": {"minimum_days": 14}},
        "classes": [{"name": "feedback", "minimum_days": 90}],
        "stores": [{"name": "off", "retention": {"minimum_days": 120}}, {"name": "near"}],
        "sites": [
            {"name": "a", "retention": {"minimum_days": 30}, "classes": ["feedback"]},
            {"name": "b", "retention": {"minimum_days": 30}, "classes": []},
        ],
    }
    wanted = [("a", "near"), ("b", "near"), ("b", "off"), ("b", "gone"), ("giucong", "near")]
    floors = [floor_in(document, *it) for it in wanted]

    assert [it.days for it in floors if it] == [90, 30, 120, 30, 14]
    assert floor_in(document, "vanished", "near") is None


def some_facts(**changes: Any) -> BrakeFacts:
    present = {f"{day:02}": NOW - day * DAY for day in range(1, 21)}
    facts = BrakeFacts(
        now=NOW,
        present=present,
        expected=frozenset(present),
        accepted=frozenset(present),
        looked_at=NOW - 7 * DAY,
    )
    return replace(facts, **changes)


def without(*gone: int) -> dict[str, datetime]:
    return {f"{day:02}": NOW - day * DAY for day in range(1, 21) if day not in gone}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"present": {}}, NOTHING_SEEN),
        ({"present": {}, "expected": frozenset({"01"})}, NOTHING_SEEN),
        ({"present": {}, "expected": frozenset()}, None),
        ({"present": {"new": NOW}}, MANY_GONE),
        ({"present": without(1, 2)}, None),
        ({"present": without(1), "held": frozenset({"01"})}, HELD_GONE),
        ({"present": without(1), "held": frozenset({"02"})}, None),
        ({"present": without(1, 2, 3)}, MANY_GONE),
        ({"now": NOW - 6 * DAY}, None),
        ({"now": NOW - 8 * DAY}, CLOCK_BEHIND),
        ({"now": NOW - 8 * DAY, "looked_at": None, "accepted": frozenset()}, CLOCK_BEHIND),
        ({"now": datetime(1970, 1, 1, tzinfo=UTC)}, CLOCK_BEHIND),
        ({"now": NOW - timedelta(minutes=5), "looked_at": NOW}, None),
        ({"now": NOW + 50 * DAY}, None),
        ({"now": NOW + 60 * DAY}, CLOCK_AHEAD),
        ({"now": NOW + 3650 * DAY}, CLOCK_AHEAD),
        ({"now": NOW + 70 * DAY, "looked_at": None, "accepted": frozenset()}, CLOCK_AHEAD),
        ({"present": {**without(), "new": NOW + DAY}}, CLOCK_BEHIND),
        # A year ahead, and a backup was made by that clock: the last look still tells.
        ({"now": NOW + 365 * DAY, "present": {**without(), "new": NOW + 365 * DAY}}, CLOCK_AHEAD),
        # Somebody has looked and accepted a snapshot whose own time is in the future.
        (
            {
                "present": {**without(), "new": NOW + DAY},
                "accepted": frozenset({*without(), "new"}),
            },
            None,
        ),
    ],
)
def test_doubts_about_the_store_or_the_clock_stop_deleting(
    changes: dict[str, Any], reason: str | None
) -> None:
    brake = decide_brake(some_facts(**changes))

    assert (brake.reason if brake else None) == reason
    assert brake is None or brake.reason in BRAKES


@given(shift=st.integers(-40_000, 40_000), gone=st.sets(st.integers(1, 20)))
def test_no_brake_means_that_most_is_there_and_the_clock_fits(shift: int, gone: set[int]) -> None:
    now = NOW + timedelta(hours=shift)
    facts = some_facts(now=now, present=without(*gone))
    if decide_brake(facts) is None:
        assert len(gone) <= 2
        assert -timedelta(minutes=10) <= now - (NOW - 7 * DAY) <= 62 * DAY


@pytest.mark.parametrize(("reason", "reference"), [("", "12/QĐ"), ("thanh tra", " ")])
def test_a_hold_that_nobody_could_explain_is_refused(reason: str, reference: str) -> None:
    with pytest.raises(WrongUseError):
        check_hold(PlaceHold(site="a", reason=reason, reference=reference))


def test_a_hold_of_the_site_holds_what_comes_later() -> None:
    assert is_held("later", [HoldView("", "x")])
    assert not is_held("later", [HoldView("earlier", "x")])
