"""Crawl one site into WARC files, politely and within bounds; it can be killed and goes on.

1. robots.txt; a server that fails there is left alone.
2. Seeds: where the estate says the crawl begins, sitemaps, the site's picture.
3. One request after the other, lists of pages first, then what pages consist of, then pages, the
   nearest first. An answer is written, then noted with the links that it brought (`state`).
4. It ends when nothing waits, or a bound is reached: then what waits is left for the next run.

Machines that make pages without end (calendars) are bounded by how deep a page may lie and by how
many addresses may differ in numbers only; what is left out is counted by reason, never silently.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Literal

import msgspec

from archive.capture.sitemaps import LARGEST as LARGEST_SITEMAP
from archive.web.address import Place, pattern_of, repeats
from archive.web.cdxj import REVISIT, Capture, write_index
from archive.web.fetch import Answer, Fetcher, SiteSilentError
from archive.web.links import PAGE, PART, SITEMAP, Link, links_of, unpack
from archive.web.pace import Pace
from archive.web.robots import Robots, read_robots
from archive.web.state import CrawlState, Kept, Waiting
from archive.web.warc import Original, WarcFiles

Stopped = Literal["", "pages", "bytes", "time", "silent", "robots", "asked"]
"""Why a run ended before everything was captured."""

_REDIRECTS = {301, 302, 303, 307, 308}
_BUSY = {429, 503}
_MOST_TRIES, _MOST_SILENT, _MOST_HOPS = 3, 10, 3
_SITEMAP_STEPS = 1
_LOOKED_FOR = (("/sitemap.xml", SITEMAP), ("/favicon.ico", PART))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run may cost.

    Attributes:
        a_minute: Requests, evenly spread; a site that asks for fewer gets fewer.
        pages: Requests in one run.
        size: Bytes in one run.
        seconds: For one run.
        depth: Steps from a seed.
        alike: Addresses that differ in numbers and values only, besides those that lists name.
        known: Addresses of one crawl.
    """

    a_minute: float = 30.0
    pages: int = 20_000
    size: int = 20 << 30
    seconds: float = 4 * 3600.0
    depth: int = 30
    alike: int = 2_000
    known: int = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is crawled.

    Attributes:
        place: The site.
        agent: What it is told who asks.
        start: Where the crawl begins: paths below the site's address, or own addresses.
        exclude: Beginnings of paths that are left out.
        info: For the warcinfo records: `operator`, `description`, …
    """

    place: Place
    agent: str
    start: tuple[str, ...] = ("/",)
    exclude: tuple[str, ...] = ()
    info: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Crawled:
    """What a run brought.

    Attributes:
        run: Its stamp, as its files are called.
        requests, size: Answers, and their bytes.
        stored, revisits: Answers whose payload is new, and those that are as before.
        failed: Addresses without an answer.
        truncated: Answers that are not whole.
        left: Reason → addresses that were left out.
        waiting: Addresses for the next run.
        stopped: Why the run ended early.
        note: What the site said, where it was left alone.
    """

    run: str
    requests: int = 0
    size: int = 0
    stored: int = 0
    revisits: int = 0
    failed: int = 0
    truncated: int = 0
    left: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    stopped: Stopped = ""
    note: str = ""


class Crawler:
    """One run.

    Args:
        wanted: What is crawled.
        bounds: What it may cost.
        state: What is known of this crawl.
        originals: Payload digest → where this site and month has it; grows.
        is_stopping: Asked between requests.
        told: Told of each answer's bytes.
    """

    def __init__(
        self, wanted: Wanted, bounds: Bounds, state: CrawlState, originals: dict[str, Original],
        *, is_stopping: Callable[[], bool] = lambda: False,
        told: Callable[[int], None] = lambda _size: None,
    ) -> None:  # fmt: skip
        self._wanted, self._bounds, self._state = wanted, bounds, state
        self._originals, self._is_stopping, self._told = originals, is_stopping, told
        self._place = wanted.place
        self._excluded = tuple(f"{wanted.place.path.rstrip('/')}{it}" for it in wanted.exclude)
        self._deadline = time.monotonic() + bounds.seconds
        self._pace, self._silent = Pace(bounds.a_minute, is_stopping), 0
        self.done = Crawled(state.begin_run())
        for capture in state.captures():
            self._count(capture, 0)
        self.done.size = state.size(self.done.run)
        self._known: set[str] = set()
        self._left: set[int] = set()
        self._alike: Counter[str] = Counter()
        for address, depth in state.known():
            self._known.add(address)
            self._alike[self._pattern(address)] += bool(depth)
        self._robots: Robots | None = None

    def run(self, fetcher: Fetcher) -> Crawled:
        """Crawl until nothing waits or a bound is reached."""
        info = {
            "software": self._wanted.agent,
            "format": "WARC File Format 1.1",
            "robots": "obey",
            **self._wanted.info,
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self._files = WarcFiles(self._state.folder, self.done.run, info)
        try:
            self._robots = self._ask_robots(fetcher)
            if self._robots is not None:
                self._pace.at_least(self._robots.delay)
                self._seed(self._robots)
                self._crawl(fetcher)
        finally:
            self._files.close()
        self.done.waiting = self._state.waiting()
        return self.done

    def _crawl(self, fetcher: Fetcher) -> None:
        while not self._must_stop():
            one = self._state.next()
            if one is None:
                return
            if not self._allows(one.address):
                self.done.left["robots"] += 1
                self._state.failed(one, self.done.run, "robots", for_good=True)
                continue
            self._pace.wait()
            self._take(one, fetcher)

    def _must_stop(self) -> bool:
        done, bounds = self.done, self._bounds
        reasons: tuple[tuple[bool, Stopped], ...] = (
            (self._is_stopping(), "asked"),
            (done.requests >= bounds.pages, "pages"),
            (done.size >= bounds.size, "bytes"),
            (time.monotonic() >= self._deadline, "time"),
            (self._silent >= _MOST_SILENT, "silent"),
        )
        found = [reason for is_so, reason in reasons if is_so]
        if found and self._state.next() is not None:
            done.stopped = found[0]
        return bool(found)

    def _take(self, one: Waiting, fetcher: Fetcher) -> None:
        body = LARGEST_SITEMAP + 1 if one.kind == SITEMAP else 0
        try:
            answer = fetcher.fetch(
                one.address, most=max(self._bounds.size - self.done.size, 1), body=body
            )
        except SiteSilentError as error:
            self._silent += 1
            for_good = one.tries + 1 >= _MOST_TRIES
            self.done.failed += for_good
            self._state.failed(one, self.done.run, str(error.args[0]), for_good=for_good)
            self._pace.slow_down()
            return
        self._silent = 0
        with closing(answer):
            if answer.status in _BUSY and one.tries + 1 < _MOST_TRIES:
                self._pace.slow_down()
                self._state.failed(one, self.done.run, str(answer.status), for_good=False)
                return
            self._pace.go_on()
            self._keep(one, answer, fetcher)

    def _keep(self, one: Waiting, answer: Answer, fetcher: Fetcher) -> None:
        # Links are read before the raw bytes are written: writing ends at their end.
        links = self._links(one, answer)
        capture = self._write(answer, fetcher)
        self._count(capture, answer.size)
        is_seed = one.kind == SITEMAP
        depth = 0 if is_seed else one.depth + 1
        steps = one.depth + 1 if is_seed else 0
        taken = self._chosen(links, depth, steps, is_seed=is_seed)
        lists = [it for it in taken if it.kind == SITEMAP]
        kept = Kept(self.done.run, answer.size, capture, self._files.end())
        self._state.done(one, kept, [it for it in taken if it.kind != SITEMAP], depth)
        if lists:
            self._state.add(lists, steps, one.address)
        self._told(answer.size)

    def _write(self, answer: Answer, fetcher: Fetcher) -> Capture:
        original = None
        has_payload = answer.status == HTTPStatus.OK and answer.size > answer.head
        if has_payload and not answer.truncated:
            original = self._originals.get(answer.payload_digest)
        capture = self._files.write(answer, fetcher.server, original)
        if has_payload and not answer.truncated and original is None:
            self._originals[capture.digest] = Original(capture.url, capture.moment)
        return capture

    def _count(self, capture: Capture, size: int) -> None:
        self.done.requests += 1
        self.done.size += size
        self.done.truncated += bool(capture.truncated)
        if capture.mime == REVISIT:
            self.done.revisits += 1
            return
        self.done.stored += 1
        if capture.status == HTTPStatus.OK and not capture.truncated:
            self._originals.setdefault(capture.digest, Original(capture.url, capture.moment))

    def _links(self, one: Waiting, answer: Answer) -> list[Link]:
        if answer.status in _REDIRECTS:
            leads_to = self._place.own(answer.headers.get("location", ""), one.address)
            if not leads_to:
                self.done.left["elsewhere"] += 1
                return []
            return [Link(leads_to, one.kind)]
        if answer.status != HTTPStatus.OK:
            return []
        encoding = answer.headers.get("content-encoding", "")
        body = unpack(answer.body, encoding, len(answer.body) + fetch_most(one.kind))
        return links_of(self._place, one.address, one.kind, answer.media_type, body)

    def _chosen(self, links: list[Link], depth: int, steps: int, *, is_seed: bool) -> list[Link]:
        """Give the links that are asked for; the others are counted."""
        taken = []
        for link in links:
            if link.address in self._known:
                continue
            why = self._why_not(link, depth, steps, is_seed=is_seed)
            if why:
                self._leave(why, link.address)
                continue
            self._known.add(link.address)
            self._alike[self._pattern(link.address)] += not is_seed
            taken.append(link)
        return taken

    def _leave(self, why: str, address: str) -> None:
        """Count an address that is left out, once however many pages lead to it."""
        mark = hash(address)
        if mark not in self._left:
            self.done.left[why] += 1
            if len(self._left) < self._bounds.known:
                self._left.add(mark)

    def _why_not(self, link: Link, depth: int, steps: int, *, is_seed: bool) -> str:
        target, bounds = self._place.target(link.address), self._bounds
        if len(self._known) >= bounds.known:
            return "too many"
        is_list = link.kind == SITEMAP
        alike = 0 if is_seed else self._alike[self._pattern(link.address)]
        reasons = (
            ("excluded", target.startswith(self._excluded)),
            ("robots", not self._allows(link.address)),
            ("sitemaps in sitemaps", is_list and steps > _SITEMAP_STEPS),
            ("too deep", depth > bounds.depth),
            ("repeats itself", repeats(target)),
            ("too many alike", alike >= bounds.alike),
        )
        return next((reason for reason, is_so in reasons if is_so), "")

    def _pattern(self, address: str) -> str:
        return pattern_of(self._place.target(address))

    def _allows(self, address: str) -> bool:
        return self._robots is None or self._robots.allows(address)

    def _seed(self, robots: Robots) -> None:
        """Take seeds where a crawl begins; one that goes on has them."""
        if self._state.fact("seeded"):
            return
        place, base = self._place, self._place.base
        links = [Link(place.own(it, place.origin), kind) for it, kind in _LOOKED_FOR]
        links += [Link(place.own(it), SITEMAP) for it in robots.sitemaps]
        links += [Link(place.own(it.lstrip("/") or base, base), PAGE) for it in self._wanted.start]
        seeds = [it for it in links if it.address]
        self._state.add(self._chosen(seeds, 0, 0, is_seed=True), 0, "")
        self._state.note("seeded", "yes")

    def _ask_robots(self, fetcher: Fetcher) -> Robots | None:
        """Give the site's rules; None where its server fails, which is left alone then."""
        address, origin = f"{self._place.origin}/robots.txt", self._place.origin
        for _hop in range(_MOST_HOPS):
            self._pace.wait()
            try:
                answer = fetcher.fetch(address)
            except SiteSilentError as error:
                self.done.stopped, self.done.note = "silent", str(error.args[0])
                return None
            with closing(answer):
                if answer.status >= 500:  # noqa: PLR2004 -- the server failed
                    self.done.stopped, self.done.note = "robots", str(answer.status)
                    return None
                one = Waiting(0, address, PART, 0, 0)
                capture = self._write(answer, fetcher)
                self._count(capture, answer.size)
                kept = Kept(self.done.run, answer.size, capture, self._files.end())
                self._state.done(one, kept, (), 0)
                if answer.status not in _REDIRECTS:
                    body = answer.body if answer.status == HTTPStatus.OK else b""
                    return read_robots(body, self._wanted.agent)
                address = self._place.own(answer.headers.get("location", ""), origin)
                if not address:
                    break
        return read_robots(b"", self._wanted.agent)


def fetch_most(kind: str) -> int:
    """Give how much longer an unpacked body may be than what came."""
    return LARGEST_SITEMAP if kind == SITEMAP else 8 << 20


def write_results(state: CrawlState, crawled: Crawled) -> tuple[bytes, bytes]:
    """Give the index of a run, and its log: JSON lines, the last one says what came of it."""
    lines = [msgspec.json.encode(it) for it in state.lines(crawled.run)]
    lines.append(msgspec.json.encode(crawled))
    return write_index(state.captures()), b"\n".join(lines) + b"\n"
