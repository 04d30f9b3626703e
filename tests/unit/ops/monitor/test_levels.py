"""What is red is called red everywhere: `giucong`, `monitor.status` and `monitor.check`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ops.alerts.drafts import Severity
from ops.alerts.looks import Condition, Held, Stage, State
from ops.monitor.check import _state_of
from ops.monitor.overview import Health, judge_seen
from ops.status.problem import Problem

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HELD = Held(subject="host:web1/disk:/", state="bad", severity="critical", code="disk_full",
            since=NOW, stage="firing", alert=UUID(int=1))  # fmt: skip


@pytest.mark.parametrize("severity", ["info", "warning", "critical"])
def test_all_call_it_the_same(severity: Severity) -> None:
    is_red = Problem(severity=severity, code="disk_full").level == "red"
    condition = Condition(subject=HELD.subject, state="bad", severity=severity)
    (seen,) = judge_seen(["host:web1"], [replace(HELD, severity=severity)], [], {})

    assert _state_of(condition) == ("bad" if is_red else "passing")
    assert seen.health == ("bad" if is_red else "passing")


@pytest.mark.parametrize(
    ("state", "stage", "alert", "health"),
    [
        ("bad", "firing", 1, "bad"),
        ("good", "firing", 1, "bad"),  # it keeps changing: the alert stays open
        ("not_checked", "firing", 1, "bad"),
        ("bad", "suppressed", 0, "bad"),
        ("bad", "pending", 0, "passing"),
        ("bad", "hushed", 0, "passing"),
        ("good", "quiet", 0, "not_checked"),
    ],
)
def test_the_state_follows_what_is_told(
    state: State, stage: Stage, alert: int, health: Health
) -> None:
    held = replace(HELD, state=state, stage=stage, alert=UUID(int=1) if alert else None)
    (seen,) = judge_seen(["host:web1"], [held], [], {})

    assert seen.health == health


def test_what_lasts_only_a_moment_is_not_red_in_one_look() -> None:
    condition = Condition(subject=HELD.subject, state="bad", severity="critical",
                          holds_for=timedelta(minutes=10))  # fmt: skip
    assert _state_of(condition) == "passing"
