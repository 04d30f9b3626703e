"""`make pictures`: three pictures of the demo's console, as README.md shows them.

It starts what `make demo KEEP=1` leaves running, logs in with password and code, takes the
pictures in Debian's Chromium, and ends what it started.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from examples import kept
from examples.failure import DemoFailedError
from examples.people import OPERATOR, factor_of, password_of
from ops.estate.load.load import load_estate
from ops.language.text import _

_FOLDER = kept.ROOT / "docs" / "images"
_WIDTH, _HEIGHT = 1440, 900
_MOST_BYTES = 225_000
_PAGES = {
    "today": ("/today", 490),
    "sites": ("/sites", 960),
    "server": ("/server?host=this-machine&days=90", 1_150),
}
"""Name → address of the page, and how much of it: no path of this machine is on it."""


def main() -> None:
    """Take the pictures of the demo in `var/demo`."""
    try:
        take(kept.DEMO)
    except DemoFailedError as error:
        sys.exit(str(error))


def take(folder: Path, into: Path = _FOLDER) -> None:
    """Take them.

    Raises:
        DemoFailedError: There is no demo or no Chromium, a page fails, or a picture is too large.
    """
    browser = shutil.which("chromium")
    if browser is None or not (folder / "state").exists():
        raise DemoFailedError(_("pictures need `chromium`, and `make demo` before"))
    into.mkdir(parents=True, exist_ok=True)
    listen = kept.start(folder)
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=browser, args=["--no-sandbox", "--force-color-profile=srgb"]
            )
            context = chromium.new_context(
                viewport={"width": _WIDTH, "height": _HEIGHT},
                color_scheme="light",
                locale="vi-VN",
            )
            page = context.new_page()
            _log_in(page, folder, listen)
            for picture, (address, height) in _PAGES.items():
                page.set_viewport_size({"width": _WIDTH, "height": height})
                _take_one(page, f"http://{listen}{address}", into / f"console-{picture}.png")
            chromium.close()
    finally:
        kept.stop(folder)


def _log_in(page: Page, folder: Path, listen: str) -> None:
    page.goto(f"http://{listen}/login")
    page.fill("#name", OPERATOR)
    page.fill("#password", password_of(folder, OPERATOR))
    page.fill("#code", factor_of(load_estate(folder / "estate.toml"), OPERATOR).now())
    page.click("main button")
    page.wait_for_url("**/today")


def _take_one(page: Page, address: str, path: Path) -> None:
    answer = page.goto(address)
    if answer is None or not answer.ok:
        status = answer.status if answer else 0
        raise DemoFailedError(
            _("{address} answers {status}").format(address=address, status=status)
        )
    page.screenshot(path=path)
    size = path.stat().st_size
    if size > _MOST_BYTES:
        text = _("the picture {path} has {size} bytes, more than {most}")
        raise DemoFailedError(text.format(path=path, size=size, most=_MOST_BYTES))
    print(kept.shown(path))


if __name__ == "__main__":
    main()
