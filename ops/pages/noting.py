"""Note a site's chosen pages at backup time; a page that fails is a remark, never a failure."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ops.pages.fetching import FetchLimits, fetch_page
from ops.pages.notes import Answer, PageNote, note_answer

ALL_PAGES_SECONDS = 60.0
"""What all pages of a site may take together: a server that is down must not hold up a backup."""


def note_pages(
    url: str,
    pages: Sequence[str],
    *,
    limits: FetchLimits | None = None,
    all_seconds: float = ALL_PAGES_SECONDS,
) -> tuple[PageNote, ...]:
    """Fetch pages one after the other, and note each.

    Args:
        url: Address of the site; drills name that of the restored one.
        pages: Below it, as the estate names them; a whole address stands for itself.
        limits: For each page; the usual ones unless given.
        all_seconds: For all of them together; what is left over is noted as late.
    """
    return tuple(_note_each(url, pages, limits or FetchLimits(), time.monotonic() + all_seconds))


def _note_each(
    url: str, pages: Sequence[str], limits: FetchLimits, deadline: float
) -> Iterator[PageNote]:
    for page in pages:
        at, address = datetime.now(UTC), join_address(url, page)
        left = deadline - time.monotonic()
        if left <= 0:
            yield note_answer(page, Answer(address, problem="late"), at)
            continue
        held = replace(limits, seconds=min(limits.seconds, left))
        yield note_answer(page, fetch_page(address, held), at)


def join_address(url: str, page: str) -> str:
    """Give a page's whole address: below the site's own, also where that has a path."""
    if urlsplit(page).scheme in {"http", "https"}:
        return page
    return f"{url.rstrip('/')}/{page.lstrip('/')}"
