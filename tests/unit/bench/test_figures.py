import json

import pytest

from bench.figures import (
    SIZE_LIMIT,
    TARGETS,
    Outcome,
    Target,
    judge_limit,
    judge_speed,
    outcome_from_json,
    outcome_to_json,
)
from bench.measure import Measurement
from bench.report import TITLES, format_markdown, make_grids, replace_between_markers
from bench.work import WORKS


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
    time, space, tar = make_grids([OUTCOME])

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


def test_every_work_has_a_target_and_a_title() -> None:
    assert set(WORKS) == set(TARGETS) == set(TITLES)


def test_the_page_keeps_what_stands_outside_the_markers() -> None:
    page = "before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n"
    content = format_markdown([OUTCOME], {"processor": "EPYC"})
    found = replace_between_markers(page, content)

    assert found.startswith("before\n<!-- bench: begin -->\n- processor: EPYC\n")
    assert found.endswith("\n<!-- bench: end -->\nafter\n")
    assert "old" not in found
    with pytest.raises(ValueError, match="bench: begin"):
        replace_between_markers("no markers", content)
