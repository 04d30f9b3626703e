"""The door for people at a terminal: a socket through which the service does what they type.

One connection a command. The kernel says who it is (SO_PEERCRED, unix(7)), the estate's `login`
which person that is, roles decide in the act's own process. The client sends one packet: JSON, and
with it descriptors: its three streams, then files that it has opened with its own rights. It gets
one packet back when the act has ended: `{"code": N}`; before that it may send `cancel`. A line that
is cut ends what only looks; what changes something goes on, and is listed (`service.status`).
"""

import json
import logging
import os
import select
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe

import msgspec

from ops.access.caller import Caller
from ops.access.identity import find_person
from ops.console.office.desk import EstateKeeper
from ops.console.office.fork_server import MOST_DESCRIPTORS, ForkServer, Started
from ops.console.office.order import AtTerminal, GivenFile, Order, write_order
from ops.console.office.server import TooManyActsError, make_socket
from ops.entering import name_of
from ops.errors import OpsError, WrongUseError
from ops.language.text import Language, speaking
from ops.secret_files import open_secret
from ops.service.act_process import looks_only
from ops.service.typed_acts import note_act
from ops.terminal.document import describe_error
from ops.terminal.elsewhere import BARE, CARRIED, COMPLETE, GROUP, user_at_other_end
from ops.terminal.exit_codes import explained
from ops.terminal.flags import MOST_COUNTED
from ops.terminal.task import OfCaller, Task, all_tasks

log = logging.getLogger(__name__)

_MOST_BYTES = 160 * 1024
_MOST_LINES, _MOST_LINES_OF_ONE, _MOST_OF_ONE = 256, 12, 8
"""Connections at once, for twenty accounts at their most; of one person; those of them that do
something. Who has more than the last is told so, who has more than the second is not heard."""

_CANCEL_SECONDS = 0.1
_SECONDS = 10.0
_STREAMS = 3
STOP_SECONDS = 60.0
"""So long acts that change something may go on when the service stops."""


class _Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client asks for."""

    task: str
    values: dict[str, str | int | bool | list[str] | dict[str, str]]
    language: Language
    program: str
    environment: dict[str, str]
    files: list[GivenFile]
    line: int
    opener: int
    login: str = ""


def listen(path: Path) -> socket.socket:
    """Make the socket; members of the group may connect, where there is that group."""
    import grp

    group = None
    with suppress(KeyError):
        group = grp.getgrnam(GROUP).gr_gid
    trouble = "operators-cannot-reach-the-service"
    return make_socket(path, group, GROUP, trouble, socket.SOCK_SEQPACKET)


@dataclass(slots=True)
class TerminalDoor:
    """Does what people type.

    Attributes:
        keeper: Keeps the estate.
        forks: Starts acts.
        place: Folder for the acts' own folders.
        memory: The same for those with secrets: systemd's folder of the service is in memory.
        stop: Set when the service stops.
    """

    keeper: EstateKeeper
    forks: ForkServer
    place: Path
    memory: Path
    stop: threading.Event
    _running: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, listener: socket.socket) -> None:
        """Answer until the service stops, and what runs then has ended."""
        listener.settimeout(0.5)
        with ThreadPoolExecutor(_MOST_LINES, thread_name_prefix="terminal") as pool:
            while not self.stop.is_set():
                try:
                    connection, _address = listener.accept()
                except OSError as error:
                    self.stop.wait(0 if isinstance(error, TimeoutError) else 0.1)
                    continue
                user, number = self._count(connection)
                if number > _MOST_LINES_OF_ONE:  # also who says nothing holds a place
                    _drop(connection)
                    self._uncount(user)
                    continue
                pool.submit(self._answer, connection, user, is_one_more=number <= _MOST_OF_ONE)

    def _answer(self, connection: socket.socket, user: int, *, is_one_more: bool) -> None:
        """Hear somebody; their place is free again when all is closed that they sent along."""
        given = list[int]()
        try:
            with connection:
                connection.settimeout(_SECONDS)
                packet, given, _flags, _from = socket.recv_fds(
                    connection, _MOST_BYTES, MOST_DESCRIPTORS
                )
                if packet:
                    self._do(connection, user, packet, given, is_one_more=is_one_more)
        except OSError:
            return  # whoever asked has gone
        except Exception:
            log.exception("terminal-door-failed")
        finally:
            _close(given)
            self._uncount(user)

    def _do(
        self,
        connection: socket.socket,
        user: int,
        packet: bytes,
        given: list[int],
        *,
        is_one_more: bool,
    ) -> None:
        language: Language = "vi"
        try:
            asked = msgspec.convert(json.loads(packet), _Asked)
            language = asked.language
            _check(asked, len(given), is_one_more=is_one_more)
            with self._folder(asked, user) as folder:
                order = self._order(asked, user, folder)
                looks = looks_only(order)
                with note_act(self.place, order, changes=not looks) as noted:
                    started = self._start(order, given)
                    if self._watch(connection, started, looks):
                        if not looks:
                            noted.note_cut()
                        started.wait()
            if not self.stop.is_set():
                _refuse_silent(started)
            connection.send(json.dumps({"code": started.code}).encode())
        except Exception as error:  # noqa: BLE001 - whatever it is, the client says it
            is_bad = isinstance(error, msgspec.MsgspecError | ValueError | RecursionError)
            with speaking(language):
                told = describe_error(explained(_unreadable() if is_bad else error))
            connection.send(json.dumps({"error": told}).encode()[:_MOST_BYTES])

    def _order(self, asked: _Asked, user: int, folder: Path | None) -> Order:
        estate, _catalog = self.keeper.get()
        is_root = user == 0
        login = asked.login if is_root and asked.login else name_of(user)
        person = find_person(estate.people, login)
        caller = Caller(
            person.name if person else "",
            login,
            "",
            at_terminal=True,
            by_kernel=not is_root,
            is_root=is_root,
            user=user,
        )
        terminal = AtTerminal(
            program="fab" if asked.program == "fab" else "giucong",
            environment={k: v[:100] for k, v in asked.environment.items() if k in CARRIED},
            files=tuple(asked.files),
            folder=str(folder or ""),
            line=asked.line,
            opener=asked.opener,
        )
        return Order(
            act=asked.task,
            task=asked.task,
            values=asked.values,
            caller=caller,
            language=asked.language,
            terminal=terminal,
        )

    def _start(self, order: Order, given: list[int]) -> Started:
        streams, files = given[:_STREAMS], given[_STREAMS:]
        try:
            with open_secret(write_order(order)) as opened:
                return self.forks.start([*streams, opened, *files], looks=looks_only(order))
        finally:
            _close(given)  # the act has them; here they would count for everybody

    def _watch(self, connection: socket.socket, started: Started, looks: bool) -> bool:
        """Wait for the end of an act, and hear its client meanwhile; gives whether that has gone.

        When the service stops, what only looks is interrupted; what changes something is after some
        time (`STOP_SECONDS`).
        """
        until = None
        while True:
            ready, _, _ = select.select([connection, started.line], [], [], 0.5)
            if started.line in ready:
                return not started.wait()
            if self.stop.is_set():
                until = until or time.monotonic() + (0 if looks else STOP_SECONDS)
                if time.monotonic() >= until:
                    started.send(signal.SIGINT)
            if connection not in ready:
                continue
            if connection.recv(64) != b"cancel":
                started.send(signal.SIGINT if looks else signal.SIGHUP)  # until it has its files
                return True
            started.send(signal.SIGINT)
            self.stop.wait(_CANCEL_SECONDS)  # a thousand of them keep nobody busy

    def _count(self, connection: socket.socket) -> tuple[int, int]:
        """Count a connection; gives whose it is, and how many that person has."""
        user = user_at_other_end(connection)
        with self._lock:
            self._running[user] = self._running.get(user, 0) + 1
            return user, self._running[user]

    def _uncount(self, user: int) -> None:
        with self._lock:
            self._running[user] -= 1

    @contextmanager
    def _folder(self, asked: _Asked, user: int) -> Iterator[Path | None]:
        """Make a folder for an act's files; its name begins with whose they are (`Room`)."""
        if not asked.files:
            yield None
            return
        is_secret = any(it.shape.startswith("output-secret") for it in asked.files)
        folder = (self.memory if is_secret else self.place) / f"{user}-{token_urlsafe(12)}"
        folder.mkdir(parents=True, mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _drop(connection: socket.socket) -> None:
    """Close a connection that is not heard, and wait for nothing that was sent along.

    A socket with SO_LINGER and unsent data holds up whoever closes it last, here everybody; but
    nobody who ends (PF_EXITING: inet_release() in Linux's net/ipv4/af_inet.c).
    """
    hear, tell = os.pipe()
    try:
        if os.fork() == 0:  # it touches nothing that a thread may hold
            os.close(tell)
            os.read(hear, 1)
            os._exit(0)
    except OSError:
        log.warning("terminal-door-cannot-fork")
    for it in (hear, connection.detach(), tell):
        os.close(it)


def _close(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())


def _refuse_silent(started: Started) -> None:
    """Say of an act that was killed what nobody else does."""
    if started.code < 0 and started.code != -signal.SIGINT:
        raise OpsError(
            "this was ended before it was done",
            why="signal {number}: perhaps there was no memory for it",
            data="what was reported as done before is done",
            next_step="`{program} service.status`, then type it again",
            number=-started.code,
        )


def _check(asked: _Asked, number: int, *, is_one_more: bool) -> None:
    """Refuse one more of a person who has many, and what no client of ours says."""
    if not is_one_more:
        raise TooManyActsError
    if not _is_sound(asked, number):
        raise _unreadable()


def _is_sound(asked: _Asked, number: int) -> bool:
    """Say whether a client of ours may have said this, with so many descriptors."""
    most = number - _STREAMS
    is_whole = number < MOST_DESCRIPTORS and -1 <= asked.line < most and 0 <= asked.opener < most
    if asked.task in {BARE, COMPLETE}:
        asks = {"task": str, "flag": str, "given": dict} if asked.task == COMPLETE else {}
        return is_whole and {name: type(it) for name, it in asked.values.items()} == asks
    task = all_tasks().get(asked.task)
    if task is None or not task.as_owner or task.is_foreground:  # a client of ours does these
        return False
    return is_whole and _are_values(task, asked) and _are_files(task, asked, most)


def _are_values(task: Task, asked: _Asked) -> bool:
    """Say whether flags take these values, no number is beyond what is counted, no flag lacks."""
    for name, value in asked.values.items():
        kind = task.flags[name].kind if name in task.flags else None
        if type(value) is not (list if kind is tuple else kind):
            return False
        if kind is int and not 0 <= value <= MOST_COUNTED:  # type: ignore[operator]  # it is one
            return False
    return not any(it.is_required and it.name not in asked.values for it in task.flags.values())


def _are_files(task: Task, asked: _Asked, number: int) -> bool:
    """Say whether each path has its file, and each file is what its flag takes."""
    for flag in task.flags.values():
        given = asked.values.get(flag.name)
        typed = given if isinstance(given, list) else [given]
        no_file = (None, "", "-") if flag.shape in ("secret", "proof") else (None, "")
        named = [it for it in typed if it not in no_file]
        files = [it.typed for it in asked.files if it.flag == flag.name]
        if flag.shape in _OF_CALLER and named != files:
            return False
    for it in asked.files:
        shape = task.flags[it.flag].shape if it.flag in task.flags else ""
        if it.shape != shape and (shape, it.shape) != ("input-folder", "input-file"):
            return False
        if not -1 <= it.descriptor < number:
            return False
    return True


_OF_CALLER = frozenset(OfCaller.__args__) - {"own-folder"}  # type: ignore[attr-defined]  # a Literal


def _unreadable() -> WrongUseError:
    return WrongUseError(
        "the service does not understand what was typed",
        why="this program and the service may be of different versions",
        next_step="`{program} --version`; then restart the service: `systemctl restart giucong`",
    )
