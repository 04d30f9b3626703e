"""Find and read captured answers of one month, to show them again; nothing is unpacked to disk.

The index was held against its object's digest when it was read; each record is held against the
index before anything of it is given out. All of it is foreign: every length is bounded.
"""

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from archive.web.address import key_of
from archive.web.cdxj import REVISIT, Capture, read_index
from archive.web.warc import is_as_captured

_OK = 200


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as a browser got it.

    Attributes:
        status: Of HTTP.
        content_type: As the server said it, with its character set.
        location: Where a redirect leads; empty for none.
        body: Unpacked.
    """

    status: int
    content_type: str
    location: str
    body: bytes


class MonthIndex:
    """The lines of a month's indexes, sorted; small enough to be kept for a while.

    Args:
        indexes: Each as it was written.
    """

    def __init__(self, indexes: Iterable[bytes]) -> None:
        self._lines = sorted(line for data in indexes for line in data.splitlines())

    def find(self, url: str, moment: datetime) -> Capture | None:
        """Give what was captured of an address nearest to a moment; None where nothing was."""
        prefix = key_of(url).encode("ascii", "replace").replace(b" ", b"%20") + b" "
        begin = bisect_left(self._lines, prefix)
        end = bisect_left(self._lines, prefix + b":")  # what follows the last digit
        found = [it for line in self._lines[begin:end] for it in read_index(line)]
        return min(found, key=lambda it: abs(it.moment - moment), default=None)

    def original_of(self, revisit: Capture) -> Capture | None:
        """Give where the payload of a revisit lies."""
        digest = revisit.digest.encode()
        found = (it for line in self._lines if digest in line for it in read_index(line))
        return next(
            (it for it in found if it.digest == revisit.digest and it.mime != REVISIT), None
        )

    def pages(self, text: str, skip: int, most: int) -> Iterator[Capture]:
        """Yield whole pages whose address holds a text, by address and moment."""
        wanted, seen = text.encode("utf-8", "replace").lower(), 0
        for line in self._lines:
            if b'"text/html"' not in line or (wanted and wanted not in line.lower()):
                continue
            for it in read_index(line):
                if it.mime == "text/html" and it.status == _OK and not it.truncated:
                    seen += 1
                    if seen > skip:
                        yield it
            if seen >= skip + most:
                return


def read_answer(path: Path, capture: Capture, most: int) -> Said:
    """Give an answer.

    Args:
        path: The WARC file.
        capture: Where in it.
        most: Bytes that its body may have.

    Raises:
        ValueError: What lies there is not what was captured, or more than that.
        OSError: The file cannot be read.
    """
    if not is_as_captured(path, capture):
        raise ValueError(f"{path.name}: {capture.offset}")
    with path.open("rb") as file:
        file.seek(capture.offset)
        try:
            record = next(ArchiveIterator(file))
            headers = record.http_headers
            body = record.content_stream().read(most + 1)
        except (ArchiveLoadFailed, EOFError, StopIteration, zlib.error) as error:
            raise ValueError(f"{path.name}: {capture.offset}") from error
    if len(body) > most:
        raise ValueError(f"{path.name}: {capture.offset}: too long")
    get = headers.get_header if headers else lambda _name, default="": default
    return Said(
        capture.status,
        (get("Content-Type", "") or "")[:200],
        (get("Location", "") or "")[:2000],
        body,
    )
