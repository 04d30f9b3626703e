"""Acts under way and just over: each a process, its lines and its document kept for who asked."""

import os
import secrets
import shutil
import signal
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from ops.access.caller import Caller
from ops.console.acts import find_act
from ops.console.office.fork_server import ForkServer, Started
from ops.console.office.order import Order, write_order
from ops.console.office.server import NothingHereError, TooManyActsError
from ops.errors import WrongUseError
from ops.language.text import show_path
from ops.secret_files import open_secret
from ops.terminal.exit_codes import EXIT_CODES

_MOST_AT_ONCE, _MOST_OF_ONE = 8, 4
_MOST_KEPT = 200
_KEPT_SECONDS = 3_600.0
_LONGEST_SECONDS = 6 * 3_600.0
_MOST_LINES, _LONGEST_LINE = 200, 500
_MOST_FILES, _MOST_WALKED = 200, 20_000
_TIDY_SECONDS = 60.0
_LONGEST_NAME = 60  # characters; at most 240 bytes
_MOST_BYTES = 8 * 1024 * 1024
_WAIT_SECONDS = 3.0
_EXIT_WAITING = 4
_OUT, _GIVEN = "out", "given"


@dataclass(slots=True)
class ActRun:
    """One act.

    Attributes:
        id: By which its page finds it.
        caller: Whose it is.
        act: What is done, as forms call it.
        values: What was asked for: the right to it is looked at again with each question.
        folder: Where its files go; removed with it.
        form: What was filled in, to do the same again; empty where a file was with it.
        lines: What it has said, the newest last.
        document: The task's document; None while it runs.
        code: Its exit code; None while it runs.
        ended: Steady seconds when it ended; 0 while it runs.
    """

    id: str
    caller: Caller
    act: str
    folder: Path
    values: Mapping[str, object] = field(default_factory=dict)
    is_rehearsal: bool = False
    form: Mapping[str, str] = field(default_factory=dict)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))
    document: Mapping[str, Any] | None = None
    code: int | None = None
    ended: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)
    process: Started | None = None

    def files(self) -> list[Path]:
        """Give the files it has made, in order of name; no links, and no more than a page shows."""
        if not self.done.is_set():
            return []
        found = (
            Path(folder, name) for folder, _below, names in os.walk(self.folder) for name in names
        )
        plain = (
            it for it in sorted(islice(found, _MOST_WALKED)) if stat.S_ISREG(it.lstat().st_mode)
        )
        return list(islice(plain, _MOST_FILES))

    def name_of(self, path: Path) -> str:
        """Give how one of its files is called below its folder, percent-encoded."""
        return quote(os.fsencode(path.relative_to(self.folder)))

    def request(self) -> str:
        """Give the id of the request that it waits for; empty where it waits for none."""
        error = (self.document or {}).get("error")
        is_waiting = self.code == _EXIT_WAITING and isinstance(error, dict) and bool(self.form)
        return str(error.get("values", {}).get("request", "")) if is_waiting and error else ""

    def describe(self) -> dict[str, object]:
        """Give what its page shows."""
        return {
            "id": self.id,
            "act": self.act,
            "is_rehearsal": self.is_rehearsal,
            "is_over": self.done.is_set(),
            "code": self.code,
            "lines": list(self.lines),
            "document": self.document,
            "again": {"task": self.act, "form": self.form} if self.request() else None,
            "files": [
                {
                    "name": self.name_of(it),
                    "bytes": it.stat().st_size,
                    "shown": show_path(os.fsencode(it.relative_to(self.folder))),
                }
                for it in self.files()
            ],
        }


@dataclass(slots=True)
class ActRuns:
    """All of them; safe for threads.

    Attributes:
        place: Folder for their files, emptied at the start.
        forks: Starts them.
        on_end: Called when one has ended, before anybody is told.
    """

    place: Path
    forks: ForkServer
    on_end: Callable[[], None] = lambda: None
    _runs: dict[str, ActRun] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _closed: threading.Event = field(init=False, default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Remove what an earlier office has left, and from now on what is older than an hour."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True, mode=0o700)
        threading.Thread(target=self._tidy, daemon=True).start()

    def start(
        self,
        order: Order,
        *,
        upload: Iterable[bytes] = (),
        name: str = "",
        form: Mapping[str, str] | None = None,
    ) -> ActRun:
        """Start an act, and wait a moment for its end.

        Args:
            order: What is to be done.
            upload: Pieces of the file that goes with it; none without one.
            name: As the person calls that file; only what is plain of it is taken.
            form: What was filled in, kept while a second person has to agree.

        Raises:
            TooManyActsError: Others have to end first.
            WrongUseError: There is no upload, and the task needs one.
            OSError: The upload breaks off, or there is no room for it.
        """
        run = self._add(order)
        try:
            places = self._prepare(run, upload, name)
        except BaseException:
            with self._lock:
                self._forget(run)
            raise
        has_upload = find_act(order.act).form.upload in places
        run.form = {} if has_upload else dict(form or {})
        body = write_order(msgspec.structs.replace(order, values={**order.values, **places}))
        thread = threading.Thread(target=self._do, args=(run, body), daemon=True)
        thread.start()
        run.done.wait(_WAIT_SECONDS)
        return run

    def _prepare(self, run: ActRun, upload: Iterable[bytes], name: str) -> dict[str, str]:
        """Make the folders that it needs and take the upload; gives the flags that name them."""
        act, places = find_act(run.act), dict[str, str]()
        asked = act.form
        if asked.out:
            run.folder = run.folder / _OUT
            run.folder.mkdir(mode=0o700)
            places[asked.out] = str(run.folder / asked.out_name)
        if asked.upload and (first := next(pieces := iter(upload), b"")):
            given = self.place / run.id / _GIVEN
            given.mkdir(mode=0o700)
            places[asked.upload] = str(given / _plain_name(name))
            with Path(places[asked.upload]).open("xb") as file:
                file.writelines(chain([first], pieces))
        elif act.needs_file:
            raise WrongUseError(
                "a file must be chosen, and it must not be empty", next_step="go back and choose it"
            )
        return places

    def find(self, key: str, caller: Caller) -> ActRun:
        """Give an act of somebody's own.

        Raises:
            NothingHereError: There is none of that id.
        """
        with self._lock:
            run = self._runs.get(key)
        if run is None or run.caller.person != caller.person:
            raise NothingHereError(
                "nothing is known of this act any more",
                why="it is over for more than an hour, or the service was started anew",
                data="what it has done stands in the journal",
                next_step="look at the page of what it was about",
            )
        return run

    def take(self, run: ActRun, seconds: float) -> dict[str, Any]:
        """Give what a page shows of an act once it is over, and keep nothing of it.

        Args:
            run: Which.
            seconds: So long it is waited for; then it is ended as by Ctrl-C.
        """
        if not run.done.wait(seconds) and (process := run.process):
            process.send(signal.SIGTERM)
            run.done.wait(_WAIT_SECONDS)
        with self._lock:
            self._runs.pop(run.id, None)
        shutil.rmtree(self.place / run.id, ignore_errors=True)
        return run.describe()

    def awaiting(self, caller: Caller) -> dict[str, object]:
        """Give somebody's acts that wait for a second person: id of the request → what it was."""
        with self._lock:
            own = [it for it in self._runs.values() if it.caller.person == caller.person]
        return {key: {"task": it.act, "form": it.form} for it in own if (key := it.request())}

    def close(self) -> None:
        """End what runs as Ctrl-C at a terminal does, wait a moment for it; remove all files."""
        self._closed.set()
        with self._lock:
            running = [it for it in self._runs.values() if not it.done.is_set()]
        for run in running:
            if process := run.process:
                process.send(signal.SIGTERM)
        for run in running:
            run.done.wait(_WAIT_SECONDS)
        shutil.rmtree(self.place, ignore_errors=True)

    def _tidy(self) -> None:
        while not self._closed.wait(_TIDY_SECONDS):
            with self._lock:
                self._forget_old()

    def _add(self, order: Order) -> ActRun:
        with self._lock:
            self._forget_old()
            running = [it.caller.person for it in self._runs.values() if not it.done.is_set()]
            if len(running) >= _MOST_AT_ONCE or running.count(order.caller.person) >= _MOST_OF_ONE:
                raise TooManyActsError
            key = secrets.token_urlsafe(12)
            run = ActRun(key, order.caller, order.act, self.place / key)
            run.values = order.values
            run.is_rehearsal = bool(order.values.get("dry_run"))
            run.folder.mkdir(mode=0o700)
            self._runs[key] = run
        return run

    def _forget_old(self) -> None:
        ended = sorted((it for it in self._runs.values() if it.ended), key=lambda it: it.ended)
        is_old = time.monotonic() - _KEPT_SECONDS
        for number, run in enumerate(ended):
            is_wanted = bool(run.request()) and number >= len(ended) - _MOST_KEPT
            if (run.ended < is_old and not is_wanted) or number < len(ended) - _MOST_KEPT:
                self._forget(run)

    def _forget(self, run: ActRun) -> None:
        self._runs.pop(run.id, None)
        shutil.rmtree(self.place / run.id, ignore_errors=True)

    def _do(self, run: ActRun, order: bytes) -> None:
        try:
            _follow(run, self.forks, order)
        except OSError as error:  # no memory for it, no process left
            run.code = EXIT_CODES["failed"]
            run.lines.append(str(error))
        finally:
            shutil.rmtree(self.place / run.id / _GIVEN, ignore_errors=True)
            run.process = None
            run.ended = time.monotonic()
            self.on_end()
            run.done.set()


def _follow(run: ActRun, forks: ForkServer, order: bytes) -> None:
    """Start an act, and take what it tells to its end."""
    told, errors = os.pipe(), os.pipe()
    nowhere = os.open(os.devnull, os.O_RDONLY)
    try:
        looks = find_act(run.act).declared.looks_only(run.values)
        with open_secret(order) as given:
            process = run.process = forks.start([nowhere, told[1], errors[1], given], looks=looks)
    except BaseException:
        os.close(told[0])
        os.close(errors[0])
        raise
    finally:
        for it in (nowhere, told[1], errors[1]):
            os.close(it)
    limit = threading.Timer(_LONGEST_SECONDS, process.send, [signal.SIGTERM])
    limit.daemon = True
    limit.start()
    talking = threading.Thread(target=_listen, args=(run, errors[0]), daemon=True)
    talking.start()
    with os.fdopen(told[0], "rb") as document:
        run.document = _read_document(document.read(_MOST_BYTES + 1), run)
    talking.join()
    process.wait()
    run.code = process.code
    limit.cancel()


def _listen(run: ActRun, errors: int) -> None:
    """Keep what the task says, a line at a time, each bounded."""
    with os.fdopen(errors, "rb") as lines:
        while line := lines.readline(_LONGEST_LINE):
            if text := line.decode("utf-8", "replace").strip():
                run.lines.append(text)


def _read_document(told: bytes, run: ActRun) -> Mapping[str, Any] | None:
    """Give what the task says; of its own files the names alone, for their folder says nothing."""
    if len(told) > _MOST_BYTES:
        return None
    own = run.folder.parent if run.folder.name == _OUT else run.folder
    for folder in (_OUT, _GIVEN):
        told = told.replace(f"{own}/{folder}/".encode(), b"")
    try:
        found = msgspec.json.decode(told)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None


def _plain_name(name: str) -> str:
    """Give the name of an uploaded file as one plain name, its end kept: it tells the type."""
    shown = "".join(it for it in name.replace("\\", "/").rpartition("/")[2] if it.isprintable())
    return shown[-_LONGEST_NAME:].lstrip(".") or "file"
