"""What a hostile page can do to us: take our time, our memory, or lead us into our own network."""

import resource
import signal
import socket
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import msgspec
import pytest

from ops.backups.pages.fetch import FetchLimits, InsideError, fetch_page, is_public, open_line
from ops.backups.pages.notes import Fetched, PageNote, note_answer, tell_problem
from ops.backups.pages.noting import PagesOrder, note_pages, noting_beside
from tests.effort import takes_at_most
from tests.web_server import say, web_server

ROOT = Path(__file__).parents[2]
HALF = 1 << 20  # characters; of a page 2 MiB are read
LONG = {
    "a tag without an end": "<" + "a" * HALF,
    "an end without an end": "</" + "a" * HALF,
    "a declaration": "<!" + "a" * HALF,
    "quotes": "<a='" + "'" * HALF,
    "an endless title": "<title" + "x" * HALF,
    "names that never end": "<p" * (HALF // 2),
    "titles that never end": "<title>" + "</titl" * (HALF // 6),
    "marks in the wrong order": "a" + "\u0301" * (HALF // 2) + "\u0327" * (HALF // 2),
    "marks in turn": "a" + "\u0300\u0316" * (HALF // 2),
    "marks as entities": "a" + "&#769;&#807;" * (HALF // 12),
    "numbers without end": "&#" + "9" * HALF,
    "ampersands": "&" * HALF,
}


@pytest.mark.slow
@pytest.mark.parametrize("page", LONG.values(), ids=LONG)
def test_a_page_of_any_form_is_read_in_a_moment(page: str) -> None:
    answer = Fetched("http://a.vn", status=200, content_type="text/html", body=page.encode())

    # A tenth of a second. What was quadratic took the square of 80 kB's eight seconds: an hour.
    assert takes_at_most(5, lambda: note_answer("/", answer, unmoved()))


@pytest.mark.parametrize(
    "charset", ["undefined", "idna", "punycode", "utf-7", "unicode_escape", "raw-unicode-escape"]
)
def test_a_character_set_that_is_none_for_pages_is_not_believed(charset: str) -> None:
    kind, body = f"text/html; charset={charset}", b"+2AA-" + b"9" * HALF
    answer = Fetched("http://a.vn", status=200, content_type=kind, body=body)

    assert takes_at_most(2, lambda: note_answer("/", answer, unmoved()))
    assert note_answer("/", answer, unmoved()).problem == ""


def test_letters_with_marks_read_the_same_as_ever() -> None:
    text = "Ỷ Lan gõ cửa ------------------------------------------------ ấ " * 10

    assert note_text(unicodedata.normalize("NFD", text)) == note_text(text)


def test_a_title_without_end_is_cut() -> None:
    answer = Fetched("http://a.vn", status=200, body=b"<title>" + b"x" * HALF + b"</title>")

    assert len(note_answer("/", answer, unmoved()).title) == 1000


@pytest.mark.slow
def test_pages_are_noted_beside_what_goes_on_and_never_hold_it_up() -> None:
    with web_server({"/": flood, "/well": say(b"<title>x</title>")}) as url:
        started = time.monotonic()
        with noting_beside(
            PagesOrder(url=url, pages=["/well", "/", "/never"], all_seconds=4.0)
        ) as take:
            begun = time.monotonic() - started
            notes = take()
        ended = time.monotonic() - started

    assert begun < 2
    assert [it.problem for it in notes][:1] == [""]
    assert {it.problem for it in notes[1:]} <= {"late", "timeout", "broken"}
    assert ended < 15


@pytest.mark.slow
def test_the_kernel_holds_who_notes_pages_to_its_bounds() -> None:
    """Also where whoever started it is gone, or has forgotten it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        order = PagesOrder(url=f"http://127.0.0.1:{port}", pages=["/"], all_seconds=1.0)
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.backups.pages.noting"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
        with silent.accept()[0]:
            bounds = resource.prlimit(process.pid, resource.RLIMIT_AS)
            status = process.wait(timeout=60)

    assert bounds == (1 << 30, 1 << 30)
    assert status in {0, -signal.SIGALRM}


@pytest.mark.slow
def test_a_backup_that_breaks_off_leaves_nobody_noting_pages() -> None:
    with web_server({"/": flood}) as url:
        with suppress(KeyboardInterrupt), noting_beside(PagesOrder(url=url, pages=["/"])):
            time.sleep(1)
            raise KeyboardInterrupt
        before = flood.sent
        time.sleep(1)

        assert flood.sent <= before + 10_000


@pytest.mark.parametrize("place", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_redirect_into_our_own_network_is_not_followed(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    with listening() as (inside, port):
        with web_server({"/": say(b"", 302, Location=f"http://{place}:{port}/admin")}) as url:
            (note,) = note_pages(url, ["/"])
        reached = has_guest(inside)

    assert note.problem == "inside"
    assert not reached
    assert "redirected into a network" in tell_problem("inside", note.address, note.detail)


def test_a_redirect_to_the_site_itself_is_followed_wherever_it_lives() -> None:
    with web_server({"/": say(b"", 302, Location="/vi"), "/vi": say(b"<title>x</title>")}) as url:
        (note,) = note_pages(url, ["/"])

    assert (note.problem, note.title) == ("", "x")


def test_a_name_is_asked_for_once_and_the_line_goes_to_what_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, reached = [], []

    def answer(host: str, port: int, **_more: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port))]

    def connect(_line: socket.socket, where: tuple[str, int]) -> None:
        reached.append(where)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(socket.socket, "connect", connect)
    open_line("hai-mat.vn", 80, deadline=time.monotonic() + 5).close()
    with pytest.raises(InsideError):
        open_line("hai-mat.vn", 80, deadline=time.monotonic() + 5)

    assert asked == ["hai-mat.vn"] * 2
    assert reached == [("93.184.216.34", 80)]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%2", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
    ],
)
def test_what_is_a_public_address(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_an_address_without_end_is_none() -> None:
    answer = fetch_page("http://" + "a." * 100_000 + "vn/", FetchLimits())

    assert (answer.problem, len(answer.detail) < 5000) == ("address", True)


class Flood:
    """Says `100 Continue` again and again, which no client that waits for an answer gives up."""

    sent = 0

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        while True:
            request.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)
            self.sent += 50


flood = Flood()


def unmoved() -> datetime:
    return datetime(2026, 11, 24, tzinfo=UTC)


def note_text(text: str) -> PageNote:
    answer = Fetched("http://a.vn", status=200, content_type="text/plain", body=text.encode())
    return note_answer("/", answer, unmoved())


@contextmanager
def listening() -> Iterator[tuple[socket.socket, int]]:
    """Listen on the loopback, as a service for nobody but this machine does."""
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0)
        yield inside, inside.getsockname()[1]


def has_guest(inside: socket.socket) -> bool:
    try:
        inside.accept()[0].close()
    except BlockingIOError:
        return False
    return True
