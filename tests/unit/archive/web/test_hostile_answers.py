"""Answers of real local servers that mean harm: each ends, is bounded, and the crawl goes on."""

import gzip
import itertools
import re
import socket
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from archive.web.cdxj import read_index
from archive.web.crawler import write_results
from archive.web.fetch import Limits
from archive.web.state import open_state
from tests.crawls import FAST, crawl, paths_of
from tests.raw_server import html, raw_server

pytestmark = pytest.mark.slow

LIMITS = Limits(seconds=1.5, size=4 << 20, head=1 << 16, body=2 << 20)
OK = b"HTTP/1.1 200 OK\r\n"
HTML = OK + b"Content-Type: text/html\r\n"
CHUNKED = HTML + b"Transfer-Encoding: chunked\r\n\r\n"
Hostile = Callable[[socket.socket], None]


def say(data: bytes) -> Hostile:
    return lambda line: line.sendall(data)


def drip_a_head(line: socket.socket) -> None:
    with suppress(OSError):
        for byte in itertools.cycle(b"X-A: a\r\n"):
            line.sendall(bytes([byte]))
            time.sleep(0.02)


def say_for_ever(piece: bytes) -> Hostile:
    def answer(line: socket.socket) -> None:
        with suppress(OSError):
            while True:
                line.sendall(piece)

    return answer


def crawl_hostile(tmp_path: Path, hostile: Hostile) -> tuple[str, int, str]:
    """Crawl a site with one hostile page and one good one; gives what is kept of the first."""

    def serve(line: socket.socket, target: str) -> None:
        if target == "/xau":
            hostile(line)
        else:
            line.sendall(html("<a href=/xau>x</a><a href=/tot>y</a>"))

    with raw_server(serve) as url:
        crawled, captures = crawl(url, tmp_path, FAST, LIMITS)
    assert captures["/tot"].status == 200, "the crawl goes on"
    assert crawled.waiting == 0
    assert sum(it.stat().st_size for it in paths_of(tmp_path)) < 2 * LIMITS.size
    kept = captures.get("/xau")
    return (kept.truncated, kept.status, kept.mime) if kept else ("failed", crawled.failed, "")


ANSWERS: dict[str, tuple[Hostile, tuple[str, int, str]]] = {
    "head drips": (drip_a_head, ("failed", 1, "")),
    "head without end": (say_for_ever(b"X" * 65_536), ("failed", 1, "")),
    "cookie": (say(OK + b"Set-Cookie: a=" + b"b" * (3 << 20) + b"\r\n\r\n"), ("failed", 1, "")),
    "many headers": (say(OK + b"X-A: b\r\n" * 90 + b"\r\nx"), ("", 200, "")),
    "too many headers": (say(OK + b"X-A: b\r\n" * 20_000 + b"\r\n"), ("failed", 1, "")),
    "continues": (say_for_ever(b"HTTP/1.1 100 Continue\r\n\r\n" * 50), ("failed", 1, "")),
    "bad chunk": (
        say(CHUNKED + b"5\r\nabcde\r\nzz\r\nabc"), ("disconnect", 200, "text/html"),
    ),
    "negative chunk": (
        say(CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n"), ("disconnect", 200, "text/html"),
    ),
    "huge chunk": (
        say(CHUNKED + b"fffffffffffffffff\r\nab"), ("disconnect", 200, "text/html"),
    ),
    "long chunk line": (
        say(CHUNKED + b"5;" + b"x" * 300_000 + b"\r\n"), ("unspecified", 200, "text/html"),
    ),
    "two lengths": (
        say(HTML + b"Content-Length: 90\r\nContent-Length: 5\r\n\r\nabcde"),
        ("disconnect", 200, "text/html"),
    ),
    "negative length": (say(HTML + b"Content-Length: -1\r\n\r\nabc"), ("", 200, "text/html")),
    "not HTTP": (say(b"\x16\x03\x01\x02\x00" * 100), ("failed", 1, "")),
    "odd status": (say(b"HTTP/1.1 999999 x\r\n\r\n"), ("failed", 1, "")),
    "silence": (say(b""), ("failed", 1, "")),
}  # fmt: skip
"""What a server says → why its answer is not whole, status, type; `failed` where none is kept."""


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_ends_and_is_told_as_what_it_is(tmp_path: Path, name: str) -> None:
    hostile, expected = ANSWERS[name]
    assert crawl_hostile(tmp_path, hostile) == expected


@pytest.mark.parametrize(
    "page",
    [
        b"<div>" * 100_000 + b"<a href=/sau>x</a>",
        b"<a href='/sau'>" * 60_000,
        b"<svg><math><table><b><i><p><a href=/sau>" * 20_000,
        b"<style>" + b"a{background:url(" * 100_000,
        b"<img srcset='" + b"/sau 1x, " * 100_000 + b"'>",
        b"<base href='http://[::1'><a href='//[x'>y</a><a href='http://a\x00b/'>z</a>",
        b"<!--" * 200_000,
    ],
    ids=["div", "a", "tables", "css", "srcset", "addresses", "comments"],
)
def test_pages_that_are_hard_to_read_cost_little(tmp_path: Path, page: bytes) -> None:
    head = HTML + b"Content-Length: %d\r\n\r\n" % len(page)
    tracemalloc.start()
    try:
        assert crawl_hostile(tmp_path, say(head + page)) == ("", 200, "text/html")
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_a_packed_bomb_is_unpacked_no_further_than_a_page(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(96 << 20), 1)
    head = HTML + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    tracemalloc.start()
    try:
        assert crawl_hostile(tmp_path, say(head + bomb)) == ("", 200, "text/html")
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_rules_of_ten_megabytes_are_read_as_far_as_they_count(tmp_path: Path) -> None:
    asked: list[str] = []
    rules = b"User-agent: *\nDisallow: /mat\n" + b"Disallow: /" + b"*a" * 5_000 + b"\n"
    rules += b"".join(b"Disallow: /%d*x*y$\n" % number for number in range(500_000))
    assert len(rules) > 10 << 20

    def serve(line: socket.socket, target: str) -> None:
        asked.append(target)
        if target == "/robots.txt":
            line.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(rules) + rules)
        else:
            line.sendall(html("<a href=/mat>x</a><a href=/tot>y</a>"))

    with raw_server(serve) as url:
        crawled, captures = crawl(url, tmp_path, FAST, Limits(seconds=20))
    assert captures["/robots.txt"].truncated == ""
    assert captures["/tot"].status == 200
    assert (crawled.left, "/mat" in asked) == ({"robots": 1}, False)


def test_names_with_escapes_never_reach_a_header_a_list_or_a_screen(tmp_path: Path) -> None:
    """Line ends, terminal commands, bidi marks, NUL: in links, in Location, in a content type."""
    odd = "\x1b]0;x\x07", "\r\nX-Injected: 1", "\x00", "\u202egnp.exe", "\u2028", "\x9b31m"

    def serve(line: socket.socket, target: str) -> None:
        if target == "/":
            links = "".join(f'<a href="/p{number}{it}">x</a>' for number, it in enumerate(odd))
            line.sendall(html(links + "<a href=/chuyen>x</a><a href=/kieu>y</a>"))
        elif target == "/chuyen":
            line.sendall(b"HTTP/1.1 302 Found\r\nLocation: /den\x1b[31m\x00\x85\r\n\r\n")
        elif target == "/kieu":
            line.sendall(OK + b"Content-Type: te\x1b[2Jxt/html\r\n\r\nx")
        else:
            line.sendall(html("x"))

    with raw_server(serve) as url:
        crawled, captures = crawl(url, tmp_path, FAST, LIMITS)
        state = open_state(tmp_path)
        index, log = write_results(state, crawled)
        state.close()

    assert sum(path.startswith("/p") for path in captures) == len(odd)
    assert any(path.startswith("/den") for path in captures)
    for path in captures:
        assert re.fullmatch(r"[!-~]+", path), path
    for data in (index, log):
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", data)
    assert len(list(read_index(index))) == len(captures)
    unpacked = gzip.decompress(paths_of(tmp_path)[0].read_bytes())
    assert unpacked.count(b"\nX-Injected") == 1, "in the page that says it, as it came"
    targets = re.findall(rb"WARC-Target-URI: (.*)\r\n", unpacked)
    assert all(re.fullmatch(rb"[!-~]+", it) for it in targets)
