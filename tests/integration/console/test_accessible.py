"""Whether everybody can use the console: axe-core over each page in Debian's Chromium.

With `GIUCONG_PICTURES=1` in the environment each page's picture is written into docs/images.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

from ops.access.rights import decide_may
from ops.console.page import all_pages
from ops.console.web.guard import LANGUAGE_COOKIE
from tests.console_browser import chromium, links_of
from tests.console_office import (
    PEOPLE,
    InProcess,
    build_console_estate,
    let_backups_fail,
    office_in_process,
    served,
)
from tests.integration.jobs.small_estate import giucong

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

IMAGES = Path(__file__).parents[3] / "docs" / "images"
PAGES = all_pages()
LOOKS = {"vi": (360, 1440), "en": (768,)}
"""In which language, and at which widths."""

Name = tuple[str, frozenset[str]]
MORE = """
[archive]
url = "archive/root"
private = "archive/private"
[[classes]]
name = "news"
[[hosts]]
name = "may-1"
address = "127.0.0.1"
user = "nobody"
"""
TABLE = "Mã;Tiêu đề;Tác giả;Tệp;Loại\n1;Thông báo 12;Trần Văn C;tin.html;news\n"
SHEET = "mã,loại,tên,hết bảo hành\nmay-1,server,Máy 1,15/03/2027\n"
FILLED = (
    "backup.init", "backup.run --site cong-xa", "drill.run --site cong-xa --file",
    "asset.import --file {folder}/may.csv", "plan.draft --year 2027",
    "archive.ingest --site cong-xa --from {folder}/nop",
    "register.add --kind incident --title Hỏng --site cong-xa",
    "runbook.run --id site-down --set site=cong-xa --only-begin",
)  # fmt: skip
WANTED = (
    "alerts?alert", "restore?site", "restore?site&path", "restore?site&snapshot&folder",
    "restore?site&name", "site?site", "run?id", "drill?drill", "item?item&text", "server?host",
    "entry?id", "runbooks?id", "runbooks?run", "duty?duty", "plan?year", "plan?year&item",
    "unit?site&year",
)  # fmt: skip
"""Pages about something, besides each page as it is without."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """An office over an estate in which something of each kind is there to be shown."""
    folder = tmp_path_factory.mktemp("console")
    estate = build_console_estate(folder / "estate", MORE)
    (folder / "nop").mkdir()
    (folder / "nop" / "items.csv").write_text(TABLE, encoding="utf-8-sig")
    (folder / "nop" / "tin.html").write_text("<p>Lịch tiếp công dân</p>", encoding="utf-8")
    (folder / "may.csv").write_text(SHEET, encoding="utf-8")
    for line in FILLED:
        words = line.format(folder=folder).split(" ")
        done = giucong(estate.path, *words, SUDO_USER="bach")
        assert done.returncode in {0, 3}, done.stderr
    let_backups_fail(estate, ["cong-xa"], "Xã xin khôi phục")
    with office_in_process(estate) as found:
        yield found


def test_no_page_shuts_anybody_out(office: InProcess) -> None:
    """Each page and what it links to: axe-core finds nothing, from a phone's width to a desk's."""
    found, seen = dict[str, str](), set[Name]()
    own = f"http://{office.estate.listen}"
    secure = f"https://{office.estate.listen}"
    done = office.act("service.journal-verify", form={})
    with served(office), chromium() as browser, browser.page(own) as page:
        page.context.add_init_script(AXE_SCRIPT)
        look(page, secure, "/login", found)
        for person, paths in paths_of_people(done["id"]).items():
            browser.be(page, own, office.token_of(person))
            while paths:
                path = paths.pop(0)
                seen.add(name_of(path))
                look(page, secure, path, found)
                waiting = seen | {name_of(it) for it in paths}
                new = {name_of(it): it for it in reversed(links_of(page))}
                paths += [it for name, it in new.items() if name in ABOUT and name not in waiting]
    assert {(name, frozenset[str]()) for name in PAGES} - seen == set()
    assert ABOUT - seen == set()
    assert found == {}
    assert browser.complaints == []


def test_what_shuts_somebody_out_is_found(office: InProcess) -> None:
    """As if a page had it."""
    own = f"http://{office.estate.listen}"
    with served(office), chromium() as browser, browser.page(own) as page:
        page.context.add_init_script(AXE_SCRIPT)
        page.goto("/login")
        assert judge(page, 360) == ("", 360)
        page.evaluate("""() => document.querySelector("main").insertAdjacentHTML("beforeend",
            `<img src="/static/icon.svg"><input><h5>x</h5><p style="color:#ddd">x</p>
             <pre>${"x".repeat(200)}</pre>`)
        """)
        told, wide = judge(page, 360)
        for rule in ("image-alt", "label", "heading-order"):
            assert rule in told
        assert wide > 360
        assert "style" in browser.complaints[0]


def name_of(path: str) -> Name:
    """Give a page's name and those of its arguments."""
    name, _mark, query = path.partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    return name.strip("/"), frozenset(key for key, _value in given)


ABOUT = {name_of(it.replace("&", "=1&") + "=1") for it in WANTED}


def paths_of_people(done: str) -> dict[str, list[str]]:
    """Give each page by somebody who may open it; `done` is an act of `bach`'s."""
    found = dict[str, list[str]]()
    for page in PAGES.values():
        able = [who for who, roles in PEOPLE.items() if decide_may(roles, page.task)]
        chosen = "bach" if "bach" in able else able[0]
        found.setdefault(chosen, []).append(f"/{page.name}")
    found["bach"] += ["/restore?site=cong-xa&name=anh", "/server?host=may-1", f"/doing/{done}"]
    return found


def look(page: Page, own: str, path: str, found: dict[str, str]) -> None:
    """Look at a page at each width; what is wrong goes into `found`."""
    for language, widths in LOOKS.items():
        page.context.add_cookies(
            [{"name": LANGUAGE_COOKIE, "value": language, "secure": True, "url": own}]
        )
        answer = page.goto(path)
        assert answer is not None
        if answer.status != 200:
            found[path] = f"{answer.status} {page.locator('main').inner_text()}"
        assert page.locator("html").get_attribute("lang") == language
        for width in widths:
            told, wide = judge(page, width)
            if told:
                found[f"{path} {width}"] = told
            if wide > width:
                found[f"{path} {width} wide"] = str(wide)
    if os.environ.get("GIUCONG_PICTURES"):
        IMAGES.mkdir(exist_ok=True)
        name = path.strip("/").partition("?")[0]
        page.screenshot(path=IMAGES / f"console-{name}.png", full_page=True)


def judge(page: Page, width: int) -> tuple[str, int]:
    """Give what axe-core finds wrong, empty for nothing, and how wide the page is."""
    page.set_viewport_size({"width": width, "height": 900})
    results = AxeResults(page.evaluate("axe.run({resultTypes: ['violations']})"))
    told = results.generate_report() if results.violations_count else ""
    return told, page.evaluate("document.documentElement.scrollWidth")
