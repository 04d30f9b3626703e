import errno
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backup.stores.folder import FolderStore
from ops.alerts.courier import MOST_TRIES, address_mail, pause_after
from ops.alerts.drafts import Draft, draft_notices, is_late
from ops.alerts.notice_wording import (
    _OWN,
    _RUNBOOKS,
    NOTICE_KINDS,
    NoticeRow,
    tell_runbook,
    word_notice,
)
from ops.estate.load.load import load_estate
from ops.jobs.definitions import list_jobs
from ops.language.text import LABELS
from ops.runbooks.library import SHIPPED
from ops.schedule.kinds import JOB_KINDS
from ops.schedule.ledger.job import LedgerEvent, describe_failure
from ops.status.daily_summary import STATES, draft_problem
from ops.status.problems import find_problems
from tests.integration.jobs.small_estate import build_estate
from tests.unit.ops.status.test_status import a_site, facts

COPY = """
[[stores]]
name = "far"
url = "stores/far"
location = "B"
medium = "disk"
role = "copy"
of = "near"
key = "file:far.key"
"""
NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


def an_event(**changes: Any) -> LedgerEvent:
    values: dict[str, Any] = {
        "occasion": "ended", "job": "backup/a", "kind": "backup", "site": "a", "due_at": NOW,
        "outcome": "ok", "attempt": 1,
    }  # fmt: skip
    return LedgerEvent(**values | changes)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (an_event(), None),
        (an_event(outcome="failed", reason="store"), ("failed", "critical")),
        (an_event(outcome="failed", kind="forget"), ("failed", "warning")),
        (an_event(outcome="failed", kind="check", reason="damaged"), ("failed", "critical")),
        (an_event(outcome="incomplete", reason="unreadable"), ("incomplete", "warning")),
        (an_event(reason="suspicious"), ("suspicious", "warning")),
        (an_event(occasion="retried", outcome=None, reason="store"), None),
        (an_event(occasion="retried", outcome=None, reason="lost"), ("lost", "warning")),
        (an_event(occasion="late", outcome=None), ("overdue", "critical")),
        (an_event(occasion="skipped", outcome="skipped", reason="blackout"), None),
        (an_event(occasion="missed", outcome="missed", reason="down"), ("missed", "warning")),
    ],
)
def test_each_event_is_told_as_gravely_as_it_is(
    event: LedgerEvent, told: tuple[str, str] | None
) -> None:
    drafts = draft_notices([event])

    assert [(it.code, it.severity) for it in drafts] == ([told] if told else [])


def test_a_good_run_after_a_failed_one_gives_the_all_clear() -> None:
    (draft,) = draft_notices([an_event()], failed_before=["backup/a"])

    assert (draft.code, draft.severity) == ("recovered", "info")


def test_a_hundred_missed_runs_are_one_notice() -> None:
    events = [
        an_event(occasion="missed", outcome="missed", job=f"backup/s{n}", site=f"s{n}")
        for n in range(100)
    ]
    (draft,) = draft_notices(events)

    assert (draft.params["count"], len(draft.params["jobs"]), draft.site) == (100, 100, "")


def test_the_same_thing_has_the_same_key_and_another_due_time_another() -> None:
    failed = an_event(outcome="failed")
    later = an_event(outcome="failed", due_at=NOW + timedelta(days=1))
    first, again, other = (draft_notices([it])[0].subject_key for it in (failed, failed, later))

    assert first == again != other


def draft_late(newest: datetime | None, now: datetime) -> Draft:
    """Give what is told of a site whose newest backup is that old, or that was due and has none."""
    seen = facts(a_site(newest_at=newest, due_since=now - timedelta(days=99)), now=now)
    (late,) = (it for it in find_problems(seen) if it.code == "late")
    return draft_problem(late, late.occasion)


def test_a_site_that_was_never_due_is_red_and_told_to_nobody() -> None:
    (problem,) = find_problems(facts(a_site(newest_at=None)))

    assert (problem.level, problem.subject, problem.code in STATES) == ("red", "late:a", False)


def test_lateness_is_told_once_until_there_is_a_newer_backup() -> None:
    late, newer = NOW - timedelta(days=3), NOW - timedelta(days=2)
    keys = [draft_late(late, NOW).subject_key,
            draft_late(late, NOW + timedelta(hours=5)).subject_key,
            draft_late(newer, NOW).subject_key]  # fmt: skip

    assert keys[0] == keys[1] != keys[2]


def test_a_nightly_backup_is_not_late_while_the_next_one_runs() -> None:
    day = timedelta(hours=24)

    assert not is_late(NOW - day - timedelta(hours=2), day, NOW)
    assert is_late(NOW - day - timedelta(hours=4), day, NOW)


def test_a_recipient_is_put_into_the_relay_and_no_other_stays() -> None:
    relay = "mailtos://u:p@smtp.example.vn/?from=x@example.vn&to=old@example.vn"

    assert address_mail(relay, "nva@example.vn") == (
        "mailtos://u:p@smtp.example.vn/?from=x@example.vn&to=nva%40example.vn"
    )
    assert address_mail("mailto://h", "a@b") == "mailto://h?to=a%40b"


def test_pauses_grow_to_an_hour_and_all_tries_last_days() -> None:
    pauses = [pause_after(n) for n in range(1, MOST_TRIES + 1)]

    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(minutes=1), timedelta(hours=1))
    assert sum(pauses, timedelta()) > timedelta(days=3)


def word(code: str, params: dict[str, Any]) -> str:
    told = NoticeRow("critical", code, params, "backup/a", "a", NOW)
    message = word_notice(told, organisation="TT", zone="Asia/Ho_Chi_Minh")
    return f"{message.title}\n{message.body}"


WORDED = {
    "en": """[Giữ Cổng] critical: a: backup of 25/11/2026 01:00 +07:00 failed
Backup of 25/11/2026 01:00 +07:00 failed.
  error: the store near is full
  data: nothing was lost

Written 25/11/2026 01:00 +07:00 by TT.
""",
    "vi": """[Giữ Cổng] nghiêm trọng: a: lần sao lưu 25/11/2026 01:00 +07:00 thất bại
Lần sao lưu 25/11/2026 01:00 +07:00 thất bại.
  lỗi: the store near is full
  dữ liệu: không mất dữ liệu

Viết lúc 25/11/2026 01:00 +07:00, TT.
""",
}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_failure_is_worded_with_what_why_and_whether_data_is_safe(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)
    explained = {"what": "the store {name} is full", "data": "nothing was lost",
                 "params": {"name": "near"}}  # fmt: skip
    params = {"kind": "backup", "due_at": NOW.isoformat(), "reason": "store", "params": explained}

    assert word("failed", params) == WORDED[language]


def test_a_full_disk_is_told_with_free_space_the_command_and_its_runbook(tmp_path: Path) -> None:
    full = FolderStore(tmp_path)._translate_write(OSError(errno.ENOSPC, "full"), "data/a8/a8fd")
    failed = describe_failure(full)
    params = {"kind": "backup", "due_at": NOW.isoformat(), "reason": failed.reason,
              "params": failed.params, "alert": "3f2a9c1b"}  # fmt: skip
    told = NoticeRow("critical", "failed", params, "backup/a", "a", NOW, title="Cổng xã Bình Minh")
    message = word_notice(told, organisation="TT", zone="Asia/Ho_Chi_Minh")
    what, why = message.body.splitlines()[1:3]

    assert message.title.startswith("[Giữ Cổng] nghiêm trọng: Cổng xã Bình Minh: ")
    assert what == f"  lỗi: {tmp_path} đã hết chỗ"
    assert re.search(r"đĩa ấy còn trống \d+ MiB", why)
    assert "`giucong service.trigger --job backup/a`" in message.body
    assert "  quy trình: `giucong runbook.show --id disk-full`" in message.body


def test_each_alert_links_a_runbook_that_exists() -> None:
    shipped = {path.name.partition(".")[0] for path in SHIPPED.glob("*.md")}

    assert set(_RUNBOOKS.values()) <= shipped
    assert tell_runbook("late", {}) == "`giucong runbook.list`"


def test_error_stands_before_errors_alone() -> None:
    kinds = {code: kind for table in (_OWN, *NOTICE_KINDS.parts()) for code, kind in table.items()}
    errors = {code for code, kind in kinds.items() if kind.label == LABELS["what"]}

    assert errors == {"failed", "lost", "recovered", "duties-unreadable"}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_draft_can_be_worded(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", language)
    oddity = {"measure": "seconds", "value": 1.0, "lowest": 2.0, "typical": 30.0, "runs": 5}
    events = [
        an_event(outcome="incomplete", reason="unreadable",
                 params={"count": 3, "first": [{"path": "/a", "reason": "denied"}]}),
        an_event(outcome="incomplete", reason="database_damaged",
                 params={"databases": ["db"], "problems": ["bad page"], "count": 0}),
        an_event(reason="suspicious", params={"oddities": [oddity]}),
        an_event(outcome="failed", reason="lost"),
        an_event(outcome="failed", kind="check", reason="damaged",
                 params={"count": 1, "first": [{"code": "pack_missing", "concerned": "data/ab",
                                                "params": {"blobs": "3"}}]}),
        an_event(occasion="retried", outcome=None, reason="lost"),
        an_event(occasion="late", outcome=None),
        an_event(occasion="missed", outcome="missed", reason="coalesced"),
    ]  # fmt: skip
    drafts = [
        *draft_notices(events),
        *draft_notices([an_event()], ["backup/a"]),
        draft_late(None, NOW),
        draft_late(NOW - timedelta(days=9), NOW),
    ]
    texts = [word(it.code, it.params) for it in drafts]

    assert len(texts) == 11
    assert not [text for text in texts if "{" in text or "\n\n\n" in text]


def test_every_kind_of_job_has_its_word_in_notices(tmp_path: Path) -> None:
    path = build_estate(tmp_path / "estate")
    with path.open("a", encoding="utf-8") as file:
        file.write(f'[sites.archive]\nconnector = "wordpress"\n[archive]\n{COPY}')
    kinds = {job.kind for job in list_jobs(load_estate(path))}
    archives = {it.name for it in JOB_KINDS.parts() if it.run.startswith("ops.archives.")}

    assert {"backup", "copy", "witness", "journal-head"} <= kinds
    assert kinds | archives == {it.name for it in JOB_KINDS.parts() if it.run.startswith("ops.")}
