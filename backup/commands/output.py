"""What a command prints: results on stdout, everything else on stderr.

Names come from sites and stores, and may hold what commands a terminal: nothing of that reaches a
terminal or a message, and what `show_text` and `show_path` give cannot begin another line either. A
path goes as it is to a program that reads stdout, and JSON is left alone.

Plain tables with a title row, as restic lays them out.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import IO, Any, NamedTuple

from backup.errors import BackupError

_UNIT_STEP = 1024
_SURROGATES = re.compile("[\ud800-\udfff]")
# C0, DEL, C1, what turns the writing round, and bytes that are not UTF-8.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\udc80-\udcff]")
_LAYOUT = "\n\t"
_FIRST_INVALID = 0xDC80  # surrogates from here on stand for single bytes


class OutputClosedError(BackupError):
    """Whoever read our output went away."""


class Output:
    """Writes results and messages. Buffered: `flush` before anything else writes to stdout."""

    def __init__(self, results: IO[bytes], messages: IO[str], *, quiet: bool = False) -> None:
        self._results = results
        self._messages = messages
        self._quiet = quiet
        self._is_terminal = results.isatty()

    def raw(self, data: bytes | memoryview) -> None:
        """Write bytes to stdout.

        Raises:
            OutputClosedError: Nobody reads them any more.
        """
        try:
            self._results.write(data)
        except BrokenPipeError:
            raise OutputClosedError("nobody reads the output any more") from None

    def line(self, text: str = "") -> None:
        """Write one line to stdout; where that is no terminal, bytes come out as they were."""
        if self._is_terminal:
            text = disarm(text)
        self.raw(text.encode("utf-8", "surrogateescape") + b"\n")

    def say(self, text: str) -> None:
        """Write a line of explanation to stdout, where restic has it; nothing with --quiet."""
        if not self._quiet:
            self.line(text)

    def json(self, value: Any) -> None:
        """Write one JSON document and a newline to stdout."""
        self.raw(dump_json(value).encode() + b"\n")

    def note(self, text: str) -> None:
        """Say something on stderr that is neither result nor error; nothing with --quiet."""
        if not self._quiet:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Say something on stderr in any case."""
        self._message(disarm(text))

    def warn_json(self, value: Any) -> None:
        """Write one JSON document and a newline to stderr."""
        self._message(dump_json(value))

    def _message(self, text: str) -> None:
        self.flush()
        try:
            self._messages.write(text + "\n")
            self._messages.flush()
        except BrokenPipeError:
            raise OutputClosedError("nobody reads the messages any more") from None

    def path(self, path: bytes) -> str:
        """Give a path for people: on a terminal no control character survives, else as it is."""
        return show_path(path) if self._is_terminal else decode_path(path)

    def flush(self) -> None:
        """Hand everything on.

        Raises:
            OutputClosedError: Nobody reads it any more.
        """
        try:
            self._results.flush()
        except BrokenPipeError:
            raise OutputClosedError("nobody reads the output any more") from None


def standard_output(*, quiet: bool = False) -> Output:
    """Write to this process's own stdout and stderr."""
    return Output(sys.stdout.buffer, sys.stderr, quiet=quiet)


def dump_json(value: Any) -> str:
    """Give compact JSON; what is not UTF-8 becomes U+FFFD, as restic does."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _SURROGATES.sub(r"\\ufffd", text)


def decode_path(path: bytes) -> str:
    """Give a path as text; bytes that are not UTF-8 become surrogates, which `dump_json` knows."""
    return path.decode("utf-8", "surrogateescape")


def show_path(path: bytes) -> str:
    """Give a path for messages: no control character and no byte that is not UTF-8 survives."""
    return show_text(decode_path(path))


def show_text(text: str) -> str:
    """Give text of a repository or a host for people, on one line; see this module's docstring."""
    return _CONTROLS.sub(_escape, text)


def disarm(text: str) -> str:
    """Give whole lines for people: as `show_text`, but newlines and tabs stay."""
    return _CONTROLS.sub(lambda found: found[0] if found[0] in _LAYOUT else _escape(found), text)


def format_size(size: float) -> str:
    """Write a number of bytes for people, as restic does: ``683.608 KiB``."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        limit = _UNIT_STEP ** ("KiB", "MiB", "GiB", "TiB").index(unit) * _UNIT_STEP
        if size >= limit:
            return f"{size / limit:.3f} {unit}"
    return f"{int(size)} B"


def format_duration(seconds: float) -> str:
    """Write a duration as restic does: ``0:07``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def exit_message(code: int, text: str) -> Mapping[str, Any]:
    """Give restic's JSON message for what ends a command with another exit code than 0."""
    return {"message_type": "exit_error", "code": code, "message": text}


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    is_byte = code < 0x80 or code >= _FIRST_INVALID  # noqa: PLR2004 -- ASCII ends there
    return f"\\x{code & 0xFF:02x}" if is_byte else f"\\u{code:04x}"


_GAP = "  "


class Column(NamedTuple):
    """One column.

    Attributes:
        title: Its head; spaces at its end widen the column.
        cells: For each row the lines of its cell; may be empty.
    """

    title: str
    cells: Sequence[Sequence[str]]


def format_table(columns: Sequence[Column], *, footer: str = "") -> list[str]:
    """Lay out a table: titles, a rule, the rows, a rule, and the footer if there is one.

    What the cells hold comes from repositories, and is made harmless.
    """
    columns = [
        Column(column.title, [[show_text(line) for line in cell] for cell in column.cells])
        for column in columns
    ]
    widths = [
        max([len(column.title), *(len(line) for cell in column.cells for line in cell)])
        for column in columns
    ]
    rows = [_lay_out([column.title for column in columns], widths)]
    for cells in zip(*(column.cells for column in columns), strict=True):
        rows += [_lay_out(line, widths) for line in zip_longest(*cells, fillvalue="")]
    rule = "-" * len(_GAP.join("-" * width for width in widths))
    return [rows[0], rule, *rows[1:], rule, *([footer] if footer else [])]


def _lay_out(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
    return _GAP.join(cells).rstrip()
