"""Have the installed service do what a person types: this process is its client, and no more.

It opens what the flags name with the person's own rights, hands the terminal over as one of its own
making (so that nothing of the service ever holds the person's), and writes what comes back. A
checkout, the demo, another estate: there is no client, the task runs in this process.
"""

import errno
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from backup.progress import Progress
from ops.access.identity import login_at_terminal
from ops.cli.away import ServiceAwayError, away, is_service_up, stranger
from ops.cli.luggage import Luggage, open_to_write, pack
from ops.cli.pump import handed_streams
from ops.errors import OpsError, WrongUseError
from ops.estate.load.read import INSTALLED_PATH, EstateClosedError, find_estate_path
from ops.estate.owner import BY_ROOT, find_state_folder
from ops.language.text import language, program_name
from ops.parts import find
from ops.terminal.document import said_error
from ops.terminal.elsewhere import (
    BARE,
    CARRIED,
    COMPLETE,
    SOCKET,
    WasTyped,
    serve_opening,
    user_at_other_end,
)
from ops.terminal.exchange import Asked, BrokenOffError, broken_off, receive_tree, send_tree
from ops.terminal.exit_codes import EXIT_INTERRUPTED, attempt, gravest, report
from ops.terminal.task import OfCaller, Task

_PACKET = 64 * 1024
_NOT_YET = (FileNotFoundError, ConnectionRefusedError)
_BEGINS_SECONDS, _PAUSE_SECONDS = 20.0, 0.1
"""So long a service that has just begun is waited for: it loads what acts need first."""
_COMPLETE_SECONDS = 10.0


class _End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the service says in the end: an exit code, or less than 0 a signal; or what failed."""

    code: Annotated[int, msgspec.Meta(ge=-64, le=255)] | None = None
    error: dict[str, Any] | None = None


def is_client() -> bool:
    """Say whether tasks are the installed service's to do, for who types here."""
    try:
        path = find_estate_path()
    except EstateClosedError as error:  # whoever may not even see it asks the service
        path = Path(str(error.params["path"]))
    except OpsError:  # the task itself says so
        return False
    if path != INSTALLED_PATH or os.environ.get(BY_ROOT):
        return False
    folder = find_state_folder(path)
    if folder is None:  # closed to us, or not there yet
        return os.geteuid() != 0 or SOCKET.exists() or is_service_up()
    return folder.stat().st_uid != os.geteuid()


def ask_task(task: Task, values: Mapping[str, Any]) -> int | None:
    """Have the service run a task; gives its exit code, None where it is this process's to do.

    Args:
        task: Which.
        values: What was given, by field.
    """
    if not task.as_owner or task.is_foreground or not _may_ask():
        return None
    return attempt(lambda: _ask(task.name, dict(values), task))


def ask_status() -> int | None:
    """Have the service say what is red; gives the exit code, None as `ask_task`."""
    return attempt(lambda: _ask(BARE, {})) if _may_ask() else None


def ask_completion(task: str, flag: str, given: Mapping[str, str]) -> list[str] | None:
    """Have the service list what may stand after a flag; None where this process knows.

    It writes into memory of ours: whether a shell gets that, the caller decides.
    """
    if not is_client():
        return None
    values = {"task": task, "flag": flag, "given": dict(given)}
    with ExitStack() as held, suppress(OpsError, OSError, ValueError):
        told, nowhere = os.memfd_create("told"), os.open(os.devnull, os.O_RDWR)
        held.callback(os.close, told)
        held.callback(os.close, nowhere)
        connection = held.enter_context(_connect())
        connection.settimeout(_COMPLETE_SECONDS)
        luggage = pack(None, values, held)
        opener = luggage.add(nowhere)
        _send(connection, COMPLETE, luggage, [nowhere, told, nowhere], opener)
        _read_end(connection)
        return os.pread(told, _PACKET, 0).decode(errors="replace").splitlines()
    return []


def _may_ask() -> bool:
    """Say whether the service is asked; root does without where it does not run."""
    if not is_client():
        return False
    is_up: bool | None = None
    until = time.monotonic() + _BEGINS_SECONDS
    while True:
        try:
            _connect().close()
        except OSError as error:
            is_up = is_service_up() if is_up is None else is_up
            if is_up and isinstance(error, _NOT_YET) and time.monotonic() < until:
                time.sleep(_PAUSE_SECONDS)
                continue
            if os.geteuid() == 0 and not is_up:
                return False
            raise SystemExit(report(away(error))) from error
        except ServiceAwayError as error:
            raise SystemExit(report(error)) from error
        return True


def _connect() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(str(SOCKET))
        _check_peer(connection)
    except (OSError, OpsError):
        connection.close()
        raise
    return connection


def _check_peer(connection: socket.socket) -> None:
    """Refuse who is not the one whose the estate's state is; who cannot see that, looks nearer."""
    user, folder = user_at_other_end(connection), find_state_folder(INSTALLED_PATH)
    if user != (folder or SOCKET.parent).stat().st_uid:
        raise stranger(user)


def _ask(name: str, values: dict[str, Any], task: Task | None = None) -> int:
    with ExitStack() as held:
        luggage = pack(task, values, held)
        connection = held.enter_context(_connect())
        opener, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        opener_number = luggage.add(theirs.detach())
        streams, pump = held.enter_context(handed_streams())
        _send(connection, name, luggage, streams, opener_number)
        for it in luggage.descriptors:
            os.close(it)
        exchanging = _Exchange(luggage)
        exchanging.start()
        typed = WasTyped(_may_be_paths(task, luggage.values))
        with _doing_own_part(task, luggage.values, opener, typed):
            pump.run(connection, typed, partial(_cancel, connection))
            code = _read_end(connection)
        return gravest([code, exchanging.finish(has_failed=code != 0)])


def _send(
    connection: socket.socket, name: str, luggage: Luggage, streams: list[int], opener: int
) -> None:
    asked = {
        "task": name,
        "values": luggage.values,
        "language": language(),
        "program": program_name(),
        "environment": {it: os.environ[it] for it in CARRIED if it in os.environ},
        "files": msgspec.to_builtins(luggage.files),
        "line": luggage.line_number,
        "opener": opener,
        "login": _claimed_login(),
    }
    packet = json.dumps(asked).encode()
    with suppress(ConnectionError):  # what it says of that, if anything, is read in the end
        socket.send_fds(connection, [packet], [*streams, *luggage.descriptors])


def _may_be_paths(task: Task | None, values: Mapping[str, Any]) -> Iterator[str]:
    """Give what flags were given that may name a file or a folder; a target is not the act's."""
    shapes = {"lines", *get_args(OfCaller)} - {"own-folder"}
    for flag in task.flags.values() if task else ():
        given = values.get(flag.name) if flag.shape in shapes else None
        yield from given if isinstance(given, list | tuple) else [given] if given else []


@contextmanager
def _doing_own_part(
    task: Task | None, values: dict[str, Any], line: socket.socket, typed: WasTyped
) -> Iterator[None]:
    """Do what an act asks of this process: open files named on the way, and the task's part.

    In the end wait until nothing is written any more: without the act, its part ends.
    """

    def do(descriptors: list[int]) -> None:
        from ops.terminal.there import do_here

        there = find(task.there) if task and task.there else _refuse_part
        do_here(line, partial(there, task and task.make(values)), descriptors)

    def serve() -> None:
        with suppress(ConnectionError):
            serve_opening(line, typed, do)

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    try:
        yield
    finally:
        line.shutdown(socket.SHUT_RD)
        serving.join()
        line.close()


def _refuse_part(_wish: object, _order: bytes, ends: list[int], _progress: Progress) -> bytes:
    for it in ends:
        os.close(it)
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def _claimed_login() -> str:
    """Give for whom root acts: behind `sudo` that is somebody. The service believes root alone."""
    return login_at_terminal() if os.geteuid() == 0 else ""


class _Exchange(threading.Thread):
    """Sends folders that were named, and writes what comes back, while the act runs."""

    def __init__(self, luggage: Luggage) -> None:
        super().__init__(daemon=True)
        self._luggage, self._line = luggage, luggage.line
        self._failed: Exception | None = None
        self._kept: list[str] = []
        self._written = 0

    def run(self) -> None:
        """Do it."""
        try:
            for folder in self._luggage.sent:
                send_tree(self._line, folder)
            for path, asked in self._luggage.asked:
                self._receive(path, asked)
        except (OpsError, ConnectionError) as error:
            self._failed = error
        except OSError as error:  # in a folder of the person's own
            self._failed = WrongUseError(
                "{path} cannot be used",
                why="{reason}",
                data="what was there is as it was",
                next_step="look at its rights and at the room there, then type it again",
                path=error.filename or "–",
                reason=error.strerror or type(error).__name__,
            )
        finally:
            if self._failed is not None:  # the act sends to nobody; it would wait for ever
                with suppress(OSError):
                    self._line.shutdown(socket.SHUT_RDWR)

    def _receive(self, path: Path, asked: Asked) -> None:
        folder = path.parent if asked.only else path
        if not self._line.recv(1, socket.MSG_PEEK):  # an act that is refused makes no folder
            raise broken_off()
        is_new = not os.path.lexists(folder)
        opened = open_to_write(folder, is_made=not asked.only)
        try:
            got = receive_tree(self._line, opened, asked)
        finally:
            os.close(opened)
        self._kept += [str(folder / name) for name in got.kept]
        self._written += got.files
        if is_new and not got.files:  # the act came to nothing: no empty folder tells otherwise
            with suppress(OSError):
                folder.rmdir()

    def finish(self, *, has_failed: bool) -> int:
        """Wait for its end; gives the exit code of what it did.

        Args:
            has_failed: Whether the act has said what went wrong: it may have sent nothing then.
        """
        self.join()
        if has_failed and isinstance(self._failed, BrokenOffError | ConnectionError):
            return 0
        if self._failed is not None:
            return report(self._failed)
        if not self._kept:
            return 0
        return report(
            WrongUseError(
                "not written, since it is there already: {names}",
                data="what was there is as it was; the rest is written"
                if self._written
                else "what was there is as it was, and nothing was written",
                next_step="name a new folder, or remove those, and type it again",
                names=", ".join(self._kept[:10]),
            )
        )


def _cancel(connection: socket.socket) -> None:
    with suppress(ConnectionError):  # it has ended already, and what it said is read
        connection.send(b"cancel")


def _read_end(connection: socket.socket) -> int:
    said = b""
    with suppress(ConnectionError):
        said = connection.recv(_PACKET)
    try:
        told = msgspec.json.decode(said, type=_End) if said else _End(code=-signal.SIGKILL)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise _no_sense() from error
    if told.error is not None:
        raise said_error(told.error)
    code = told.code
    if code is None:
        raise _no_sense()
    if code < 0 and code != -signal.SIGINT:
        raise ServiceAwayError(
            "the line to the service broke off",
            why="it was stopped, or started anew",
            data="what only looks has ended; what changes something goes on as far as it may",
            next_step="`{program} service.status` lists what still runs",
        )
    return code if code >= 0 else EXIT_INTERRUPTED


def _no_sense() -> ServiceAwayError:
    return ServiceAwayError(
        "what the service says makes no sense",
        why="this program and the service may be of different versions",
        data="what was reported as done before is done",
        next_step="`{program} --version`; then restart the service: `systemctl restart giucong`",
    )
