"""Note a site's chosen pages at backup time; a page that fails is a remark, never a failure.

Pages are fetched beside the backup, in a process of its own: whatever a server sends, the backup
neither shares its memory nor its processor's lock, and waits for it a minute at most.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ops.pages.fetching import FetchLimits, fetch_page
from ops.pages.notes import Answer, PageNote, note_answer

ALL_PAGES_SECONDS = 60.0
"""What all pages of a site may take together: a server that is down must not hold up a backup."""

_MOST_BYTES = 1 << 30  # of memory, for the process beside; a page of 2 MiB takes a third of it
_CODE = Path(__file__).parents[2]


@contextmanager
def noting_beside(
    url: str, pages: Sequence[str], *, all_seconds: float = ALL_PAGES_SECONDS
) -> Iterator[Callable[[], tuple[PageNote, ...]]]:
    """Note pages in a process beside, which is gone at the end of the block.

    Args:
        url: Address of the site.
        pages: Below it, as the estate names them.
        all_seconds: For all of them together, from now on.

    Yields:
        What gives the notes, in the order of the pages. It waits for those that are under way as
        long as there is time; what is not there by then is late.
    """
    if not pages:
        yield tuple
        return
    deadline = time.monotonic() + all_seconds
    with tempfile.TemporaryFile() as told:
        beside = subprocess.Popen(
            [sys.executable, "-P", "-m", "ops.pages.noting"],
            stdin=subprocess.PIPE,
            stdout=told,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(_CODE)},
        )

        def take() -> tuple[PageNote, ...]:
            with suppress(subprocess.TimeoutExpired):
                beside.wait(max(deadline - time.monotonic(), 0.0))
            told.seek(0)
            return _read_notes(told.read(), url, pages)

        try:
            with suppress(BrokenPipeError), beside.stdin or BytesIO() as pipe:
                pipe.write(msgspec.json.encode((url, pages, all_seconds)))
            yield take
        finally:
            beside.kill()
            beside.wait()


def _read_notes(told: bytes, url: str, pages: Sequence[str]) -> tuple[PageNote, ...]:
    """Read whole lines, one for each page; the pages without one are late."""
    lines = told.split(b"\n")[:-1]
    notes = [msgspec.json.decode(line, type=PageNote) for line in lines]
    return (*notes, *(_late(url, page) for page in pages[len(notes) :]))


def _late(url: str, page: str) -> PageNote:
    return note_answer(page, Answer(join_address(url, page), problem="late"), datetime.now(UTC))


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
        left = deadline - time.monotonic()
        if left <= 0:
            yield _late(url, page)
            continue
        held = replace(limits, seconds=min(limits.seconds, left))
        yield _note(page, join_address(url, page), held)


def _note(page: str, address: str, limits: FetchLimits) -> PageNote:
    at = datetime.now(UTC)
    answer = fetch_page(address, limits)
    try:
        return note_answer(page, answer, at)
    except Exception as error:  # noqa: BLE001 -- whatever stands in a page, the backup goes on
        broken = Answer(address, problem="broken", detail=type(error).__name__)
        return note_answer(page, broken, at)


def join_address(url: str, page: str) -> str:
    """Give a page's whole address: below the site's own, also where that has a path."""
    if urlsplit(page).scheme in {"http", "https"}:
        return page
    return f"{url.rstrip('/')}/{page.lstrip('/')}"


def main() -> None:
    """Note the pages that standard input names; one line of JSON for each on standard output."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[str, list[str], float])
    url, pages, all_seconds = asked
    # The kernel holds it to its bounds, also where nobody is left to end it.
    signal.setitimer(signal.ITIMER_REAL, all_seconds + 1.0)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    for note in _note_each(url, pages, FetchLimits(), time.monotonic() + all_seconds):
        sys.stdout.buffer.write(msgspec.json.encode(note) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
