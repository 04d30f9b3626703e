"""Retention keeps what stock restic's ``forget --dry-run --json`` keeps, for the same reasons.

What asks restic is in the slow part: that of Debian 12 (0.14) names no ids and empties groups.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup.errors import BackupError
from backup.retention.policy import (
    UNLIMITED,
    CalendarDuration,
    KeepPolicy,
    Verdict,
    decide_kept,
    refuse_emptied_group,
)
from backup.snapshots.groups import group_snapshots
from tests.restic_oracle import OracleRepository, create_oracle_repository

COUNTED = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
WITHIN = (
    "within",
    "within_hourly",
    "within_daily",
    "within_weekly",
    "within_monthly",
    "within_yearly",
)
PARTS = ("host", "paths", "tags")

# Moments around which buckets change: ends of months and years, ISO week 53, leap days.
EDGES = [
    datetime(*edge, tzinfo=UTC)
    for edge in (
        (2015, 12, 31, 23),
        (2016, 2, 29, 12),
        (2020, 12, 31, 17),
        (2021, 1, 3, 17),
        (2021, 1, 31, 0),
        (2024, 3, 1, 0),
        (2024, 3, 31, 16),
        (2024, 12, 29, 20),
        (2026, 1, 1, 0),
        (2061, 1, 1, 0),  # in the future
        (2061, 3, 31, 3),
    )
]


@dataclass(frozen=True)
class Taken:
    id: str
    time: datetime
    hostname: str
    paths: tuple[str, ...]
    tags: tuple[str, ...]


def durations() -> st.SearchStrategy[CalendarDuration]:
    return st.builds(
        CalendarDuration,
        years=st.sampled_from((0, 0, 0, 1, 5, 40, 3000)),
        months=st.sampled_from((0, 0, 1, 2, 13)),
        days=st.integers(0, 40),
        hours=st.integers(0, 60),
    )


counts = st.one_of(st.integers(0, 6), st.just(UNLIMITED))
tag_lists = st.lists(
    st.lists(st.sampled_from(("", "a", "b", "c", "một")), min_size=1, max_size=2).map(tuple),
    max_size=2,
).map(tuple)


@st.composite
def policies(draw: st.DrawFn) -> KeepPolicy:
    """Draw a policy with one to four rules."""
    names = draw(st.sets(st.sampled_from((*COUNTED, *WITHIN, "tags")), min_size=1, max_size=4))
    values: dict[str, Any] = {
        name: draw(counts if name in COUNTED else tag_lists if name == "tags" else durations())
        for name in sorted(names)
    }
    return KeepPolicy(**values)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """Draw a moment near an edge, in an offset of its own."""
    steps = st.one_of(
        st.integers(-3, 3).map(lambda seconds: timedelta(seconds=seconds)),
        st.integers(-50, 50).map(lambda hours: timedelta(hours=hours)),
        st.integers(-80, 80).map(lambda days: timedelta(days=days)),
        st.integers(0, 10**6 - 1).map(lambda microseconds: timedelta(microseconds=microseconds)),
    )
    offset = draw(st.sampled_from((0, 0, 7 * 60, 7 * 60, -210, 345, 840, -720)))
    moment = draw(st.sampled_from(EDGES)) + draw(steps)
    return moment.astimezone(timezone(timedelta(minutes=offset)))


@st.composite
def histories(draw: st.DrawFn) -> list[Taken]:
    """Draw snapshots of some hosts, all of different instants; their ids are numbers."""
    times = draw(st.lists(moments(), min_size=1, max_size=30, unique_by=datetime.timestamp))
    # All in one group more often than not: only then do the rules have much to decide.
    hosts = draw(st.sampled_from((("h",), ("h",), ("h", "k"))))
    paths = st.sampled_from(((("/a", "/b"), ("/b", "/a")), (("/a",), ("/c",))))
    choice = draw(paths)
    return [
        Taken(
            id=f"{number:04}",
            time=time,
            hostname=draw(st.sampled_from(hosts)),
            paths=draw(st.sampled_from(choice)),
            tags=tuple(draw(st.lists(st.sampled_from(("a", "b", "một")), max_size=2))),
        )
        for number, time in enumerate(times)
    ]


groupings = st.sampled_from(((), ("host",), ("host", "paths"), ("host", "paths"), ("tags",), PARTS))

Decision = tuple[str, tuple[str, ...]]


def policy_flags(policy: KeepPolicy) -> list[str]:
    flags = []
    for name in COUNTED:
        if count := getattr(policy, name):
            flags += [f"--keep-{name}", "unlimited" if count == UNLIMITED else str(count)]
    for name in WITHIN:
        if duration := getattr(policy, name):
            flags += [f"--keep-{name.replace('_', '-')}", str(duration)]
    for tags in policy.tags:
        flags += ["--keep-tag", ",".join(tags)]
    return flags


def document(snapshot: Taken) -> dict[str, object]:
    return {
        "time": snapshot.time.isoformat(),
        "tree": "51" * 32,
        "paths": list(snapshot.paths),
        "hostname": snapshot.hostname,
        **({"tags": list(snapshot.tags)} if snapshot.tags else {}),
    }


def ask_restic(
    repository: OracleRepository,
    history: list[Taken],
    policy: KeepPolicy,
    by: tuple[str, ...],
    timezone_name: str,
) -> tuple[str, Counter[tuple[Decision, ...]]]:
    """Give restic's refusal ("" for none) and its groups, each the (id, reasons) it keeps."""
    repository.remove_snapshots()
    ids = {repository.add_snapshot(document(snapshot)): snapshot.id for snapshot in history}
    answer = repository.run(
        "forget",
        "--dry-run",
        "--no-lock",
        "--json",
        "--group-by",
        ",".join(by),
        *policy_flags(policy),
        timezone=timezone_name,
    )
    if answer.returncode:
        return json.loads(answer.stderr)["message"], Counter()
    groups = json.loads(answer.stdout)
    assert all(
        [kept["id"] for kept in group["keep"]]
        == [reason["snapshot"]["id"] for reason in group["reasons"]]
        for group in groups
    )
    return "", Counter(
        tuple(
            (ids[reason["snapshot"]["id"]], tuple(reason["matches"])) for reason in group["reasons"]
        )
        for group in groups
    )


def decide_ourselves(
    history: list[Taken], policy: KeepPolicy, by: tuple[str, ...]
) -> list[list[Verdict[Taken]]]:
    now = datetime.now(UTC)
    return [
        decide_kept(group, policy, now=now) for group in group_snapshots(history, by=by).values()
    ]


def kept(verdicts: list[Verdict[Taken]]) -> tuple[Decision, ...]:
    return tuple((verdict.snapshot.id, verdict.reasons) for verdict in verdicts if verdict.keep)


def assert_same_as_restic(
    repository: OracleRepository,
    history: list[Taken],
    policy: KeepPolicy,
    by: tuple[str, ...],
    timezone_name: str,
) -> None:
    refusal, theirs = ask_restic(repository, history, policy, by, timezone_name)
    ours = decide_ourselves(history, policy, by)

    if "no policy" in refusal:
        assert policy.is_empty
    elif "refusing to delete last snapshot" in refusal:
        assert any(not kept(verdicts) for verdicts in ours)
    else:
        assert refusal == ""
        assert Counter(kept(verdicts) for verdicts in ours) == theirs


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> OracleRepository:
    folder: Path = tmp_path_factory.mktemp("retention") / "repository"
    return create_oracle_repository(folder)


same_as_restic = given(
    history=histories(),
    policy=policies(),
    by=groupings,
    timezone_name=st.sampled_from(("UTC", "Asia/Ho_Chi_Minh")),
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@same_as_restic
def test_a_policy_keeps_what_restic_keeps(
    repository: OracleRepository,
    history: list[Taken],
    policy: KeepPolicy,
    by: tuple[str, ...],
    timezone_name: str,
) -> None:
    assert_same_as_restic(repository, history, policy, by, timezone_name)


@pytest.mark.soak
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@same_as_restic
def test_many_policies_keep_what_restic_keeps(
    repository: OracleRepository,
    history: list[Taken],
    policy: KeepPolicy,
    by: tuple[str, ...],
    timezone_name: str,
) -> None:
    assert_same_as_restic(repository, history, policy, by, timezone_name)


def taken(number: int, time: str, tags: tuple[str, ...] = ()) -> Taken:
    return Taken(f"{number:04}", datetime.fromisoformat(time), "h", ("/a",), tags)


EDGE_CASES = {
    "exactly as old as the duration is too old": (
        [taken(0, "2024-03-02T10:00:00Z"), taken(1, "2024-03-01T10:00:00Z")],
        KeepPolicy(within=CalendarDuration(days=1)),
    ),
    "a month before 31 March is 2 March in a leap year": (
        [
            taken(0, "2024-03-31T10:00:00Z"),
            taken(1, "2024-03-02T10:00:00.5Z"),
            taken(2, "2024-03-01T23:00:00Z"),
        ],
        KeepPolicy(within=CalendarDuration(months=1)),
    ),
    "the last days of December lie in week 1 of the next year": (
        [
            taken(0, "2024-12-30T10:00:00Z"),
            taken(1, "2024-12-29T10:00:00Z"),
            taken(2, "2024-01-03T10:00:00Z"),
            taken(3, "2024-01-02T10:00:00Z"),
            taken(4, "2023-05-01T10:00:00Z"),
        ],
        KeepPolicy(weekly=3),
    ),
    "3 January 2021 lies in week 53 of 2020": (
        [
            taken(0, "2021-01-03T10:00:00Z"),
            taken(1, "2020-12-31T10:00:00Z"),
            taken(2, "2020-12-27T10:00:00Z"),
            taken(3, "2020-01-01T10:00:00Z"),
        ],
        KeepPolicy(weekly=2),
    ),
    "days are those of the snapshot's own offset": (
        [
            taken(0, "2024-05-02T06:30:00+07:00"),
            taken(1, "2024-05-01T23:00:00Z"),
            taken(2, "2024-05-01T06:00:00+07:00"),
        ],
        KeepPolicy(daily=2),
    ),
    "the empty tag fits what has no tags, if it comes first": (
        [
            taken(0, "2024-05-03T10:00:00Z", ("a",)),
            taken(1, "2024-05-02T10:00:00Z"),
            taken(2, "2024-05-01T10:00:00Z", ("a", "b")),
        ],
        KeepPolicy(tags=(("", "a"), ("b", "a"))),
    ),
    "an empty tag that comes later fits nothing": (
        [taken(0, "2024-05-03T10:00:00Z", ("a",)), taken(1, "2024-05-02T10:00:00Z")],
        KeepPolicy(last=1, tags=(("a", ""),)),
    ),
    "with nothing but the future everything is within": (
        [taken(0, "2061-05-03T10:00:00Z"), taken(1, "2060-05-03T10:00:00Z")],
        KeepPolicy(within=CalendarDuration(hours=1)),
    ),
    "a duration longer than our era keeps everything": (
        [taken(0, "2024-05-03T10:00:00Z"), taken(1, "1990-05-03T10:00:00Z")],
        KeepPolicy(within_yearly=CalendarDuration(years=2024, days=200)),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", EDGE_CASES.values(), ids=EDGE_CASES.keys())
def test_an_edge_case_is_decided_as_restic_decides_it(
    repository: OracleRepository, case: tuple[list[Taken], KeepPolicy]
) -> None:
    history, policy = case

    assert_same_as_restic(repository, history, policy, ("host",), "UTC")


@pytest.mark.slow
def test_of_snapshots_of_one_instant_as_many_stay_as_with_restic(
    repository: OracleRepository,
) -> None:
    history = [taken(number, "2024-05-03T10:00:00Z") for number in range(4)]
    policy = KeepPolicy(last=2, daily=2)
    _, theirs = ask_restic(repository, history, policy, ("host",), "UTC")
    (ours,) = decide_ourselves(history, policy, ("host",))

    ((*their_reasons,),) = (tuple(reasons for _, reasons in group) for group in theirs)
    assert [reasons for _, reasons in kept(ours)] == their_reasons


@pytest.mark.slow
def test_restic_refuses_to_empty_a_group_and_so_do_we(repository: OracleRepository) -> None:
    history = [taken(0, "2024-05-03T10:00:00Z", ("a",))]
    policy = KeepPolicy(tags=(("b",),))
    refusal, _ = ask_restic(repository, history, policy, ("host",), "UTC")
    ((key, group),) = group_snapshots(history, by=("host",)).items()

    assert "refusing" in refusal
    with pytest.raises(BackupError, match=r'all 1 snapshots of the group "host h"'):
        refuse_emptied_group(key, decide_kept(group, policy, now=NOW), policy=policy)


NOW = datetime(2026, 11, 24, tzinfo=UTC)


@given(
    history=histories(), policy=policies(), name=st.sampled_from(COUNTED),
    seed=st.randoms(use_true_random=False),
)  # fmt: skip
def test_what_holds_of_every_history_and_policy(
    history: list[Taken], policy: KeepPolicy, name: str, seed: random.Random
) -> None:
    """All of it of each example: to draw one takes longer than to decide it."""
    verdicts = decide_kept(history, policy, now=NOW)

    every_snapshot_gets_one_verdict_newest_first(history, verdicts)
    any_count_keeps_the_newest(history, policy, name)
    one_more_in_a_count_drops_nothing(history, policy, name)
    forgetting_twice_forgets_no_more(verdicts, policy)
    the_order_given_does_not_matter(history, policy, seed)


def every_snapshot_gets_one_verdict_newest_first(
    history: list[Taken], verdicts: list[Verdict[Taken]]
) -> None:
    times = [verdict.snapshot.time for verdict in verdicts]

    assert Counter(verdict.snapshot for verdict in verdicts) == Counter(history)
    assert times == sorted(times, reverse=True)


def any_count_keeps_the_newest(history: list[Taken], policy: KeepPolicy, name: str) -> None:
    counted = replace(policy, **{name: max(1, getattr(policy, name))})

    assert decide_kept(history, counted, now=NOW)[0].keep


def one_more_in_a_count_drops_nothing(history: list[Taken], policy: KeepPolicy, name: str) -> None:
    fewer = decide_kept(history, policy, now=NOW)
    more = decide_kept(
        history, replace(policy, **{name: max(0, getattr(policy, name)) + 1}), now=NOW
    )
    if policy.is_empty or getattr(policy, name) == UNLIMITED:
        return

    dropped = [
        before for before, after in zip(fewer, more, strict=True) if before.keep and not after.keep
    ]

    assert dropped == []


def forgetting_twice_forgets_no_more(verdicts: list[Verdict[Taken]], policy: KeepPolicy) -> None:
    kept_once = [verdict.snapshot for verdict in verdicts if verdict.keep]

    assert all(verdict.keep for verdict in decide_kept(kept_once, policy, now=NOW))


def the_order_given_does_not_matter(
    history: list[Taken], policy: KeepPolicy, seed: random.Random
) -> None:
    shuffled = list(history)
    seed.shuffle(shuffled)

    assert decide_kept(shuffled, policy, now=NOW) == decide_kept(history, policy, now=NOW)
