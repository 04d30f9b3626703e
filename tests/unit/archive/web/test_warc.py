"""Our own check sees what is wrong with a file or its index."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from archive.web.cdxj import Capture, read_index, write_index
from archive.web.warc import check_files
from tests.crawls import crawl, paths_of
from tests.web_server import say, web_server


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Capture]]:
    folder = tmp_path_factory.mktemp("crawl")
    pages = {"/": say(b"<a href=/1>x</a>" + b"y" * 3000), "/1": say(b"z" * 3000)}
    with web_server(pages) as url:
        _crawled, captures = crawl(url, folder)
    return folder, list(captures.values())


def changed(
    crawled: tuple[Path, list[Capture]], folder: Path, data: Callable[[bytes], bytes]
) -> list[str]:
    (path,) = paths_of(crawled[0])
    (folder / path.name).write_bytes(data(path.read_bytes()))
    return check_files(folder, crawled[1])


def test_every_flipped_byte_is_seen(crawled: tuple[Path, list[Capture]], tmp_path: Path) -> None:
    (path,) = paths_of(crawled[0])
    size = path.stat().st_size
    assert changed(crawled, tmp_path, lambda data: data) == []
    data = path.read_bytes()
    members = [it.start() for it in re.finditer(b"\x1f\x8b\x08\x00", data)]
    # Time and system in the heads of gzip members say nothing; nor do the bits that fill up the
    # last byte before a trailer.
    silent = {start + number for start in (*members, size) for number in (4, 5, 6, 7, 8, 9, -9)}
    for place in {*range(0, size, size // 60)} - silent:

        def flip(data: bytes, place: int = place) -> bytes:
            return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]

        assert changed(crawled, tmp_path, flip), f"byte {place} of {size}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\r\nWARC-Date: 2", b"\r\nWARC-Dat_: 2"),
        (b"\r\nWARC-Target-URI: http", b"\r\nWARC-Target-URI: hxxp"),
        (b"zzzz\r\n\r\n", b"zzzy\r\n\r\n"),
        (b"zzzz\r\n\r\n", b"zzz\r\n\r\n"),
        (b"WARC-Type: response", b"WARC-Type: resource"),
    ],
)  # fmt: skip
def test_what_a_record_says_is_held_against_the_index(
    crawled: tuple[Path, list[Capture]], tmp_path: Path, old: bytes, new: bytes
) -> None:
    def rewrite(data: bytes) -> bytes:
        """Pack the last answer anew, with something else in it."""
        last = max(crawled[1], key=lambda it: it.offset)
        end = last.offset + last.length
        member = gzip.decompress(data[last.offset : end])
        assert old in member
        packed = gzip.compress(member.replace(old, new, 1), 4)
        return data[: last.offset] + packed + data[end:]

    assert changed(crawled, tmp_path, rewrite)


def test_an_index_that_points_elsewhere_is_seen(crawled: tuple[Path, list[Capture]]) -> None:
    folder, captures = crawled
    one = captures[-1]
    for wrong in (
        {"offset": one.offset + 1}, {"length": one.length - 1}, {"url": one.url + "x"},
        {"digest": captures[0].digest}, {"filename": "nope.warc.gz"}, {"mime": "warc/revisit"},
    ):  # fmt: skip
        changed_one = msgspec.structs.replace(one, **wrong)
        assert check_files(folder, [*captures[:-1], changed_one]), wrong


def test_an_index_is_read_as_it_was_written(crawled: tuple[Path, list[Capture]]) -> None:
    data = write_index(crawled[1])
    assert write_index(read_index(data)) == data
    for wrong in (b"x", b"a b c", b"a 20261127000000 {}", b"a 2026 {}"):
        with pytest.raises(ValueError):  # noqa: PT011 -- any of them
            list(read_index(wrong))
