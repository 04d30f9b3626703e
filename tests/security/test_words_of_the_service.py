"""What a service that somebody else rules says in the end is text and a number, and no more."""

import json
import socket
from contextlib import closing

import pytest

from ops.cli.client import _read_end
from ops.errors import OpsError
from ops.terminal.exit_codes import attempt


def end_with(said: bytes) -> int:
    """Give the exit code where the service says this in the end."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with closing(here), closing(there):
        there.send(said)
        there.close()
        return attempt(lambda: _read_end(here))


def say(**told: object) -> bytes:
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    "said",
    [say(code=10**20), say(code=256), say(code=-65), say(code="0"), say(code=None), say(code=1.5),
     say(), b"{{{", b"[1]", b"7", b"null", b"[" * 60_000, b"\xff", say(error="x"), say(error=[1]),
     say(code=0, more=1)],
)  # fmt: skip
def test_nonsense_is_told_as_such(said: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    assert end_with(said) == 1
    told = capsys.readouterr().err
    assert "không đúng khuôn dạng" in told
    assert len(told.splitlines()) == 4


@pytest.mark.parametrize(
    "text",
    ["{program:>9999999}", "{program.__class__.__mro__}", "{0}", "{", "{what_said}", "{why_said}",
     "{said!r:>999999}"],
)  # fmt: skip
def test_what_is_said_is_no_template(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = say(error={"what": text, "why": text, "data": text, "next_step": text})
    assert end_with(said) == 1
    told = capsys.readouterr().err
    assert told.count(text) == 4
    assert len(told) < 500


def test_words_command_no_terminal_and_have_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    said = say(error={"what": "\x1b]52;c;eA==\x07\u202e", "why": "y" * 50_000, "values": {"a": 1}})
    assert end_with(said) == 1
    told = capsys.readouterr().err
    assert not set(told) & {"\x1b", "\x07", "\u202e"}
    assert len(told) < 5_000
    assert len(told.splitlines()) == 2  # what is empty has no line


@pytest.mark.parametrize(("code", "told"), [(0, 0), (3, 3), (255, 255), (-2, 130)])
def test_an_exit_code_is_one(code: int, told: int) -> None:
    assert end_with(say(code=code)) == told


def test_a_cut_line_is_told() -> None:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    there.close()
    with closing(here), pytest.raises(OpsError, match="broke off"):
        _read_end(here)
