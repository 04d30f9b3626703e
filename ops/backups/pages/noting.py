"""Note a site's chosen pages at backup time; a page that fails is a remark, never a failure.

Each page is fetched twice, as two strangers would, on two connections without cookies: what moves
is learnt from what the two, and the last backups, do not have in common. What chance chooses from
two looks the same in two readings of four: a page that few readings are known of is fetched more
often. What all have, and none of the last good backups, is a jump (`ops.backups.pages.verdict`).

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import msgspec

from ops.backups.pages.fetch import FetchLimits, fetch_page, join_address
from ops.backups.pages.notes import NO_RULES, Fetched, PageNote, PageRules, learn, note_answer
from ops.backups.pages.page_text import decode, list_links
from ops.backups.pages.verdict import find_jumps

ALL_PAGES_SECONDS = 60.0
"""What all pages of a site may take together: a server that is down must not hold up a backup."""

LEARNT_FROM = 3
"""Good backups that are looked back on."""

_MOST_BYTES = 1 << 30  # of memory, for the process beside; a page of 2 MiB takes a third of it
_CODE = Path(__file__).parents[3]
_READINGS = 8
_MOST_TRIED = 12
_MOST_PROPOSED = 3
_WORTH_LENGTH = 300
_WORTH_SHARE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesOrder:
    """What is to be noted.

    Attributes:
        url: Address of the site.
        pages: Below it, as the estate names them; a whole address stands for itself.
        rules: What the estate asks of each, by page.
        earlier: What the last backups have noted.
        all_seconds: For all of them together, from now on.
        proposes: Whether better pages are looked for in place of one on which little stays.
    """

    url: str
    pages: Sequence[str]
    rules: Mapping[str, PageRules] = field(default_factory=dict)
    earlier: Sequence[PageNote] = ()
    all_seconds: float = ALL_PAGES_SECONDS
    proposes: bool = False


Take = Callable[[], tuple[PageNote, ...]]


@contextmanager
def noting_beside(order: PagesOrder) -> Iterator[Take]:
    """Note pages in a process beside, which is gone at the end of the block.

    Yields:
        What gives the notes, in the order of the pages, and those of pages that are proposed
        behind them. It waits for those that are under way as long as there is time; what is not
        there by then is late, or was looked at once only.
    """
    if not order.pages:
        yield tuple
        return
    deadline = time.monotonic() + order.all_seconds
    with tempfile.TemporaryFile() as told:
        beside = subprocess.Popen(
            [sys.executable, "-P", "-m", "ops.backups.pages.noting"],
            stdin=subprocess.PIPE,
            stdout=told,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(_CODE)},
        )

        def take() -> tuple[PageNote, ...]:
            with suppress(subprocess.TimeoutExpired):
                beside.wait(max(deadline - time.monotonic(), 0.0))
            told.seek(0)
            return _read_notes(told.read(), order)

        try:
            with suppress(BrokenPipeError), beside.stdin or BytesIO() as pipe:
                pipe.write(msgspec.json.encode(order))
            yield take
        finally:
            beside.kill()
            beside.wait()


def _read_notes(told: bytes, order: PagesOrder) -> tuple[PageNote, ...]:
    """Read whole lines; the last one of a page counts, and a page without one is late."""
    lines = told.split(b"\n")[:-1]
    read = (msgspec.json.decode(line, type=tuple[int, PageNote]) for line in lines)
    notes = {number: _late(order, number) for number in range(len(order.pages))}
    return tuple((notes | dict(read)).values())


def _late(order: PagesOrder, number: int) -> PageNote:
    page = order.pages[number]
    late = Fetched(join_address(order.url, page), problem="late")
    return note_answer(page, late, datetime.now(UTC), order.rules.get(page, NO_RULES))


def note_pages(
    url: str,
    pages: Sequence[str],
    *,
    rules: Mapping[str, PageRules] | None = None,
    limits: FetchLimits | None = None,
    all_seconds: float = ALL_PAGES_SECONDS,
) -> tuple[PageNote, ...]:
    """Fetch pages once, one after the other, and note each.

    Args:
        url: Address of the site; drills name that of the restored one.
        pages: As in `PagesOrder`.
        rules: As there.
        limits: For each page; the usual ones unless given.
        all_seconds: For all of them together; what is left over is noted as late.
    """
    order = PagesOrder(url=url, pages=pages, rules=rules or {}, all_seconds=all_seconds)
    noter = _Noter(order, limits or FetchLimits(), time.monotonic() + all_seconds)
    return tuple(noter.note(number) for number in range(len(pages)))


@dataclass(slots=True)
class _Noter:
    order: PagesOrder
    limits: FetchLimits
    deadline: float
    answer: Fetched | None = None

    def note(self, number: int) -> PageNote:
        """Fetch a page and note it; late where no time is left."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            return _late(self.order, number)
        page = self.order.pages[number]
        rules = self.order.rules.get(page, NO_RULES)
        address = join_address(self.order.url, page)
        at = datetime.now(UTC)
        limits = replace(self.limits, seconds=min(self.limits.seconds, left))
        self.answer = fetch_page(address, limits)
        try:
            note = note_answer(page, self.answer, at, rules)
            return replace(note, jumps=find_jumps(note, self.order.earlier))
        except Exception as error:  # noqa: BLE001 -- whatever stands in a page, the backup goes on
            broken = Fetched(address, problem="broken", detail=type(error).__name__)
            return note_answer(page, broken, at, rules)

    def learn(self, number: int, first: PageNote) -> PageNote:
        """Fetch a page once more, and note what stays on it."""
        is_new = first.looks == 1
        earlier = [it for it in self.order.earlier if is_new and it.page == first.page]
        return learn(first, self.note(number), earlier)


def learn_pages(order: PagesOrder) -> Iterator[tuple[int, PageNote]]:
    """Note pages, first all of them, then what stays on each; with the number of each page."""
    noter = _Noter(order, FetchLimits(), time.monotonic() + order.all_seconds)
    numbers = range(len(order.pages))
    notes: list[PageNote] = []
    for number in numbers:
        notes.append(noter.note(number))
        yield number, notes[number]
    links: list[str] = []
    for number in numbers:
        if not notes[number].problem:
            notes[number] = note = noter.learn(number, notes[number])
            yield number, note
            if note.moves_much and noter.answer is not None:
                links += _list_own_links(noter.answer)
    if order.proposes and links:
        yield from _propose(order, links, noter.deadline)
    fresh = [it for it in numbers if 1 < notes[it].looks < 2 + LEARNT_FROM]
    for _more in range(2, _READINGS):
        for number in (it for it in fresh if notes[it].looks < _READINGS):
            notes[number] = noter.learn(number, notes[number])
            yield number, notes[number]


def _propose(
    order: PagesOrder, links: Sequence[str], deadline: float
) -> Iterator[tuple[int, PageNote]]:
    """Try where pages lead to, and give the first ones that stay as they are."""
    known = {join_address(order.url, it) for it in order.pages}
    pages = [it for it in dict.fromkeys(links) if it not in known][:_MOST_TRIED]
    noter = _Noter(replace(order, pages=pages, rules={}), FetchLimits(), deadline)
    found = 0
    for number in range(len(pages)):
        note = noter.learn(number, noter.note(number))
        is_learnt = note.looks > 1 and note.length >= _WORTH_LENGTH
        if is_learnt and note.stays >= _WORTH_SHARE:
            yield len(order.pages) + found, note
            found += 1
        if found == _MOST_PROPOSED:
            return


def _list_own_links(answer: Fetched) -> list[str]:
    """Give whole addresses of the same server that a page leads to, without those of its parts."""
    home = urlsplit(answer.address)
    found = []
    for link in list_links(decode(answer.body)):
        with suppress(ValueError):
            address = urldefrag(urljoin(answer.address, link)).url
            there = urlsplit(address)
            if (there.scheme, there.netloc) == (home.scheme, home.netloc):
                found.append(address)
    return found


def main() -> None:
    """Note the pages that standard input orders; lines of JSON on standard output."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=PagesOrder)
    # The kernel holds it to its bounds, also where nobody is left to end it.
    signal.setitimer(signal.ITIMER_REAL, order.all_seconds + 1.0)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    for line in learn_pages(order):
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
