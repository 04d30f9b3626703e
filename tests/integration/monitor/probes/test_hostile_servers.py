"""Servers that mean harm cost a probe seconds and megabytes, never more, and show nothing raw."""

import gzip
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ops.monitor.probes.line import (
    AskError,
    PageLimits,
    PageRequest,
    Roots,
    ask,
    make_reading,
    make_verifying,
)
from ops.monitor.probes.probe import judge_probe
from tests.integration.monitor.probes.sites import HOST, deaf_port, look, named, target
from tests.name_server import name_server
from tests.private_authority import Authority
from tests.raw_server import Say, raw_server
from tests.web_server import say, web_server

pytestmark = pytest.mark.slow
HEAD = b"HTTP/1.1 200 OK\r\n"
SMALL = PageLimits(body=200_000, head=8_192)
SHORT = replace(SMALL, first_byte=0.5, whole=1.0)


def drip(words: bytes) -> Say:
    def drip_out(line: socket.socket, _target: str) -> None:
        line.sendall(HEAD)
        for _ in range(200):
            line.sendall(words)
            time.sleep(0.05)

    return drip_out


def flood(first: bytes, again: bytes) -> Say:
    def pour(line: socket.socket, _target: str) -> None:
        line.sendall(first)
        for _ in range(20_000):
            line.sendall(again)

    return pour


BOMB = gzip.compress(bytes(20_000_000), 6)


def bomb(line: socket.socket, _target: str) -> None:
    line.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)


def wander(line: socket.socket, target: str) -> None:
    line.sendall(b"HTTP/1.1 302 \r\nLocation: /x" + target[1:].encode() + b"\r\n\r\n")


def wait(_line: socket.socket, _target: str) -> None:
    time.sleep(2)


HOSTILE: list[tuple[str, Say, str]] = [
    ("drips its head", drip(b"X-A: b\r\n"), "timeout"),
    ("drips its body", drip(b"Content-Length: 1000\r\n\r\n"), "timeout"),
    ("pours heads", flood(HEAD, b"X-A: " + b"b" * 1000 + b"\r\n"), "broken"),
    ("pours one line", flood(b"HTTP/1.1 ", b"b" * 1000), "broken"),
    ("goes on and on", flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "broken"),
    ("says rubbish", lambda line, _: line.sendall(b"\x00\xff" * 50 + b"\r\n\r\n"), "broken"),
    ("hangs up", lambda _line, _target: None, "broken"),
    ("says nothing", wait, "timeout"),
    ("cuts its body off", lambda line, _: line.sendall(HEAD + b"Content-Length: 9\r\n\r\nx"),
     "broken"),
    ("packs rubbish", lambda line, _: line.sendall(
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"), "broken"),
    ("leads on for ever", wander, "redirects"),
    ("pours its body", flood(HEAD + b"\r\n", b"b" * 1000), ""),
    ("sends a bomb", bomb, ""),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "problem"), [it[1:] for it in HOSTILE],
                         ids=[it[0] for it in HOSTILE])  # fmt: skip
def test_a_hostile_answer(answer: Say, problem: str) -> None:
    with raw_server(answer) as server:
        limits = SHORT if problem == "timeout" else SMALL
        (found,) = look(target(server), limits=limits, pause=0)

    assert found.findings["answer"].params.get("problem", "") == problem
    assert found.size_bytes in {None, SMALL.body}


def test_a_hundred_thousand_bytes_of_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    mine, root = authority.issue("big", days=90, hosts=[HOST]), authority.root.read_bytes()
    mine.write_bytes(mine.read_bytes() + root * 400)
    with (
        name_server({(HOST, "A"): ["127.0.0.1"]}) as dns,
        web_server({"/": say(b"x")}, certificate=mine) as server,
    ):
        (found,) = look(target(named(server)), nameservers=(dns.place,), authorities=authority.root)

    assert found.verdict == "down"
    assert found.findings["answer"].params["problem"] in {"tls", "broken"}


def _tls_that(act: Callable[[socket.socket], None]) -> tuple[socket.socket, threading.Thread]:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                line, _peer = server.accept()
                with line, suppress(OSError):
                    act(line)

    thread = threading.Thread(target=serve)
    thread.start()
    return server, thread


def test_a_handshake_that_drips() -> None:
    def drip_out(line: socket.socket) -> None:
        for _ in range(40):
            line.sendall(b"\x16\x03\x03\x40\x00"[:1])
            time.sleep(0.05)

    server, thread = _tls_that(drip_out)
    try:
        port = server.getsockname()[1]
        (found,) = look(target(f"https://127.0.0.1:{port}/"), limits=SHORT, pause=0)
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()

    assert found.verdict == "down"
    assert found.findings["answer"].params["problem"] in {"timeout", "tls"}


def test_an_address_that_hung_twice_is_not_waited_for_again() -> None:
    """So that forty sites on one dead host do not take the whole look."""
    trust = Roots(make_verifying(None), make_reading())
    with deaf_port() as place:
        request = PageRequest("http", "x", place[1], "/", (place[0],), until=0)
        for _ in range(2):
            with pytest.raises(AskError, match="timeout"):
                ask(replace(request, until=time.monotonic() + 0.3), trust, PageLimits())
        with pytest.raises(AskError, match="timeout"):
            ask(replace(request, until=time.monotonic() + 1000), trust, PageLimits(connect=1000))

    assert trust.hanging[place] == 2


def test_what_a_stranger_says_is_tidied() -> None:
    def name_things(line: socket.socket, _target: str) -> None:
        line.sendall(b"HTTP/1.1 302 \r\nLocation: http://x\x1b[2J\x07y/\xe2\x80\xae" + b"z" * 5000
                     + b"\r\n\r\n")  # fmt: skip

    with raw_server(name_things) as server:
        (found,) = look(target(server), pause=0)

    (told,) = judge_probe(found, {"first_byte_seconds": 5, "certificate_days": 30})
    text = str(told.params)
    assert told.state == "bad"
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert len(text) < 1000
