"""Differences of duties and of the policy are told in words, a line each."""

from typing import Any

import pytest

from ops.duties.table.import_table import read_duty_sheet
from ops.duties.wording import tell_changes
from ops.errors import Problem
from ops.estate.versions import find_changes

DUTY: dict[str, Any] = {
    "name": "fire@2026-01-01", "title": {"vi": "Bình chữa cháy", "en": "Extinguisher"},
    "every": {"count": 3, "unit": "months"}, "responsible": "operator", "due": {"before": False},
    "valid_until": None, "basis": [{"document": "NĐ 1", "article": "Điều 2", "certainty": "S"}],
}  # fmt: skip
ROW: dict[str, Any] = {
    "name": "-/cong-xa", "sites": ["cong-xa"], "rpo_hours": 24, "method": ["incremental"],
    "places": [{"store": "near", "medium": "disk", "retention": {"keep_daily": 14}}],
}  # fmt: skip


def told(section: str, before: list[Any], after: list[Any]) -> list[str]:
    return list(tell_changes(find_changes({section: before}, {section: after})))


@pytest.fixture(autouse=True)
def _in_vietnamese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")


def test_each_difference_is_one_line_without_raw_values() -> None:
    changed = {**DUTY, "every": {"count": 6, "unit": "months"}, "responsible": "security officer",
               "due": {"before": True}, "valid_until": "2027-12-31"}  # fmt: skip
    lines = told("duties", [DUTY], [changed])

    assert lines == [
        "fire, từ 01/01/2026: phải xong trước: không → có",
        "fire, từ 01/01/2026: chu kỳ: 3 → 6",
        "fire, từ 01/01/2026: người chịu trách nhiệm: người vận hành → cán bộ an ninh mạng",
        "fire, từ 01/01/2026: hiệu lực đến: không có → 31/12/2027",
    ]


def test_what_came_or_went_whole_is_one_line() -> None:
    what = "Bình chữa cháy; mỗi 3 tháng; người vận hành"

    other = {**DUTY, "name": "other@2026-01-01"}
    came, went = told("duties", [other], [other, DUTY]), told("duties", [other, DUTY], [other])

    assert came == [f"fire, từ 01/01/2026: thêm mới: {what}"]
    assert went == [f"fire, từ 01/01/2026: không còn: {what}"]


def test_the_policy_is_told_by_class_and_site_and_its_places_by_store() -> None:
    place = {**ROW["places"][0], "retention": {"keep_daily": 30}}
    changed = {**ROW, "rpo_hours": 12, "method": ["incremental", "encrypted"], "places": [place]}

    assert told("rows", [ROW], [changed]) == [
        "không có lớp nội dung · cong-xa: phương thức: gia tăng → gia tăng, mã hóa",
        "không có lớp nội dung · cong-xa: theo ngày, near: 14 → 30",
        "không có lớp nội dung · cong-xa: RPO, số giờ: 24 → 12",
    ]


def test_a_sheet_is_refused_by_its_columns_in_its_own_words() -> None:
    problems: list[Problem] = []
    sheet = "name,title_vi,title_en,document,certainty,valid_from,kind,every,responsible\n"
    read_duty_sheet(f"{sheet}x,Y,Z,d,surely,2026-01-01,site,ba tháng,operator\n".encode(), problems)

    assert [it.key for it in problems] == ["dòng 2, cột certainty", "dòng 2, cột every"]
    assert problems[1].fix == "write a number and a unit, like `3 months`"
