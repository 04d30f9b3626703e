"""A file that somebody sends: in pieces, bounded, and nothing is left of one that breaks off."""

import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.console.frames import CHUNK, MOST_ASKED, MOST_UPLOADED
from tests.console_office import Browser, InProcess, build_console_estate, office_in_process, served
from tests.security.test_console_web import multipart

pytestmark = pytest.mark.slow

FORM = {"title": "Biên bản", "number": "", "date": "", "about": ""}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    estate = build_console_estate(tmp_path_factory.mktemp("console") / "estate")
    with office_in_process(estate) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def stranger(office: InProcess) -> Iterator[Browser]:
    """The browser of a console that runs meanwhile."""
    with served(office) as found:
        yield found


@pytest.fixture
def orders(office: InProcess, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What would be done; no process is started, and what was uploaded stays."""
    begun = list[bytes]()

    def do(_self: object, run: Any, body: bytes) -> None:
        begun.append(body)
        run.code, run.ended = 0, time.monotonic()
        run.done.set()

    monkeypatch.setattr(type(office.counter.acts), "_do", do)
    return begun


def results(office: InProcess) -> list[Path]:
    return [it for it in office.counter.acts.place.rglob("*") if it.is_file()]


def frame(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def say(office: InProcess, *frames: bytes, token: str | None = None) -> Any:
    """Ask for an act as the web process does; gives the answer, None where there is none."""
    asked = {"ask": "act", "task": "document.add", "form": FORM, "file": True,
             "token": office.token_of("bach") if token is None else token}  # fmt: skip
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(office.estate.path.parent / "state" / "office.sock"))
        try:
            line.sendall(frame(json.dumps(asked).encode()) + b"".join(frames))
            line.shutdown(socket.SHUT_WR)
            heard = b""
            while part := line.recv(65_536):
                heard += part
        except (BrokenPipeError, ConnectionResetError):
            return None
    return json.loads(heard[4:]) if heard else None


def test_a_file_comes_to_the_act_as_it_was_sent(
    office: InProcess, stranger: Browser, orders: list[bytes]
) -> None:
    content = bytes(range(256)) * 40_000
    bach = stranger.as_somebody(office, "bach")
    body, kind = multipart({"csrf": bach.csrf, **FORM}, content, "../../Biên bản.pdf")
    assert bach.post("/act/document.add", body, Content_Type=kind).status == 303
    (file,) = [it for it in results(office) if it.name == "Biên bản.pdf"]
    assert file.read_bytes() == content
    assert str(file) in json.loads(orders[0])["values"]["file"]


def test_one_that_breaks_off_leaves_nothing_and_is_no_act(
    office: InProcess, orders: list[bytes]
) -> None:
    before, runs = results(office), len(office.counter.acts._runs)
    for broken in (
        [frame(b"x" * 1_000)],  # no last piece
        [frame(b"x" * 1_000), b"\x00\x00\x10\x00abc"],
        [frame(b"x" * CHUNK), frame(b"x" * (CHUNK + 1)), frame(b"")],
        [frame(b"x" * CHUNK)] * (MOST_UPLOADED // CHUNK + 1),
        [b"\xff\xff\xff\xff"],
    ):
        answer = say(office, *broken)
        assert answer is None or "error" in answer
    assert orders == []
    assert results(office) == before
    assert len(office.counter.acts._runs) == runs


def test_one_that_nobody_takes_is_answered_all_the_same(
    office: InProcess, orders: list[bytes]
) -> None:
    """Who is not logged in, or may not, is told so, however much was sent with it."""
    pieces = [frame(b"x" * CHUNK)] * 40
    for token, kind in (("", "LoggedOutError"), (office.token_of("viewer"), "NotAllowedError")):
        answer = say(office, *pieces, frame(b""), token=token)
        assert answer["kind"] == kind
    assert orders == []


def test_a_request_itself_is_short(office: InProcess) -> None:
    """No more is read before anybody knows who asks."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(office.estate.path.parent / "state" / "office.sock"))
        line.sendall((MOST_ASKED + 1).to_bytes(4, "big"))
        assert line.recv(1) == b""


def test_what_is_typed_beside_a_file_is_bounded_too(
    office: InProcess, stranger: Browser, orders: list[bytes]
) -> None:
    bach = stranger.as_somebody(office, "bach")
    form = {"csrf": bach.csrf, **FORM, **{f"f{n}": "x" * 200_000 for n in range(4)}}
    body, kind = multipart(form, b"x", "a.pdf")
    assert bach.post("/act/document.add", body, Content_Type=kind).status == 413
    assert orders == []
