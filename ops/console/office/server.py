"""The office's socket: who may knock, and one answer to each request, each person's share at once.

Only this user and the console's own may connect: the kernel says who it is (SO_PEERCRED, unix(7)).
Who asks for much at once waits for himself.
"""

import logging
import os
import pwd
import select
import socket
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from ops.console.frames import (
    CHUNK,
    BrokenFrameError,
    receive,
    receive_file,
    write_bytes,
    write_frame,
)
from ops.errors import OpsError, WrongUseError
from ops.language.text import speaking
from ops.terminal.document import describe_error
from ops.terminal.elsewhere import user_at_other_end
from ops.terminal.exit_codes import UnexpectedError, explained

_AT_WORK = 2
"""Python works on one request at a time, so that each of them slows down everybody's."""

_WAITING_EACH, _ALL_WAITING = 32, 256
"""As many pages as somebody opens at once; each that waits is a connection and no thread."""

Work = Callable[[], None]


class TooManyActsError(OpsError):
    """As much is being done or fetched as may be at once."""

    def __init__(self) -> None:
        super().__init__(
            "too much is being done at once",
            data="nothing was changed",
            next_step="wait until something has ended, then try again",
        )


@dataclass(slots=True)
class Shares:
    """What each person has at work, and what waits for that; safe for threads."""

    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _working: Counter[str] = field(init=False, default_factory=Counter)
    _waiting: defaultdict[str, deque[Work]] = field(
        init=False, default_factory=lambda: defaultdict(deque)
    )

    def begin(self, who: str, work: Work) -> bool:
        """Say whether somebody's work may begin; if not, it waits, and `end` gives it.

        Raises:
            TooManyActsError: Too much waits already.
        """
        with self._lock:
            if self._working[who] < _AT_WORK:
                self._working[who] += 1
                return True
            everything = sum(map(len, self._waiting.values()))
            if len(self._waiting[who]) >= _WAITING_EACH or everything >= _ALL_WAITING:
                raise TooManyActsError
            self._waiting[who].append(work)
            return False

    def end(self, who: str) -> Work | None:
        """Note that work of somebody's has ended; gives what may begin in its place."""
        with self._lock:
            if self._waiting[who]:
                return self._waiting[who].popleft()
            del self._waiting[who]
            self._working[who] -= 1
            if not self._working[who]:
                del self._working[who]
            return None


log = logging.getLogger(__name__)

CONSOLE_USER = "giucong-console"
_THREADS = 12
_FILES = threading.BoundedSemaphore(_THREADS // 2)
"""Who fetches files slowly leaves half of the threads to the others."""

_WAITING = 64
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a value, and perhaps a file after it."""

    value: Mapping[str, object]
    file: Path | None = None


Request = Mapping[str, Any]
Handler = Callable[[Request], Answer]
Whose = Callable[[Request], str]


def listen(path: Path) -> socket.socket:
    """Make the socket; the group of the console's user may connect, where there is that user.

    Raises:
        OSError: It cannot be made.
    """
    user = _console_user()
    group = user.pw_gid if user else None
    return make_socket(path, group, CONSOLE_USER, "console-cannot-reach-the-office")


def make_socket(
    path: Path, group: int | None, name: str, trouble: str, kind: int = socket.SOCK_STREAM
) -> socket.socket:
    """Make a socket that listens; only we may connect, and the group, where there is one.

    Args:
        path: Where.
        group: Its number.
        name: What the service has to join for that.
        trouble: What is logged where it has not.
        kind: Of the socket.

    Raises:
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, kind)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    if group is not None:
        try:
            os.chown(path, -1, group)
            path.chmod(0o660)
        except PermissionError:
            fields = {"path": str(path), "add": f"adduser giucong {name}"}
            log.warning(trouble, extra={"fields": fields})
    listener.listen(_WAITING)
    return listener


def serve(
    listener: socket.socket, handlers: Mapping[str, Handler], stop: threading.Event, whose: Whose
) -> None:
    """Answer until it is to stop; more than can be answered wait in the kernel, whoever sends them.

    What goes wrong with one connection, and a want of file descriptors, ends nothing.

    Args:
        listener: As `listen` made it.
        handlers: What answers to what.
        stop: Ends it.
        whose: Gives whose share a request takes.
    """
    listener.settimeout(0.5)
    allowed, places = _allowed_users(), threading.Semaphore(_THREADS + _WAITING)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="office") as pool:
        office = _Office(handlers, whose, pool)
        while not stop.is_set():
            if not places.acquire(timeout=0.5):
                continue
            try:
                connection, _address = listener.accept()
            except OSError as error:
                places.release()
                stop.wait(0 if isinstance(error, TimeoutError) else 0.1)
                continue
            done = pool.submit(office.hear, connection, allowed)
            done.add_done_callback(lambda _done: places.release())


def _console_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(CONSOLE_USER)
    except KeyError:
        return None


def _allowed_users() -> set[int]:
    user = _console_user()
    return {os.geteuid(), *([user.pw_uid] if user else [])}


@dataclass(frozen=True, slots=True)
class _Office:
    """Answers requests, of each person only so many at once."""

    handlers: Mapping[str, Handler]
    whose: Whose
    pool: ThreadPoolExecutor
    shares: Shares = field(default_factory=Shares)

    def hear(self, connection: socket.socket, allowed: set[int]) -> None:
        """Read a request, and answer it, at once or when the person's share allows it."""
        with ExitStack() as stack:
            stack.enter_context(connection)
            if not _is_let_in(connection, allowed):
                return
            with suppress(BrokenFrameError, OSError):  # says nothing that can be understood
                request = _read_request(connection)
                who = self.whose(request)
                asked = connection, request, who
                try:
                    may_begin = self.shares.begin(who, partial(self._resume, *asked))
                except TooManyActsError:
                    put_off = {**request, "ask": "file"}
                    _send(connection, _answer(connection, {"file": _put_off}, put_off))
                    return
                stack.pop_all()  # who works, or waits, closes it
                if may_begin:
                    self._work(*asked)

    def _resume(self, connection: socket.socket, request: Request, who: str) -> None:
        try:
            self.pool.submit(self._work, connection, request, who)
        except RuntimeError:  # the office closes
            connection.close()
            self._go_on(who)

    def _go_on(self, who: str) -> None:
        if following := self.shares.end(who):
            following()

    def _work(self, connection: socket.socket, request: Request, who: str) -> None:
        with connection, suppress(BrokenFrameError, OSError):  # whoever asked has gone
            try:
                answer = (
                    None if _has_gone(connection) else _answer(connection, self.handlers, request)
                )
            finally:
                self._go_on(who)
            if answer is not None:
                _send(connection, answer)


def _is_let_in(connection: socket.socket, allowed: set[int]) -> bool:
    connection.settimeout(_SECONDS)
    user = user_at_other_end(connection)
    if user not in allowed:
        log.warning("stranger-at-the-office", extra={"fields": {"uid": user}})
    return user in allowed


def _has_gone(connection: socket.socket) -> bool:
    """Say whether nobody waits for an answer any more; who has only ended asking does."""
    ends = select.poll()
    ends.register(connection, 0)  # POLLHUP and POLLERR are told always: poll(2)
    return bool(ends.poll(0))


def _read_request(connection: socket.socket) -> Request:
    request = receive(connection)
    if not isinstance(request, dict):
        raise BrokenFrameError("no request")
    return request


def _answer(connection: socket.socket, handlers: Mapping[str, Handler], request: Request) -> Answer:
    file = receive_file(connection) if request.get("file") is True else iter(())
    answer = _handle(handlers, {**request, "file": file})
    for _unread in file:  # who asked listens only after the last piece
        pass
    if answer.file is not None and not _FILES.acquire(blocking=False):
        return _handle({"file": _put_off}, {**request, "ask": "file"})
    return answer


def _send(connection: socket.socket, answer: Answer) -> None:
    for frame in _frames(answer):
        connection.sendall(frame)


def _put_off(_request: Mapping[str, Any]) -> Answer:
    raise TooManyActsError


def _frames(answer: Answer) -> Iterator[bytes]:
    """Yield the frames of an answer; one with a file holds a place among `_FILES`."""
    if answer.file is None:
        yield write_frame(answer.value)
        return
    try:
        with answer.file.open("rb") as file:
            yield write_frame({**answer.value, "file": True})
            while chunk := file.read(CHUNK):
                yield write_bytes(chunk)
        yield write_bytes(b"")
    finally:
        _FILES.release()


def _handle(handlers: Mapping[str, Handler], request: Mapping[str, Any]) -> Answer:
    """Answer a request; whatever goes wrong becomes an error that people can read."""
    with speaking("en" if request.get("language") == "en" else "vi"):
        try:
            return handlers.get(str(request.get("ask")), _refuse)(request)
        except BrokenFrameError:
            raise
        except Exception as error:
            told = explained(error)
            if isinstance(told, UnexpectedError):
                is_from_catalog = isinstance(error, DBAPIError)  # its text may hold values
                log.warning("page-failed", exc_info=None if is_from_catalog else error)
            is_wrong_use = getattr(told, "exit_code", 1) == WrongUseError.exit_code
            kind = type(error).__name__
            return Answer(
                {"error": describe_error(told), "kind": kind, "is_wrong_use": is_wrong_use}
            )


class NothingHereError(WrongUseError):
    """There is no such page or file, or none for who asks."""


def _refuse(_request: Mapping[str, Any]) -> Answer:
    raise NothingHereError("there is no such page")


def text_of(request: Mapping[str, Any], key: str) -> str:
    """Give a text of a request; empty where there is none."""
    value = request.get(key, "")
    return value if isinstance(value, str) else ""


def texts_of(request: Mapping[str, Any], key: str) -> dict[str, str]:
    """Give a mapping of texts of a request, without what is none."""
    value = request.get(key)
    if not isinstance(value, dict):
        return {}
    return {name: it for name, it in value.items() if isinstance(it, str)}
