"""Look through what a crawl brought for malware: the bodies of its answers, as browsers get them.

A packed WARC file tells a scanner nothing, so each body that is stored goes unpacked into a folder,
piece by piece, and the scanner looks at that. An infected page is kept: it is what citizens saw,
and one address must not cost the month; it is named in the object, in the run's result, and before
a replay. A body that is as before (a revisit) was looked at when it was stored.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archive.metadata.findings import INFECTED, Malware
from archive.web.cdxj import REVISIT, Capture
from archive.web.warc import read_body
from ops.archives.bench import VERDICTS
from ops.backups.malware.clamscan import DAMAGED, TOO_LARGE, FileAnswer, Scanner

_PIECE_BYTES, _PIECE_FILES = 256 << 20, 5_000
_NAMED, _NAMED_IN_FILE = 50, 5


@dataclass(frozen=True, slots=True)
class Body:
    """What the scanner looks at.

    Attributes:
        part: Path of the file of the month's object that it lies in.
        address: Where it comes from.
        pieces: Its bytes; read once.
    """

    part: str
    address: str
    pieces: Iterable[bytes]


@dataclass(slots=True)
class Scanned:
    """What came of it.

    Attributes:
        has_run: Whether there was a scanner.
        basis: Scanner, version, date of its signatures; or why there was none.
        looked: Bodies that were looked through.
        infected: (address, signature) of the first of them.
        infected_count: All of them.
        not_checked: Bodies that were not looked into.
        by_part: Path of a file of the object → what is said of it.
    """

    has_run: bool
    basis: str
    looked: int = 0
    infected: list[tuple[str, str]] = field(default_factory=list)
    infected_count: int = 0
    not_checked: int = 0
    by_part: dict[str, Malware] = field(default_factory=dict)
    _found: dict[str, list[str]] = field(default_factory=dict)

    def take(self, body: Body, answer: FileAnswer) -> None:
        """Take in what is known of a body; the worst of its bodies is said of a file."""
        known = self.by_part.get(body.part, Malware("clean"))
        if answer.state == "infected":
            self.infected_count += 1
            if len(self.infected) < _NAMED:
                self.infected.append((body.address, answer.told))
            found = self._found.setdefault(body.part, [])
            found.append(f"{body.address} ({answer.told})")
            more = f" +{len(found) - _NAMED_IN_FILE}" if len(found) > _NAMED_IN_FILE else ""
            known = Malware(INFECTED, "; ".join(found[:_NAMED_IN_FILE]) + more)
        elif answer.state == "not_checked":
            self.not_checked += 1
            if known.verdict == "clean":
                known = Malware(VERDICTS[answer.state], f"{body.address}: {answer.told}")
        self.looked += answer.state != "not_checked"
        self.by_part[body.part] = known

    def summary(self) -> dict[str, Any]:
        """Give what the run's result keeps of it."""
        return {
            "has_run": self.has_run,
            "basis": self.basis,
            "looked": self.looked,
            "infected": [list(it) for it in self.infected],
            "infected_count": self.infected_count,
            "not_checked": self.not_checked,
        }


def bodies_of(
    folder: Path, captures: Iterable[Capture], warc: str, more: Mapping[str, bytes]
) -> Iterator[Body]:
    """Give the bodies that a run has stored, and its own lists.

    Args:
        folder: Where its WARC files lie.
        captures: Where its answers lie.
        warc: Folder of WARC files in the object.
        more: Path of another file of the object → its bytes.
    """
    for it in captures:
        if it.mime != REVISIT:
            yield Body(f"{warc}/{it.filename}", it.url, read_body(folder / it.filename, it))
    for path, data in more.items():
        yield Body(path, path, [data])


def scan_bodies(
    bodies: Iterable[Body], scanner: Scanner | None, basis: str, scratch: Path
) -> Scanned:
    """Look through bodies; without a scanner nothing is, and that is said.

    Args:
        bodies: What is looked at.
        scanner: None where there is none.
        basis: What it is, or why there is none.
        scratch: Folder for pieces; made and removed here.
    """
    done = Scanned(scanner is not None, basis)
    if scanner is None:
        return done
    waiting, size = _begin(scratch), 0
    try:
        for body in bodies:
            name = f"{len(waiting):08}"
            answer, length = _lay(body, scratch / name, scanner.largest_bytes)
            if answer is not None:
                done.take(body, answer)
                continue
            waiting[name], size = body, size + length
            if size >= _PIECE_BYTES or len(waiting) >= _PIECE_FILES:
                _look(scanner, scratch, waiting, done)
                waiting, size = _begin(scratch), 0
        _look(scanner, scratch, waiting, done)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return done


def _begin(scratch: Path) -> dict[str, Body]:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700, parents=True)
    return {}


def _lay(body: Body, path: Path, most: int) -> tuple[FileAnswer | None, int]:
    """Write a body for the scanner; gives an answer where it cannot look at it, and its length."""
    size = 0
    try:
        with path.open("xb") as file:
            for piece in body.pieces:
                size += len(piece)
                if size > most:
                    break
                file.write(piece)
    except ValueError:
        path.unlink()
        return FileAnswer("not_checked", DAMAGED), 0
    if size > most:
        path.unlink()
        return FileAnswer("not_checked", TOO_LARGE), 0
    return None, size


def _look(scanner: Scanner, scratch: Path, waiting: Mapping[str, Body], done: Scanned) -> None:
    answers = scanner.scan(scratch, list(waiting)) if waiting else {}
    for name, answer in answers.items():
        done.take(waiting[name], answer)
