"""What the archive uses to look at contents: the scanner, PRONOM, `qpdf`, the table of terms.

A tool that is not there is named, and its step is recorded as not run; nothing is ever passed by a
tool that was missing.

Look into PDF files with `qpdf --check`, where it is installed.

It parses what strangers made: so it runs with bounds on time and memory, in an empty folder, with
an empty environment. It is killed rather than waited for; then the check was not run.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from archive.ingest import RetentionRule
from archive.metadata.findings import Content, Findings, Format, Malware, Validity
from archive.metadata.formats import identify, tool_basis
from archive.metadata.retention import read_tables, rule_of
from archive.metadata.validation import PDF, validate
from ops.archives.places import settings_of
from ops.backups.malware.clamscan import (
    Scanner,
    ScannerError,
    SignaturesError,
    find_scanner,
    read_signatures,
)
from ops.estate.model.estate import Estate

_SECONDS, _MEMORY = 20, 1 << 30
_WHOLE, _BROKEN, _DOUBTED = 0, 2, 3
_LONGEST_NOTE = 200
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def validity_of(content: Content, found: Format) -> tuple[Validity, ...]:
    """Look at a file with what there is for its format; empty where there is nothing."""
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
    except (ScannerError, SignaturesError) as error:
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
