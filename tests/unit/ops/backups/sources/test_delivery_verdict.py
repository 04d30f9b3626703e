"""What is thought of a delivery, from its facts alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.backups.sources.delivery_verdict import (
    AHEAD,
    CODES,
    HASHES_MISSING,
    HASHES_WRONG,
    NOT_CHECKED,
    NOTHING,
    SMALL,
    STALE,
    UNFINISHED,
    UNLISTED,
    DeliveryFacts,
    Fault,
    HashFacts,
    conclude,
    judge_delivery,
    make_params,
    tell_delivery,
)
from ops.estate.model.sites import Delivery
from ops.outcomes import explain

NOW = datetime(2026, 11, 24, 22, tzinfo=UTC)
AGREED = Delivery(max_age_hours=26, min_bytes=1_000, hash_file="SUMS", end_marker="done")


def facts(**changes: Any) -> DeliveryFacts:
    """A delivery that is as agreed, but for the changes."""
    good = {
        "files": 3,
        "size_bytes": 1_000,
        "newest_at": NOW - timedelta(hours=26, minutes=10),
        "marker_at": NOW - timedelta(hours=26),
        "hashes": HashFacts(3),
    }
    return DeliveryFacts(**{**good, **changes})


def test_a_delivery_as_agreed_is_ok() -> None:
    assert judge_delivery("cms", AGREED, facts(), NOW) == conclude("cms", ())
    assert conclude("cms", ()).outcome == "ok"


@pytest.mark.parametrize(
    ("changes", "outcome", "codes"),
    [
        ({"files": 0, "size_bytes": 0, "newest_at": None}, "failed", [NOTHING]),
        ({"size_bytes": 999}, "incomplete", [SMALL]),
        ({"marker_at": NOW - timedelta(hours=26, seconds=400)}, "incomplete", [STALE]),
        ({"marker_at": None}, "incomplete", [UNFINISHED, STALE]),
        ({"newest_at": NOW}, "incomplete", [UNFINISHED]),
        ({"hashes": HashFacts()}, "incomplete", [HASHES_MISSING]),
        ({"hashes": HashFacts(3, unlisted=("new.sql",))}, "incomplete", [UNLISTED]),
        ({"marker_at": NOW + timedelta(hours=23)}, "ok", []),
        ({"marker_at": NOW + timedelta(days=365)}, "incomplete", [AHEAD]),
        ({"hashes": HashFacts(3, wrong=("a",))}, "failed", [HASHES_WRONG]),
        (
            {"hashes": HashFacts(3, (), ("a",)), "size_bytes": 1},
            "failed",
            [HASHES_WRONG, SMALL],
        ),
    ],
)
def test_what_is_not_as_agreed_is_found(
    changes: dict[str, Any], outcome: str, codes: list[str]
) -> None:
    verdict = judge_delivery("cms", AGREED, facts(**changes), NOW)

    assert verdict.outcome == outcome
    assert [it.code for it in verdict.findings] == codes


def test_without_a_marker_the_newest_file_tells_the_age() -> None:
    agreed = Delivery(max_age_hours=26)
    young = facts(newest_at=NOW - timedelta(hours=1), marker_at=None, hashes=None)
    assert judge_delivery("cms", agreed, young, NOW).outcome == "ok"
    assert judge_delivery("cms", agreed, facts(marker_at=None), NOW).findings[0].code == STALE


PARAMS: dict[str, dict[str, Any]] = {
    NOTHING: {},
    HASHES_WRONG: {"file": "SUMS", "wrong": 1, "missing": 1, "first": ["a", "b"]},
    NOT_CHECKED: {"cause": "the store failed"},
    UNFINISHED: {"file": "done", "is_there": False},
    HASHES_MISSING: {"file": "SUMS"},
    SMALL: {"bytes": 10, "least": 2_000_000},
    STALE: {"hours": 30.5, "most": 26},
    AHEAD: {"hours": 700.5},
    UNLISTED: {"file": "SUMS", "count": 2, "first": ["a", "b"]},
}


@pytest.mark.parametrize("code", CODES)
def test_each_finding_is_told_with_the_part_and_a_next_step(code: str) -> None:
    reason, params = make_params([conclude("cms", (Fault(code, PARAMS[code]),))])
    told = explain(reason, params, site="cong-xa")

    assert reason == code
    assert "cms" in told.what
    assert told.why
    assert "{" not in told.what + told.why + told.next_step
    assert "backup.run --site cong-xa" in told.next_step
    assert tell_delivery({**params, "site": "cong-xa"}) == told


def test_the_gravest_of_several_deliveries_is_the_reason() -> None:
    stale = conclude("a", (Fault(STALE, PARAMS[STALE]),))
    empty = conclude("b", (Fault(NOTHING),))
    reason, params = make_params([stale, empty])

    assert reason == NOTHING
    assert [it["part"] for it in params["findings"]] == ["a", "b"]
