"""Somebody has taken over the console's web process: what is within reach without a session.

The thief is a process of another user, who knows where everything lies and how the office is asked.
Root becomes that user; anybody else, who can become nobody, shuts the folder instead.
"""

import json
import os
import pwd
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.access.caller import Caller
from ops.console import run as console_run
from ops.console.frames import socket_path
from ops.console.office import server
from ops.console.office.act_runs import ActRun
from ops.console.office.server import listen, serve
from ops.console.tasks import RunConsole
from ops.estate.load.load import load_estate
from tests.console_office import InProcess, build_console_estate, office_in_process

pytestmark = pytest.mark.slow

NOBODY, STRANGER = 65_534, 65_533
UNHEARD = {None, "[Errno 104] Connection reset by peer", "[Errno 32] Broken pipe"}

THIEF = """
import json, os, socket, struct, sys
order = json.loads(sys.stdin.read())
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(order["user"]); os.setuid(order["user"])
told = {"read": [], "answers": []}
for path in order["paths"]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        told["read"].append(path)
    except OSError:
        pass
for request in order["requests"]:
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(30)
    try:
        line.connect(order["socket"])
        body = request.encode("latin-1") if isinstance(request, str) else None
        if body is None:
            text = json.dumps(request).encode()
            body = struct.pack(">I", len(text)) + text
        line.sendall(body)
        line.shutdown(socket.SHUT_WR)
        heard = b""
        while part := line.recv(65536):
            heard += part
        told["answers"].append(json.loads(heard[4:]) if heard else None)
    except OSError as error:
        told["answers"].append(str(error))
    line.close()
print(json.dumps(told))
"""


@dataclass
class Booty:
    """An office that runs, and where everything lies."""

    office: InProcess
    folder: Path
    socket: Path

    def steal(self, requests: list[Any], user: int = NOBODY) -> dict[str, Any]:
        """Try to read every file, and to have requests answered, as another user."""
        paths = [str(it) for it in (self.folder, *self.folder.rglob("*"))]
        order = {"user": user, "socket": str(self.socket), "paths": paths, "requests": requests}
        if os.geteuid() != 0:
            self.folder.chmod(0)
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", THIEF], input=json.dumps(order), text=True,
                capture_output=True, check=True, cwd="/", env={}, timeout=120,
            )  # fmt: skip
        finally:
            self.folder.chmod(0o750)
        return json.loads(done.stdout)  # type: ignore[no-any-return]  # JSON


@pytest.fixture(scope="module")
def booty() -> Iterator[Booty]:
    """The folders as the how-to and the unit make them: 0750 what is kept, 0711 the socket's."""
    with (
        tempfile.TemporaryDirectory(prefix="giucong-", dir="/tmp") as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(name)
        folder.chmod(0o711)
        estate = build_console_estate(folder / "estate")
        for kept in ("state/journal", "stores/near", "keys"):
            (folder / "estate" / kept).mkdir(parents=True, exist_ok=True)
        (folder / "estate" / "stores" / "near" / "config").write_text("x")
        (folder / "estate").chmod(0o750)
        (folder / "run").mkdir(mode=0o711)
        (folder / "run").chmod(0o711)
        patch.setattr(server, "_console_user", _user)
        with office_in_process(estate) as office:
            stop, listener = threading.Event(), listen(folder / "run" / "office.sock")
            handlers, whose = office.counter.handlers(), office.counter.whose
            thread = threading.Thread(target=serve, args=(listener, handlers, stop, whose))
            thread.start()
            try:
                yield Booty(office, folder / "estate", folder / "run" / "office.sock")
            finally:
                stop.set()
                thread.join()
                listener.close()


def _user() -> pwd.struct_passwd | None:
    return pwd.getpwuid(NOBODY) if os.geteuid() == 0 else None


def test_it_reads_no_file_and_no_list_of_files(booty: Booty) -> None:
    assert booty.steal([])["read"] == []


def test_keys_and_catalog_are_shut_even_in_an_open_folder(booty: Booty) -> None:
    for path in (booty.folder / "keys" / "credentials.key",):
        assert path.stat().st_mode & 0o077 == 0, path
    assert booty.socket.stat().st_mode & 0o007 == 0


def test_the_office_tells_it_nothing_without_a_session(booty: Booty) -> None:
    token = booty.office.token_of("bach")
    asked = [
        {"ask": what, "token": given, "page": "today", "task": "monitor.ack", "id": "x", **more}
        for what in booty.office.counter.handlers()
        if what not in {"greeting", "login"}
        for given in ("", "x" * 43, token[:-1], token.upper(), None, 7, [token], "*" * 100_000)
        for more in ({}, {"person": "bach", "roles": ["operator"], "login": "bach"})
    ]
    answers = booty.steal(asked)["answers"]
    assert len(answers) == len(asked)
    others = {"captured": "NotCapturedError", "public": "WrongUseError"}  # a ticket; off
    for request, answer in zip(asked, answers, strict=True):
        assert answer["kind"] == others.get(str(request["ask"]), "LoggedOutError"), request
    greeting, login = booty.steal([{"ask": "greeting"}, {"ask": "login", "name": "bach"}])[
        "answers"
    ]
    assert {"organisation", "language", "zone", "public_status"} >= set(greeting)
    assert login["kind"] == "NotLetInError"


def test_what_is_no_request_is_answered_with_nothing_and_harms_nobody(booty: Booty) -> None:
    broken = ["", "\x00", "\xff\xff\xff\xff", "\x00\x00\x00\x02{", "\x00\x00\x00\x05abcde",
              "\x00\x00\x00\x02[]", "\x00\x00\x00\x04null", "GET / HTTP/1.1\r\n\r\n"]  # fmt: skip
    deep = "[" * 100_000
    broken.append(len(deep).to_bytes(4, "big").decode("latin-1") + deep)
    odd = [{}, {"ask": None}, {"ask": ["page"]}, {"ask": "__class__"}, {"ask": "page" * 9_999}]
    answers = booty.steal([*broken, *odd])["answers"]
    assert all(it is None or "error" in it or isinstance(it, str) for it in answers)
    assert "organisation" in booty.steal([{"ask": "greeting"}])["answers"][0]


def test_a_session_opens_what_the_person_may_and_no_more(booty: Booty) -> None:
    token = booty.office.token_of("viewer")
    asked = [
        {"ask": "session", "token": token},
        {"ask": "act", "token": token, "task": "monitor.ack", "form": {"alert": "1", "note": "x"}},
        {"ask": "page", "token": token, "page": "../pages/today"},
    ]
    kinds = [it.get("kind") for it in booty.steal(asked)["answers"]]
    assert kinds == [None, "NotAllowedError", "NothingHereError"]


def test_any_other_user_is_not_even_heard(booty: Booty, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's word counts, also where the socket's mode let somebody through."""
    greeting = [{"ask": "greeting"}]
    if os.geteuid() == 0:
        assert "Permission denied" in booty.steal(greeting, STRANGER)["answers"][0]
        booty.socket.chmod(0o666)
        try:
            assert booty.steal(greeting, STRANGER)["answers"][0] in UNHEARD
        finally:
            booty.socket.chmod(0o660)
    stop, path = threading.Event(), booty.socket.with_name("other.sock")
    monkeypatch.setattr(server, "_allowed_users", lambda: {STRANGER})
    listener = listen(path)
    handlers, whose = booty.office.counter.handlers(), booty.office.counter.whose
    thread = threading.Thread(target=serve, args=(listener, handlers, stop, whose))
    thread.start()
    try:
        here = Booty(booty.office, booty.folder, path)
        assert here.steal(greeting)["answers"][0] in UNHEARD
    finally:
        stop.set()
        thread.join()
        listener.close()


def test_the_web_process_gets_none_of_the_services_environment(
    booty: Booty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it becomes, in which order it gives its rights up, and what it takes along."""
    done = list[Any]()

    def execve(_program: str, words: list[str], environment: dict[str, str]) -> None:
        done.append((words, environment))

    for name in ("GIUCONG_PROOF_FILE", "MYSQL_PWD", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "X"):
        monkeypatch.setenv(name, "bí mật")
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(os, "chdir", lambda _path: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: pwd.getpwuid(NOBODY))
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda value, name=name: done.append((name, value)))
    console_run.run_console(RunConsole(listen="127.0.0.1:9"))
    *given_up, (words, environment) = done
    group = pwd.getpwuid(NOBODY).pw_gid
    assert given_up == [("setgroups", [group]), ("setgid", group), ("setuid", NOBODY)]
    assert set(environment) <= {"PATH", "LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE",
                                "PYTHONPATH"}  # fmt: skip
    assert "bí mật" not in str((words, environment))
    assert words[1:4] == ["-P", "-m", "ops.console.web"]
    assert str(booty.folder / "estate.toml") not in str(words)


def test_root_without_that_user_is_told_what_that_means(
    booty: Booty, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a container for a trial there is none: who takes over a process of root has it all."""
    started = list[str]()

    def nobody(name: str) -> None:
        raise KeyError(name)

    def execve(program: str, _words: list[str], _environment: dict[str, str]) -> None:
        started.append(program)

    del booty
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(os, "chdir", lambda _path: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", nobody)
    console_run.run_console(RunConsole(listen="127.0.0.1:9"))
    assert len(started) == 1
    assert "adduser --system --group --no-create-home giucong-console" in capsys.readouterr().err


def test_as_many_connections_as_one_likes_end_nothing(booty: Booty) -> None:
    """A thief opens them without end and says nothing: the office keeps a few, and goes on."""
    held, heard = list[socket.socket](), threading.Event()
    before = len(list(Path("/proc/self/fd").iterdir()))
    try:
        for _number in range(400):
            line = socket.socket(socket.AF_UNIX)
            held.append(line)
            line.settimeout(0)
            with suppress(BlockingIOError):
                line.connect(str(booty.socket))
        heard.wait(1.0)
        assert len(list(Path("/proc/self/fd").iterdir())) - before - len(held) <= 12 + 64
    finally:
        for line in held:
            line.close()
    assert "organisation" in booty.steal([{"ask": "greeting"}])["answers"][0]

    path, stop, tries = booty.socket.with_name("full.sock"), threading.Event(), [24, 103]
    listener = listen(path)

    class Full:
        """Says at first that there are no more descriptors, and that a connection is gone."""

        def settimeout(self, seconds: float) -> None:
            listener.settimeout(seconds)

        def accept(self) -> object:
            if tries:
                raise OSError(tries.pop(), "no")
            return listener.accept()

    handlers, whose = booty.office.counter.handlers(), booty.office.counter.whose
    thread = threading.Thread(target=serve, args=(Full(), handlers, stop, whose))
    thread.start()
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
            line.connect(str(path))
            line.sendall(b"\x00\x00\x00\x02{}")
            assert line.recv(4) != b""
    finally:
        stop.set()
        thread.join()
        listener.close()
    assert tries == []


def test_the_consoles_own_service_is_asked_where_another_is_installed_beside_it(
    booty: Booty, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A trial on a machine with the service would have asked for names and passwords for that."""
    started = list[list[str]]()
    monkeypatch.setattr(os, "execve", lambda _program, words, _around: started.append(words))
    monkeypatch.setattr(os, "chdir", lambda _path: None)
    monkeypatch.setattr(console_run, "RUN_FOLDER", tmp_path)
    monkeypatch.setattr(console_run, "_give_rights_up", lambda: None)
    (tmp_path / "office.sock").touch()
    own = socket_path(Path(load_estate(booty.office.estate.path).service.state))
    for place in (tmp_path / "office.sock", own):
        if place == own:
            own.touch()
        console_run.run_console(RunConsole(listen="127.0.0.1:9"))
        assert started[-1][4] == str(place)
    own.unlink()


def test_who_fetches_slowly_leaves_room_for_others(booty: Booty, tmp_path: Path) -> None:
    big = tmp_path / "out" / "lớn"
    big.parent.mkdir()
    big.write_bytes(b"\0" * 20_000_000)
    run = ActRun("slow", Caller("bach", "bach", ""), "backup.restore", big.parent, code=0)
    run.done.set()
    booty.office.counter.acts._runs[run.id] = run
    asked = {"ask": "act-file", "token": booty.office.token_of("bach"), "id": "slow",
             "name": run.name_of(big), "language": "en"}  # fmt: skip
    body = json.dumps(asked).encode()
    lines, told = list[socket.socket](), list[Any]()
    try:
        for _number in range(9):
            line = socket.socket(socket.AF_UNIX)
            lines.append(line)
            line.settimeout(60)
            line.connect(str(booty.socket))
            line.sendall(len(body).to_bytes(4, "big") + body)
            (length,) = struct.unpack(">I", line.recv(4, socket.MSG_WAITALL))
            told.append(json.loads(line.recv(length, socket.MSG_WAITALL)))  # and nothing more
        said = [it.get("file", it.get("kind")) for it in told]
        assert said == [True] * 6 + ["TooManyActsError"] * 3
        assert "at once" in told[-1]["error"]["what"]
        assert "organisation" in booty.steal([{"ask": "greeting"}])["answers"][0]
    finally:
        for line in lines:
            line.close()
        del booty.office.counter.acts._runs[run.id]
