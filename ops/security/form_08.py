"""The table of Mẫu số 08 (NĐ 331/2026/NĐ-CP, Điều 35-36): one row a system, twelve columns; pure.

What nobody has recorded is left empty: the form is signed by people, and an empty cell is honest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.duties.table.versions import Document
from ops.security.compliance import ControlRow

DONE = ("Chưa triển khai", "Đã triển khai một số hạng mục", "Đã triển khai đầy đủ")
"""How far measures are in place, in the form's own words: none, some, all."""

STANDINGS: Mapping[str, str] = {
    "drafted": "Đang dự thảo",
    "sent": "Đã gửi thẩm định",
    "appraised": "Đã thẩm định",
    "approved": "Đã được phê duyệt",
}
"""How far a level file is → the form's own words, in this order."""

BEFORE_USE, PERIODIC = "Trước khi đưa vào sử dụng", "Định kỳ"
_CHECKS = ("vulnerability-scan", "hardening")
"""How the names of duties and controls begin whose proof is a periodic check of the system."""


@dataclass(frozen=True, slots=True)
class FormRow:
    """One row, its fields in the order of the form's columns.

    Attributes:
        number: STT.
        system: Tên hệ thống thông tin.
        owner: Chủ quản.
        operator: Đơn vị vận hành.
        level: Cấp độ đề xuất.
        standing: Tình trạng hồ sơ đề xuất cấp độ.
        decision: Quyết định phê duyệt (số, ngày, cơ quan).
        rules: Quy chế bảo đảm an ninh mạng (số, ngày, cơ quan).
        expected: Dự kiến phê duyệt.
        done: Đã triển khai.
        expected_done: Dự kiến triển khai đầy đủ.
        checked: Đã kiểm tra.
    """

    number: int
    system: str
    owner: str
    operator: str
    level: int | None
    standing: str
    decision: str
    rules: str
    expected: str
    done: str
    expected_done: str
    checked: str


@dataclass(frozen=True, slots=True)
class FormTotals:
    """Part 1 of the form: how many systems there are, and how far they are.

    Attributes:
        systems, classified, approved, checked: Counts.
        filed, assessed: Likewise, of level files handed in and appraised; None where the estate
            does not say of each system how far it is.
        expected: When all is to be approved; empty where nobody says it.
    """

    systems: int
    classified: int
    filed: int | None
    assessed: int | None
    approved: int
    checked: int
    expected: str


def fill_form(
    estate: Document, rows: Iterable[ControlRow], *, operator: str, owner: str
) -> tuple[FormTotals, list[FormRow]]:
    """Give the table's data, and the totals above it.

    Args:
        estate: The document of the estate in force.
        rows: The compliance table of the same day.
        operator: Name of the Center, as it was that day.
        owner: Name of the authority.
    """
    by_system: dict[str, list[ControlRow]] = {}
    for row in rows:
        by_system.setdefault(row.subject, []).append(row)
    filled = [
        _fill(number, system, by_system.get(system["name"], []), operator, owner)
        for number, system in enumerate(estate.get("systems", ()), start=1)
    ]
    totals = FormTotals(
        systems=len(filled),
        classified=sum(it.level is not None for it in filled),
        filed=_reached("sent", filled),
        assessed=_reached("appraised", filled),
        approved=sum(it.standing == STANDINGS["approved"] for it in filled),
        checked=sum(PERIODIC in it.checked for it in filled),
        expected=_tell_expected(filled),
    )
    return totals, filled


def _tell_expected(rows: Sequence[FormRow]) -> str:
    waiting = [it for it in rows if it.standing != STANDINGS["approved"]]
    told = "; ".join(f"{it.system}: {it.expected}" for it in waiting if it.expected)
    return told if waiting or not rows else "đã hoàn thành"


def _reached(standing: str, rows: Sequence[FormRow]) -> int | None:
    words = [*STANDINGS.values()]
    if not all(it.standing for it in rows):
        return None
    return sum(words.index(it.standing) >= words.index(STANDINGS[standing]) for it in rows)


def _fill(
    number: int, system: Mapping[str, Any], rows: list[ControlRow], operator: str, owner: str
) -> FormRow:
    decision = str(system.get("decision") or "")
    standing = system.get("standing") or ("approved" if decision else "")
    proven = any(it.outcome == "ok" for it in rows if it.name.startswith(_CHECKS))
    checks = ((BEFORE_USE, system.get("checked_before_use")), (PERIODIC, proven))
    done = _done([it for it in rows if it.kind == "control"])
    return FormRow(
        number=number,
        system=system.get("title") or system["name"],
        owner=owner,
        operator=operator,
        level=system.get("level"),
        standing=STANDINGS[standing] if standing else "",
        decision=decision,
        rules=str(system.get("rules") or ""),
        expected=str(system.get("expected") or ""),
        done=done,
        expected_done="" if done == DONE[2] else str(system.get("expected_done") or ""),
        checked=", ".join(word for word, is_so in checks if is_so),
    )


def _done(controls: list[ControlRow]) -> str:
    """Say how far the controls are in place; empty where nothing was looked at."""
    known = [it for it in controls if it.outcome != "not_checked"]
    good = [it for it in known if it.outcome == "ok"]
    if not known:
        return ""
    if not good:
        return DONE[0]
    return DONE[2] if len(good) == len(controls) else DONE[1]
