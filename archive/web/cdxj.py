"""The index of WARC files (CDXJ): one line a capture, sorted as bytes; replay programs read it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from archive.web.address import key_of

REVISIT = "warc/revisit"
_LONGEST = 16 << 10


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """Where one answer lies.

    Attributes:
        url: That was asked for.
        moment: When, to the second; UTC.
        mime: As the server said; `warc/revisit` where the payload stands in another record.
        status: Of HTTP.
        digest: Of the payload, as in WARC-Payload-Digest.
        offset, length: Of its record in the file; a gzip member by itself.
        filename: Of the WARC file, without a folder.
        truncated: Why it is not whole, as in WARC-Truncated; empty if it is.
    """

    url: str
    moment: datetime
    mime: str
    status: int
    digest: str
    offset: int
    length: int
    filename: str
    truncated: str = ""

    @property
    def stamp(self) -> str:
        """Give the moment as 14 digits."""
        return self.moment.strftime("%Y%m%d%H%M%S")

    def line(self) -> bytes:
        """Give its line."""
        told = {
            "url": self.url, "mime": self.mime or "unk", "status": str(self.status),
            "digest": self.digest, "length": str(self.length), "offset": str(self.offset),
            "filename": self.filename,
        }  # fmt: skip
        if self.truncated:
            told["truncated"] = self.truncated
        key = key_of(self.url).encode("ascii", "replace").replace(b" ", b"%20")
        return b"%s %s %s\n" % (key, self.stamp.encode(), msgspec.json.encode(told))


def write_index(captures: Iterable[Capture]) -> bytes:
    """Give an index."""
    return b"".join(sorted(it.line() for it in captures))


def read_index(data: bytes) -> Iterator[Capture]:
    """Give the captures of an index.

    Raises:
        ValueError: It is none.
    """
    for line in data.splitlines():
        parts = line.split(b" ", 2)
        if len(parts) != 3 or len(line) > _LONGEST:  # noqa: PLR2004 -- key, moment, JSON
            raise ValueError(line[:80])
        told = msgspec.json.decode(parts[2], type=dict[str, str])
        moment = datetime.strptime(parts[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        try:
            yield Capture(
                url=told["url"], moment=moment, mime=told["mime"], status=int(told["status"]),
                digest=told["digest"], offset=int(told["offset"]), length=int(told["length"]),
                filename=told["filename"], truncated=told.get("truncated", ""),
            )  # fmt: skip
        except KeyError as error:
            raise ValueError(line[:80]) from error
