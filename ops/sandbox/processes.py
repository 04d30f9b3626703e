"""Programs inside the sandbox: found here, run to their end or kept as servers; what they say."""

import os
import re
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import IOBase
from pathlib import Path
from typing import IO, Literal, cast

from ops.sandbox.isolation.accounts import Account, run_as
from ops.sandbox.isolation.new_root import WORKSHOP

_LOOK_EVERY_SECONDS = 0.02
_LOG_LINES = 20
_SAYS_LITTLE = re.compile(
    r"\[Note\]|\d (?:Accepted|Closing)$|WSREP|_uring|MAC address|max_open_files|^Version: "
    r"|closed normally without|^#\d+ |^Stack trace:$|^thrown in "
)
_LOG_BYTES = 20_000
_LONGEST_LINE = 400
_MOST_LOGS = 20
_LONGEST_STEM = 40
_GRAVE = re.compile(r"PHP (?:Fatal|Parse|Recoverable)|Uncaught|\[(?:crit|alert|emerg)\]|\bFATAL\b")
_TELLS_ERROR = re.compile(r"PHP \w+:|\[error\]|\bERROR\b|\berror:")
_LOGS = Path("/var/log")
_ENDING_SECONDS = 5.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Input = IO[bytes] | bytes | Iterator[bytes]
"""What a program reads: a file, a text, or a text in pieces."""


class TooLateError(Exception):
    """The rehearsal's time is over."""


class ProgramError(Exception):
    """A program inside has failed; the text is the last that it said."""


@dataclass(slots=True)
class Bench:
    """What works inside the sandbox.

    Attributes:
        way: How the sandbox was made.
        zone: Time zone of the programs.
        until: When time is over, as `time.monotonic` counts.
        servers: Running ones, by the name of their log.
    """

    way: Literal["root", "user", ""]
    zone: str
    until: float
    servers: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def left(self) -> float:
        """Give the seconds left.

        Raises:
            TooLateError: None are.
        """
        seconds = self.until - time.monotonic()
        if seconds <= 0:
            raise TooLateError
        return seconds

    def run(
        self,
        words: Sequence[str],
        account: Account,
        *,
        log: str,
        stdin: Input = b"",
        accepts: Sequence[int] = (0,),
    ) -> str:
        """Run a program to its end; gives what it said.

        Raises:
            ProgramError: It failed.
            TooLateError: It took all the time.
            OSError: What it was to read cannot be read.
        """
        path = _log_path(log)
        begin = path.stat().st_size if path.exists() else 0
        with path.open("ab") as written, _open_input(stdin) as read:
            try:
                done = subprocess.run(
                    [*run_as(account, self.way), *words],
                    stdin=read,
                    stdout=written,
                    stderr=written,
                    check=False,
                    cwd="/",
                    env=self._environment({}),
                    timeout=self.left(),
                )
            except subprocess.TimeoutExpired:
                raise TooLateError from None
        with path.open("rb") as written:
            written.seek(begin)
            said = written.read(_LOG_BYTES).decode("utf-8", "replace")
        if done.returncode not in accepts:
            raise ProgramError(_first_error(said) or f"{words[0]}: {done.returncode}")
        return said

    def serve(
        self,
        words: Sequence[str],
        account: Account,
        *,
        log: str,
        folder: str = "/",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a server; it ends with the sandbox, or by `end`."""
        with _log_path(log).open("ab") as written:
            self.servers[log] = subprocess.Popen(
                [*run_as(account, self.way), *words],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                cwd=folder,
                env=self._environment(environment or {}),
            )

    def await_up(self, log: str, is_up: Callable[[], bool]) -> None:
        """Wait until a server answers."""
        process = self.servers[log]
        while not is_up():
            self.left()
            if process.poll() is not None:
                said = "\n".join(read_log(log))
                raise ProgramError(_first_error(said) or str(process.returncode))
            time.sleep(_LOOK_EVERY_SECONDS)

    def end(self) -> None:
        """Ask every server to end; the namespace ends who does not."""
        for process in self.servers.values():
            process.terminate()
        until = time.monotonic() + _ENDING_SECONDS
        for process in self.servers.values():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": "/tmp",  # noqa: S108 -- the sandbox's own
            "TZ": self.zone,
            "TMPDIR": "/tmp",  # noqa: S108 -- the sandbox's own
            **more,
        }


@contextmanager
def _open_input(data: Input) -> Iterator[IO[bytes]]:
    """Give a file to read from; pieces are written into a pipe meanwhile."""
    if isinstance(data, IOBase):
        yield cast("IO[bytes]", data)
        return
    failures: list[OSError] = []
    reading, writing = os.pipe()
    feeding = threading.Thread(target=_feed, args=(writing, data, failures), daemon=True)
    feeding.start()
    try:
        with open(reading, "rb") as read:  # noqa: PTH123 -- a descriptor
            yield read
    finally:
        feeding.join()
    if failures:
        raise failures[0]


def _feed(writing: int, data: Input, failures: list[OSError]) -> None:
    try:
        with suppress(BrokenPipeError), open(writing, "wb") as pipe:
            pipe.writelines([data] if isinstance(data, bytes) else data)
    except OSError as error:
        failures.append(error)


def _log_path(log: str) -> Path:
    return Path(WORKSHOP) / f"{log}.log"


def read_log(log: str) -> list[str]:
    """Give the last lines of a log."""
    return _read_end(_log_path(log))


def _read_end(path: Path) -> list[str]:
    """Give the last lines of a file that the site may have made: of a plain one alone."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return []
        with path.open("rb") as file:
            file.seek(-min(path.stat().st_size, _LOG_BYTES), os.SEEK_END)
            data = file.read(_LOG_BYTES)
    except OSError:
        return []
    lines = (it[:_LONGEST_LINE] for it in data.decode("utf-8", "replace").splitlines())
    told = ("".join(it if it.isprintable() else " " for it in line).strip() for line in lines)
    return [it for it in told if it and not _SAYS_LITTLE.search(it)][-_LOG_LINES:]


def read_logs() -> tuple[str, ...]:
    """Give the last lines of every log, each with the log's name; those of web servers, too."""
    logs = [*sorted(Path(WORKSHOP).glob("*.log")), *sorted(_LOGS.rglob("*.log"))][:_MOST_LOGS]
    return tuple(f"{log.stem[:_LONGEST_STEM]}: {line}" for log in logs for line in _read_end(log))


def find_cause(log: Sequence[str]) -> str:
    """Give the last line that tells of an error, a grave one first; empty where none does; pure."""
    for mark in (_GRAVE, _TELLS_ERROR):
        if told := [it for it in log if mark.search(it)]:
            return told[-1]
    return ""


def _first_error(said: str) -> str:
    """Give the line that tells of an error: what follows are hints."""
    lines = [it.strip() for it in said.splitlines() if it.strip()]
    marks = ("ERROR", "FATAL", "error:")
    return next((it for it in lines if any(mark in it for mark in marks)), "".join(lines[-1:]))


_POSTGRESQL = Path("/usr/lib/postgresql")
_MAJOR = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class MissingProgram:
    """A program that this machine lacks.

    Attributes:
        program: Its name.
        package: Debian's package that has it.
    """

    program: str
    package: str


def find_mariadb() -> str | MissingProgram:
    """Give the path of MariaDB's server, whose helpers lie beside it."""
    for name in ("mariadb-install-db", "mariadb"):
        if shutil.which(name) is None:
            return MissingProgram(name, "mariadb-server")
    return shutil.which("mariadbd") or MissingProgram("mariadbd", "mariadb-server")


def find_postgresql(wanted: str) -> Path | MissingProgram:
    """Give the folder of PostgreSQL's programs: the wanted version, else the next newer, else any.

    Args:
        wanted: Product and version of production's server; may be empty.
    """
    found = {
        int(folder.parent.name): folder
        for folder in _POSTGRESQL.glob("*/bin")
        if folder.parent.name.isdigit() and (folder / "initdb").exists()
    }
    version = _MAJOR.search(wanted)
    major = int(version[1]) if version else 0
    if not found:
        package = f"postgresql-{major}" if major else "postgresql"
        return MissingProgram("postgres", package)
    return found[min((it for it in found if it >= major), default=max(found))]


def find_php() -> str | MissingProgram:
    """Give the path of PHP for the command line, which has a server built in."""
    return shutil.which("php") or MissingProgram("php", "php-cli")
