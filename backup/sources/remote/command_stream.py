"""Reading exact numbers of bytes from a command on another machine, and saying that it failed."""

import struct
import threading
from contextlib import suppress

from backup.errors import SourceError
from backup.sources.host_errors import UNTOUCHED, refused_by_gate, translated
from backup.sources.remote.bounds import MOST_ENTRY_BYTES, MOST_FOLDER_BYTES
from provisioning.errors import ProvisioningError
from provisioning.hosts import Completed, HostProcess

_PIECE = 1 << 20
_MOST_TOLD = 300
_FRAME = struct.Struct("<cI")


class Line:
    """What a command there prints, piece by piece.

    Attributes:
        host: Name of the machine.
    """

    def __init__(self, host: str, process: HostProcess) -> None:
        self.host = host
        self._process = process
        self._buffer = b""
        self._at = 0

    def read_frame(self) -> tuple[bytes, bytes]:
        """Read one frame: kind and body."""
        kind, length = self.read_head()
        return kind, self.read_exactly(length)

    def read_head(self) -> tuple[bytes, int]:
        """Read kind and length of a frame, whose body is to be read next.

        Raises:
            SourceError: It is longer than one of its kind may be.
        """
        kind, length = _FRAME.unpack(self.read_exactly(_FRAME.size))
        if length > (MOST_FOLDER_BYTES if kind == b"F" else MOST_ENTRY_BYTES):
            raise self.failed("what it sent makes no sense")
        return kind, length

    def readinto(self, view: memoryview) -> int:
        """Copy what is there, and only once, into a buffer that is not empty.

        Raises:
            SourceError: Nothing comes any more.
        """
        if self._at >= len(self._buffer):
            self._buffer, self._at = self._read_piece(), 0
            if not self._buffer:
                raise self.failed()
        count = min(len(view), len(self._buffer) - self._at)
        view[:count] = memoryview(self._buffer)[self._at : self._at + count]
        self._at += count
        return count

    def read_exactly(self, size: int) -> bytes:
        """Read so many bytes.

        Raises:
            SourceError: There are not so many.
        """
        if len(self._buffer) - self._at >= size:
            self._at += size
            return self._buffer[self._at - size : self._at]
        pieces = [self._buffer[self._at :]]
        missing = size - len(pieces[0])
        self._buffer, self._at = b"", 0
        while missing > 0:
            piece = self._read_piece()
            if not piece:
                raise self.failed()
            pieces.append(piece[:missing])
            if len(piece) > missing:
                self._buffer, self._at = piece, missing
            missing -= len(piece)
        return b"".join(pieces)

    def pass_over(self, size: int) -> None:
        """Read away so many bytes; none is kept."""
        while size > 0:
            size -= len(self.read_exactly(min(size, _PIECE)))

    def read(self, size: int = -1) -> bytes:
        """Read what is there, as a file would; empty at the end."""
        if self._at < len(self._buffer):
            rest = self._buffer[self._at :]
            taken = rest if size < 0 else rest[:size]
            self._at += len(taken)
            return taken
        if size < 0 or size >= _PIECE:
            return self._read_piece()
        self._buffer, self._at = self._read_piece(), 0
        return self.read(size) if self._buffer else b""

    def _read_piece(self) -> bytes:
        with translated():
            return self._process.read(_PIECE)

    def write(self, data: bytes) -> None:
        """Write to the command's stdin.

        Raises:
            SourceError: It no longer reads, or the line was cut.
        """
        try:
            with translated():
                self._process.write(data)
        except SourceError as error:
            raise self.failed() from error

    def write_apart(self, data: bytes) -> None:
        """Write all of the command's stdin while it is read; it may leave some of that unread."""

        def feed() -> None:
            with suppress(ProvisioningError):
                self._process.write(data)
            self._process.close_input()

        threading.Thread(target=feed, daemon=True).start()

    def end(self) -> tuple[int, bytes]:
        """Wait for its end; gives its exit status and its last words."""
        with translated():
            ended = self._process.finish()
        return ended.status, ended.stderr

    def close_input(self) -> None:
        """End the command's stdin."""
        self._process.close_input()

    def finish(self) -> None:
        """Wait for its end, which must be a good one.

        Raises:
            SourceError: It ended badly.
        """
        with translated():
            ended = self._process.finish()
        if ended.status != 0:
            raise failed(self.host, ended.stderr, ended.status)

    def failed(self, why: str = "") -> SourceError:
        """Say that the command ended too early, in its own last words."""
        if why:
            return failed(self.host, why.encode(), None)
        try:
            with translated():
                ended = self._process.finish()
        except SourceError as error:
            return error
        return failed(self.host, ended.stderr or b"it ended before all was told", ended.status)


def failed(host: str, words: bytes, status: int | None) -> SourceError:
    """Say that a command there failed."""
    told = words.decode("utf-8", "backslashreplace").strip()[-_MOST_TOLD:]
    if status is not None and Completed(status, b"", words).is_refused_by_gate:
        return refused_by_gate(host, told)
    return SourceError(
        "files of the host {host} cannot be read to the end",
        why="the far end failed: {words}" if status is None else "it ended with {status}: {words}",
        data=UNTOUCHED,
        next_step="run it again; if this comes back, look at the host",
        host=host,
        words=told or "without a word",
        status=status,
    )
