"""Notices that really travel: a mail server that is down, comes back, and gets each one once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.alerts.courier import CLAIM_LASTS, deliver_waiting
from ops.alerts.decisions import ESTATE
from ops.alerts.outbox import write_notices
from ops.alerts.overview import list_alerts
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Notice, Run
from ops.catalog.tables.index import Snapshot
from ops.estate.load.load import load_estate
from ops.estate.load.read import find_estate_path
from ops.estate.versions import remember_estate
from ops.journal.journal import Origin
from ops.schedule.ledger.endings import Recording, record_events
from ops.schedule.ledger.job import LedgerEvent
from ops.status.daily_summary import tell_problems
from tests.integration.jobs.small_estate import build_estate
from tests.smtp_sink import smtp_sink

# apprise imports a module that Python 3.13 no longer has, and has an answer for that
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
MORE = """
[[people]]
name = "ttb"
title = "Trần Thị B"
mail = "ttb@example.vn"
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[[notices.routes]]
severity = "warning"
people = ["nva"]
[[notices.routes]]
severity = "critical"
sites = ["cong-xa"]
people = ["ttb"]
"""
FAILED = LedgerEvent(
    occasion="ended",
    job="backup/cong-xa",
    kind="backup",
    site="cong-xa",
    due_at=NOW,
    outcome="failed",
    reason="store_full",
    params={"what": "the store {name} is full", "params": {"name": "near"}},
    attempt=3,
)


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    estate = build_estate(tmp_path / "estate", MORE)
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate))
    with open_catalog(f"sqlite:///{tmp_path / 'catalog.db'}") as opened:
        yield opened


def tell(catalog: Catalog, *events: LedgerEvent) -> None:
    with catalog.writing() as session:
        record_events(session, Recording(listener=write_notices), list(events))


def states(catalog: Catalog) -> dict[str, tuple[str, int]]:
    with catalog.reading() as session:
        rows = session.execute(select(Notice.target, Notice.state, Notice.attempts))
        return {target: (state, attempts) for target, state, attempts in rows}


def test_a_dead_relay_delays_a_notice_and_each_target_gets_it_once(
    catalog: Catalog, port: int
) -> None:
    tell(catalog, FAILED)
    now = datetime.now(UTC)
    arrived = [deliver_waiting(catalog, now)]
    waiting = states(catalog)
    with smtp_sink(port) as sink:
        arrived.append(deliver_waiting(catalog, now + timedelta(seconds=30)))  # too early
        arrived.append(deliver_waiting(catalog, now + timedelta(minutes=2)))
        arrived.append(deliver_waiting(catalog, now + timedelta(minutes=30)))

    assert arrived == [0, 0, 2, 0]
    assert waiting == {"nva": ("waiting", 1), "ttb": ("waiting", 1)}
    assert states(catalog) == {"nva": ("sent", 2), "ttb": ("sent", 2)}
    recipients = sorted(mail.recipients for mail in sink.mails)
    assert recipients == [("nva@example.vn",), ("ttb@example.vn",)]
    assert "nghiêm trọng: Cổng xã Bình Minh: lần sao lưu 25/11/2026 01:00 +07:00 thất bại" in (
        sink.mails[0].subject
    )
    assert "the store near is full" in sink.mails[0].body


def test_what_went_wrong_is_kept_without_secrets(
    catalog: Catalog, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = f"mailto://user:hunter2@127.0.0.1:{port}/?from=giucong@example.vn&mode=insecure"
    monkeypatch.setenv("GIUCONG_TEST_RELAY", relay)
    tell(catalog, FAILED)
    deliver_waiting(catalog, datetime.now(UTC))
    with catalog.reading() as session:
        errors = list(session.execute(select(Notice.error)).scalars())

    assert errors
    assert all(errors)
    assert not [text for text in errors if "hunter2" in text]


def test_the_same_failure_is_told_once(catalog: Catalog, port: int) -> None:
    del port
    tell(catalog, FAILED)
    tell(catalog, FAILED)

    assert len(states(catalog)) == 2


def test_a_warning_goes_to_those_whose_route_says_so(catalog: Catalog, port: int) -> None:
    del port
    missed = LedgerEvent(occasion="missed", job="check/cong-xa", kind="check", site="cong-xa",
                         due_at=NOW, outcome="missed", reason="down")  # fmt: skip
    tell(catalog, missed)

    assert set(states(catalog)) == {"nva"}


def test_a_killed_courier_leaves_nothing_stuck(catalog: Catalog, port: int) -> None:
    tell(catalog, FAILED)
    now = datetime.now(UTC)
    with catalog.writing() as session:
        for notice in session.execute(select(Notice)).scalars():
            notice.state, notice.attempts = "sending", 1
            notice.next_try_at = now + CLAIM_LASTS
    with smtp_sink(port):
        early = deliver_waiting(catalog, now)
        later = deliver_waiting(catalog, now + CLAIM_LASTS + timedelta(seconds=1))

    assert (early, later) == (0, 2)


def test_a_clock_that_jumped_back_holds_no_notice_up(catalog: Catalog, port: int) -> None:
    tell(catalog, FAILED)
    now = datetime.now(UTC)
    deliver_waiting(catalog, now)
    with smtp_sink(port):
        arrived = deliver_waiting(catalog, now - timedelta(days=400))

    assert arrived == 2


def test_a_late_site_is_told_once_until_it_is_late_again(catalog: Catalog, port: int) -> None:
    del port

    def add_snapshot(age: timedelta) -> None:
        with catalog.writing() as session:
            session.add(
                Snapshot(site="cong-xa", store="near", id=str(age), taken_at=NOW - age,
                         hostname="cong-xa", paths=["/cong-xa"], tags=[], summary={})
            )  # fmt: skip

    add_snapshot(timedelta(days=3))
    told = [tell_problems(catalog, NOW), tell_problems(catalog, NOW + timedelta(hours=1))]
    add_snapshot(timedelta(hours=1))
    told.append(tell_problems(catalog, NOW))
    told.append(tell_problems(catalog, NOW + timedelta(days=3)))

    assert told == [2, 0, 2, 2]  # the third time that it is over


def test_the_all_clear_goes_to_nobody_whose_route_does_not_ask_for_it(
    catalog: Catalog, port: int
) -> None:
    del port
    with catalog.writing() as session:
        session.add(Run(job="backup/cong-xa", kind="backup", site="cong-xa", host="h", pid=1,
                        started_at=NOW, ended_at=NOW, outcome="failed"))  # fmt: skip
    good = LedgerEvent(occasion="ended", job="backup/cong-xa", kind="backup", site="cong-xa",
                       due_at=NOW + timedelta(days=1), outcome="ok", attempt=1)  # fmt: skip
    tell(catalog, good)

    assert states(catalog) == {}


def test_an_estate_file_that_breaks_is_told_once_until_it_is_mended(
    catalog: Catalog, port: int
) -> None:
    file = find_estate_path()
    good, told = file.read_text(encoding="utf-8"), []
    with catalog.writing() as session:
        remember_estate(session, load_estate(file).document(), now=NOW, origin=Origin(via="clock"))
        session.add(
            Snapshot(site="cong-xa", store="near", id="new", taken_at=NOW, hostname="cong-xa",
                     paths=["/cong-xa"], tags=[], summary={})
        )  # fmt: skip
    for text in (good, good + "[[sites", good + "[[sites", good, good + "[notice]\na = 1"):
        file.write_text(text, encoding="utf-8")
        told.append(tell_problems(catalog, NOW))
    with catalog.reading() as session:
        alerts = list_alerts(session)
    with smtp_sink(port) as sink:
        deliver_waiting(catalog, datetime.now(UTC))

    assert told == [0, 1, 0, 1, 1]
    assert [it.subject for it in alerts] == [ESTATE]
    over = [it for it in sink.mails if "trở lại bình thường" in it.subject]
    assert all("estate.check" in it.body for it in sink.mails if it not in over)
    assert len(sink.mails) == 3
