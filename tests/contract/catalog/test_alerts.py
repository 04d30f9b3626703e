"""Alerts keep the same promises on SQLite and on PostgreSQL, with two services at once."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from ops.alerts.drafts import draft_notices
from ops.alerts.overview import find_alert, list_alerts
from ops.alerts.records import acknowledge, note_told, read_open, take_in, take_step
from ops.catalog.open import Catalog
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.core import Notice
from ops.schedule.ledger.job import LedgerEvent

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


def an_event(**changes: Any) -> LedgerEvent:
    values: dict[str, Any] = {
        "occasion": "ended", "job": "backup/a", "kind": "backup", "site": "a", "due_at": NOW,
        "outcome": "failed", "attempt": 1,
    }  # fmt: skip
    return LedgerEvent(**values | changes)


def tell(catalog: Catalog, *events: LedgerEvent, now: datetime = NOW) -> None:
    with catalog.writing() as session:
        take_in(session, events, draft_notices(events), now)


def at_once(*works: Callable[[], bool]) -> list[bool]:
    """Run each in a thread of its own; gives what they answered, the truths last."""
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda work=work: answers.append(work())) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def test_an_alert_is_open_once_closes_and_may_open_anew(catalog: Catalog) -> None:
    tell(catalog, an_event())
    tell(catalog, an_event(due_at=NOW + timedelta(days=1)), now=NOW + timedelta(days=1))
    with catalog.reading() as session:
        (first,) = list_alerts(session)
    tell(catalog, an_event(outcome="ok"), now=NOW + timedelta(days=2))
    tell(catalog, an_event(due_at=NOW + timedelta(days=3)), now=NOW + timedelta(days=3))
    with catalog.reading() as session:
        still_open = list_alerts(session)
        all_of_them = list_alerts(session, closed_since=NOW)

    assert (first.times, first.opened_at, first.seen_at) == (2, NOW, NOW + timedelta(days=1))
    assert [(it.times, it.closed_at) for it in still_open] == [(1, None)]
    assert [it.closed_at for it in all_of_them] == [None, NOW + timedelta(days=2)]


def test_two_services_that_see_the_same_open_one_alert(catalog: Catalog) -> None:
    def see() -> bool:
        tell(catalog, an_event())
        return True

    assert at_once(*[see] * 4) == [True] * 4
    with catalog.reading() as session:
        assert session.execute(select(func.count()).select_from(Alert)).scalar_one() == 1


def test_of_two_services_one_takes_a_step_and_of_two_people_one_an_alert(catalog: Catalog) -> None:
    tell(catalog, an_event())
    with catalog.reading() as session:
        (alert,) = read_open(session)

    def step() -> bool:
        with catalog.writing() as session:
            return take_step(session, alert, NOW + timedelta(hours=1))

    def take_up() -> bool:
        with catalog.writing() as session:
            return acknowledge(session, alert.id, "nva", "on it", NOW)

    assert at_once(step, step, step) == [False, False, True]
    assert at_once(take_up, take_up) == [False, True]
    with catalog.reading() as session:
        (alert,) = read_open(session)
    assert (alert.step, step()) == (1, False)  # no step after an answer


def test_who_was_told_is_known_with_what_came_of_it(catalog: Catalog) -> None:
    tell(catalog, an_event())
    with catalog.writing() as session:
        (alert,) = read_open(session)
        for step, (target, state) in enumerate([("nva", "sent"), ("ttb", "failed")]):
            session.add(
                Notice(subject_key="k", severity="critical", code="failed", params={},
                       target=target, state=state, created_at=NOW)
            )  # fmt: skip
            session.flush()
            note_told(session, alert.id, "k", [target], NOW, step=step)
            note_told(session, alert.id, "k", [target], NOW, step=step)
    with catalog.reading() as session:
        (again,) = read_open(session)
        found = find_alert(session, alert.id.hex[-8:].upper())
        ambiguous = find_alert(session, "")

    assert again.told == ("nva", "ttb")
    assert found is not None
    assert [(it.target, it.state, it.step) for it in found.told] == [
        ("nva", "sent", 0),
        ("ttb", "failed", 1),
    ]
    assert ambiguous is None


def test_missed_runs_close_one_after_the_other(catalog: Catalog) -> None:
    missed = [
        an_event(occasion="missed", outcome="missed", reason="down", job=f"backup/{name}")
        for name in ("a", "b")
    ]
    tell(catalog, *missed)
    tell(catalog, an_event(outcome="ok"))
    with catalog.reading() as session:
        (alert,) = read_open(session)
    tell(catalog, an_event(outcome="ok", job="backup/b"))
    with catalog.reading() as session:
        left = read_open(session)

    assert alert.params["open_jobs"] == ["backup/b"]
    assert alert.params["jobs"] == ["backup/a", "backup/b"]  # as it was told
    assert left == []
