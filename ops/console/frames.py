"""What web and office say to each other over the Unix socket.

One request a connection. A frame is its length as four bytes, big-endian, then that many bytes.
The request is one frame of JSON, the answer is another; where one of them says `"file": true`,
frames of a file's bytes follow, the last one empty.
"""

import asyncio
import ipaddress
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ops.errors import OpsError

SOCKET_NAME = "office.sock"
RUN_FOLDER = Path("/run/giucong")
MOST_BYTES = 32 * 1024 * 1024
"""Of an answer: a captured file of 16 MiB in base64, or the greatest page."""

MOST_ASKED = 2 * 1024 * 1024
"""Of a request: a form of 256 KiB, each letter escaped."""

MOST_UPLOADED = 32 * 1024 * 1024
"""Of the file that follows a request."""

CHUNK = 256 * 1024
_LENGTH = struct.Struct(">I")


class OfficeAwayError(OpsError):
    """The service does not answer."""

    def __init__(self) -> None:
        super().__init__(
            "the service does not answer",
            why="it does not run, or starts just now",
            data="nothing was changed",
            next_step="try again in a moment; on the server: `{program} service.status`",
        )


class BrokenFrameError(OSError):
    """The other side says what is no frame, or too much."""


class _Reader(Protocol):
    def recv(self, size: int, /) -> bytes: ...


def socket_path(state: Path) -> Path:
    """Give where the office listens: systemd's own folder of the service where there is one.

    Args:
        state: The service's state folder.
    """
    folder = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(folder or state) / SOCKET_NAME


def plain_address(text: str) -> str:
    """Give an internet address as it is; empty for what is none, for a proxy may say anything."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def whose_address(text: str) -> str:
    """Give by what tries of one sender are counted: of IPv6 the /64, which one sender has whole."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False))


def write_frame(value: object) -> bytes:
    """Give a JSON value as a frame."""
    try:
        body = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a name of a file that is no text
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return _LENGTH.pack(len(body)) + body


def write_bytes(chunk: bytes) -> bytes:
    """Give bytes of a file as a frame."""
    return _LENGTH.pack(len(chunk)) + chunk


def receive(connection: socket.socket) -> Any:
    """Read a request from a connection."""
    try:
        return msgspec.json.decode(_receive_frame(connection, MOST_ASKED))
    except msgspec.DecodeError as error:
        raise BrokenFrameError("no JSON") from error


def receive_file(connection: socket.socket) -> Iterator[bytes]:
    """Read the file that follows a request, piece by piece."""
    left = MOST_UPLOADED
    while chunk := _receive_frame(connection, min(CHUNK, left)):
        left -= len(chunk)
        yield chunk


def _receive_frame(connection: socket.socket, most: int) -> bytes:
    (length,) = _LENGTH.unpack(_receive_exactly(connection, _LENGTH.size))
    if length > most:
        raise BrokenFrameError("too long")
    return _receive_exactly(connection, length)


def _receive_exactly(connection: _Reader, size: int) -> bytes:
    parts, left = list[bytes](), size
    while left:
        part = connection.recv(min(left, CHUNK))
        if not part:
            raise BrokenFrameError("cut off")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


async def ask(
    path: Path, request: object, seconds: float, file: AsyncIterator[bytes] | None = None
) -> Any:
    """Ask the office, for one answer without a file.

    Args:
        path: Of its socket.
        request: What is asked; says so itself where a file follows.
        seconds: For the answer.
        file: What follows the request, in pieces of `CHUNK` at most.
    """
    answer, chunks = await ask_for_file(path, request, seconds, file)
    async for _chunk in chunks:
        raise OfficeAwayError  # a file is no answer here
    return answer


async def ask_for_file(
    path: Path, request: object, seconds: float, file: AsyncIterator[bytes] | None = None
) -> tuple[Any, AsyncIterator[bytes]]:
    """Ask the office, and give its answer with the bytes that follow it."""
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_unix_connection(path, limit=2 * CHUNK)
            try:
                writer.write(write_frame(request))
                async for chunk in file or _nothing():
                    writer.write(write_bytes(chunk))
                    await writer.drain()
                writer.write(write_bytes(b"") if file else b"")
                await writer.drain()
                answer = msgspec.json.decode(await _read(reader))
            except BaseException:
                writer.close()
                raise
    except (OSError, TimeoutError, asyncio.IncompleteReadError, msgspec.DecodeError) as error:
        raise OfficeAwayError from error
    if answer.get("file"):
        return answer, _chunks(reader, writer, seconds)
    writer.close()
    return answer, _nothing()


async def _read(reader: asyncio.StreamReader) -> bytes:
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MOST_BYTES:
        raise BrokenFrameError("too long")
    return await reader.readexactly(length)


async def _nothing() -> AsyncIterator[bytes]:
    for nothing in list[bytes]():
        yield nothing


async def _chunks(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> AsyncIterator[bytes]:
    try:
        while True:
            async with asyncio.timeout(seconds):
                chunk = await _read(reader)
            if not chunk:
                return
            yield chunk
    finally:
        writer.close()
