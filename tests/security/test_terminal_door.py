"""A member of the group speaks to the door as no client of ours does."""

import json
import os
import pty
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ops.console.office.desk import EstateKeeper
from ops.errors import OpsError
from ops.service import given_files
from ops.service.given_files import Room
from ops.service.terminal_door import TerminalDoor, listen
from ops.terminal.elsewhere import SOCKET
from ops.terminal.task import all_tasks
from tests.forks import forks
from tests.installed_machine import OPERATOR, SERVICE, only_root
from tests.installed_service import InstalledService, done_there, meanwhile_there
from tests.integration.service.installed_estate import installed
from tests.integration.service.test_terminal_door import acts, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service() -> Iterator[InstalledService]:
    with installed() as running:
        yield running


@pytest.fixture
def mine() -> Iterator[Path]:
    """Give a folder of the operator's."""
    with tempfile.TemporaryDirectory(prefix="giucong-mine-") as place:
        os.chown(place, OPERATOR, OPERATOR)
        yield Path(place)


def ask(
    door: socket.socket, task: str, values: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]] = (), descriptors: Sequence[int] = (), *,
    streams: Sequence[int], is_silent: bool = True, **more: Any,
) -> None:  # fmt: skip
    """Ask the door for something, as who runs this; what the act asks back is never answered.

    Args:
        door: A socket for it.
        task, values, files, descriptors: What is asked, and what goes along.
        streams: The standard streams.
        is_silent: Whether the line for what is asked back stays open.
        more: What else the packet holds, or holds instead.
    """
    door.settimeout(20)
    door.connect(str(SOCKET))
    asked = {"task": task, "values": values, "language": "en", "program": "giucong",
             "environment": {}, "files": files, "line": -1, "opener": len(descriptors),
             **more}  # fmt: skip
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    packet = json.dumps(asked).encode()
    socket.send_fds(door, [packet], [*streams, *descriptors, theirs.detach()])
    if is_silent:
        ours.detach()  # open until this process ends


def say(*asked: Any, **more: Any) -> tuple[dict[str, Any], str]:
    """Give the door's answer to what is asked, see `ask`; and what the act wrote."""
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door,
        tempfile.TemporaryFile() as out,
    ):
        nothing = os.open(os.devnull, os.O_RDONLY)
        ask(door, *asked, streams=[nothing, out.fileno(), out.fileno()], **more)
        told = door.recv(1 << 16)
        out.seek(0)
        return json.loads(told), out.read().decode()


def given(flag: str, typed: str, descriptor: int = 0, shape: str = "input-file") -> dict[str, Any]:
    return {"flag": flag, "shape": shape, "typed": typed, "descriptor": descriptor}


def open_pipe(folder: Path) -> int:
    os.mkfifo(folder / "pipe")
    return os.open(folder / "pipe", os.O_RDWR)


OPENED: Mapping[str, Callable[[Path], int]] = {
    "folder": lambda folder: os.open(folder, os.O_RDONLY),
    "pipe that nobody writes": open_pipe,
    "device without an end": lambda _folder: os.open("/dev/zero", os.O_RDONLY),
    "terminal": lambda _folder: pty.openpty()[1],
    "socket": lambda _folder: socket.socketpair()[0].detach(),
    "path alone": lambda folder: os.open(folder / "..", os.O_PATH),
}  # fmt: skip


@only_root
def test_a_key_behind_a_link_is_echoed_by_no_error(service: InstalledService, mine: Path) -> None:
    """`asset.import --file LINK` told the line of the sheet that it could not read: the key."""
    key = service.estate.parent / "var/keys/repository.key"
    (mine / "sheet.csv").symlink_to(key)
    for typed in (mine / "sheet.csv", key):
        refused = service.run("nva", "asset.import", "--file", str(typed))
        assert refused.returncode == 2, refused
        assert "cannot be read" in refused.stderr
        assert key.read_text().strip() not in refused.stdout + refused.stderr


@only_root
@pytest.mark.parametrize(
    "words",
    [["plan.show", "--year", "2026", "--calendar"], ["asset.export", "--out"],
     ["monitor.chart", "--subject", "host:giucong", "--out"],
     ["report.make", "--kind", "policy", "--out"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_a_viewer_neither_replaces_nor_makes_a_file_of_the_service(
    service: InstalledService, mine: Path, words: list[str]
) -> None:
    var = service.estate.parent / "var"
    key = var / "keys/repository.key"
    os.chown(mine, 1062, 1062)
    (mine / "link.svg").symlink_to(key)
    (mine / "in").symlink_to(var / "state")
    before = (key.stat().st_ino, key.stat().st_mtime_ns, key.read_bytes())
    for typed in (key, mine / "link.svg", var / "state/new.csv", mine / "in/new.csv"):
        refused = service.run("ttb", *words, str(typed))
        assert refused.returncode != 0, refused
    assert (key.stat().st_ino, key.stat().st_mtime_ns, key.read_bytes()) == before
    assert not (var / "state/new.csv").exists()


@only_root
@pytest.mark.parametrize("kind", OPENED)
@pytest.mark.parametrize(
    ("task", "flag", "shape", "more"),
    [("asset.import", "file", "input-file", {}),
     ("backup.key-add", "password_file", "secret", {"site": "cong-xa"})],
)  # fmt: skip
def test_what_is_no_file_is_refused_at_once(  # noqa: PLR0917 - three parameters
    service: InstalledService, mine: Path, kind: str, task: str, flag: str, shape: str,
    more: Mapping[str, Any],
) -> None:  # fmt: skip
    """An act that waited for it would go on for ever when the line is cut."""

    def do() -> tuple[dict[str, Any], str]:
        return say(task, {flag: "x.toml", **more}, [given(flag, "x.toml", shape=shape)],
                   [OPENED[kind](mine)])  # fmt: skip

    told, written = done_there(service, "nva", do)
    assert told != {"code": 0}
    assert "x.toml is no file" in written
    assert not acts(service)


@only_root
@pytest.mark.parametrize("name", ["..", "x/..", ".", "/", "a" * 300, "x\0y"])
def test_no_name_of_a_file_leads_out_of_the_acts_folder(
    service: InstalledService, mine: Path, name: str
) -> None:
    (mine / "f").write_text("no asset\n")

    def do() -> tuple[dict[str, Any], str]:
        opened = os.open(mine / "f", os.O_RDONLY)
        return say("asset.import", {"file": name}, [given("file", name)], [opened])

    told, written = done_there(service, "nva", do)
    assert told.get("code", 1) != 0
    assert "Traceback" not in written
    assert [*(service.estate.parent / "var/state/console").iterdir()] == []


@only_root
@pytest.mark.parametrize(
    ("task", "flag"),
    [("backup.restore", "target"), ("backup.export-media", "to"), ("drill.wipe", "target")],
)
def test_who_hands_over_no_line_has_the_service_open_nothing(
    service: InstalledService, task: str, flag: str
) -> None:
    """Else the act would take what was typed for its own: where nobody sits elsewhere, it may."""
    place = service.estate.parent / "var/dich"
    place.mkdir(exist_ok=True)
    (place / "rows.csv").write_text("x")
    for it in (place, place / "rows.csv"):
        os.chown(it, SERVICE, SERVICE)
    more = {"drill.wipe": {}, "backup.restore": {"site": "cong-xa"}}
    values = {flag: str(place), **more.get(task, {"code": "GC-1", "allow_folder": True})}
    told, _written = done_there(service, "nva", lambda: say(task, values, opener=-1))
    assert "does not understand" in told["error"]["what"]
    told, written = done_there(service, "nva", lambda: say(task, values, is_silent=False))
    assert told["code"] in {1, 2}, written
    assert [it.name for it in place.iterdir()] == ["rows.csv"]


@only_root
def test_an_act_whose_files_never_come_ends_with_its_line(service: InstalledService) -> None:
    """It has begun nothing, although it is one that goes on."""

    def do() -> None:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours, theirs = socket.socketpair()
        nothing = os.open(os.devnull, os.O_RDWR)
        files = [given("from_", "x", -1, "input-folder")]
        values = {"from_": "x", "site": "cong-xa"}
        ask(line, "archive.ingest", values, files, [theirs.detach()], streams=[nothing] * 3, line=0)
        held = os.dup(ours.fileno())  # somebody else has it, and says nothing
        if os.fork() == 0:
            line.close()
            time.sleep(20)
            os._exit(held and 0)
        time.sleep(2)

    done_there(service, "nva", do)
    wait_for(lambda: not acts(service), 10)


@only_root
def test_a_hole_of_terabytes_is_refused_at_once(service: InstalledService, mine: Path) -> None:
    with (mine / "sheet.csv").open("wb") as file:
        file.truncate(4 << 40)
    (mine / "sheet.csv").chmod(0o644)
    begun = time.monotonic()
    refused = service.run("nva", "asset.import", "--file", str(mine / "sheet.csv"))
    assert "more than goes through the line" in refused.stderr
    assert time.monotonic() - begun < 5


@only_root
def test_an_act_that_cannot_begin_says_so(service: InstalledService) -> None:
    """Another session's terminal: the act cannot have it for its own."""

    def do() -> tuple[dict[str, Any], str]:
        ours, theirs = pty.openpty()
        os.set_blocking(ours, False)
        if os.fork() == 0:
            os.setsid()
            os.close(os.open(os.ttyname(theirs), os.O_RDWR))  # its controlling terminal now
            time.sleep(20)
        time.sleep(0.5)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            ask(line, "backup.status", {}, streams=[theirs] * 3)
            told = json.loads(line.recv(1 << 16))
        return told, os.read(ours, 1 << 16).decode()

    told, written = done_there(service, "nva", do)
    assert told == {"code": 1}
    assert "something unexpected happened" in written


def test_what_is_no_order_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """An act that fails before it has read what to do leaves nobody without a word."""
    monkeypatch.setenv("GIUCONG_LANG", "en")
    hear, tell = os.pipe()
    order = os.memfd_create("order")
    os.write(order, b"{")
    nothing = os.open(os.devnull, os.O_RDWR)
    started = forks().start([nothing, tell, tell, order], looks=True)
    assert started.wait(30)
    os.close(tell)
    with os.fdopen(hear, "rb") as told:
        assert "something unexpected happened" in told.read().decode()
    for it in (order, nothing):
        os.close(it)
    assert started.code == 1


@only_root
def test_an_act_that_is_ended_as_it_is_forked_hears_it_itself() -> None:
    """With the handlers it was forked with, it would end nobody, or have all of them end."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (signal.SIGINT, signal.SIGTERM):
        for _turn in range(20):
            hear, tell = os.pipe()
            order = os.memfd_create("order")
            os.write(order, json.dumps([0] * 1_000_000).encode())  # takes a while, and is none
            started = forks().start([nothing, tell, tell, order], looks=True)
            started.send(number)
            assert started.wait(30)
            os.close(tell)
            os.close(order)
            with os.fdopen(hear, "rb") as told:
                assert told.read()
            assert started.code in {1, 130}
    os.close(nothing)


@only_root
def test_an_act_that_is_killed_is_told_of(service: InstalledService) -> None:
    def do() -> dict[str, Any]:
        _ours, theirs = socket.socketpair()
        files = [given("from_", "x", -1, "input-folder")]
        return say(
            "archive.ingest", {"from_": "x", "site": "cong-xa"}, files, [theirs.detach()], line=0
        )[0]

    def kill() -> None:
        wait_for(lambda: bool(acts(service)))
        time.sleep(1)
        for it in service.acting():
            it.send_signal(signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            kill()
        os._exit(0)
    told = done_there(service, "nva", do)
    os.waitpid(pid, 0)
    assert "ended before it was done" in told["error"]["what"]


def test_nobody_takes_the_room_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a sum over all acts, and what is left free is nobody's."""
    monkeypatch.setattr(given_files, "MOST_BYTES", 40 << 20)
    monkeypatch.setattr(given_files, "_STEP", 1 << 20)
    folders = [tmp_path / name for name in ("1061-a", "1061-b", "1062-a")]
    for it in folders:
        it.mkdir()
    (folders[0] / "given").write_bytes(bytes(30 << 20))
    mine, others = Room(folders[1]), Room(folders[2])
    others.take(39 << 20)
    mine.take(5 << 20)
    (folders[1] / "given").write_bytes(bytes(5 << 20))
    with pytest.raises(OpsError, match="no room"):
        mine.take(6 << 20)
    room = os.statvfs(tmp_path)
    monkeypatch.setattr(given_files, "MOST_BYTES", 1 << 60)
    monkeypatch.setattr(given_files, "_GIB", room.f_bavail * room.f_frsize - (1 << 20))
    monkeypatch.setattr(given_files, "_SHARE", 1)
    with pytest.raises(OpsError, match="no room"):
        Room(folders[2]).take(2 << 20)


@only_root
def test_who_says_nothing_keeps_nobody_else_out(service: InstalledService) -> None:
    """A viewer opens hundreds of lines and is silent on each."""

    lines = list[socket.socket]()

    def be_silent() -> None:
        for _turn in range(300):
            lines.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            lines[-1].settimeout(1)
            with suppress(OSError):
                lines[-1].connect(str(SOCKET))
        time.sleep(2)  # until those are dropped that are too many

    with meanwhile_there(service, "ttb", be_silent):
        begun = time.monotonic()
        done = done_there(service, "nva", lambda: say("report.kinds", {}), seconds=60)
    assert done[0] == {"code": 0}
    assert time.monotonic() - begun < 5


@only_root
@pytest.mark.parametrize(
    ("task", "values"),
    [("asset.export", {"out": "-"}), ("asset.import", {"file": "-"}),
     ("plan.show", {"year": 2026, "out": "-"})],
)  # fmt: skip
def test_a_hyphen_is_no_file_of_the_services(
    service: InstalledService, task: str, values: Mapping[str, Any]
) -> None:
    """It stands for standard input where a secret is wanted, and else for a file so called."""
    told, _said = done_there(service, "nva", lambda: say(task, values))
    assert "does not understand" in told["error"]["what"]


@only_root
def test_what_the_service_never_does_for_others_is_no_task_here(service: InstalledService) -> None:
    for task in all_tasks().values():
        if not task.as_owner or task.is_foreground:
            told, _said = done_there(service, "nva", partial(say, task.name, {}))
            assert "does not understand" in told["error"]["what"], task.name


@only_root
def test_a_terminal_is_as_wide_as_terminals_are(service: InstalledService) -> None:
    """A line that is filled up to a width of billions takes all memory."""

    def do() -> tuple[dict[str, Any], int]:
        ours, theirs = pty.openpty()
        os.set_blocking(ours, False)
        environment = {"COLUMNS": "2000000000", "LINES": "٣", "TERM": "xterm"}
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            ask(line, "backup.status", {}, streams=[theirs] * 3, environment=environment)
            return json.loads(line.recv(1 << 16)), len(os.read(ours, 1 << 20))

    told, written = done_there(service, "nva", do)
    assert told["code"] in {0, 1}
    assert written < 64 * 1024


@only_root
def test_open_files_of_one_are_not_the_offices(service: InstalledService) -> None:
    """Eight acts that wait, each with as many files as a packet carries."""

    def ask_with_files() -> None:
        for _turn in range(8):
            door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours, theirs = socket.socketpair()
            nothing = os.open(os.devnull, os.O_RDWR)
            files = [given("from_", "x", -1, "input-folder")]
            values = {"from_": "x", "site": "cong-xa"}
            more = [theirs.detach(), *[nothing] * 55]
            ask(door, "archive.ingest", values, files, more, streams=[nothing] * 3, line=0)
            ours.detach()
            door.detach()

    with meanwhile_there(service, "nva", ask_with_files):
        wait_for(lambda: len(service.acting()) == 8)
        office = service.acting()[0].parent()
        assert office is not None
        first = min(office.children(), key=lambda it: it.create_time())
        wait_for(lambda: first.num_fds() < 150, 10)
    wait_for(lambda: not service.acting())


@only_root
def test_what_comes_back_goes_through_no_link_of_others(
    service: InstalledService, mine: Path
) -> None:
    """Whoever owns a folder on the way would choose where the person's rights write."""
    with tempfile.TemporaryDirectory(prefix="giucong-theirs-") as place:
        os.chown(place, 1062, 1062)
        Path(place).chmod(0o755)
        private = mine / "private"
        private.mkdir()
        os.chown(private, OPERATOR, OPERATOR)
        for name, leads_to in {"out": private, "above": mine}.items():
            (Path(place) / name).symlink_to(leads_to)
            os.lchown(Path(place) / name, 1062, 1062)
        for typed in (f"{place}/out", f"{place}/above/private"):
            told = service.run("nva", "report.make", "--kind", "policy", "--out", typed)
            assert told.returncode != 0, told
            assert "is a link" in told.stderr
        told = service.run("nva", "asset.export", "--out", f"{place}/out/new.csv")
        assert "is a link" in told.stderr
        assert [*private.iterdir()] == []
        (mine / "own").symlink_to(private)
        os.lchown(mine / "own", OPERATOR, OPERATOR)
        mine.chmod(0o755)
        done = service.run("nva", "report.make", "--kind", "policy", "--out", str(mine / "own"))
        assert done.returncode == 0, done
        assert len([*private.iterdir()]) == 2


@only_root
def test_six_accounts_that_say_nothing_keep_nobody_else_out() -> None:
    """Each has as many lines as one may have."""
    stop, children = threading.Event(), list[int]()
    with tempfile.TemporaryDirectory(prefix="giucong-six-") as place:
        path = Path(place) / "terminal.sock"
        door = TerminalDoor(EstateKeeper(), forks(), Path(place), Path(place), stop)
        with listen(path) as listener:
            Path(place).chmod(0o755)
            path.chmod(0o666)
            serving = threading.Thread(target=door.serve, args=(listener,))
            serving.start()
            try:
                for user in range(60_001, 60_007):
                    children.append(hold_lines(path, user, 12))
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
                    line.settimeout(5)
                    line.connect(str(path))
                    line.send(b"{}")
                    assert "error" in json.loads(line.recv(1 << 16))
            finally:
                for it in children:
                    os.kill(it, signal.SIGKILL)
                    os.waitpid(it, 0)
                stop.set()
                serving.join()


def hold_lines(path: Path, user: int, number: int) -> int:
    """Have an account open lines and say nothing; gives its process, once they are open."""
    hear, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setresuid(user, user, user)
            lines = [
                socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _turn in range(number)
            ]
            for it in lines:
                it.connect(str(path))
            os.write(tell, b"x")
            time.sleep(60)
        finally:
            os._exit(1)
    os.close(tell)
    with os.fdopen(hear, "rb") as told:
        assert told.read(1) == b"x"
    return pid
