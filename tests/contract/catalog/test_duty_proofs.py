"""What proves the duties that papers, runbooks, acts, media and the estate itself speak for."""

import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.catalog.open import Catalog
from ops.catalog.tables.drills import RunbookRun
from ops.catalog.tables.security import SecurityLook
from ops.duties.evidence.due import Period
from ops.duties.evidence.judge import find_verdicts
from ops.duties.review import gather
from ops.journal.journal import Entry
from ops.runbooks.library import SHIPPED as PROCEDURES
from tests.contract.catalog.test_duties import (
    ESTATE,
    SETTING,
    SHIPPED,
    ZONE,
    a_duty,
    an_issued,
    begin_records,
    judged,
    outcomes,
    this_month,
    write_rows,
)


def test_each_event_takes_a_paper_of_its_own(catalog: Catalog) -> None:
    duty = a_duty({"query": "issued", "papers": ["notice"]}, "organisation", every=None,
                  event="planned-stop", due={"count": 7, "unit": "working-days", "since": "event",
                                             "before": True})  # fmt: skip
    today = datetime.now(UTC).astimezone(ZONE).date()
    setting = replace(SETTING, today=today)
    begins = datetime.combine(SETTING.calendar.add_working_days(today, 30), time(22), ZONE)
    stops = [
        Entry("stop.planned", site, {"begins": begins.isoformat(), "code": f"{site}-1"})
        for site in ("a", "b")
    ]
    told = {"document": "a", "number": "2", "day": today.isoformat(), "signer": "checked"}
    write_rows(catalog, Entry("report.issued", "report:notice:a-1", told))
    write_rows(catalog, *stops)

    def standing() -> str:
        with catalog.reading() as session:
            (verdict,) = find_verdicts(session, duty, setting, today.year)
        return verdict.outcome

    found = [standing()]
    for about in ("report:notice:a-1", "report:notice:x-1", "report:notice:b-1"):
        write_rows(catalog, Entry("report.issued", about, told))
        found.append(standing())

    assert found == ["not_checked", "incomplete", "incomplete", "ok"]


def test_a_site_s_report_proves_for_that_site(catalog: Catalog) -> None:
    duty = a_duty({"query": "issued", "papers": ["site"]}, due={"count": 30, "unit": "days"})
    with catalog.writing() as session:
        begin_records(session)
        session.add(an_issued("report:site:2026:a", "2026-04-01", "2026-04-02"))

    assert outcomes(judged(catalog, duty)) == {
        "a": ("ok", "by_paper"), "b": ("not_checked", "nothing_yet"),
    }  # fmt: skip


def a_runbook_run(runbook: str, site: str, ended: datetime, standing: str = "done") -> RunbookRun:
    return RunbookRun(
        id=uuid.uuid4(), runbook=runbook, text="", text_sha256="", person="nva", standing=standing,
        going_back=False, values={"site": site}, started_at=ended, ended_at=ended,
    )  # fmt: skip


def test_a_restore_is_minuted_by_the_runbook_that_went_to_its_end_after_it(
    catalog: Catalog,
) -> None:
    (duty,) = SHIPPED.named("restore-minutes")
    _period, setting = this_month()
    write_rows(catalog, Entry("backup.restore", "a", {"in_place": True}))
    now = datetime.now(UTC)

    def standing() -> str:
        with catalog.reading() as session:
            (verdict,) = find_verdicts(session, duty, setting, setting.today.year)
        return verdict.outcome

    found = []
    for runbook, site, ended, state in (
        ("restore-site-in-place", "a", now - timedelta(hours=1), "done"),
        ("restore-site-in-place", "b", now + timedelta(seconds=5), "done"),
        ("restore-site-in-place", "a", now + timedelta(seconds=5), "rolled_back"),
        ("yearly-switch-over", "a", now + timedelta(seconds=5), "done"),
        ("restore-site-in-place", "a", now + timedelta(seconds=5), "done"),
    ):
        with catalog.writing() as session:
            session.add(a_runbook_run(runbook, site, ended, state))
        found.append(standing())

    assert found == ["not_checked"] * 4 + ["ok"]


def test_a_key_is_put_away_by_a_copy_that_was_made_after_the_change(catalog: Catalog) -> None:
    (duty,) = SHIPPED.named("key-copy-renewed")
    _period, setting = this_month()

    def standings() -> list[str]:
        with catalog.reading() as session:
            return [it.outcome for it in find_verdicts(session, duty, setting, setting.today.year)]

    write_rows(catalog, Entry("backup.key-escrow", "primary", {}))
    write_rows(catalog, Entry("secret.stored", "file:/k", {"replaced": True}))
    before = standings()
    write_rows(catalog, Entry("backup.key-escrow", "primary", {}))

    assert (before, standings()) == (["not_checked"], ["ok"])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"repository": "file:/etc/giucong/key"}, ("ok", "proven")),
        ({"repository": "env:KEY"}, ("ok", "proven")),
        ({"repository": "file:/srv/near/secret/key"}, ("failed", "failures")),
    ],
)
def test_a_password_that_lies_in_a_store_is_found(
    catalog: Catalog, keys: dict[str, str], expected: tuple[str, str]
) -> None:
    (duty,) = SHIPPED.named("keys-apart")
    stores = [{"name": "near", "url": "/srv/near", "medium": "disk", "location": "TT"}]
    setting = replace(SETTING, estate={**ESTATE, "stores": stores, "keys": keys})
    year = Period(date(2026, 1, 1), date(2026, 12, 31))

    assert outcomes(judged(catalog, duty, year, setting)) == {"": expected}
    without = replace(SETTING, estate={**ESTATE, "stores": []})
    assert judged(catalog, duty, year, without)[""].outcome == "not_checked"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"subject": "cong", "rows": 3, "lacking": []}, "ok"),
        ({"subject": "cong", "rows": 3, "lacking": ["web1 logs"]}, "incomplete"),
        ({"subject": "cong", "rows": 0, "lacking": []}, "incomplete"),
        ({"subject": "khac", "rows": 3, "lacking": []}, "not_checked"),
    ],
)
def test_a_review_proves_where_all_was_before_whoever_made_it(
    catalog: Catalog, told: dict[str, object], expected: str
) -> None:
    duty = a_duty({"query": "reviewed", "material": "logs"}, "system")
    period, setting = this_month()
    write_rows(catalog, Entry("duty.reviewed", "another-duty", {**told, "subject": "cong"}))
    before = judged(catalog, duty, period, setting)["cong"].outcome
    write_rows(catalog, Entry("duty.reviewed", "a-duty", told))

    assert (before, judged(catalog, duty, period, setting)["cong"].outcome) == (
        "not_checked", expected,
    )  # fmt: skip


def test_what_is_reviewed_of_logs_says_which_hosts_were_not_looked_at(catalog: Catalog) -> None:
    duty = a_duty({"query": "reviewed", "material": "logs"}, "system")
    period, setting = this_month()
    sites = [{"name": "a", "role": "main", "system": "cong",
              "files": [{"name": "www", "host": "web1"}]}]  # fmt: skip
    setting = replace(setting, estate={**ESTATE, "sites": sites})
    now = datetime.now(UTC)
    with catalog.writing() as session:
        session.add(SecurityLook(subject="host:web1", tool="logs", at=now, outcome="ok", params={},
                                 evidence="ab"))  # fmt: skip
        session.add(SecurityLook(subject="host:web1", tool="accounts", at=now, params={},
                                 outcome="not_checked"))  # fmt: skip
    write_rows(catalog, Entry("user.proof-failed", "nva"))
    with catalog.reading() as session:
        rows = gather(session, duty, setting, "cong", period)

    assert [(it["what"], it["is_lacking"]) for it in rows] == [
        ("web1 logs", False), ("web1 accounts", True), ("user.proof-failed nva", False),
    ]  # fmt: skip


def test_what_is_reviewed_of_procedures_is_each_in_force_with_its_hash(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(tmp_path / "estate.toml"))
    (duty,) = SHIPPED.named("incident-procedure")
    period, setting = this_month()
    text = (PROCEDURES / "ransomware.vi.md").read_text(encoding="utf-8")
    (tmp_path / "estate.toml").touch()
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks/ransomware.vi.md").write_text(
        f"{text}\nCủa Trung tâm.\n", encoding="utf-8"
    )
    with catalog.reading() as session:
        found = {
            it["what"]: it["found"]["sha256"] for it in gather(session, duty, setting, "", period)
        }

    own = hashlib.sha256((tmp_path / "runbooks/ransomware.vi.md").read_bytes()).hexdigest()
    assert found["ransomware"] == own
    assert "defacement" in found


def test_a_medium_that_was_renewed_in_time_or_late_is_told(catalog: Catalog) -> None:
    (duty,) = SHIPPED.named("media-renewal")
    today = datetime.now(UTC).astimezone(ZONE).date()
    setting = replace(SETTING, today=today)
    days = {"LATE": today - timedelta(days=2), "GOOD": today + timedelta(days=2)}
    for code, day in days.items():
        told = {"started_on": "2024-01-01", "renew_on": day.isoformat()}
        write_rows(catalog, Entry("media.retired", code, told))
    with catalog.reading() as session:
        found = {
            it.subject: (it.outcome, it.reason)
            for year in {it.year for it in days.values()}
            for it in find_verdicts(session, duty, setting, year)
        }

    assert found == {"LATE": ("incomplete", "late"), "GOOD": ("ok", "proven")}
