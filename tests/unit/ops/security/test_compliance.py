"""Each control and duty → verdict → evidence: what is proven, what is not, what nobody knows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bench.compliance import NOW, fill_catalog, make_document, make_setting
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.security import SecurityFinding, SecurityLook
from ops.duties.table.load import SHIPPED_DUTIES, read_duties
from ops.security.compliance import ControlRow, KnownLooks, judge_controls, read_compliance
from ops.security.controls import (
    SHIPPED,
    Control,
    ControlsError,
    ControlSet,
    limits_of,
    read_controls,
    rhythm_of,
)
from ops.security.form_08 import DONE, fill_form
from ops.security.programs import decide_wait
from ops.security.subjects import TOOLS, list_subjects, plan_asked, plan_looks

ESTATE = {
    "systems": [{"name": "cong", "level": 3}, {"name": "trang", "level": 2}],
    "hosts": [{"name": "web1"}, {"name": "idle"}],
    "sites": [
        {"name": "a", "system": "cong", "files": [{"host": "web1"}]},
        {"name": "b", "system": "trang", "databases": [{"host": "web1"}], "files": [{}]},
        {"name": "c", "files": [{"host": "web1"}]},
    ],
}


def read(*more: Path) -> ControlSet:
    return read_controls((SHIPPED, *more))


def named(name: str) -> Control:
    return next(it for it in read().rows if it.name == name)


def look(tool: str, days: float = 0, outcome: str = "ok", reason: str = "") -> SecurityLook:
    at = NOW - timedelta(days=days)
    return SecurityLook(tool=tool, at=at, outcome=outcome, reason=reason, params={}, evidence="ab")


def finding(severity: str = "medium", **changes: Any) -> SecurityFinding:
    values = {"tool": "updates", "state": "open", "first_seen_at": NOW, "accepted_until": None}
    row = SecurityFinding(severity=severity, **{**values, **changes})
    row.id = "f1"  # type: ignore[assignment]  # shown, and nothing else
    return row


def judge(control: str, last: dict[str, SecurityLook], *rows: SecurityFinding) -> ControlRow:
    """Judge a control at a system whose one site lies on one host."""
    estate = {
        "systems": [{"name": "s", "level": 3}],
        "hosts": [{"name": "h"}],
        "sites": [{"name": "a", "system": "s", "files": [{"host": "h"}]}],
    }
    looks = {("host:h", tool): it for tool, it in last.items()}
    answered = {pair: it for pair, it in looks.items() if it.outcome != "not_checked"}
    found = {("host:h", it.tool): rows for it in rows}
    [row] = judge_controls(estate, [named(control)], KnownLooks(looks, answered, found, NOW))
    return row


def test_hosts_have_the_levels_of_all_that_they_carry() -> None:
    found = {it.key: (it.levels, it.sites) for it in list_subjects(ESTATE)}

    assert found["host:web1"] == (frozenset({3, 2, None}), ("a", "b", "c"))
    assert found["host:localhost"] == (frozenset({2}), ("b",))
    assert found["host:idle"] == (frozenset(), ())
    assert found["site:c"] == (frozenset({None}), ("c",))


def test_the_strictest_figure_and_rhythm_count() -> None:
    controls = read().on(date(2026, 11, 29))

    assert limits_of({2, 3}, controls).log_days == 90
    assert limits_of({2}, controls).log_days == 30
    assert limits_of({2}, controls).idle_days == 45
    assert not limits_of({2}, controls).needs_remote_log
    assert limits_of({1}, controls).idle_days is None
    assert rhythm_of("lynis", {2, 3}, controls) == 31
    assert rhythm_of("lynis", {2}, controls) == 93
    assert rhythm_of("lynis", {1}, controls) is None
    assert rhythm_of("updates", (), controls) is None


def test_no_control_asks_for_a_tool_that_is_not_there() -> None:
    asked = {tool for it in read().rows for tool in it.tools}

    assert asked == set(TOOLS)


def test_a_local_row_takes_the_place_and_bad_tables_are_told(tmp_path: Path) -> None:
    local = tmp_path / "local.toml"
    text = SHIPPED.read_text(encoding="utf-8").split("[[controls]]")
    row = next(it for it in text if 'name = "clock-right"' in it)
    later = row.replace("2026-08-01", "2027-01-01").replace(
        "clock_seconds = 5", "clock_seconds = 1"
    )
    local.write_text(f"schema = 1\nacceptance_days = 30\n[[controls]]{later}")
    found = read(local)

    assert found.acceptance_days == 30
    assert limits_of({3}, found.on(date(2026, 12, 31))).clock_seconds == 5
    assert limits_of({3}, found.on(date(2027, 1, 1))).clock_seconds == 1
    (tmp_path / "bad.toml").write_text(f"schema = 1\nnonsense = 1\n[[controls]]{later}")
    with pytest.raises(ControlsError):
        read(tmp_path / "bad.toml")


def test_a_look_is_due_again_by_level_and_at_once_after_it_failed() -> None:
    subjects = [it for it in list_subjects(ESTATE) if it.name == "web1"]
    controls = read().on(date(2026, 11, 29))

    def due(days: float) -> set[str]:
        answered = {("host:web1", it): look(it, days) for it in TOOLS}
        return {it for plan in plan_looks(subjects, controls, answered, NOW) for it in plan.tools}

    assert due(0.5) == set()
    assert due(0.95) == {
        "updates", "reboot", "ports", "keys", "sudoers", "accounts", "logs", "clock",
    }  # fmt: skip
    assert {"lynis", "ssh"} <= due(31)
    assert len(plan_looks(subjects, controls, {}, NOW)[0].tools) == 10
    asked = plan_asked(list_subjects(ESTATE), hosts=["web1"], sites=["a"], only=["ssh", "tls"])
    assert [(it.subject.key, it.tools) for it in asked] == [
        ("host:web1", ("ssh",)), ("site:a", ("tls",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("last", "backups", "running", "wait"),
    [
        (None, (), False, ""),
        (29, (), False, "cooldown"),
        (31, (), False, ""),
        (None, (20,), False, "near_backup"),
        (None, (-20,), False, "near_backup"),
        (None, (40,), False, ""),
        (None, (), True, "near_backup"),
    ],
)
def test_ssh_scans_keep_apart_from_each_other_and_from_backups(
    last: int | None, backups: tuple[int, ...], running: bool, wait: str
) -> None:
    scanned = None if last is None else NOW - timedelta(minutes=last)
    due = tuple(NOW + timedelta(minutes=it) for it in backups)

    assert decide_wait(NOW, scanned, due, is_running=running) == wait


@pytest.mark.parametrize(
    ("last", "rows", "outcome", "reason"),
    [
        ({}, (), "not_checked", "never"),
        ({"updates": look("updates")}, (), "not_checked", "never"),
        ({"updates": look("updates"), "reboot": look("reboot")}, (), "ok", ""),
        ({"updates": look("updates", 3), "reboot": look("reboot")}, (), "not_checked", "outdated"),
        (
            {"updates": look("updates", 0, "not_checked", "late"), "reboot": look("reboot")},
            (), "not_checked", "late",
        ),
        (
            {"updates": look("updates", 0, "incomplete", "too_many"), "reboot": look("reboot")},
            (), "not_checked", "too_many",
        ),
        ({"updates": look("updates"), "reboot": look("reboot")}, (finding(),), "ok", ""),
        (
            {"updates": look("updates"), "reboot": look("reboot")},
            (finding(first_seen_at=NOW - timedelta(days=31)),), "failed", "open_findings",
        ),
        (
            {"updates": look("updates"), "reboot": look("reboot")},
            (finding(first_seen_at=NOW - timedelta(days=31),
                     accepted_until=NOW + timedelta(days=1)),),
            "incomplete", "accepted_until",
        ),
        (
            {"updates": look("updates"), "reboot": look("reboot")},
            (finding(first_seen_at=NOW - timedelta(days=31), accepted_until=NOW),),
            "failed", "open_findings",
        ),
        ({}, (finding(first_seen_at=NOW - timedelta(days=31)),), "failed", "open_findings"),
    ],
)  # fmt: skip
def test_a_control_is_proven_by_late_whole_looks_with_nothing_open(
    last: dict[str, SecurityLook], rows: tuple[SecurityFinding, ...], outcome: str, reason: str
) -> None:
    row = judge("patched", last, *rows)

    assert (row.outcome, row.reason) == (outcome, reason)


def test_a_control_bears_what_it_says_and_nothing_graver() -> None:
    good = {"lynis": look("lynis")}

    assert judge("hardening-level-3", good, finding("low", tool="lynis")).outcome == "ok"
    assert judge("hardening-level-3", good, finding("medium", tool="lynis")).outcome == "failed"


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    opened = open_catalog("sqlite://")
    yield opened
    opened.close()


def count_statements(catalog: Catalog, document: dict[str, Any]) -> tuple[int, list[ControlRow]]:
    counted: list[str] = []

    def count(*told: Any) -> None:
        counted.append(told[2])

    event.listen(catalog.readers, "before_cursor_execute", count)
    try:
        with catalog.reading() as session:
            rows = read_compliance(
                session, make_setting(document), read(), read_duties((SHIPPED_DUTIES,)), NOW
            )
    finally:
        event.remove(catalog.readers, "before_cursor_execute", count)
    return len(counted), rows


def test_the_table_costs_the_same_number_of_statements_however_much_there_is(
    catalog: Catalog,
) -> None:
    small, large = make_document(3, 1), make_document(30, 6)
    fill_catalog(catalog, small, days=70, findings=0)
    few, _rows = count_statements(catalog, small)
    fill_catalog(catalog, large, days=70, findings=20, runs_every=7)
    many, rows = count_statements(catalog, large)

    assert many == few
    assert {it.kind for it in rows} == {"control", "duty"}
    scans = {(it.subject, it.outcome) for it in rows if it.name == "patching"}
    assert {subject for subject, _outcome in scans} == {"ht-1", "ht-2", "ht-3"}


def test_the_form_says_what_is_known_and_leaves_the_rest_to_people() -> None:
    document = make_document(3, 1)
    good = ControlRow("control", "patched", ("v", "e"), (), "ht-3", 3, "ok", "")
    rows = [
        good,
        replace(good, name="hardening-level-3"),
        replace(good, name="clock-right", subject="ht-2"),
        replace(good, name="patched", subject="ht-2", outcome="failed"),
        replace(good, subject="ht-1", outcome="not_checked"),
    ]
    totals, form = fill_form(document, rows, operator="Trung tâm", owner="UBND")

    assert (totals.systems, totals.approved, totals.checked) == (3, 1, 1)
    assert [it.done for it in form] == ["", DONE[1], DONE[2]]
    assert [it.checked for it in form] == ["", "", "Định kỳ"]
    assert [it.standing for it in form] == ["", "", "Đã được phê duyệt"]
    assert {it.rules for it in form} == {""}
    # Of two systems nobody says how far they are: there is nothing to count.
    assert (totals.filed, totals.assessed, totals.expected) == (None, None, "")


def test_the_form_says_what_the_estate_says_of_each_system() -> None:
    systems = [
        {"name": "a", "level": 2, "standing": "drafted", "expected": "quý I năm 2027"},
        {"name": "b", "level": 3, "standing": "appraised", "rules": "45/QĐ-UBND",
         "checked_before_use": True},
        {"name": "c", "level": 3, "decision": "123/QĐ-UBND", "expected_done": "quý III năm 2027"},
    ]  # fmt: skip
    totals, form = fill_form({"systems": systems}, [], operator="Trung tâm", owner="UBND")

    assert [it.standing for it in form] == ["Đang dự thảo", "Đã thẩm định", "Đã được phê duyệt"]
    assert (totals.filed, totals.assessed, totals.approved) == (2, 2, 1)
    assert totals.expected == "a: quý I năm 2027"
    assert (form[1].rules, form[1].checked) == ("45/QĐ-UBND", "Trước khi đưa vào sử dụng")
    assert form[2].expected_done == "quý III năm 2027"
