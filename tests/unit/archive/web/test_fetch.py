"""What a server can do to whoever asks it: each on a real line."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from archive.web.address import place_of
from archive.web.fetch import Answer, Fetcher, Limits, SiteSilentError
from tests.raw_server import Say, html, raw_server

SMALL = Limits(seconds=1.0, size=300_000, head=20_000, body=1000)


@contextmanager
def fetching(
    say: Say, folder: Path, limits: Limits = SMALL, *, stays_open: bool = False, **how: Any
) -> Iterator[Callable[[str], Answer]]:
    with raw_server(say, stays_open=stays_open) as url:
        place = place_of(url)
        with Fetcher(place, "t/1", folder, limits, **how) as fetcher, ExitStack() as answers:
            yield lambda path: answers.enter_context(closing(fetcher.fetch(place.own(path))))


def saying(*pieces: bytes, pause: float = 0.0) -> Say:
    def say(line: socket.socket, _target: str) -> None:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(pause)

    return say


def test_bytes_are_kept_as_they_came(tmp_path: Path) -> None:
    raw = (
        b"HTTP/1.1 200  Very  OK\r\nX-a:  1 \r\nx-A: 2\r\ntransfer-encoding: Chunked\r\n\r\n"
        b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    )
    with fetching(saying(raw), tmp_path) as fetch:
        answer = fetch("/x?y=z")
        assert answer.raw.read() == raw

    assert (answer.body, answer.status, answer.truncated) == (b"abcde", 200, "")
    assert raw[: answer.head].endswith(b"\r\n\r\n")
    assert b"GET /x?y=z HTTP/1.1\r\nHost: 127.0.0.1:" in answer.request


def test_an_answer_of_five_gigabytes_is_cut(tmp_path: Path) -> None:
    def flood(line: socket.socket, _target: str) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n")
        with suppress(OSError):
            while True:
                line.sendall(bytes(65_536))

    with fetching(flood, tmp_path) as fetch:
        answer = fetch("/")

    assert answer.truncated == "length"
    assert SMALL.size < answer.size < SMALL.size + 600_000
    assert len(answer.body) == SMALL.body


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "is_answer"), [(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", True), (b"", False)]
)
def test_a_server_that_drips_has_a_deadline(tmp_path: Path, first: bytes, is_answer: bool) -> None:
    drip = saying(first, *[b"H"] * 40, pause=0.1)
    started = time.monotonic()
    with fetching(drip, tmp_path) as fetch:
        if is_answer:
            assert fetch("/").truncated == "time"
        else:
            with pytest.raises(SiteSilentError, match="time"):
                fetch("/")

    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000,
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000,
        b"A" * 100_000,
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"",
    ],
    ids=["many lines", "a long line", "no end", "no HTTP", "nothing"],
)
def test_a_head_without_end_or_sense_is_no_answer(tmp_path: Path, head: bytes) -> None:
    with fetching(saying(head), tmp_path) as fetch, pytest.raises(SiteSilentError):
        fetch("/")


@pytest.mark.parametrize(
    ("body", "truncated"),
    [
        (b"5\r\nabc", "disconnect"),
        (b"zz\r\nabc\r\n0\r\n\r\n", "disconnect"),
        (b"-5\r\nabc\r\n0\r\n\r\n", "disconnect"),
        (b"f" * 70_000 + b"\r\n", "unspecified"),
        (b"1\r\na\r\n0\r\n" + b"T: t\r\n" * 100_000, "length"),
    ],
)
def test_broken_chunks_are_kept_and_said(tmp_path: Path, body: bytes, truncated: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with fetching(saying(head + body), tmp_path) as fetch:
        answer = fetch("/")
        assert answer.raw.read().startswith(head + body[:3])

    assert answer.truncated == truncated


def test_a_line_is_used_again_and_a_closed_one_is_not_missed(tmp_path: Path) -> None:
    lines = set()

    def say(line: socket.socket, target: str) -> None:
        lines.add(line.fileno())
        line.sendall(html(target))
        if target == "/3":
            line.shutdown(socket.SHUT_RDWR)

    with fetching(say, tmp_path, stays_open=True) as fetch:
        assert [fetch(f"/{it}").body for it in range(1, 4)] == [b"/1", b"/2", b"/3"]
        assert len(lines) == 1
        time.sleep(0.05)
        assert fetch("/4").body == b"/4"


def test_bytes_that_nobody_asked_for_are_not_the_next_answer(tmp_path: Path) -> None:
    smuggled = html("mine") + html("smuggled")
    with fetching(saying(smuggled), tmp_path, stays_open=True) as fetch:
        assert fetch("/1").body == b"mine"
        assert fetch("/2").body == b"mine"


def test_a_name_that_changes_leads_nowhere_else(tmp_path: Path) -> None:
    looked_up = []
    with raw_server(saying(html("x"))) as url:
        port = int(url.rpartition(":")[2])

        def resolve(host: str, _port: int, **_how: object) -> list[tuple[Any, ...]]:
            looked_up.append(host)
            address = "127.0.0.1" if len(looked_up) == 1 else "127.0.0.2"
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))]

        place = place_of(f"http://cong.vn:{port}")
        with Fetcher(place, "t/1", tmp_path, SMALL, resolve) as fetcher:
            for path in ("/1", "/2", "/3"):
                fetcher.fetch(place.own(path)).close()
            assert fetcher.server == "127.0.0.1"

    assert looked_up == ["cong.vn"]


def test_nobody_at_home_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    with (
        Fetcher(place_of(url), "t/1", tmp_path) as fetcher,
        pytest.raises(SiteSilentError, match="refused"),
    ):
        fetcher.fetch(url)
