"""Which alerts open, go on and close; when the next person is told, and that each step is one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from ops.alerts.decisions import (
    Changes,
    OpenAlert,
    decide_alerts,
    decide_escalations,
    is_answered,
    is_graver,
    settle,
    subject_of,
)
from ops.alerts.drafts import Draft, draft_notices
from ops.alerts.routing import Targets
from ops.schedule.ledger.job import LedgerEvent
from ops.status.daily_summary import decide_summary
from tests.unit.ops.alerts.test_drafts import draft_late

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
WAIT = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def an_event(**changes: Any) -> LedgerEvent:
    values: dict[str, Any] = {
        "occasion": "ended", "job": "backup/a", "kind": "backup", "site": "a", "due_at": NOW,
        "outcome": "ok", "attempt": 1,
    }  # fmt: skip
    return LedgerEvent(**values | changes)


def an_alert(**changes: Any) -> OpenAlert:
    values: dict[str, Any] = {
        "id": UUID(int=1), "subject": "job:backup/a", "severity": "critical", "code": "failed",
        "job": "backup/a", "site": "a", "opened_at": NOW, "told_at": NOW, "told": ("nva",),
    }  # fmt: skip
    return OpenAlert(**values | changes)


def decide(*events: LedgerEvent, known: tuple[OpenAlert, ...] = ()) -> Changes:
    return decide_alerts(events, draft_notices(events), known)


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (an_event(outcome="failed"), "job:backup/a"),
        (an_event(outcome="incomplete", reason="unreadable"), "job:backup/a"),
        (an_event(reason="suspicious"), "job:backup/a"),
        (an_event(occasion="retried", outcome=None, reason="lost"), "job:backup/a"),
        (an_event(occasion="late", outcome=None), "job:backup/a"),
        (an_event(occasion="missed", outcome="missed", reason="down"), "missed"),
        (an_event(), None),
        (an_event(occasion="skipped", outcome="skipped"), None),
    ],
)
def test_what_is_red_opens_one_alert(event: LedgerEvent, subject: str | None) -> None:
    opened = decide(event, event).opened

    assert [subject_of(it) for it in opened] == ([subject] if subject else [])


def test_what_is_still_red_goes_on_and_opens_nothing() -> None:
    alert = an_alert()
    found = decide(an_event(outcome="failed"), known=(alert,))

    assert (found.opened, [it for it, _draft in found.repeated], found.closed) == ((), [alert], ())


@pytest.mark.parametrize(
    ("event", "closes"),
    [
        (an_event(), True),
        (an_event(reason="suspicious"), False),
        (an_event(outcome="incomplete", reason="unreadable"), False),
        (an_event(outcome="failed"), False),
        (an_event(job="backup/b"), False),
        (an_event(job="check/a", kind="check"), False),
        (an_event(occasion="retried", outcome="ok"), False),
    ],
)
def test_only_a_good_run_of_the_same_job_closes_it(event: LedgerEvent, closes: bool) -> None:
    late = an_alert(id=UUID(int=2), subject="late:a", code="late")
    found = decide(event, known=(an_alert(), late))

    assert [it.subject for it in found.closed] == (["job:backup/a", "late:a"] if closes else [])


def test_missed_runs_are_one_alert_until_each_job_has_run() -> None:
    missed = an_alert(subject="missed", code="missed", job="", site="",
                      params={"jobs": ["backup/a", "backup/b"]})  # fmt: skip
    first = settle([missed], {"backup/a"})
    narrowed = replace(missed, params={**missed.params, "open_jobs": first.narrowed[0][1]})

    assert first.closed == ()
    assert first.narrowed == ((missed, ["backup/b"]),)
    assert settle([narrowed], {"check/b"}) == Changes()
    assert settle([narrowed], {"backup/b"}).closed == (narrowed,)


def test_lateness_after_the_same_backup_is_no_news() -> None:
    draft = draft_late(NOW, NOW + timedelta(days=3))
    newer = draft_late(NOW + timedelta(days=1), NOW + timedelta(days=3))
    known = an_alert(subject="late:a", code="late", params=draft.params)

    assert decide_alerts((), [draft], [known]) == Changes()
    assert len(decide_alerts((), [newer], [known]).repeated) == 1


def test_graver_is_told_from_the_same_and_from_less() -> None:
    assert is_graver("critical", "warning")
    assert not is_graver("critical", "critical")
    assert not is_graver("warning", "critical")


def escalate(alert: OpenAlert, targets: Targets, now: datetime) -> list[tuple[str, ...]]:
    return [it.people for it in decide_escalations([alert], lambda _alert: targets, now, WAIT)]


DUTY = Targets(("nva",), ("ttb", "lvc"))


@pytest.mark.parametrize(
    ("changes", "after", "people"),
    [
        ({}, 29 * MINUTE, []),
        ({}, 30 * MINUTE, [("ttb",)]),
        ({}, timedelta(days=400), [("ttb",)]),
        ({"severity": "warning"}, timedelta(days=1), []),
        ({"acked_at": NOW}, timedelta(days=1), []),
        ({"step": 1, "told": ("nva", "ttb")}, 30 * MINUTE, [("lvc",)]),
        ({"step": 2, "told": ("nva", "ttb", "lvc")}, 30 * MINUTE, []),
        # nobody was told at first, say because the estate had mistakes
        ({"told": ()}, 30 * MINUTE, [("nva",)]),
        # the clock went back a little: the step waits; by a year: its time has come
        ({}, -10 * MINUTE, []),
        ({}, -timedelta(days=365), [("ttb",)]),
    ],
)
def test_one_more_person_is_told_each_time_nobody_answers(
    changes: dict[str, Any], after: timedelta, people: list[tuple[str, ...]]
) -> None:
    assert escalate(an_alert(**changes), DUTY, NOW + after) == people


def test_where_all_were_told_at_once_they_are_reminded_once() -> None:
    everybody = Targets(("nva", "ttb"))
    alert = an_alert(told=("nva", "ttb"))

    assert escalate(alert, everybody, NOW + WAIT) == [("nva", "ttb")]
    assert escalate(replace(alert, step=1), everybody, NOW + WAIT) == []


def test_who_has_come_on_duty_meanwhile_is_told_before_the_others() -> None:
    assert escalate(an_alert(id=uuid4()), Targets(("lvc",), ("nva", "ttb")), NOW + WAIT) == [
        ("lvc",)
    ]


@pytest.mark.parametrize(
    ("at", "now", "day"),
    [
        ("07:30", "2026-11-25T00:29:59+00:00", None),
        ("07:30", "2026-11-25T00:30:00+00:00", date(2026, 11, 25)),
        ("07:30", "2026-11-25T16:59:59+00:00", date(2026, 11, 25)),
        ("07:30", "2026-11-25T17:00:00+00:00", None),
        ("00:00", "2026-11-25T17:00:00+00:00", date(2026, 11, 26)),
        ("23:59", "2026-12-31T16:59:00+00:00", date(2026, 12, 31)),
        ("", "2026-11-25T12:00:00+00:00", None),
        # a zone without daylight saving: the same hour in summer
        ("07:30", "2027-07-01T00:30:00+00:00", date(2027, 7, 1)),
        ("07:30", "2027-07-01T00:29:00+00:00", None),
    ],
)
def test_the_summary_is_due_from_its_time_on_by_the_organisations_day(
    at: str, now: str, day: date | None
) -> None:
    assert decide_summary(at, datetime.fromisoformat(now), zone=ZONE) == day


def test_an_answer_to_one_finding_is_none_to_another() -> None:
    def found(*names: str) -> dict[str, Any]:
        return {"reason": "audit_found", "params": {"found": list(names)}}

    known = OpenAlert(id=uuid4(), subject="job:a", severity="warning", code="incomplete",
                      params=found("A"), opened_at=NOW, told_at=NOW, acked_at=NOW)  # fmt: skip
    drafts = {
        names: Draft(subject_key="x", severity="warning", code="incomplete", params=found(*names))
        for names in (("A",), ("A", "B"))
    }

    assert is_answered(known, drafts["A",])
    assert not is_answered(known, drafts["A", "B"])
