"""Form 08: the window that is due, the owner, and which settings fill its blanks."""

from datetime import UTC, date, datetime

import pytest

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.catalog.open import open_catalog
from ops.estate.model.references import reveal
from ops.reports import tasks
from ops.reports.cli import read_wish
from ops.reports.kinds.kind import Ask
from ops.reports.kinds.office import UNFILLED
from ops.reports.kinds.security import list_blanks
from ops.reports.make import make_frame
from ops.reports.papers.paper import Paper, Paragraph
from tests.unit.ops.estate.conftest import SITE, SMALL, Load, load

__all__ = ["load"]
SYSTEM = """
[[systems]]
name = "cong"
title = "Hệ thống Cổng"
level = 3
"""
FILLED = """decision = "123/QĐ-UBND"
rules = "45/QĐ-UBND"
"""
BODIES = """
[[organisation.bodies]]
name = "Ủy ban nhân dân tỉnh"
from = 2026-01-01
functions = "Luật"
representative = "Bà Trần Thị B, Chủ tịch"
address = "Số 1"
contact = "0251 000 000"
[[organisation.bodies]]
name = "Trung tâm"
from = 2026-01-01
functions = "Quyết định số 9"
representative = "Ông Lê Văn C, Giám đốc"
address = "Số 2"
contact = "0251 000 001"
"""
SITE_IN = SITE.replace('unit = "so-y-te"', 'unit = "so-y-te"\nsystem = "cong"')


def write(load: Load, text: str) -> Paper:
    estate, now = load(text, small=SMALL), datetime(2026, 12, 15, 2, tzinfo=UTC)
    wish = read_wish(tasks.Make(kind="security", out=""), estate, now)
    catalog = open_catalog(reveal(estate.catalog.url))
    with catalog, catalog.reading() as session:
        ask = Ask(estate=estate, catalog=catalog, session=session, series=None,
                  window=wish.window, site="", of="", now=now)  # fmt: skip
        paper: Paper = wish.kind.find("write")(
            wish.kind.find("gather")(ask), make_frame(estate, wish, now)
        )
    return paper


def said(paper: Paper) -> str:
    return "\n".join(it.text for it in paper.blocks if isinstance(it, Paragraph))


@pytest.mark.parametrize(
    ("today", "year"),
    [("2026-12-01", 2026), ("2026-12-15", 2026), ("2026-12-31", 2026), ("2027-01-10", 2026)],
)
def test_it_reports_the_window_that_is_due(load: Load, today: str, year: int) -> None:
    now = datetime.fromisoformat(f"{today}T12:00+07:00")
    wish = read_wish(tasks.Make(kind="security", out=""), load(), now)

    assert wish.window.first == date(year - 1, 12, 15)
    assert wish.window.last == date(year, 12, 14)


def test_with_all_settings_no_blank_is_left(load: Load) -> None:
    estate = load(BODIES + SYSTEM + FILLED + SITE_IN)
    paper = write(load, BODIES + SYSTEM + FILLED + SITE_IN)
    told = said(paper)

    assert list_blanks(estate, date(2026, 12, 15)) == []
    assert paper.addressees == ("Ủy ban nhân dân tỉnh",)
    assert "từ ngày 15/12/2025 đến ngày 14/12/2026" in told
    assert "Người đại diện, chức vụ: Bà Trần Thị B, Chủ tịch" in told
    assert "Đã xây dựng hồ sơ đề xuất cấp độ: 1" in told
    assert "Dự kiến hoàn thành: đã hoàn thành" in told
    assert UNFILLED not in told


def test_what_is_blank_is_named_by_its_setting(load: Load) -> None:
    blanks = list_blanks(load(SYSTEM + SITE_IN), date(2026, 12, 15))

    assert "organisation.bodies[Ủy ban nhân dân tỉnh].address" in blanks
    assert "organisation.bodies[Trung tâm].functions" in blanks
    assert {"systems[cong].standing", "systems[cong].rules", "systems[cong].expected"} <= {*blanks}
    assert len(blanks) == 2 * 4 + 3
    assert said(write(load, SYSTEM + SITE_IN)).count(UNFILLED) == 2 * 4 + 3
