"""Duty in Chromium: a plan by two people, papers downloaded, a unit's part, the register."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from python_calamine import CalamineWorkbook

from tests.console_flow import (
    DONE,
    WAITS,
    People,
    be_over,
    do,
    download,
    either_way,
    fill,
    go_back,
    open_form,
    people_at,
    send,
    text_of_docx,
    text_of_pdf,
)
from tests.console_office import build_console_estate
from tests.integration.console.test_duty_pages import PDF
from tests.integration.jobs.small_estate import giucong

pytestmark = pytest.mark.slow

SECOND_SITE = """
[[sites]]
name = "cong-hai"
title = "Cổng xã Hòa Bình"
unit = "xa"
  [[sites.files]]
  name = "www"
  path = "www"
"""
SHEET = "mã,loại,tên,hết bảo hành\nmay-1,server,Máy 1,15/03/2027\n"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Who sits before the console of two sites of a unit, and of a machine in need."""
    folder = tmp_path_factory.mktemp("duty") / "estate"
    estate = build_console_estate(folder, SECOND_SITE, ("bach", "chau", "unit-contact"))
    sheet = folder / "may.csv"
    sheet.write_text(SHEET, encoding="utf-8")
    done = giucong(estate.path, "asset.import", "--file", str(sheet), SUDO_USER="bach")
    assert done.returncode == 0, done.stderr
    with people_at(estate) as found:
        yield found


@either_way
def test_two_people_bring_a_plan_from_its_draft_to_its_decision(
    people: People, scripts: bool
) -> None:
    year, path = ("2027", "/plan?year=2027") if scripts else ("2028", "/plan?year=2028")
    with people.sit_down("bach", path, scripts=scripts) as page:
        do(page, open_form(page, "plan.draft"))
        page.locator("table a[href*='item=']").first.click()
        form = open_form(page, "plan.edit", "[name='set.unit_price']")
        fill(form, set__unit_price="12.500.000", set__quantity="2", set__risk="Hỏng <b>")
        do(page, form)
        expect(page.locator("article")).to_contain_text("25.000.000 đ")
    with people.sit_down("chau", path, scripts=scripts) as page:
        do(page, open_form(page, "plan.submit", "[name='review'][value='1']"))
        form = open_form(page, "plan.submit")
        fill(form, document="01/TTr")
        do(page, form)
        expect(page.locator("h1")).to_contain_text("đã trình")
    with people.sit_down("bach", path, scripts=scripts) as page:
        page.locator("main a[href*='/documents']").first.click()
        form = open_form(page, "document.add")
        fill(form, title="Quyết định")
        scan = PDF + f"% {year}".encode()
        form.locator("[name='upload']").set_input_files(
            {"name": "QĐ số 9.pdf", "mimeType": "application/pdf", "buffer": scan}
        )
        do(page, form)
        page.goto(path)
        form = open_form(page, "plan.record-decision", "[name='signer']:not([type='hidden'])")
        form.locator("[name='document']").select_option(index=1)
        fill(form, number="9/QĐ", date="2026-11-20", signer="Chủ tịch", reason=f"ký cho {year}",
             amount="20.000.000", grant__1="20.000.000")  # fmt: skip
        people.prove(form, "bach")
        send(form)
        be_over(page, WAITS)
        people.approve("chau", f"ký cho {year}", scripts=scripts)
        do(page, page.locator("#doing form"))
        expect(page.locator("h1")).to_contain_text("đã phê duyệt")
        expect(page.locator("main")).to_contain_text("20.000.000 đ")


@either_way
def test_papers_are_made_downloaded_and_opened(
    people: People, tmp_path: Path, scripts: bool
) -> None:
    with people.sit_down("bach", "/reports", scripts=scripts) as page:
        kind = "activity" if scripts else "annual"
        form = open_form(page, "report.make", f"[name='kind'][value='{kind}']")
        if scripts:
            fill(form, from_="2026-11-01", to="2026-11-30")
        send(form)
        be_over(page, DONE)
        assert "BÁO CÁO" in text_of_docx(download(page, ".docx"))
        assert "BÁO CÁO" in text_of_pdf(download(page, ".pdf"), tmp_path)
        go_back(page)
        if scripts:
            return
        send(open_form(page, "report.make", "[name='kind'][value='inventory']"))
        be_over(page, DONE)
        path = tmp_path / "inventory.xlsx"
        path.write_bytes(download(page, ".xlsx"))
        book = CalamineWorkbook.from_path(path)
        assert "Máy 1" in str([book.get_sheet_by_name(it).to_python() for it in book.sheet_names])


@either_way
def test_a_contact_fills_and_confirms_the_unit_s_part(people: People, scripts: bool) -> None:
    with people.sit_down("unit-contact", "/", scripts=scripts) as page:
        if not scripts:
            page.get_by_role("link", name="Cổng xã Hòa Bình").click()
        form = open_form(page, "report.section", "textarea[name='board']")
        fill(form, board="Chủ tịch", content="120 tin, 30 văn bản", shortcomings="không có",
             proposals="không có")  # fmt: skip
        do(page, form)
        expect(page.locator("article")).to_contain_text("120 tin, 30 văn bản")
        do(page, open_form(page, "report.section", "[name='confirm'][value='1']"))
        expect(page.locator("main .mark").first).to_have_text("đã xác nhận")
        if scripts:
            return
        send(open_form(page, "report.site"))
        be_over(page, DONE)
        assert "120 tin, 30 văn bản" in text_of_docx(download(page, ".docx"))


@either_way
def test_the_register_takes_an_entry_and_concludes_it(people: People, scripts: bool) -> None:
    title = "Trang chủ chậm <b>" if scripts else "Ảnh không hiện <b>"
    with people.sit_down("bach", "/register", scripts=scripts) as page:
        form = open_form(page, "register.add")
        fill(form, title=title, site="cong-xa", reporter="Văn phòng xã")
        do(page, form)
        page.get_by_role("row", name=title).get_by_role("link").first.click()
        form = open_form(page, "register.close")
        fill(form, result="đã thêm bộ nhớ đệm")
        do(page, form)
        expect(page.locator("h1")).to_contain_text(title)
        expect(page.locator("main")).to_contain_text("đã thêm bộ nhớ đệm")
