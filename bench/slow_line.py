"""The console's first pages over a slow line, in Chromium: 400 kbit/s each way, 300 ms a request.

`python -m bench.slow_line [FOLDER]` runs service and console over the year of `bench.consoling`
(filled into FOLDER unless it is there), opens each page in a fresh browser, and says how many
seconds pass until it is painted and whole, and how many kB came. Chromium delays and throttles by
itself (Chrome DevTools Protocol, `Network.emulateNetworkConditions`): the handshakes of TCP and TLS
are not among what it delays.
"""

import argparse
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.consoling import fill, log_in, started
from tests.console_browser import Chromium, chromium

_LINE = {"offline": False, "latency": 300, "downloadThroughput": 400_000 / 8,
         "uploadThroughput": 400_000 / 8}  # fmt: skip
_TIMES = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return [paint ? paint.startTime : NaN, performance.getEntriesByType("navigation")[0].loadEventEnd];
}"""  # noqa: E501 - one expression


@dataclass(frozen=True, slots=True)
class Opened:
    """How a page came: seconds until something is seen and until all is there; bytes; requests."""

    seen: float
    whole: float
    size: int
    requests: int


def open_slowly(browser: Chromium, address: str, path: str, token: str) -> Opened:
    """Open a page in a browser that has nothing kept."""
    sizes = list[int]()

    def count(event: dict[str, Any]) -> None:
        sizes.append(int(event["encodedDataLength"]))

    with browser.page(address, token=token) as page:
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", _LINE)
        line.on("Network.loadingFinished", count)
        page.goto(path, wait_until="load")
        page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
        seen, whole = page.evaluate(_TIMES)
    return Opened(seen / 1_000, whole / 1_000, sum(sizes), len(sizes))


def main() -> None:
    """Open pages and say how they came."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pages", nargs="*", default=["today", "sites", "alerts", "runs"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = (options.folder or Path(place)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        path = fill(folder)
        with started(path) as (base, _running), chromium() as browser:
            token = log_in(path, base).partition("=")[2]
            print(f"{'page':12} {'seen s':>7} {'whole s':>8} {'kB':>6} {'requests':>9}")
            for name in ("login", *options.pages):
                found = [
                    open_slowly(browser, base, f"/{name}", "" if name == "login" else token)
                    for _round in range(options.rounds)
                ]
                print(
                    f"{name:12} {statistics.median(it.seen for it in found):7.2f}"
                    f" {statistics.median(it.whole for it in found):8.2f}"
                    f" {statistics.median(it.size for it in found) / 1_000:6.1f}"
                    f" {found[0].requests:9}"
                )


if __name__ == "__main__":
    main()
