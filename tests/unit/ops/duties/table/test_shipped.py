"""The shipped tables are whole, say where every duty comes from, and hold the figures alone."""

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import ops.duties
from ops.duties.evidence.queries import QUERIES
from ops.duties.table.load import (
    SHIPPED_DUTIES,
    SHIPPED_HOLIDAYS,
    DutiesError,
    read_calendar,
    read_duties,
)
from ops.duties.wording import CERTAINTIES, NATURES, tell_rhythm, tell_scope, tell_who

SHIPPED = read_duties((SHIPPED_DUTIES,))
PACKAGE = Path(ops.duties.__file__).parent

ASKED_BY_THE_LAW = {
    "Quy chế Điều 14(3)": "daily-backup",
    "Quy chế Điều 14(4)": "yearly-plan",
    "Quy chế Điều 15(1)": "portal-report",
    "Quy chế Điều 15(2)": "component-report",
    "TT 02/2019: daily, incremental": "daily-backup",
    "TT 02/2019: full on the 1st": "monthly-full-copy",
    "TT 02/2019: media every three years": "media-renewal",
    "TT 05/2025 Điều 27(1)": "two-sets",
    "QCVN 12 3.12.2.1, written rule": "policy-review",
    "QCVN 12 3.12.2.1, apart": "copies-apart",
    "TCVN 14423, 3-2-1": "copies-3-2-1",
    "QCVN 12 2.2.12.2.1": "copy-catalogue",
    "QCVN 12 2.2.12.2.2": "copies-worm",
    "QCVN 12 2.2.12.2.3": "backup-log",
    "QCVN 12 2.2.12.2.4": "keys-apart",
    "QCVN 12 2.2.12.2.5": "malware-scan",
    "QCVN 12 3.12.2.2.4–5": "restore-test-quarter",
    "TCVN 14423, periodic restore": "restore-test-periodic",
    "TCVN 14423, level 4": "restore-test-level-4",
    "TCVN 14423, level 5": "restore-test-level-5",
    "QCVN 12 2.2.5.4": "stored-bytes-check",
    "NĐ 224 Điều 13(1)a": "planned-stop-notice",
    "NĐ 43 Điều 27(1)": "portal-watched",
    "NĐ 224 Điều 27(3)c": "portal-available",
    "NĐ 224 Điều 11(4), IPv6": "portal-ipv6",
    "NĐ 224 Điều 21(2)b": "yearly-review",
    "NĐ 224 Điều 27": "shared-platform-minimum",
    "NĐ 224 Điều 68(2), January": "january-feedback",
    "NĐ 224 Điều 68(2), acceptance": "completion-information",
    "NĐ 224 Điều 7(3)": "plan-to-ministry",
    "NĐ 331 Điều 31(2)d, 24 h": "incident-first-report",
    "NĐ 331 Điều 31(2)d, 72 h": "incident-full-report",
    "NĐ 331 Điều 35–36, operator": "security-report-owner",
    "NĐ 331 Điều 35–36, owner": "security-report-ministry",
    "NĐ 331 Điều 39": "level-approved",
    "Luật 91 Điều 23": "breach-notice",
    "Luật Lưu trữ, one year": "hand-in-current",
    "Luật Lưu trữ, five years": "hand-in-historical",
    "NĐ 113 Điều 22": "source-kept-after-transfer",
    "NĐ 113 Điều 26–30": "reserve-copy-statistics",
    "QCVN 12 3.5, what is archived": "archive-fixity",
    "NĐ 113 Điều 22, restorable": "archive-restore-test",
    "NĐ 113 Điều 26–30, whole": "archive-reserve-copy",
    "NĐ 30 Điều 28–30, content": "content-archived",
    "TT 24/2011 Điều 4–9": "content-metadata",
    "TT 06/2025": "destruction",
    "NĐ 30 Điều 28–30": "records-list",
    "NĐ 244": "spokesperson-published",
    "NĐ 43 Điều 17(1)đ": "feedback-reply",
}


@pytest.mark.parametrize("asked", ASKED_BY_THE_LAW)
def test_what_the_law_asks_is_among_the_duties(asked: str) -> None:
    assert SHIPPED.named(ASKED_BY_THE_LAW[asked])


def test_every_duty_has_a_basis_with_certainty_and_can_be_told() -> None:
    for duty in SHIPPED.duties:
        assert {it.certainty for it in duty.basis} <= CERTAINTIES.keys()
        assert duty.nature in NATURES
        assert duty.evidence.query in {*QUERIES, "statement"}
        assert tell_rhythm(duty)
        assert tell_scope(duty)
        assert tell_who(duty.responsible) != duty.responsible, "a role without a translation"
        assert max(len(duty.title.vi), len(duty.title.en)) <= 40, "too long for its column"
        assert len(duty.name) <= 26, "too long for its column"


def test_the_centers_own_targets_say_so() -> None:
    own = {it.name for it in SHIPPED.duties if it.nature == "own"}

    assert own == {
        "restore-test-every-site",
        "yearly-switch-over",
        "restore-minutes",
        "failed-backup-redone",
        "key-copy-renewed",
        "drill-random-file",
        "drill-component-site",
        "drill-main-portal",
        "drill-stock-restic",
        "drill-from-paper",
        "drill-finding-fixed",
        "called-off-stop-notice",
        "portal-https",
    }
    assert SHIPPED.named("restore-test-quarter")[0].nature == "law"
    assert SHIPPED.named("restore-test-periodic")[0].nature == "own-figure"
    assert SHIPPED.named("portal-report")[0].nature == "own-figure"


def test_a_rule_that_was_replaced_ends_the_day_before_its_successor() -> None:
    old, new = SHIPPED.named("planned-stop-notice")

    assert (old.due.count, old.valid_until) == (1, date(2026, 6, 30))
    assert (new.due.count, new.valid_from) == (7, date(2026, 7, 1))


def test_systems_that_existed_have_time_by_level() -> None:
    duty = SHIPPED.named("malware-scan")[0]

    assert duty.is_transitional(date(2027, 6, 30), levels={2, 3})
    assert not duty.is_transitional(date(2027, 7, 1), levels={2, 3})
    assert duty.is_transitional(date(2027, 7, 1), levels={2})
    assert duty.is_transitional(date(2027, 7, 1))
    assert not duty.is_transitional(date(2028, 1, 1), levels={2})


def test_every_covered_year_has_tet_and_national_day() -> None:
    calendar = read_calendar((SHIPPED_HOLIDAYS,))
    new_year_days = {2025: date(2025, 1, 29), 2026: date(2026, 2, 17), 2027: date(2027, 2, 8)}

    assert calendar.years == {2025: "announced", 2026: "announced", 2027: "expected"}
    for year, tet in new_year_days.items():
        assert not calendar.is_working(tet)
        assert not calendar.is_working(date(year, 9, 2))
        assert calendar.is_working(date(year, 6, 1)) or date(year, 6, 1).isoweekday() > 5


def figures(node: ast.AST) -> Iterator[int | float]:
    """Give the numbers of a piece of code, without the examples of a model's keys."""
    if isinstance(node, ast.keyword) and node.arg == "examples":
        return
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield value
    for child in ast.iter_child_nodes(node):
        yield from figures(child)


def test_no_legal_figure_stands_in_code() -> None:
    """A term, a period, a number of copies stands in the tables alone.

    What numbers there are in code: 0 to 2 and 3 names shown, levels 1 to 5, days of a week and
    longest week, month, year and stretch of holidays, how far lists look ahead, and widths of a
    terminal.
    """
    harmless = {0, 1, 2, 3, 4, 5, 7, 12, 25, 30, 31, 40, 59, 60, 100, 120, 366, 2000, 2999}
    found = {
        (path.name, number)
        for path in PACKAGE.glob("*.py")
        for number in figures(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert {it for it in found if it[1] not in harmless} == set()
    for module in ("due.py", "evidence.py", "verdicts.py", "subjects.py", "agenda.py"):
        used = {number for name, number in found if name == module}
        assert used <= {0, 1, 2, 7, 12, 31, 366}, module


LOCAL = """
schema = 1
[[duties]]
name = "malware-scan"
title = { vi = "Quét mã độc hằng quý", en = "Scan every quarter" }
basis = [{ document = "Trung tâm tự đặt", certainty = "own" }]
valid_from = 2027-01-01
applies = { kind = "site" }
every = { count = 3, unit = "months" }
responsible = "nva"
[[duties]]
name = "policy-review"
title = { vi = "Rà soát nửa năm một lần", en = "Review twice a year" }
basis = [{ document = "Quy chế nội bộ", article = "Điều 5", certainty = "own" }]
valid_from = 2026-01-01
applies = { kind = "organisation" }
every = { count = 6, unit = "months" }
responsible = "operator"
evidence = { query = "policy" }
"""


def test_a_local_table_adds_replaces_and_ends_rows(tmp_path: Path) -> None:
    path = tmp_path / "duties.local.toml"
    path.write_text(LOCAL, encoding="utf-8")
    joined = read_duties((SHIPPED_DUTIES, path))
    old, new = joined.named("malware-scan")
    (review,) = joined.named("policy-review")

    assert (old.valid_until, new.valid_until) == (date(2026, 12, 31), None)
    assert new.nature == "own"
    assert review.every is not None
    assert review.every.count == 6
    assert joined.digest() != SHIPPED.digest()


def test_all_mistakes_are_told_at_once_with_their_keys(tmp_path: Path) -> None:
    path = tmp_path / "duties.local.toml"
    broken = LOCAL.replace('kind = "site"', 'kind = "web"').replace("count = 6, ", "")
    path.write_text(broken.replace('"operator"', "7") + 'note = "nowhere"\n', encoding="utf-8")
    with pytest.raises(DutiesError) as caught:
        read_duties((SHIPPED_DUTIES, path))
    keys = {problem.key for problem in caught.value.problems}

    assert "duties[malware-scan].applies.kind" in keys
    assert "duties[policy-review].every" in keys
    assert "duties[policy-review].responsible" in keys
    assert all(problem.file == path for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("note", 'note = "nowhere"'), 'there is no note "{note}"'),
        (("double", LOCAL.partition("[[duties]]")[2].partition("[[duties]]")[0]), "two rows"),
    ],
)
def test_rows_that_do_not_fit_together_are_told(
    tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    path = tmp_path / "duties.local.toml"
    kind, text = change
    more = text if kind == "note" else f"[[duties]]\n{text}"
    path.write_text(f"{LOCAL}{more}\n", encoding="utf-8")
    with pytest.raises(DutiesError) as caught:
        read_duties((SHIPPED_DUTIES, path))

    assert any(told in problem.what for problem in caught.value.problems)


def test_a_file_that_is_not_there_or_is_no_toml_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("schema = ", encoding="utf-8")
    with pytest.raises(DutiesError) as caught:
        read_duties((SHIPPED_DUTIES, tmp_path / "missing.toml", broken))

    assert len(caught.value.problems) == 2
