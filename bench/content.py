"""The bytes of a portal's files, and the writer that puts them on the disk."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from bench.words import SLUGS, Pool, Pools

EPOCH = 1_704_067_200  # 2024-01-01 UTC
SPAN = 320 * 86400  # modification times spread over these seconds
THEMES = 8  # different page heads; a portal's pages share their menus


class Writer:
    """Writes files below one folder and counts them; draws their times from its generator.

    Attributes:
        files: Written so far.
        size: Bytes written so far.
    """

    def __init__(self, root: Path, rng: np.random.Generator) -> None:
        self.root = root
        self.rng = rng
        self.files = 0
        self.size = 0
        self._folders: set[str] = set()
        self._draws: Iterator[float] = iter(())

    def draw(self) -> float:
        """Return a number from 0 to below 1; drawn in batches because single draws are slow."""
        for number in self._draws:
            return number
        self._draws = iter(self.rng.random(4096).tolist())
        return next(self._draws)

    def passage(self, pool: Pool, size: int) -> bytes:
        """Return `size` bytes of text, in passages of a few kilobytes from random places."""
        pieces: list[bytes] = []
        while size > 0:
            length = min(size, 1500 + int(self.draw() * 5000))
            pieces.append(pool.cut(self.draw(), length))
            size -= length
        return b"".join(pieces)

    def write(self, name: str, content: bytes) -> None:
        """Write one file, with its folders."""
        folder, _, _ = name.rpartition("/")
        if folder not in self._folders:
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        path = f"{self.root}/{name}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
            time = (EPOCH + int(self.draw() * SPAN)) * 1_000_000_000 + int(self.draw() * 1e9)
            os.utime(handle, ns=(time, time))
        finally:
            os.close(handle)
        self.files += 1
        self.size += len(content)

    def note(self, path: Path) -> None:
        """Count a file that was written otherwise and give it its time."""
        self.files += 1
        self.size += path.stat().st_size
        time = (EPOCH + SPAN) * 1_000_000_000
        os.utime(path, ns=(time, time))


def make_content(out: Writer, kind: str, size: int, pools: Pools) -> bytes:
    """Return the bytes of a new file of one kind, exactly `size` of them."""
    if kind == "pdf":
        return _make_pdf(out, size, pools)
    if kind == "jpg":
        head = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x01\x00H\x00H\x00\x00\xff\xdb\x00C\x00"
        return head + out.rng.bytes(max(size - len(head) - 2, 0)) + b"\xff\xd9"
    if kind == "html":
        head = b'<!doctype html><html lang="vi"><head><meta charset="utf-8"></head><body>\n'
        return (head + _theme(int(out.draw() * THEMES)) + out.passage(pools.prose, size))[:size]
    code = {"php": pools.php, "js": pools.script, "css": pools.style, "json": pools.data}
    head = b"<?php\n" if kind == "php" else b""
    return (head + out.passage(code[kind], size))[:size]


@cache
def _theme(number: int) -> bytes:
    """Return the head and menu of a page, about 5 KB."""
    items = [
        f'<li class="menu-item menu-item-type-post_type menu-item-{number * 400 + step}">'
        f'<a href="https://www.example.gov.vn/{SLUGS[step % len(SLUGS)]}/">'
        f"{SLUGS[(step + number) % len(SLUGS)].replace('-', ' ')}</a></li>\n"
        for step in range(34)
    ]
    return f'<nav id="chinh-{number}"><ul>\n{"".join(items)}</ul></nav>\n<p>'.encode()


def _make_pdf(out: Writer, size: int, pools: Pools) -> bytes:
    """Return objects by turns: a little text, then a stream that looks deflated."""
    pieces = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"]
    left = size - len(pieces[0])
    number = 1
    while left > 0:
        words = pools.prose.cut(out.draw(), 300 + int(out.draw() * 900))
        length = min(4_000 + int(out.draw() * 60_000), left)
        piece = b"%d 0 obj\n<</Title (%s)/Filter/FlateDecode/Length %d>>stream\n" % (
            number,
            words,
            length,
        )
        piece = (piece + out.rng.bytes(length) + b"\nendstream\nendobj\n")[:left]
        pieces.append(piece)
        left -= len(piece)
        number += 1
    return b"".join(pieces)
