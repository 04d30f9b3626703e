"""People who work through the console in Chromium, with scripts or without, as they really would.

They log in once each; what proves them anew, as for an approval, is a code that is good once.
"""

import io
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.console_browser import PATIENCE, Chromium, chromium
from tests.console_office import Browser, ConsoleEstate, running_console

expect.set_options(timeout=PATIENCE)
DONE, WAITS = "xong", "chờ người thứ hai"
either_way = pytest.mark.parametrize(
    "scripts", [True, False], ids=["with-scripts", "without-scripts"]
)
"""How each flow is gone through."""


@dataclass
class People:
    """People before a running console.

    Attributes:
        estate: Whose console it is.
        address: Where its pages are.
        browser: In which each has windows of one's own.
    """

    estate: ConsoleEstate
    address: str
    browser: Chromium
    cookies: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def sit_down(
        self, person: str, path: str, *, scripts: bool, width: int = 1440
    ) -> Iterator[Page]:
        """Open a page as somebody who is logged in; nothing may be refused on it."""
        with self.browser.page(
            self.address, token=self._log_in(person), scripts=scripts, width=width
        ) as page:
            page.goto(path)
            yield page
        assert self.browser.complaints == []

    def _log_in(self, person: str) -> str:
        if person not in self.cookies:
            form = {"name": person, "password": self.estate.password_of(person),
                    "code": self.estate.code_of(person)}  # fmt: skip
            answer = Browser(self.estate.listen).post("/login", form)
            assert answer.status == 303, answer.text
            self.cookies[person] = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
        return self.cookies[person]

    def prove(self, form: Locator, person: str) -> None:
        """Fill in who somebody is."""
        code = self.estate.code_of(person)
        fill(form, proof_password=self.estate.password_of(person), proof_code=code)

    def approve(self, person: str, what: str, *, scripts: bool) -> None:
        """As a second person, agree to the one request that says `what`."""
        with self.sit_down(person, "/approvals", scripts=scripts) as page:
            form = open_form(page.locator("article", has_text=what), "approval.approve")
            self.prove(form, person)
            send(form)
            be_over(page, DONE)


@contextmanager
def people_at(estate: ConsoleEstate) -> Iterator[People]:
    """Run an estate's service and console, and a browser for its people."""
    with running_console(estate) as address, chromium() as browser:
        yield People(estate, address, browser)


def open_form(where: Page | Locator, act: str, about: str = "") -> Locator:
    """Unfold the form of an act, unless it is open; gives the form.

    Args:
        where: The page, or a part of it.
        act: As forms call it.
        about: A selector of what tells the form from others of the act: a hidden field, mostly.
    """
    page = where.page if isinstance(where, Locator) else where
    form = page.locator(f"form[action='/act/{act}']")
    form = form.filter(has=page.locator(about)) if about else form
    details = where.locator("details.act").filter(has=form).first
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    return details.locator("form")


def fill(form: Locator, **values: str) -> None:
    """Fill fields by their names, a dot written as `__`; a list is chosen from, a box ticked."""
    for name, value in values.items():
        place = form.locator(f"[name='{name.replace('__', '.')}']")
        tag, kind = place.evaluate("it => [it.tagName, it.type]")
        if kind == "checkbox":
            place.check()
        elif tag == "SELECT":
            place.select_option(value)
        else:
            place.fill(value)


def send(form: Locator) -> None:
    """Press the form's button."""
    form.locator("p.buttons button").first.click()


def be_over(page: Page, told: str) -> None:
    """Wait for an act's end; the page looks again by itself, without scripts, too."""
    doing = page.locator("#doing")
    expect(doing).not_to_contain_text("đang thực hiện", timeout=4 * PATIENCE)
    assert doing.locator(".mark").all_inner_texts()[:1] == [told], doing.inner_text()


def download(page: Page, name: str) -> bytes:
    """Take a file that an act has made; gives its bytes."""
    with page.expect_download() as coming:
        page.get_by_role("link", name=name).click()
    return Path(coming.value.path()).read_bytes()


def do(page: Page, form: Locator, told: str = DONE) -> None:
    """Send a form, wait for the end, and go where it was begun."""
    send(form)
    be_over(page, told)
    go_back(page)


def go_back(page: Page) -> None:
    """Go where the act was begun."""
    page.get_by_role("link", name="Quay lại").click()


def text_of_docx(content: bytes) -> str:
    """Open a Word file; gives the texts of its paragraphs and tables."""
    paper = docx.Document(io.BytesIO(content))
    cells = [it.text for table in paper.tables for row in table.rows for it in row.cells]
    return "\n".join([it.text for it in paper.paragraphs] + cells)


def text_of_pdf(content: bytes, folder: Path) -> str:
    """Open a PDF with Poppler; gives its text, each run of blanks as one."""
    path = folder / "paper.pdf"
    path.write_bytes(content)
    told = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True, text=True)
    return " ".join(told.stdout.split())
