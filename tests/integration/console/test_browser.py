"""The console in Debian's Chromium: the path of a person on duty, with scripts and without."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.console_browser import Chromium, chromium
from tests.console_flow import DONE, be_over, either_way
from tests.console_office import (
    ConsoleEstate,
    build_console_estate,
    let_backups_fail,
    running_console,
)

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
WHO_LOG_IN = ("bach", "operator", "chau", "approver")
SITES = ("cong-xa", "cong-hai")
REASON = "Xã xin khôi phục"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> ConsoleEstate:
    """An estate in which each site's backup has failed for good, and a restore is asked for."""
    estate = build_console_estate(
        tmp_path_factory.mktemp("console") / "estate", SECOND_SITE, WHO_LOG_IN
    )
    let_backups_fail(estate, SITES, REASON)
    return estate


@pytest.fixture(scope="module")
def address(estate: ConsoleEstate) -> Iterator[str]:
    """The console as people run it."""
    with running_console(estate) as found:
        yield found


def count(estate: ConsoleEstate, of: str) -> int:
    with closing(sqlite3.connect(estate.path.parent / "state" / "giucong.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM {of}").fetchone()[0])  # noqa: S608 - our own names


def log_in(page: Page, estate: ConsoleEstate, person: str, path: str) -> None:
    """Log in with the app's code, as people do."""
    page.goto(path)
    assert page.url.partition("?")[0].endswith("/login")
    page.get_by_label("Tên hoặc tên đăng nhập").fill(person)
    page.get_by_label("Mật khẩu").fill(estate.password_of(person))
    page.get_by_label(re.compile("Mã ")).fill(estate.totp_of(person))
    page.locator("form.login button").click()
    expect(page.locator("header")).to_contain_text(person)
    assert page.url.endswith(path)


@either_way
def test_who_is_on_duty_follows_red_to_its_cause_and_takes_it_up(
    estate: ConsoleEstate, address: str, browser: Chromium, scripts: bool
) -> None:
    person, site = ("bach", SITES[0]) if scripts else ("operator", SITES[1])
    with browser.page(address, scripts=scripts) as page:
        log_in(page, estate, person, "/today")
        to_alert = page.get_by_role("link", name="Đến cảnh báo")
        problem = page.locator(".problems > li", has_text=site).filter(has=to_alert).first
        expect(problem).to_contain_text("chưa có người nhận")
        problem.get_by_role("link", name="Đến cảnh báo").click()
        expect(page.locator("article").first).to_contain_text(re.compile("thất bại"))
        page.locator("article").first.get_by_label(re.compile("Việc đang làm")).first.fill(
            "Đang tạo kho"
        )
        page.get_by_role("button", name="Nhận xử lý", exact=True).click()
        be_over(page, DONE)
        page.get_by_role("link", name="Quay lại").click()
        expect(page.locator("article").first).to_contain_text(f"{person} đã nhận xử lý")
        expect(page.locator("article").first).to_contain_text("Đang tạo kho")
    assert count(estate, f"journal WHERE action = 'alert.ack' AND person = '{person}'") == 1
    assert browser.complaints == []


@either_way
def test_a_second_person_approves_with_a_new_code(
    estate: ConsoleEstate, address: str, browser: Chromium, scripts: bool
) -> None:
    person, site = ("chau", SITES[0]) if scripts else ("approver", SITES[1])
    with browser.page(address, scripts=scripts) as page:
        log_in(page, estate, person, "/approvals")
        request = page.locator("article", has_text=site).first
        expect(request).to_contain_text(REASON)
        request.locator("summary", has_text="Phê duyệt").click()
        form = request.locator("form[action='/act/approval.approve']")
        form.get_by_label("Mật khẩu").fill(estate.password_of(person))
        form.get_by_label(re.compile("Mã ")).fill(estate.code_of(person))
        form.get_by_role("button", name="Phê duyệt").click()
        be_over(page, DONE)
    decided = f"approval_requests WHERE subject = '{site}' AND decided_by = '{person}'"
    assert count(estate, decided) == 1
    assert browser.complaints == []


def test_a_keyboard_is_enough(estate: ConsoleEstate, address: str, browser: Chromium) -> None:
    """From the login to an act; where the focus is can be seen all the way."""
    with browser.page(address, width=360) as page:
        page.goto("/register")
        for text in ("operator", estate.password_of("operator"), estate.code_of("operator")):
            page.keyboard.type(text)
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Sổ theo dõi")
        page.keyboard.press("Tab")
        expect(page.get_by_text("Đến nội dung")).to_be_focused()
        expect(page.get_by_text("Đến nội dung")).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        go_to(page, "details.act > summary")
        page.keyboard.press("Enter")
        go_to(page, "[name='title']")
        page.keyboard.type("Chữ nhỏ quá")
        page.keyboard.press("Enter")
        be_over(page, DONE)
    assert count(estate, "register_entries WHERE title = 'Chữ nhỏ quá'") == 1


def go_to(page: Page, wanted: str) -> None:
    """Press Tab until something is focused; each stop on the way shows its outline, on the page."""
    for _stop in range(60):
        page.keyboard.press("Tab")
        is_there, outline = page.evaluate(
            """wanted => { const it = document.activeElement, told = getComputedStyle(it);
               return [it.matches(wanted), told.outlineStyle + parseFloat(told.outlineWidth)]; }""",
            wanted,
        )
        assert outline == "solid3"
        expect(page.locator(":focus")).to_be_in_viewport()
        if is_there:
            return
    raise AssertionError(page.content())
