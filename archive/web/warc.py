"""WARC 1.1 (ISO 28500) through warcio: raw bytes in, one gzip member a record; read back after.

A payload that this site and month has already is not stored again: its record is a revisit that
names the address and the moment of the first. It never refers to another month's object, so that
each can be kept, given away or disposed of alone.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, cast
from uuid import uuid4

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.web.cdxj import REVISIT, Capture
from archive.web.fetch import Answer, digest_text

LARGEST = 1 << 30
"""Bytes after which a new file begins."""

_LEVEL = 4  # 6 and 9 take two to four times as long for 5 % less
_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_RESPONSE, _REQUEST = "application/http; msgtype=response", "application/http; msgtype=request"
_FIELDS = "application/warc-fields"
_NEEDED = ("WARC-Record-ID", "WARC-Date", "WARC-Type", "Content-Length", "WARC-Block-Digest")
_HEAD_END = re.compile(rb"\n\r?\n")
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Original:
    """Where a payload was stored first."""

    url: str
    moment: datetime


class _Member:
    """A gzip member; closed by `flush`, as warcio does after each record."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self._out.write(self._packer.compress(data))

    def flush(self) -> None:
        """End it."""
        self._out.write(self._packer.flush())


class WarcFiles:
    """Writes the files of one run: `STAMP-00001.warc.gz` and on.

    Args:
        folder: Where they lie.
        stamp: Of the run.
        info: What the warcinfo record of each says.
    """

    def __init__(self, folder: Path, stamp: str, info: Mapping[str, str]) -> None:
        self._folder, self._stamp, self._info = folder, stamp, info
        self._file: IO[bytes] | None = None
        there = sorted(folder.glob(f"{stamp}-*.warc.gz"))
        self._number = int(there[-1].name[len(stamp) + 1 :].partition(".")[0]) if there else 0
        self.name = ""

    def write(self, answer: Answer, server: str, original: Original | None) -> Capture:
        """Write an answer and its request; gives where the answer lies. Flushed, not yet synced.

        Args:
            answer: What came.
            server: The address it came from.
            original: Where the same payload is; None: it is stored here.
        """
        file = self._opened()
        moment = answer.moment.replace(microsecond=0)
        named = [
            ("WARC-Target-URI", answer.address),
            ("WARC-Date", _date(moment)),
            ("WARC-IP-Address", server),
        ]
        response_id, start = _new_id(), file.tell()
        headers = [("WARC-Record-ID", response_id), *named]
        if answer.truncated:  # a payload that is not whole has no digest: readers take chunks off
            headers.append(("WARC-Truncated", answer.truncated))
        else:
            headers.append(("WARC-Payload-Digest", answer.payload_digest))
        if original is None:
            headers.append(("WARC-Block-Digest", answer.block_digest))
            _write(file, "response", headers, _RESPONSE, (answer.raw, answer.size))
        else:
            headers += [
                ("WARC-Profile", _PROFILE),
                ("WARC-Refers-To-Target-URI", original.url),
                ("WARC-Refers-To-Date", _date(original.moment)),
            ]
            head = answer.raw.read(answer.head)
            _write(file, "revisit", headers, _RESPONSE, (BytesIO(head), len(head)))
        length = file.tell() - start
        headers = [("WARC-Record-ID", _new_id()), *named, ("WARC-Concurrent-To", response_id)]
        request = (BytesIO(answer.request), len(answer.request))
        _write(file, "request", headers, _REQUEST, request)
        file.flush()
        return Capture(
            url=answer.address, moment=moment, mime=REVISIT if original else answer.media_type,
            status=answer.status, digest=answer.payload_digest, offset=start, length=length,
            filename=self.name, truncated=answer.truncated,
        )  # fmt: skip

    def end(self) -> int:
        """Give how long the file that is being written is."""
        return self._file.tell() if self._file else 0

    def close(self) -> None:
        """Close the file; what was written stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> IO[bytes]:
        if self._file is not None and self._file.tell() < LARGEST:
            return self._file
        self.close()
        self._number += 1
        self.name = f"{self._stamp}-{self._number:05}.warc.gz"
        self._file = (self._folder / self.name).open("xb")
        text = "".join(f"{name}: {value}\r\n" for name, value in self._info.items()).encode()
        headers = [("WARC-Record-ID", _new_id()), ("WARC-Filename", self.name)]
        headers.append(("WARC-Date", self._info["created"]))
        _write(self._file, "warcinfo", headers, _FIELDS, (BytesIO(text), len(text)))
        return self._file


def _write(
    file: IO[bytes],
    kind: str,
    headers: list[tuple[str, str]],
    content_type: str,
    block: tuple[IO[bytes], int],
) -> None:
    """Write a record, its block as it is; what warcio takes for a warcinfo it does not parse."""
    told = StatusAndHeaders("", [("WARC-Type", kind), *headers], protocol="WARC/1.1")
    if isinstance(block[0], BytesIO):
        told.add_header("WARC-Block-Digest", digest_text(sha256(block[0].getvalue())))
    record = ArcWarcRecord("warc", "warcinfo", told, block[0], None, content_type, block[1])
    record.payload_length = block[1]
    writer = WARCWriter(cast("IO[bytes]", _Member(file)), gzip=False, warc_version="WARC/1.1")
    writer.write_record(record)


def _new_id() -> str:
    return f"<{uuid4().urn}>"


def _date(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def check_files(folder: Path, captures: Iterable[Capture]) -> list[str]:
    """Read files back whole and hold every line of their index against them; gives what is wrong.

    Each record must have its required fields and its digests; each line of the index must be the
    record that begins there and is so long, with that address, moment and digest.
    """
    lines: dict[str, dict[int, Capture]] = {}
    for it in captures:
        lines.setdefault(it.filename, {})[it.offset] = it
    wrong: list[str] = []
    for name, expected in sorted(lines.items()):
        try:
            wrong += _check_file(folder / name, expected)
        except (ArchiveLoadFailed, OSError, EOFError, zlib.error, ValueError) as error:
            wrong.append(f"{name}: {type(error).__name__}")
        wrong += (f"{name}: nothing at {offset}: {it.url}" for offset, it in expected.items())
    return wrong


def is_as_captured(path: Path, capture: Capture) -> bool:
    """Say whether the record that an index names is there, whole, and what the index says of it."""
    try:
        with path.open("rb") as file:
            file.seek(capture.offset)
            records = ArchiveIterator(file, no_record_parse=True)
            record = next(records)
            found = _digest_block(record)
            length = records.get_record_length()
            return (
                all(map(record.rec_headers.get_header, _NEEDED))
                and _is_whole(record, found)
                and _is(capture, record, length)
            )
    except (ArchiveLoadFailed, OSError, EOFError, StopIteration, zlib.error, ValueError):
        return False


def read_body(path: Path, capture: Capture) -> Iterator[bytes]:
    """Give the body of an answer as a browser has it, piece by piece: chunks and packing are off.

    Raises:
        OSError: The file cannot be read.
        ValueError: No answer lies there.
    """
    with path.open("rb") as file:
        file.seek(capture.offset)
        try:
            body = next(ArchiveIterator(file)).content_stream()
            while piece := body.read(_PIECE):
                yield piece
        except (ArchiveLoadFailed, EOFError, StopIteration, zlib.error) as error:
            raise ValueError(f"{path.name}: {capture.offset}") from error


def _check_file(path: Path, expected: dict[int, Capture]) -> Iterator[str]:
    with path.open("rb") as file:
        # Blocks are digested here, not by warcio, which looks at none of a revisit.
        records, end = ArchiveIterator(file, no_record_parse=True), 0
        for record in records:
            found = _digest_block(record)
            offset, length = records.get_record_offset(), records.get_record_length()
            get = record.rec_headers.get_header
            follows, end = offset == end, offset + length
            if not (follows and all(map(get, _NEEDED)) and _is_whole(record, found)):
                yield f"{path.name}: the record at {offset} is not what it was"
            capture = expected.pop(offset, None)
            if capture is not None and not _is(capture, record, length):
                yield f"{path.name}: the index is wrong at {offset}: {capture.url}"
        if end != path.stat().st_size:  # warcio ends where it can read no further
            yield f"{path.name}: no record at {end}"


def _digest_block(record: ArcWarcRecord) -> tuple[int, str, str]:
    """Give length and digest of a block, and the digest of what is behind its first empty line."""
    first = record.raw_stream.read(_PIECE)
    head = _HEAD_END.search(first)
    block, payload = sha256(first), sha256(first[head.end() :] if head else b"")
    size = len(first)
    while piece := record.raw_stream.read(_PIECE):
        size += len(piece)
        block.update(piece)
        payload.update(piece)
    return size, digest_text(block), digest_text(payload)


def _is_whole(record: ArcWarcRecord, found: tuple[int, str, str]) -> bool:
    get = record.rec_headers.get_header
    size, block, payload = found
    has_payload = get("WARC-Type") == "response" and not get("WARC-Truncated")
    return (str(size), block) == (get("Content-Length"), get("WARC-Block-Digest")) and (
        not has_payload or payload == get("WARC-Payload-Digest")
    )


def _is(capture: Capture, record: ArcWarcRecord, length: int) -> bool:
    get = record.rec_headers.get_header
    digest = None if capture.truncated else capture.digest
    return (
        get("WARC-Type") == ("revisit" if capture.mime == REVISIT else "response")
        and (get("WARC-Target-URI"), get("WARC-Date")) == (capture.url, _date(capture.moment))
        and (get("WARC-Truncated") or "") == capture.truncated
        and (get("WARC-Payload-Digest"), length) == (digest, capture.length)
    )
