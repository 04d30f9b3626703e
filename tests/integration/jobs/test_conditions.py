"""From a look to a mail in real time; silences and planned stops as people make them."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ops.alerts.courier import Courier
from ops.alerts.looks import Condition
from ops.alerts.outbox import escalate
from ops.alerts.watch import Taken, read_states, take_look
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow
from ops.duties.evidence.events import STOP_PLANNED
from ops.journal import journal
from ops.journal.journal import Entry
from ops.schedule.ledger.endings import BY_CLOCK
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.smtp_sink import Mail, Sink, smtp_sink

# apprise imports a module that Python 3.13 no longer has, and has an answer for that
pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.slow,
]

MORE = """
[[hosts]]
name = "web1"
address = "192.0.2.10"
user = "giucong"
[notices]
relay = "env:GIUCONG_TEST_RELAY"
escalate_after_minutes = 30
[[notices.routes]]
severity = "warning"
people = ["nva"]
"""
SITE = "site:cong-xa"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Path:
    del port
    path = build_estate(tmp_path / "estate", MORE)
    (path.parent / "state").mkdir()
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    monkeypatch.setenv("LOGNAME", "nobody-in-particular")
    monkeypatch.delenv("SUDO_USER", raising=False)
    return path


def a_condition(subject: str = "host:web1", state: Any = "bad", **changes: Any) -> Condition:
    return Condition(**{"subject": subject, "state": state, "code": "silent"} | changes)


def look(catalog: Catalog, at: datetime, *conditions: Condition) -> Taken:
    with catalog.writing() as session:
        return take_look(session, conditions, at, looked_at=["host:", "site:"])


def test_a_mail_leaves_within_a_minute_after_its_time_and_one_when_it_is_over(
    catalog: Catalog, port: int
) -> None:
    held = timedelta(seconds=2)
    red = [
        a_condition(severity="critical", holds_for=held),
        a_condition("host:web1/disk:/var", parent="host:web1"),
        a_condition(SITE, parent="host:web1", site="cong-xa"),
    ]
    with smtp_sink(port) as sink:
        courier = Courier(catalog)
        began = time.monotonic()
        try:
            _look_until(catalog, red, lambda: bool(_about_web1(sink)))
            told_after = time.monotonic() - began
            good = [Condition(subject=it.subject, state="good") for it in red]
            _look_until(catalog, good, lambda: len(_about_web1(sink)) > 1)
        finally:
            courier.close()

    assert told_after - held.total_seconds() < 60
    first, over = _about_web1(sink)
    assert "nghiêm trọng" in first.subject
    assert "không báo riêng (2): máy chủ web1, ổ đĩa /var; trang cong-xa" in first.body
    assert "trở lại bình thường" in over.subject


def _about_web1(sink: Sink) -> list[Mail]:
    return [it for it in sink.mails if "web1" in it.subject]


def _look_until(catalog: Catalog, conditions: list[Condition], is_over: Any) -> None:
    deadline = time.monotonic() + 120
    while not is_over() and time.monotonic() < deadline:
        look(catalog, datetime.now(UTC), *conditions)
        time.sleep(0.5)


def plan_stop(catalog: Catalog, begins: datetime, until: datetime) -> None:
    details = {
        "begins": begins.isoformat(),
        "until": until.isoformat(),
        "notice_by": begins.date().isoformat(),
        "duty": "thong-bao@1",
        "force_majeure": "",
    }
    with catalog.writing() as session:
        journal.append(session, BY_CLOCK, [Entry(STOP_PLANNED, "cong-xa", details)])


def test_while_a_planned_stop_runs_nothing_is_told_and_when_it_ends_it_is(
    catalog: Catalog,
) -> None:
    now = datetime(2026, 11, 29, 15, tzinfo=UTC)
    plan_stop(catalog, now, now + 10 * MINUTE)
    page = a_condition(f"{SITE}/page:/", severity="critical", site="cong-xa")
    certificate = a_condition("host:web1/certificate:a", site="cong-xa")
    during = [look(catalog, now + MINUTE * minute, page, certificate) for minute in range(10)]
    after = look(catalog, now + 10 * MINUTE, page, certificate)

    assert [it.notices for it in during] == [0] * 10
    assert after.notices == 2


def test_a_stop_that_begins_while_nobody_answers_holds_the_next_step_back(
    catalog: Catalog,
) -> None:
    now = datetime.now(UTC)
    page = a_condition(f"{SITE}/page:/", severity="critical", site="cong-xa")
    assert look(catalog, now, page).notices == 1
    plan_stop(catalog, now, now + 90 * MINUTE)
    steps = [escalate(catalog, now + MINUTE * minutes) for minutes in (40, 80, 95)]

    assert steps == [0, 0, 1]


def test_a_stop_of_two_months_hushes_thirty_days(catalog: Catalog) -> None:
    now = datetime(2026, 11, 29, 15, tzinfo=UTC)
    plan_stop(catalog, now, now + timedelta(days=60))
    page = a_condition(SITE, site="cong-xa")
    last = now + timedelta(days=30)

    assert look(catalog, last - MINUTE, page).notices == 0
    assert look(catalog, last, page).notices == 1


def test_a_silence_is_made_shown_journaled_and_ended(catalog: Catalog, estate: Path) -> None:
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat(timespec="minutes")
    wish = ("--about", "host:web1", "--until", until, "--reason", "thay ổ đĩa")
    rehearsed = giucong(estate, "monitor.silence", *wish, "--dry-run")
    nothing = json.loads(giucong(estate, "monitor.silence", "--json").stdout)
    made = giucong(estate, "monitor.silence", *wish)
    (silence,) = json.loads(giucong(estate, "monitor.silence", "--json").stdout)["items"]
    hushed = look(catalog, datetime.now(UTC), a_condition(), a_condition("host:web2"))
    shown = giucong(estate, "monitor.alerts", "--pending", language="vi")
    as_json = json.loads(giucong(estate, "monitor.alerts", "--json").stdout)
    ended = giucong(estate, "monitor.silence", "--end", silence["id"])
    again = giucong(estate, "monitor.silence", "--end", silence["id"])
    with catalog.reading() as session:
        query = select(JournalRow.action).where(JournalRow.action.startswith("silence."))
        journaled = list(session.execute(query.order_by(JournalRow.sequence)).scalars())

    assert (rehearsed.returncode, nothing["items"]) == (0, [])
    assert (made.returncode, silence["subject"]) == (0, "host:web1")
    assert hushed.notices == 1  # the other host
    assert "tạm dừng thông báo đến" in shown.stdout
    assert "thay ổ đĩa" in shown.stdout
    assert "đang tạm dừng thông báo, hoặc dừng theo kế hoạch" in shown.stdout
    assert [(it["subject"], it["stage"]) for it in as_json["untold"]] == [("host:web1", "hushed")]
    assert [it["subject"] for it in as_json["items"]] == ["host:web2"]
    assert as_json["silences"][0]["owner"]
    assert (ended.returncode, again.returncode) == (0, 2)
    assert journaled == ["silence.make", "silence.end"]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--about", "host:web1", "--reason", "x"), "--until must be given"),
        (("--about", "host:web9", "--until", "+1", "--reason", "x"), 'no host "web9"'),
        (("--about", "web1", "--until", "+1", "--reason", "x"), "nothing that is watched"),
        (("--about", "host:web1", "--until", "+1", "--reason", " "), "says no reason"),
        (("--about", "host:web1", "--until", "+800", "--reason", "x"), "at the latest"),
        (("--about", "host:web1", "--until", "+30", "--reason", "x", "--critical"), "24 hours"),
        (("--about", "host:web1", "--until", "-1", "--reason", "x"), "ends in the future"),
    ],
)
def test_a_silence_without_owner_reason_or_near_end_is_refused(
    catalog: Catalog, estate: Path, flags: tuple[str, ...], told: str
) -> None:
    del catalog
    now = datetime.now(UTC)
    typed = [
        (now + timedelta(hours=int(it))).isoformat(timespec="minutes") if it[0] in "+-" and
        it[1:].isdigit() else it
        for it in flags
    ]  # fmt: skip
    result = giucong(estate, "monitor.silence", *typed)

    assert result.returncode == 2
    assert told in result.stderr


def test_what_is_told_under_a_host_is_listed_with_it(catalog: Catalog, estate: Path) -> None:
    now = datetime.now(UTC)
    look(
        catalog, now, a_condition(severity="critical"),
        a_condition(SITE, parent="host:web1", site="cong-xa"),
        a_condition("host:web1/disk:/\u202e", parent="host:web1", holds_for=5 * MINUTE),
    )  # fmt: skip
    with catalog.reading() as session:
        assert len(read_states(session)) == 3
    shown = giucong(estate, "monitor.alerts", "--pending")
    status = giucong(estate, language="vi")
    (item,) = json.loads(giucong(estate, "monitor.alerts", "--json").stdout)["items"]

    assert "red with it, and not told apart (1): site cong-xa" in shown.stdout
    assert "Told if it lasts until" in shown.stdout
    assert "\u202e" not in shown.stdout
    assert "máy chủ web1 không bình thường" in status.stdout
    assert "cảnh báo kéo theo, không báo riêng (1): trang cong-xa" in status.stdout
    assert item["under"] == {"members": [], "hidden": [SITE]}
