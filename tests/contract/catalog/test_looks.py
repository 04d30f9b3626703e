"""What looks write is the same on SQLite and on PostgreSQL, with two services at once."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ops.alerts.looks import Condition
from ops.alerts.overview import list_alerts
from ops.alerts.records import acknowledge, read_open
from ops.alerts.silences import SilenceWish, end_silence, list_silences, make_silence
from ops.alerts.watch import Taken, read_states, take_look
from ops.catalog.open import Catalog
from ops.catalog.tables.alerts import ConditionState
from ops.catalog.tables.core import Notice
from tests.integration.jobs.small_estate import build_estate

NOW = datetime(2026, 11, 29, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MORE = """
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[[notices.routes]]
severity = "warning"
people = ["nva"]
"""


@pytest.fixture(autouse=True)
def _estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(build_estate(tmp_path / "estate", MORE)))
    monkeypatch.setenv("GIUCONG_TEST_RELAY", "mailto://127.0.0.1/?from=giucong@example.vn")


def some(count: int, state: Any = "bad", **changes: Any) -> list[Condition]:
    return [
        Condition(**{"subject": f"host:h{number}", "state": state, "code": "silent"} | changes)
        for number in range(count)
    ]


def look(catalog: Catalog, conditions: list[Condition], at: datetime = NOW) -> Taken:
    with catalog.writing() as session:
        return take_look(session, conditions, at, looked_at=["host:"])


def notices(catalog: Catalog) -> list[str]:
    with catalog.reading() as session:
        query = select(Notice.code).order_by(Notice.created_at, Notice.subject_key)
        return list(session.execute(query).scalars())


def test_what_is_red_is_one_alert_one_notice_and_one_all_clear(catalog: Catalog) -> None:
    taken = [look(catalog, some(1)), look(catalog, some(1)), look(catalog, some(1), NOW + MINUTE)]
    over = look(catalog, some(1, "good"), NOW + 2 * MINUTE)

    assert [(it.opened, it.notices) for it in taken] == [(1, 1), (0, 0), (0, 0)]
    assert [it.written for it in taken] == [1, 0, 0]
    assert (over.closed, over.notices) == (1, 1)
    assert notices(catalog) == ["silent", "cleared"]
    look(catalog, some(1, "good"), NOW + timedelta(hours=2))
    with catalog.reading() as session:
        assert session.execute(select(func.count()).select_from(ConditionState)).scalar_one() == 0


def test_a_thousand_at_once_are_one_message_and_one_all_clear(catalog: Catalog) -> None:
    taken = look(catalog, some(1_000))
    half = look(catalog, [*some(500, "good"), *some(1_000)[500:]], NOW + MINUTE)
    with catalog.reading() as session:
        (alert,) = list_alerts(session)
    over = look(catalog, some(1_000, "good"), NOW + 2 * MINUTE)

    assert (taken.opened, taken.notices, half.notices) == (1, 1, 0)
    assert (alert.code, alert.params["count"], alert.params["left"]) == ("many_at_once", 1_000, 500)
    assert (over.closed, over.notices) == (1, 1)


def test_two_looks_of_one_moment_are_two_messages(catalog: Catalog) -> None:
    sites = [Condition(subject=f"site:s{number}", state="bad", code="down") for number in range(9)]
    with catalog.writing() as session:
        first = take_look(session, some(9), NOW, looked_at=["host:"])
        second = take_look(session, sites, NOW, looked_at=["site:"])

    assert (first.notices, second.notices) == (1, 1)


def test_five_that_end_at_once_are_one_all_clear_to_each_who_was_told(catalog: Catalog) -> None:
    for number in range(6):
        look(catalog, some(number + 1), NOW + number * MINUTE)
    over = look(catalog, some(6, "good"), NOW + 10 * MINUTE)

    assert (over.closed, over.notices) == (6, 1)
    assert notices(catalog) == [*["silent"] * 6, "many_cleared"]


def test_a_thousand_that_change_their_cause_are_one_message_again(catalog: Catalog) -> None:
    look(catalog, some(1_000))
    taken = look(catalog, some(1_000, code="full"), NOW + MINUTE)

    assert (taken.opened, taken.closed, taken.notices) == (1, 1, 1)
    with catalog.reading() as session:
        assert len(read_open(session)) == 1


def test_one_of_many_that_gets_graver_is_told_apart(catalog: Catalog) -> None:
    look(catalog, some(10))
    first, *others = some(10)
    graver = Condition(subject=first.subject, state="bad", code="silent", severity="critical")
    look(catalog, [graver, *others], NOW + MINUTE)
    with catalog.reading() as session:
        subjects = [it.subject for it in list_alerts(session)]

    assert subjects[0] == "host:h0"
    assert len(subjects) == 2


def test_an_answer_holds_until_the_cause_changes_or_it_gets_graver(catalog: Catalog) -> None:
    look(catalog, some(1, params={"percent": 91}))
    with catalog.writing() as session:
        (alert,) = read_open(session)
        acknowledge(session, alert.id, "nva", "on it", NOW)
    quiet = [
        look(catalog, some(1, params={"percent": 92}), NOW + MINUTE).notices,
        look(catalog, some(1, "no_data", code="unseen"), NOW + 2 * MINUTE).notices,
    ]
    graver = look(catalog, some(1, severity="critical"), NOW + 3 * MINUTE).notices
    with catalog.reading() as session:
        (alert,) = read_open(session)

    assert (quiet, graver) == ([0, 0], 1)
    assert (alert.severity, alert.acked_at) == ("critical", None)


def test_newest_figures_stand_in_the_alert_without_a_message(catalog: Catalog) -> None:
    look(catalog, some(1, params={"percent": 91}))
    taken = look(catalog, some(1, params={"percent": 97}), NOW + MINUTE)
    with catalog.reading() as session:
        (alert,) = read_open(session)

    assert (taken.notices, alert.params["percent"]) == (0, 97)


def test_a_silence_hushes_all_but_what_is_critical_until_it_ends(catalog: Catalog) -> None:
    wish = SilenceWish(subject="host:", reason="thay tủ mạng", until=NOW + timedelta(hours=1))
    with catalog.writing() as session:
        made = make_silence(session, wish, "nva", NOW)
    hushed = look(catalog, some(2), NOW + MINUTE)
    first, second = some(2)
    grave = Condition(subject=first.subject, state="bad", code="silent", severity="critical")
    told = look(catalog, [grave, second], NOW + 2 * MINUTE)
    with catalog.writing() as session:
        assert end_silence(session, made, "nva", NOW + 2 * MINUTE)
        assert not end_silence(session, made, "nva", NOW + 2 * MINUTE)
        assert list_silences(session, since=NOW + 2 * MINUTE) == []
    after = look(catalog, [grave, second], NOW + 3 * MINUTE)

    assert (hushed.notices, told.notices, after.notices) == (0, 1, 1)


def test_a_standstill_of_our_own_makes_no_flood(catalog: Catalog) -> None:
    look(catalog, some(3, "good"))
    later = NOW + timedelta(hours=5)
    first = look(catalog, some(3, holds_for=MINUTE), later)
    second = look(catalog, some(3, holds_for=MINUTE), later + MINUTE)

    assert (first.notices, second.notices) == (0, 3)


def test_two_services_that_take_in_the_same_look_tell_it_once(catalog: Catalog) -> None:
    taken: list[int] = []
    threads = [
        threading.Thread(target=lambda: taken.append(look(catalog, some(3)).notices))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with catalog.reading() as session:
        states = read_states(session)

    assert sorted(taken) == [0, 0, 0, 3]
    assert {it.stage for it in states.values()} == {"firing"}
