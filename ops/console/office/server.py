"""The office's socket: who may knock, and one answer to each request.

Only this user and the console's own may connect: the kernel says who it is (SO_PEERCRED, unix(7)).
"""

import logging
import os
import pwd
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from ops.terminal.exit_codes import UnexpectedError, explained

log = logging.getLogger(__name__)

CONSOLE_USER = "giucong-console"
_THREADS = 12
_FILES = threading.BoundedSemaphore(_THREADS // 2)
"""Who fetches files slowly leaves half of the threads to the others."""

_WAITING = 64
_SECONDS = 30.0
_PEER = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a value, and perhaps a file after it."""

    value: Mapping[str, object]
    file: Path | None = None


Handler = Callable[[Mapping[str, Any]], Answer]


def listen(path: Path) -> socket.socket:
    """Make the socket; the group of the console's user may connect, where there is that user.

    Raises:
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    if user := _console_user():
        try:
            os.chown(path, -1, user.pw_gid)
            path.chmod(0o660)
        except PermissionError:
            fields = {"path": str(path), "add": f"adduser giucong {CONSOLE_USER}"}
            log.warning("console-cannot-reach-the-office", extra={"fields": fields})
    listener.listen(_WAITING)
    return listener


def serve(listener: socket.socket, handlers: Mapping[str, Handler], stop: threading.Event) -> None:
    """Answer until it is to stop; more than can be answered wait in the kernel, whoever sends them.

    What goes wrong with one connection, and a want of file descriptors, ends nothing.
    """
    listener.settimeout(0.5)
    allowed, places = _allowed_users(), threading.Semaphore(_THREADS + _WAITING)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="office") as pool:
        while not stop.is_set():
            if not places.acquire(timeout=0.5):
                continue
            try:
                connection, _address = listener.accept()
            except OSError as error:
                places.release()
                stop.wait(0 if isinstance(error, TimeoutError) else 0.1)
                continue
            done = pool.submit(_answer, connection, handlers, allowed)
            done.add_done_callback(lambda _done: places.release())


def _console_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(CONSOLE_USER)
    except KeyError:
        return None


def _allowed_users() -> set[int]:
    user = _console_user()
    return {os.geteuid(), *([user.pw_uid] if user else [])}


def _answer(connection: socket.socket, handlers: Mapping[str, Handler], allowed: set[int]) -> None:
    with connection:
        connection.settimeout(_SECONDS)
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        if _PEER.unpack(peer)[1] not in allowed:
            log.warning("stranger-at-the-office", extra={"fields": {"uid": _PEER.unpack(peer)[1]}})
            return
        try:
            for frame in _frames(_answer_one(connection, handlers)):
                connection.sendall(frame)
        except (BrokenFrameError, OSError):
            return  # whoever asked has gone, or says nothing that can be understood


def _answer_one(connection: socket.socket, handlers: Mapping[str, Handler]) -> Answer:
    request = receive(connection)
    if not isinstance(request, dict):
        raise BrokenFrameError("no request")
    file = receive_file(connection) if request.get("file") is True else iter(())
    answer = _handle(handlers, {**request, "file": file})
    for _unread in file:  # who asked listens only after the last piece
        pass
    if answer.file is not None and not _FILES.acquire(blocking=False):
        return _handle({"file": _put_off}, {**request, "ask": "file"})
    return answer


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


class TooManyActsError(OpsError):
    """As much is being done or fetched as may be at once."""

    def __init__(self) -> None:
        super().__init__(
            "too much is being done at once",
            data="nothing was changed",
            next_step="wait until something has ended, then try again",
        )


class NothingHereError(WrongUseError):
    """There is no such page or file, or none for who asks."""


def _refuse(_request: Mapping[str, Any]) -> Answer:
    raise NothingHereError("there is no such page", data="nothing was changed")


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
