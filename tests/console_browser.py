"""Debian's Chromium over a console: who looks, how wide, and whether scripts run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from ops.console.web.guard import COOKIE

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (360, 1440)
PATIENCE = 60_000
"""Milliseconds until something is given up: a machine may do much else."""


@dataclass
class Chromium:
    """A Chromium that was started.

    Attributes:
        browser: As Playwright has it.
        complaints: What pages said on the browser's console: refused styles and scripts, mostly.
    """

    browser: Browser
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def page(
        self, address: str, *, token: str = "", scripts: bool = True, width: int = 1440
    ) -> Iterator[Page]:
        """Open a page of a console in a context of its own, perhaps as somebody logged in."""
        context = self.browser.new_context(
            base_url=address, java_script_enabled=scripts, locale="vi-VN",
            viewport={"width": width, "height": 900},
        )  # fmt: skip
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        if token:
            self.be(page, address, token)
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))
        try:
            yield page
        finally:
            context.close()

    def be(self, page: Page, address: str, token: str) -> None:
        """Let a page be opened by somebody logged in, whoever it was before."""
        page.context.add_cookies(
            [{"name": COOKIE, "value": token, "url": address.replace("http:", "https:", 1),
              "secure": True, "httpOnly": True}]
        )  # fmt: skip

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and "Failed to load resource" not in text:
            self.complaints.append(text)


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start Chromium; without its sandbox, since tests run as root and on pages of ours alone."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield Chromium(browser)
        finally:
            browser.close()


def links_of(page: Page) -> list[str]:
    """Give the addresses of the console's own that a page links to, in order."""
    found = page.eval_on_selector_all("main a[href^='/']", "all => all.map(it => it.href)")
    parts = [urlsplit(it) for it in found]
    return [f"{it.path}?{it.query}" if it.query else it.path for it in parts]
