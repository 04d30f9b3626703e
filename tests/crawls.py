"""Crawls of the test's own servers, as fast as they go."""

import sys
from dataclasses import replace
from pathlib import Path

from archive.web.address import place_of
from archive.web.cdxj import Capture
from archive.web.crawler import Bounds, Crawled, Crawler, Wanted
from archive.web.fetch import Fetcher, Limits
from archive.web.state import open_state
from archive.web.warc import Original, check_files

FAST = Bounds(a_minute=1e9)


def crawl(
    url: str, folder: Path, bounds: Bounds = FAST, limits: Limits | None = None,
    *, originals: dict[str, Original] | None = None, **wanted: tuple[str, ...],
) -> tuple[Crawled, dict[str, Capture]]:  # fmt: skip
    """Crawl a site, or go on; gives what came of it and the captures by path. All is read back."""
    place = place_of(url)
    asked = Wanted(place=place, agent="giucong-archive/test", **wanted)  # type: ignore[arg-type]  # of each its own
    state = open_state(folder)
    try:
        found = {} if originals is None else originals
        crawler = Crawler(asked, bounds, state, found)
        with Fetcher(place, asked.agent, folder, limits) as fetcher:
            crawled = crawler.run(fetcher)
        captures = state.captures()
        assert check_files(folder, captures) == []
        return crawled, {place.target(it.url): it for it in captures}
    finally:
        state.close()


def paths_of(folder: Path) -> list[Path]:
    """Give the WARC files."""
    return sorted(folder.glob("*.warc.gz"))


if __name__ == "__main__":  # for a test that kills it
    crawl(sys.argv[1], Path(sys.argv[2]), replace(FAST, a_minute=float(sys.argv[3])))
