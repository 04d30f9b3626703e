"""An SFTP server without any extension, on stdin and stdout: what old or foreign servers are like.

It sends at most 10 000 bytes an answer, whatever was asked for.
"""

import os
import struct
import sys
from pathlib import Path
from typing import Any

OK, END, ABSENT, FAILED, UNSUPPORTED = 0, 1, 2, 4, 8
handles: dict[bytes, Any] = {}


def take(size: int) -> bytes:
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        sys.exit(0)
    return data


def send(kind: int, body: bytes) -> None:
    sys.stdout.buffer.write(struct.pack(">IB", len(body) + 1, kind) + body)
    sys.stdout.buffer.flush()


def text(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw


class Body:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def text(self) -> bytes:
        size = self.number(4)
        found, self.raw = self.raw[:size], self.raw[size:]
        return found

    def number(self, size: int) -> int:
        found, self.raw = int.from_bytes(self.raw[:size], "big"), self.raw[size:]
        return found


def attributes(status: os.stat_result) -> bytes:
    return struct.pack(">IQI", 1 | 4, status.st_size, status.st_mode)


def status(number: bytes, code: int) -> None:
    send(101, number + struct.pack(">I", code) + text(b"as it is") + text(b""))


def remember(value: Any) -> bytes:
    handle = b"%d" % len(handles)
    handles[handle] = value
    return handle


def open_file(number: bytes, body: Body) -> None:
    path, flags = body.text(), body.number(4)
    new = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    send(102, number + text(remember(os.open(path, new if flags & 2 else os.O_RDONLY, 0o600))))


def read(number: bytes, body: Body) -> None:
    handle, at, size = body.text(), body.number(8), body.number(4)
    data = os.pread(handles[handle], min(size, 10_000), at)
    if data:
        send(103, number + text(data))
    else:
        status(number, END)


def write(number: bytes, body: Body) -> None:
    handle, at, data = body.text(), body.number(8), body.text()
    os.pwrite(handles[handle], data, at)
    status(number, OK)


def list_folder(number: bytes, body: Body) -> None:
    folder = Path(os.fsdecode(body.text()))
    names = [(os.fsencode(path.name), path.stat()) for path in folder.iterdir()]
    send(102, number + text(remember([names])))


def read_folder(number: bytes, body: Body) -> None:
    left = handles[body.text()]
    if not left:
        status(number, END)
        return
    names = left.pop()
    rows = b"".join(text(name) + text(b"-") + attributes(found) for name, found in names)
    send(104, number + struct.pack(">I", len(names)) + rows)


def rename(number: bytes, body: Body) -> None:
    old, new = body.text(), body.text()
    os.link(old, new)
    Path(os.fsdecode(old)).unlink()
    status(number, OK)


def simple(kind: int, number: bytes, body: Body) -> None:
    name = body.text()
    if kind == 4:
        if isinstance(handles[name], int):
            os.close(handles[name])
    elif kind == 13:
        Path(os.fsdecode(name)).unlink()
    else:
        Path(os.fsdecode(name)).mkdir()
    status(number, OK)


def answer(kind: int, number: bytes, body: Body) -> None:
    calls = {3: open_file, 5: read, 6: write, 11: list_folder, 12: read_folder, 18: rename}
    if kind in calls:
        calls[kind](number, body)
    elif kind in {4, 13, 14}:
        simple(kind, number, body)
    elif kind in {8, 17}:
        name = body.text()
        send(
            105,
            number
            + attributes(os.fstat(handles[name]) if kind == 8 else Path(os.fsdecode(name)).stat()),
        )
    else:
        status(number, UNSUPPORTED)


while True:
    length = int.from_bytes(take(4), "big")
    packet = take(length)
    if packet[0] == 1:
        send(2, struct.pack(">I", 3))
        continue
    try:
        answer(packet[0], packet[1:5], Body(packet[5:]))
    except FileNotFoundError:
        status(packet[1:5], ABSENT)
    except OSError:
        status(packet[1:5], FAILED)
