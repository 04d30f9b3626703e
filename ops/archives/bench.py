"""What looks at contents, a crawl's too: the scanner, PRONOM, `qpdf`, the table of terms.

A tool that is not there is named, and its step is recorded as not run; nothing is ever passed by a
tool that was missing.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from archive.ingest import RetentionRule
from archive.metadata.findings import INFECTED, Content, Findings, Format, Malware, Validity
from archive.metadata.formats import identify, tool_basis
from archive.metadata.retention import read_tables, rule_of
from archive.metadata.validation import PDF, validate
from archive.web.cdxj import REVISIT, Capture
from archive.web.warc import read_body
from ops.archives.places import settings_of
from ops.backups.malware.clamscan import (
    DAMAGED,
    TOO_LARGE,
    FileAnswer,
    Scanner,
    ScannerError,
    find_scanner,
    read_signatures,
)
from ops.estate.model.estate import Estate

_SECONDS, _MEMORY = 20, 1 << 30
_WHOLE, _BROKEN, _DOUBTED = 0, 2, 3
_LONGEST_NOTE = 200
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def validity_of(content: Content, found: Format) -> tuple[Validity, ...]:
    """Look at a file with what there is for its format; empty where there is nothing.

    `qpdf --check` parses what strangers made: so it runs with bounds on time and memory, in an
    empty folder, with an empty environment. It is killed rather than waited for; then the check was
    not run.
    """
    own = validate(content, found)
    if own is None:
        return ()
    is_pdf = PDF in found.media_type and own.verdict == "passed"
    return (own, _check(content)) if is_pdf else (own,)


@cache
def _find_qpdf() -> tuple[str, str]:
    program, bounds = shutil.which("qpdf"), shutil.which("prlimit")
    if program is None or bounds is None:
        return "", ""
    told = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    return program, _UNPRINTABLE.sub(" ", told.stdout.splitlines()[0] if told.stdout else "qpdf")


def _check(content: Content) -> Validity:
    program, tool = _find_qpdf()
    if not program:
        return Validity("not run", "qpdf is not installed here", "qpdf")
    with tempfile.TemporaryDirectory(prefix="giucong-") as folder:
        path = Path(folder) / "file.pdf"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.symlink_to(content.absolute())
        command = ["prlimit", f"--as={_MEMORY}", f"--cpu={_SECONDS}", "--core=0", program,
                   "--check", "--no-warn", "file.pdf"]  # fmt: skip
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                check=False,
                timeout=2 * _SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Validity("not run", f"not done after {2 * _SECONDS} s", tool)
    note = _UNPRINTABLE.sub(" ", done.stderr)[:_LONGEST_NOTE].strip()
    if done.returncode in {_WHOLE, _DOUBTED}:
        return Validity("passed", tool=tool)
    if done.returncode == _BROKEN:
        return Validity("warning", note or "broken", tool)
    return Validity("not run", f"it ended with {done.returncode}", tool)


Named = tuple[str, Content]
"""A content with a name whose ending tells its format."""

VERDICTS = {"clean": "clean", "infected": "infected", "not_checked": "not run"}
"""State of a scanner's answer → verdict of the archive."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """The tools of a run.

    Attributes:
        scratch: Folder for what the scanner reads.
        scanner: None where there is none.
        scanner_basis: What it is, or why there is none.
        retention: Rows of the tables.
    """

    scratch: Path
    scanner: Scanner | None
    scanner_basis: str
    retention: RetentionRule

    def look(self, contents: Mapping[str, Named]) -> Findings:
        """Look at many contents at once; keys are SHA-512."""
        formats = identify(list(contents.values()))
        known = dict(zip(contents, formats, strict=True))
        return Findings(
            malware=self._scan(contents) if self.scanner else None,
            malware_basis=self.scanner_basis,
            formats=known,
            formats_basis=tool_basis(),
            validity={
                mark: told
                for mark, found in known.items()
                if (told := validity_of(contents[mark][1], found))
            },
        )

    def _scan(self, contents: Mapping[str, Named]) -> dict[str, Malware]:
        if self.scanner is None:
            return {}
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True, mode=0o700)
        try:
            names = {f"{number:08}": mark for number, mark in enumerate(contents)}
            for name, mark in names.items():
                _lay(contents[mark][1], self.scratch / name)
            answers = self.scanner.scan(self.scratch, list(names))
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
        return {names[name]: Malware(VERDICTS[it.state], it.told) for name, it in answers.items()}


def set_up(estate: Estate) -> Workbench:
    """Find the tools."""
    scanner, basis = _find_scanner(estate)
    settings = settings_of(estate)
    return Workbench(
        scratch=estate.service.scratch / "archive-scan",
        scanner=scanner,
        scanner_basis=basis,
        retention=rule_of(read_tables(settings.retention)),
    )


def _find_scanner(estate: Estate) -> tuple[Scanner | None, str]:
    try:
        signatures = read_signatures(estate.security.clamav_database)
        scanner = find_scanner(signatures.path)
    except ScannerError as error:
        return None, error.what.format(**error.params)
    day = signatures.dated_at.date().isoformat()
    return scanner, f"{scanner.version()}, {signatures.name} ({day})"


def _lay(content: Content, path: Path) -> None:
    """Lay a content where the scanner looks: it follows no links."""
    if isinstance(content, bytes):
        path.write_bytes(content)
        return
    try:
        path.hardlink_to(content)
    except OSError:  # another file system
        shutil.copyfile(content, path)


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

    A packed WARC file tells a scanner nothing, so each body that is stored goes unpacked into a
    folder, piece by piece, and the scanner looks at that. An infected page is kept: it is what
    citizens saw, and one address must not cost the month; it is named in the object, in the run's
    result, and before a replay. A body that is as before (a revisit) was looked at when it was
    stored.

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
            answer, length = _lay_bodies(body, scratch / name, scanner.largest_bytes)
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


def _lay_bodies(body: Body, path: Path, most: int) -> tuple[FileAnswer | None, int]:
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
