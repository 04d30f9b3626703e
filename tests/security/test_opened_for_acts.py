"""A service that somebody else rules asks a person's process to open files for it."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ops.cli.client import _may_be_paths
from ops.terminal.elsewhere import (
    WasTyped,
    device_as_typed,
    open_as_typed,
    opening_through,
    serve_opening,
)
from ops.terminal.task import find_task


@contextmanager
def typed(task: str, values: Mapping[str, Any], at_prompt: bytes = b"") -> Iterator[socket.socket]:
    """Have somebody type a command; gives the service's end of the line."""
    was_typed = WasTyped(_may_be_paths(find_task(task), values))
    was_typed.note(at_prompt)
    service, mine = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def refuse(given: list[int]) -> None:
        for it in given:
            os.close(it)

    thread = threading.Thread(target=serve_opening, args=(mine, was_typed, refuse))
    thread.start()
    with closing(mine), closing(service):
        yield service
        service.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        assert not thread.is_alive()


def ask(service: socket.socket, said: object) -> bytes | dict[str, Any]:
    """Ask for something; gives the content of what is opened, or what is told instead."""
    service.send(said if isinstance(said, bytes) else json.dumps(said).encode())
    told, opened, _flags, _from = socket.recv_fds(service, 1 << 16, 4)
    if opened:
        with os.fdopen(opened[0], "rb") as file:
            return file.read()
    return dict(json.loads(told))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files that are called as flags and what they hold are; gone into."""
    for name in ("id", "set", "site", "cong-xa", "run.toml", "notes"):
        (tmp_path / name).write_text("của tôi")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_no_word_of_a_command_is_a_file(home: Path) -> None:
    values = {"id": "run.toml", "set": [f"file={home}/notes", "site=cong-xa"],
              "reason": f"see {home}/run.toml"}  # fmt: skip
    with typed("runbook.run", values) as service:
        assert ask(service, {"open": f"{home}/notes"}) == "của tôi".encode()
        for path in ("id", "set", "site", "cong-xa", "notes", "run.toml", f"{home}/run.toml"):
            assert ask(service, {"open": path}) == {"error": 1}, path


def test_a_folder_is_opened_for_nobody_and_its_disk_is_a_number(home: Path) -> None:
    target = {"site": "cong-xa", "target": str(home / "folder")}
    with typed("backup.restore", target) as service:
        assert ask(service, {"open": target["target"]}) == {"error": 1}
        assert ask(service, {"device": target["target"]}) == {"error": 1}
    with typed("backup.key-export", {"to": str(home / "folder")}) as service:
        assert ask(service, {"open": str(home / "folder")}) == {"error": 22}
        assert ask(service, {"device": str(home / "folder")}) == {"device": home.stat().st_dev}
        with opening_through(service):
            assert device_as_typed(str(home / "folder")) == home.stat().st_dev
            for refused in (str(home), str(home / "notes")):
                with pytest.raises(OSError, match=refused):
                    device_as_typed(refused)


@pytest.mark.parametrize("made", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_opened(home: Path, made: Callable[[str], None]) -> None:
    made(str(home / "x"))
    with (
        typed("runbook.run", {"id": "x"}, f"{home}/x\r/dev/zero\r".encode()) as service,
        opening_through(service),
    ):
        for path in (f"{home}/x", "/dev/zero"):
            with pytest.raises(OSError, match="Invalid argument"):
                open_as_typed(path)


@pytest.mark.parametrize(
    "said",
    [b"{", b"[" * 60_000, b"[]", b"7", {}, {"open": 7}, {"open": "\ud800"}, {"open": "/x\0"},
     {"open": None}, {"device": ["/"]}, {"open": "/", "device": "/"}],
)  # fmt: skip
def test_nonsense_is_answered_and_the_next_is_heard(home: Path, said: object) -> None:
    with typed("runbook.run", {"id": "x", "set": [f"f={home}/notes"]}) as service:
        assert "error" in dict(ask(service, said))  # type: ignore[arg-type]  # told, not opened
        assert ask(service, {"open": f"{home}/notes"}) == "của tôi".encode()
