"""Whether everybody can use the console: axe-core over each page in Debian's Chromium.

With `GIUCONG_PICTURES=1` in the environment each page's picture is written into docs/images.
"""

import os
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

from ops.access.rights import decide_may
from ops.console.page import all_pages
from tests.console_browser import WIDTHS, chromium, links_of
from tests.console_office import PEOPLE, InProcess, let_backups_fail, served

pytestmark = pytest.mark.slow

IMAGES = Path(__file__).parents[3] / "docs" / "images"
PAGES = all_pages()


def test_no_page_shuts_anybody_out(office: InProcess) -> None:
    """Each page and what it links to: axe-core finds nothing, at a phone's width and a desk's."""
    found, seen = dict[str, str](), set[str]()
    let_backups_fail(office.estate, ["cong-xa"], "Xã xin khôi phục")
    own = f"http://{office.estate.listen}"
    with served(office), chromium() as browser, browser.page(own) as page:
        page.context.add_init_script(AXE_SCRIPT)
        look(page, "/login", found)
        for person, paths in paths_of_people().items():
            browser.be(page, own, office.token_of(person))
            while paths:
                path = paths.pop(0)
                seen.add(path.partition("?")[0])
                look(page, path, found)
                waiting = seen | {it.partition("?")[0] for it in paths}
                new = {it.partition("?")[0]: it for it in reversed(links_of(page))}
                paths += [
                    it for name, it in new.items() if name not in waiting and name[1:] in PAGES
                ]
    assert len(seen) > len(PAGES) // 2
    assert found == {}
    assert browser.complaints == []


def paths_of_people() -> dict[str, list[str]]:
    """Give the pages of the navigation, by somebody who may open them."""
    found = dict[str, list[str]]()
    for page in (it for it in PAGES.values() if it.group):
        able = (who for who, roles in PEOPLE.items() if decide_may(roles, page.task))
        found.setdefault(next(able), []).append(f"/{page.name}")
    return found


def look(page: Page, path: str, found: dict[str, str]) -> None:
    """Look at a page at each width; what is wrong goes into `found`."""
    answer = page.goto(path)
    assert answer is not None
    if answer.status != 200:
        found[path] = f"{answer.status} {page.locator('main').inner_text()}"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        results = AxeResults(page.evaluate("axe.run({resultTypes: ['violations']})"))
        if results.violations_count:
            found[f"{path} {width}"] = results.generate_report()
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found[f"{path} {width} wide"] = str(wide)
    if os.environ.get("GIUCONG_PICTURES"):
        IMAGES.mkdir(exist_ok=True)
        name = path.strip("/").partition("?")[0]
        page.screenshot(path=IMAGES / f"console-{name}.png", full_page=True)
