"""`python -m bench.keeping VERB FROM TO`: our archive's work, and a bare loop, as timed programs.

The whole ingest and the rebuilt index are not here: `bench.preservation` runs them as people do.

| verb | what |
|---|---|
| store | items below a folder into a new storage root, 500 durable at once |
| scrub | every object of a root, two processes |
| search | 400 questions to an index; fails where one in twenty takes 100 ms or more |
| crawl | the site whose address a file holds, as WARC with its index, read back whole |
| loop | SHA-512 of every file of a root, two processes; nothing is compared |
"""

import hashlib
import os
import random
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path

from archive.fixity.scrub import ScrubLimits, ScrubState, scrub
from archive.ocfl.files import make_durable
from archive.ocfl.root import create_root
from archive.ocfl.write import Author, writing
from archive.search.index import Wanted, open_index
from archive.web.address import place_of
from archive.web.crawler import Bounds, Crawler, write_results
from archive.web.crawler import Wanted as WantedPages
from archive.web.fetch import Fetcher
from archive.web.state import open_state
from archive.web.warc import check_files
from bench.articles import WORDS

AT_ONCE = 500
_QUESTIONS, _LATEST_MS = 400, 100
_PIECE = 1 << 20


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; 0 is well."""
    verb, source, target = arguments
    works = {"store": _store, "scrub": _scrub, "loop": _loop, "search": _search, "crawl": _crawl}
    return works[verb](Path(source), Path(target))


def _now() -> datetime:
    return datetime.now(UTC)


def _store(source: Path, target: Path) -> int:
    root, author = create_root(target), Author("bench", "urn:giucong:bench")
    items = sorted(source.iterdir())
    with writing(root) as batch:
        for start in range(0, len(items), AT_ONCE):
            for item in items[start : start + AT_ONCE]:
                files = {it.name: it.read_bytes() for it in item.iterdir()}
                batch.put(
                    f"urn:uuid:{item.name}", files, message="stored", author=author, created=_now()
                )
            batch.commit()
    return 0


def _scrub(source: Path, _target: Path) -> int:
    report, _state = scrub(source, ScrubState(_now()), ScrubLimits(workers=2), _now)
    return 0 if report.is_green else 1


def _search(source: Path, target: Path) -> int:
    """Ask; gives 1 where 95 of 100 answers do not come within the limit."""
    index = open_index(source, read_only=True)
    chance, times = random.Random(2019), []
    for number in range(_QUESTIONS):
        words = " ".join(chance.choices(WORDS, k=1 + number % 3))
        text = f'"{words}"' if number % 4 == 0 else words
        days = (date(2019, 1, 1), date(2019, 12, 31)) if number % 5 == 0 else (None, None)
        begin = time.perf_counter()
        index.search(Wanted(text=text, since=days[0], until=days[1]))
        times.append(time.perf_counter() - begin)
    index.close()
    times.sort()
    middle, late = (times[int(len(times) * it)] * 1000 for it in (0.5, 0.95))
    (target / "search.txt").write_text(f"median {middle:.0f} ms, 95 of 100 within {late:.0f} ms")
    return 0 if late < _LATEST_MS else 1


def _crawl(source: Path, target: Path) -> int:
    """Crawl the site whose address a file holds, index it, and read everything back."""
    place = place_of(source.read_text(encoding="utf-8"))
    wanted = WantedPages(place=place, agent="giucong-bench")
    state = open_state(target)
    crawler = Crawler(wanted, Bounds(a_minute=1e9, pages=10**9), state, {})
    with Fetcher(place, wanted.agent, target) as fetcher:
        crawled = crawler.run(fetcher)
    index, log = write_results(state, crawled)
    (target / "pages.cdxj").write_bytes(index)
    (target / "crawl.jsonl").write_bytes(log)
    wrong = check_files(target, state.captures())
    state.close()
    make_durable(target)
    return 1 if wrong or crawled.failed or crawled.waiting else 0


def _loop(source: Path, _target: Path) -> int:
    files = [f"{place}/{name}" for place, _folders, names in os.walk(source) for name in names]
    with get_context("fork").Pool(2) as pool:
        return 0 if sum(pool.imap_unordered(_hash, files, 256)) else 1


def _hash(path: str) -> int:
    digest = hashlib.sha512()
    with Path(path).open("rb", buffering=0) as file:
        while data := file.read(_PIECE):
            digest.update(data)
    return len(digest.digest())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
