from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from backup.errors import UsageError
from backup.retention.policy import (
    UNLIMITED,
    CalendarDuration,
    KeepPolicy,
    decide_kept,
    parse_count,
    parse_duration,
    parse_tag_list,
)
from backup.snapshots.groups import GroupKey, group_snapshots, parse_grouping

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True)
class Taken:
    id: str
    time: datetime
    hostname: str = "h"
    paths: tuple[str, ...] = ("/a",)
    tags: tuple[str, ...] = ()


def daily(count: int) -> list[Taken]:
    return [
        Taken(f"{day:02}", datetime(2026, 3, day, 1, tzinfo=UTC)) for day in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("2y5m7d3h", CalendarDuration(years=2, months=5, days=7, hours=3)),
        (" 3d ", CalendarDuration(days=3)),
        ("3h1y", CalendarDuration(years=1, hours=3)),
        ("1d2d", CalendarDuration(days=2)),
        ("", CalendarDuration()),
        ("0d", CalendarDuration()),
    ],
)
def test_a_duration_is_read(text: str, duration: CalendarDuration) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["3", "d", "3w", "-3d", "1y 5m", "1.5d", "3D", "٣d"])
def test_a_wrong_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)

    assert text in str(caught.value)


def test_a_duration_is_written_without_its_zeros() -> None:
    assert str(CalendarDuration(years=2, hours=3)) == "2y3h"
    assert not CalendarDuration()


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("12", 12), ("unlimited", UNLIMITED)])
def test_a_count_is_read(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["-1", "", "all", "1.0"])
def test_a_wrong_count_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_count(text)


def test_a_policy_with_a_negative_count_is_refused() -> None:
    with pytest.raises(UsageError, match="-2"):
        KeepPolicy(daily=-2)


def test_grouping_words_are_read() -> None:
    assert parse_grouping("host,path") == {"host", "paths"}
    assert parse_grouping("tags") == {"tags"}
    assert parse_grouping("") == frozenset()
    with pytest.raises(UsageError, match="hostname"):
        parse_grouping("host,hostname")


def test_tag_lists_are_read() -> None:
    assert parse_tag_list("a, b") == ("a", "b")
    assert parse_tag_list("") == ("",)


def test_groups_ignore_the_order_of_paths_and_tags() -> None:
    first = Taken("1", NOW, paths=("/a", "/b"), tags=("x", "y"))
    second = Taken("2", NOW, paths=("/b", "/a"), tags=("y", "x"))
    other = Taken("3", NOW, hostname="g", paths=("/a",))

    assert group_snapshots([first, second, other], by=("paths", "tags")) == {
        GroupKey("", ("/a",), ()): [other],
        GroupKey("", ("/a", "/b"), ("x", "y")): [first, second],
    }
    assert list(group_snapshots([first, second, other])) == [
        GroupKey("g", ("/a",)),
        GroupKey("h", ("/a", "/b")),
    ]
    assert group_snapshots([first, other], by=()) == {GroupKey(): [first, other]}


def test_an_empty_policy_keeps_everything() -> None:
    verdicts = decide_kept(daily(3), KeepPolicy(), now=NOW)

    assert [(verdict.keep, verdict.reasons) for verdict in verdicts] == [(True, ())] * 3


def test_no_snapshots_give_no_verdicts() -> None:
    assert decide_kept([], KeepPolicy(last=1, within=CalendarDuration(days=1)), now=NOW) == []


def test_verdicts_name_their_reasons_in_restics_words() -> None:
    policy = KeepPolicy(last=1, weekly=4, within_daily=CalendarDuration(days=2))
    verdicts = decide_kept(daily(9), policy, now=NOW)

    assert {verdict.snapshot.id: verdict.reasons for verdict in verdicts if verdict.keep} == {
        "09": ("last snapshot", "weekly snapshot", "daily within 2d"),
        "08": ("weekly snapshot", "daily within 2d"),
        "01": ("weekly snapshot",),
    }


def test_the_oldest_stays_while_counts_remain() -> None:
    verdicts = decide_kept(daily(5), KeepPolicy(monthly=2), now=NOW)

    assert [(v.snapshot.id, v.reasons) for v in verdicts if v.keep] == [
        ("05", ("monthly snapshot",)),
        ("01", ("oldest monthly snapshot",)),
    ]
