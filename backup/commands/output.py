"""What a command prints: results on stdout, everything else on stderr."""

import json
import re
import sys
from collections.abc import Mapping
from typing import IO, Any

from backup.errors import BackupError

_UNIT_STEP = 1024
_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\udc80-\udcff]")


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
        """Write one line to stdout; bytes that are not UTF-8 come out as they were."""
        self.raw(text.encode("utf-8", "surrogateescape") + b"\n")

    def say(self, text: str) -> None:
        """Write a line of explanation to stdout, where restic has it; nothing with --quiet."""
        if not self._quiet:
            self.line(text)

    def json(self, value: Any) -> None:
        """Write one JSON document and a newline to stdout."""
        self.line(dump_json(value))

    def note(self, text: str) -> None:
        """Say something on stderr that is neither result nor error; nothing with --quiet."""
        if not self._quiet:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Say something on stderr in any case."""
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
    return _CONTROLS.sub(lambda found: _escape(found[0]), decode_path(path))


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


def exit_message(error: BackupError) -> Mapping[str, Any]:
    """Give restic's JSON message for an error that ends the command."""
    text = "\n".join(text for _, text in error.lines())
    return {"message_type": "exit_error", "code": error.exit_code, "message": text}


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code & 0xFF:02x}" if code > 0xFF or code < 0x80 else f"\\u{code:04x}"  # noqa: PLR2004 -- surrogates stand for single bytes
