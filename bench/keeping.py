"""`python -m bench.keeping VERB FROM TO`: our archive's work, and a bare loop, as timed programs.

| verb | what |
|---|---|
| store | items below a folder into a new storage root, 500 durable at once |
| scrub | every object of a root, two processes |
| loop | SHA-512 of every file of a root, two processes; nothing is compared |
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from archive.fixity.scrub import ScrubLimits, ScrubState, scrub
from archive.ocfl.root import create_root
from archive.ocfl.write import Author, writing

AT_ONCE = 500
_PIECE = 1 << 20


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; 0 is well."""
    verb, source, target = arguments
    works = {"store": _store, "scrub": _scrub, "loop": _loop}
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
