import json
from dataclasses import replace
from statistics import median

import pytest

from bench.figures import (
    LIMITS,
    SIZE_LIMIT,
    TARGETS,
    WORKS,
    Limit,
    Outcome,
    Target,
    judge_cost,
    judge_limit,
    judge_speed,
    outcome_from_json,
    outcome_to_json,
)
from bench.measure import Measurement
from bench.report import format_markdown, make_grids, replace_between_markers
from bench.titles import AGAINST, TITLES


def measured(seconds: float, peak: int = 100) -> Measurement:
    return Measurement(seconds=seconds, cpu_seconds=seconds, peak_bytes=peak, is_pss=True)


OUTCOME = Outcome(
    work="first-a",
    data="0.04 GB in 1 100 files",
    when="2026-11-24T16:06:16+00:00",
    rounds={
        "ours": (measured(1.0, 120), measured(2.0), measured(5.0)),
        "restic": (measured(3.0), measured(4.0), measured(5.0)),
        "tar": (measured(0.5), measured(1.0), measured(2.5)),
    },
    sizes={"ours": 99, "restic": 100},
    load=0.1,
)


def test_ratios_are_taken_round_by_round() -> None:
    assert OUTCOME.speed_ratio("restic") == 2.0
    assert OUTCOME.seconds("restic") == 4.0
    assert OUTCOME.speed_ratio("tar") == 0.5
    assert OUTCOME.speed_ratio("borg") is None


def test_size_and_memory_are_ours_divided_by_theirs() -> None:
    assert OUTCOME.size_ratio("restic") == 0.99
    assert OUTCOME.memory_ratio("restic") == pytest.approx(1.2)
    assert OUTCOME.size_ratio("borg") is None


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(2.2, "hoped"), (2.19, "met"), (1.6, "met"), (1.59, "missed")]
)
def test_a_speed_is_judged_against_its_target(ratio: float, verdict: str) -> None:
    assert judge_speed(ratio, Target(1.6, 2.2)) == verdict


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.98, "hoped"), (0.99, "met"), (1.0, "met"), (1.001, "missed")]
)
def test_a_size_is_judged_against_its_limit(ratio: float, verdict: str) -> None:
    assert judge_limit(ratio, SIZE_LIMIT) == verdict


def test_an_outcome_survives_json() -> None:
    assert outcome_from_json(json.loads(json.dumps(outcome_to_json(OUTCOME)))) == OUTCOME


def test_the_tables_show_ratio_and_verdict() -> None:
    time, space, tar, costs = make_grids([OUTCOME])

    assert time.rows[0][:6] == [
        "first backup of the portal (a)",
        "2.00",
        "4.00",
        "–",
        "1.00",
        "2.00 ×",
    ]
    assert time.rows[0][8] == "met"
    assert space.rows[0][-2:] == ["0.9900", "met"]
    assert tar.rows[0][1] == "2.00 ×"
    assert tar.rows[0][-1] == "MISSED"
    assert all(len(row) == len(grid.head) for grid in (time, space, tar) for row in grid.rows)
    assert costs.rows == []


def test_every_work_has_a_target_and_a_title() -> None:
    assert set(WORKS) == set(TITLES)
    assert not set(TARGETS) & set(LIMITS)
    assert {limit.against for limit in LIMITS.values()} == set(AGAINST)


@pytest.mark.parametrize(
    ("cost", "hoped", "verdict"),
    [(1.2, 1.2, "hoped"), (1.21, 1.2, "met"), (1.61, 1.2, "missed"), (1.0, None, "met")],
)
def test_a_cost_is_judged_against_its_limit(cost: float, hoped: float | None, verdict: str) -> None:
    assert judge_cost(cost, Limit(1.6, hoped, "rsync")) == verdict


def test_a_cost_is_a_ratio_of_times_or_of_bytes_or_our_seconds_alone() -> None:
    peers = {"ours": (measured(3.0), measured(4.0)), "rsync": (measured(2.0), measured(4.0))}
    outcome = replace(OUTCOME, rounds=peers, sent={"ours": (110, 130), "undisturbed": (100, 100)})

    assert outcome.cost(LIMITS["ssh-first"]) == pytest.approx(1 / median([2 / 3, 1]))
    assert outcome.cost(LIMITS["ssh-many"]) == 3.5
    assert outcome.cost(LIMITS["bad-line"]) == pytest.approx(1.2)
    assert OUTCOME.cost(LIMITS["bad-line"]) is None
    assert outcome_from_json(json.loads(json.dumps(outcome_to_json(outcome)))) == outcome


def test_a_limit_stands_in_a_table_of_its_own() -> None:
    line = replace(
        OUTCOME, work="bad-line", sent={"ours": (12_000_000,), "undisturbed": (10_000_000,)}
    )
    many = replace(OUTCOME, work="ssh-many")
    time, space, tar, costs = make_grids([line, many])

    assert [time.rows, space.rows, tar.rows] == [[], [], []]
    assert [row[1:5] for row in costs.rows] == [
        ["2.00", "–", "s", "seconds"],
        ["12", "10", "MB", "bytes of an undisturbed run"],
    ]
    assert [row[5:] for row in costs.rows] == [
        ["2.00", "8.00", "4.00", "as hoped"],
        ["1.20 ×", "1.10 ×", "–", "MISSED"],
    ]


def test_the_page_keeps_what_stands_outside_the_markers() -> None:
    page = "before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n"
    content = format_markdown([OUTCOME], {"processor": "EPYC"})
    found = replace_between_markers(page, content)

    assert found.startswith("before\n<!-- bench: begin -->\n- processor: EPYC\n")
    assert found.endswith("\n<!-- bench: end -->\nafter\n")
    assert "old" not in found
    with pytest.raises(ValueError, match="bench: begin"):
        replace_between_markers("no markers", content)
