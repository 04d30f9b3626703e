"""Where the record is made: an estate in a folder, its servers, people, and a clock that stands.

The clock is libfaketime's, read from a file: every process of ours sees the moment that stands
there, to the microsecond, until the next command. Clocks that only count go on as they are.
"""

import getpass
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp

from examples.portal import build_site, build_small_site
from examples.served import served
from ops.estate.load.load import load_estate
from tests.lab.terminal import type_at_terminal
from tests.postgres_server import run_postgres
from tests.private_server import find_free_ports
from tests.record.screen import ROWS_AND_COLUMNS, read_screen
from tests.smtp_sink import Sink, smtp_sink
from tests.ssh_server import start_ssh_server
from tests.warm_program import run_warm

ROOT = Path(__file__).parents[2]
GIUCONG = Path(sys.executable).with_name("giucong")
BASE = datetime(2026, 10, 5, 1, 0, tzinfo=UTC)  # a Monday, eight o'clock in Vietnam
_LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
_BUILT_AT = BASE.timestamp() - 7 * 86_400
_PASSWORD = re.compile(r"(?:Mật khẩu (?:mới )?của|(?:New p|P)assword of) (\w+): ?$")
_AGAIN = re.compile(r"(?:Nhập lại|Once more): ?$")
_CODE = re.compile(r"(?:Mã trong ứng dụng|Code from the authenticator).*: ?$")
_FIRST_CODE = re.compile(r"(?:Mã mà ứng dụng|The code that the app).*: ?$")
_SECRET = re.compile(r"otpauth://totp/\S*[?&]secret=([A-Z2-7]+)")
_SECONDS = 120.0


@dataclass(frozen=True)
class Told:
    """What a command gave; at a terminal both streams are one."""

    code: int
    stdout: str
    stderr: str = ""


@dataclass
class World:
    """The estate's folder, and what is outside of it.

    Attributes:
        here: The estate's folder.
        usb: A folder on another disk, which stands for a medium.
        sink: Mails that were sent.
        known: What differs from run to run → what a record has in its place.
        secrets: Person → what makes the codes, as the program showed it.
    """

    here: Path
    usb: Path
    sink: Sink
    known: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)
    now: datetime = BASE

    @property
    def estate(self) -> Path:
        return self.here / "estate.toml"

    def set_clock(self, moment: datetime) -> None:
        """Let every process see this moment from now on."""
        self.now = moment
        _write_clock(Path(os.environ["FAKETIME_TIMESTAMP_FILE"]), moment)

    def code_of(self, person: str) -> str:
        """Give the code that a person's app shows now."""
        return pyotp.TOTP(self.secrets[person]).at(self.now)

    def proof_of(self, person: str) -> str:
        """Write the file with which somebody proves who it is; gives its path."""
        path = self.here / f"proof-{person}"
        secret = self.secrets.get(person)
        lines = [password_of(person), pyotp.TOTP(secret).at(self.now) if secret else ""]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def note(self, person: str, told: str) -> None:
        """Note a second factor that was shown."""
        if found := _SECRET.findall(told):
            self.secrets[person] = found[-1]


def password_of(person: str) -> str:
    """Give somebody's password, the same in every record."""
    return f"trâu trắng qua cầu {sum(person.encode())} lần"


def as_person(  # the one place that says how what somebody types reaches the service
    world: World, who: str, words: Sequence[str], *, language: str, terminal: bool,
    answers: Sequence[tuple[str, str]] = (), given: str = "", until: str = "",
) -> Told:  # fmt: skip
    """Type a command as somebody; root is nobody of the estate.

    Args:
        world: Where.
        who: The login.
        words: The task and its flags.
        language: `vi` or `en`.
        terminal: Whether it is at a terminal of 24 lines by 80; else a script types it.
        answers: Piece of a question → what is typed there.
        given: Standard input of a script.
        until: Interrupted once it has said this; empty: it ends by itself.
    """
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(world.here), "PWD": str(world.here),
        "GIUCONG_ESTATE": str(world.estate), "GIUCONG_LANG": language, "LOGNAME": "root",
        **{name: it for name, it in os.environ.items() if name.startswith(("FAKETIME", "NO_FAKE"))},
        "LD_PRELOAD": os.environ["LD_PRELOAD"],
    }  # fmt: skip
    if who != "root":
        environment["SUDO_USER"] = who
    command = [str(GIUCONG), *([] if [*words] == ["giucong"] else words)]
    if until:
        return _interrupted(command, environment, until)
    if not terminal:
        try:
            ended = run_warm(command, environment, _SECONDS, given)
        except subprocess.TimeoutExpired:
            return Told(-1, f"(not over after {_SECONDS:.0f} seconds)")
        return Told(ended.returncode, ended.stdout, ended.stderr)
    answering = _answering(world, who, answers)
    try:
        typed = type_at_terminal(
            command, answering, environment=environment, seconds=_SECONDS, clean=read_screen,
            rows_and_columns=ROWS_AND_COLUMNS,
        )  # fmt: skip
    except AssertionError as error:
        return Told(-1, str(error).partition("\n")[2])
    return Told(typed.code, typed.told)


def _interrupted(command: Sequence[str], environment: Mapping[str, str], until: str) -> Told:
    """Run what runs until it is interrupted."""
    with tempfile.TemporaryFile("w+b") as told:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=told, stderr=told,
            start_new_session=True,
        )  # fmt: skip
        ends = time.monotonic() + _SECONDS / 2
        while process.poll() is None and time.monotonic() < ends:
            if until.encode() in os.pread(told.fileno(), 1 << 20, 0):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(_SECONDS / 2)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        return Told(code, os.pread(told.fileno(), 1 << 20, 0).decode())


def _answering(world: World, who: str, answers: Sequence[tuple[str, str]]) -> Callable[[str], str]:
    """Make what answers at a terminal: passwords and codes by themselves, the rest as declared."""
    left, asked = list(answers), who

    def answer(told: str) -> str:
        nonlocal asked
        line = told.rpartition("\n")[2]
        if left and left[0][0] in told[-800:]:
            return left.pop(0)[1]
        if found := _PASSWORD.search(line):
            asked = found[1]
            return password_of(asked)
        if _AGAIN.search(line):
            return password_of(asked)
        if _FIRST_CODE.search(line):
            world.note(asked, told)
        if _CODE.search(line) or _FIRST_CODE.search(line):
            return world.code_of(asked)
        raise EOFError

    return answer


def _write_clock(path: Path, moment: datetime) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.write_text(f"{moment.timestamp():.0f}\n")
    unfinished.rename(path)


def begin_again_with_a_clock(module: str) -> None:
    """Start this program again below libfaketime, unless it is.

    Raises:
        RuntimeError: The library is missing.
    """
    if os.environ.get("FAKETIME_TIMESTAMP_FILE"):
        return
    if not Path(_LIBRARY).exists():
        raise RuntimeError("libfaketime is missing: apt-get install faketime")
    handle, name = tempfile.mkstemp(prefix="gcr-clock-")
    os.close(handle)
    _write_clock(Path(name), BASE)
    environment = {
        **os.environ, "LD_PRELOAD": _LIBRARY, "FAKETIME_TIMESTAMP_FILE": name, "FAKETIME_FMT": "%s",
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
    }  # fmt: skip
    with suppress_interrupt():
        code = subprocess.run(
            [sys.executable, "-m", module, *sys.argv[1:]], env=environment, check=False
        ).returncode
    Path(name).unlink(missing_ok=True)
    sys.exit(code)


@contextmanager
def suppress_interrupt() -> Iterator[None]:
    """End as one who was interrupted, without a trace."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def _true_time() -> Iterator[None]:
    """Let what is started meanwhile have the true time: programs of others that run all along."""
    library = os.environ.pop("LD_PRELOAD")
    try:
        yield
    finally:
        os.environ["LD_PRELOAD"] = library


@contextmanager
def make_world() -> Iterator[World]:
    """Build the estate and run its servers; all is gone afterwards."""
    with ExitStack() as stack:
        here = Path(stack.enter_context(_folder("/tmp")))  # noqa: S108 - of the same length anywhere
        usb = Path(stack.enter_context(_folder("/dev/shm")))  # noqa: S108 - stands for another disk
        with _true_time():
            postgres = stack.enter_context(run_postgres())
            ssh = start_ssh_server()
        stack.callback(shutil.rmtree, ssh.folder)
        stack.callback(ssh.stop)
        sink = stack.enter_context(smtp_sink())
        names = ("PORT_CONSOLE", "PORT_CAPTURED", "PORT_XA", "PORT_PHUONG", "PORT_SO")
        ports = dict(zip(names, map(str, find_free_ports(len(names))), strict=True))
        ports["PORT_SSH"] = str(ssh.port)
        values = {**ports, "USER": getpass.getuser(), "IDENTITY": str(ssh.identity),
                  "POSTGRES": str(postgres.folder)}  # fmt: skip
        _build(here, values, sink.port)
        postgres.run("CREATE DATABASE so_cong_thuong")
        postgres.run(_ROWS.read_text(encoding="utf-8"), "so_cong_thuong")
        known = {it: name.lower() for name, it in ports.items()}
        known |= {here.name: "gcr-estate0", usb.name: "gcr-usb00000",
                  postgres.folder.name: "postgres", ssh.folder.name: "sshd",
                  str(sink.port): "port_mail", socket.gethostname(): "this-host",
                  str(ROOT): "/opt/giucong"}  # fmt: skip
        world = World(here, usb, sink, known)
        world.set_clock(BASE)
        os.environ["GIUCONG_ESTATE"] = str(world.estate)
        stack.enter_context(served(load_estate(world.estate)))
        yield world


@contextmanager
def _folder(place: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir=place, prefix="gcr-", ignore_cleanup_errors=True) as name:
        yield name
        for path in Path(name).rglob("*"):  # an archive is closed to writers
            if path.is_dir() and not path.is_symlink():
                path.chmod(stat.S_IRWXU)


_ROWS = Path(__file__).with_name("so_cong_thuong.sql")


def _build(here: Path, values: Mapping[str, str], mail_port: int) -> None:
    build_site(here / "sources")
    (here / "sites").mkdir()
    build_small_site(here / "sites" / "phuong-tan-lap", "tan-lap.sqlite")
    build_small_site(here / "sites" / "so-cong-thuong", "cong-thuong.sqlite")
    for name in ("stores", "signatures", "out", "runbooks"):
        (here / name).mkdir()
    (here / "keys").mkdir(mode=0o700)
    relay = f"mailto://127.0.0.1:{mail_port}/?from=giucong@example.vn&mode=insecure\n"
    for name, text in (("repository.key", "một khóa của bản ghi\n"), ("relay", relay),
                       ("far.key", "khóa của kho ở xa trong bản ghi\n")):  # fmt: skip
        (here / "keys" / name).write_text(text, encoding="utf-8")
        (here / "keys" / name).chmod(0o600)
    examples = ROOT / "examples"
    for source, name in (("commune_portal/archive.toml", "archive.toml"),
                         ("small_portals/archive.toml", "small.toml"),
                         ("prices.csv", "prices.csv")):  # fmt: skip
        shutil.copyfile(examples / source, here / name)
    (here / "duties.local.toml").write_text("schema = 1\n", encoding="utf-8")
    (here / "signatures" / "own.hdb").write_text(f"{'0' * 32}:68:Nothing-Has-This-Hash\n")
    text = Path(__file__).with_name("estate.toml").read_text(encoding="utf-8")
    for name in sorted(values, key=len, reverse=True):
        text = re.sub(rf"\b{name}\b", values[name], text)
    (here / "estate.toml").write_text(text, encoding="utf-8")
    set_times(here / "sources", here / "sites")


def set_times(*folders: Path) -> None:
    """Give everything in folders one moment of change, before the record begins."""
    for folder in folders:
        for path in (*folder.rglob("*"), folder):
            os.utime(path, (_BUILT_AT, _BUILT_AT), follow_symlinks=False)


def later(base: datetime, minutes: float) -> datetime:
    """Give a moment of the record."""
    return base + timedelta(minutes=minutes)


def run_shell(world: World, line: str) -> str:
    """Do something beside the service, as an editor of a portal would; gives why it failed."""
    done = subprocess.run(
        ["bash", "-ec", line], cwd=world.here, check=False, capture_output=True, text=True
    )
    return f"prepared: {line}: {done.returncode} {done.stderr}" if done.returncode else ""
