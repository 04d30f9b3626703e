"""An SFTP server that lies about sizes, or never comes to an end, is not believed."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import cast

import paramiko
import pytest

from backup.errors import StoreError
from backup.stores import base
from backup.stores.sftp.protocol import (
    DATA,
    FSTAT,
    HANDLE,
    NAME,
    OPEN,
    OPENDIR,
    READ,
    READDIR,
    STATUS,
    VERSION,
    Garbled,
    SftpLine,
    text,
)
from backup.stores.sftp.store import _entries

Answers = Callable[[int, int], bytes]  # kind and number of a request to the packet that answers


def packet(kind: int, number: int, body: bytes) -> bytes:
    return struct.pack(">IBI", 5 + len(body), kind, number) + body


def answer(kind: int, number: int) -> bytes:
    """Open whatever is asked for, a file of 8 EiB; the rest is told to be done."""
    if kind in {OPEN, OPENDIR}:
        return packet(HANDLE, number, text(b"h"))
    if kind == FSTAT:
        return packet(105, number, struct.pack(">IQI", 1 | 4, (1 << 63) - 1, 0o100644))
    return packet(STATUS, number, struct.pack(">I", 0) + text(b"") + text(b""))


@contextmanager
def line_to(answers: Answers) -> Iterator[SftpLine]:
    """Give a line to a server that answers like that."""
    ours, theirs = socket.socketpair()
    ours.settimeout(20)

    def serve() -> None:
        with theirs, theirs.makefile("rb") as asked:
            asked.read(9)
            theirs.sendall(struct.pack(">IBI", 5, VERSION, 3))
            while len(head := asked.read(9)) == 9:
                length, kind, number = struct.unpack(">IBI", head)
                asked.read(length - 5)
                try:
                    theirs.sendall(answers(kind, number))
                except OSError:
                    return

    server = Thread(target=serve, daemon=True)
    server.start()
    with ours:
        yield SftpLine(cast("paramiko.Channel", ours))
    server.join(5)


def test_no_more_is_kept_than_was_asked_for() -> None:
    def endless(kind: int, number: int) -> bytes:
        return packet(DATA, number, text(bytes(32_768))) if kind == READ else answer(kind, number)

    with line_to(endless) as line:
        assert len(line.read_range(b"config", 0, 1 << 16)[1]) == 1 << 16


def test_an_answer_larger_than_what_was_asked_for_is_refused() -> None:
    def swollen(kind: int, number: int) -> bytes:
        return packet(DATA, number, text(bytes(8 << 20))) if kind == READ else answer(kind, number)

    with line_to(swollen) as line, pytest.raises(Garbled, match="more data"):
        line.read_range(b"config", 0, 100)


def test_an_answer_comes_once() -> None:
    def repeated(kind: int, number: int) -> bytes:
        again = packet(STATUS, 1, struct.pack(">I", 4) + text(b"") + text(b""))
        return again if number > 1 else answer(kind, number)

    with line_to(repeated) as line:
        line.make_folder(b"x", 0o700)
        with pytest.raises(Garbled):
            line.make_folder(b"y", 0o700)


@pytest.mark.parametrize("count", [0, 50])
def test_a_folder_without_an_end_ends(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MOST_OBJECTS", 1_000)
    entry = text(b".junk") + text(b"") + struct.pack(">I", 0)

    def endless(kind: int, number: int) -> bytes:
        names = struct.pack(">I", count) + count * entry
        return packet(NAME, number, names) if kind == READDIR else answer(kind, number)

    with line_to(endless) as line, pytest.raises((StoreError, Garbled)):
        _entries(line, b"snapshots", "sftp:x")
