"""Acts under way and just over: each a process, its lines and its document kept for who asked."""

import os
import secrets
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from ops.access.caller import Caller
from ops.console.acts import find_act
from ops.console.office.order import Order, write_order
from ops.console.office.server import NothingHereError
from ops.errors import OpsError
from ops.language.text import show_path
from ops.terminal.exit_codes import EXIT_CODES

_MODULE = "ops.service.act_process"
_MOST_AT_ONCE = 4
_MOST_KEPT = 200
_KEPT_SECONDS = 3_600.0
_LONGEST_SECONDS = 6 * 3_600.0
_MOST_LINES, _LONGEST_LINE = 200, 500
_MOST_FILES = 200
_LONGEST_NAME = 60  # characters; at most 240 bytes
_MOST_BYTES = 8 * 1024 * 1024
_WAIT_SECONDS = 3.0
_EXIT_WAITING = 4
_CODE = Path(__file__).parents[3]


class TooManyActsError(OpsError):
    """As many acts run as may at once."""


@dataclass(slots=True)
class ActRun:
    """One act.

    Attributes:
        id: By which its page finds it.
        caller: Whose it is.
        act: What is done, as forms call it.
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
    is_rehearsal: bool = False
    form: Mapping[str, str] = field(default_factory=dict)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))
    document: Mapping[str, Any] | None = None
    code: int | None = None
    ended: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)
    process: "subprocess.Popen[bytes] | None" = None

    def files(self) -> list[Path]:
        """Give the files it has made, in order of name; no links, and no more than a page shows."""
        if not self.done.is_set():
            return []
        found = [Path(folder, name) for folder, _below, names in os.walk(self.folder)
                 for name in names]  # fmt: skip
        plain = (it for it in sorted(found) if stat.S_ISREG(it.lstat().st_mode))
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
            "document": _tell_files_by_name(self.document, self.folder),
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
        on_end: Called when one has ended, before anybody is told.
    """

    place: Path
    on_end: Callable[[], None] = lambda: None
    _runs: dict[str, ActRun] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Remove what an earlier office has left."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True, mode=0o700)

    def start(
        self,
        order: Order,
        caller: Caller,
        *,
        upload: bytes = b"",
        name: str = "",
        form: Mapping[str, str] | None = None,
    ) -> ActRun:
        """Start an act, and wait a moment for its end.

        Args:
            order: What is to be done.
            caller: Who does it.
            upload: The file that goes with it.
            name: As the person calls that file; only what is plain of it is taken.
            form: What was filled in, kept while a second person has to agree.

        Raises:
            TooManyActsError: Others have to end first.
        """
        act = find_act(order.act)
        run = self._add(order, caller)
        values = dict(order.values)
        if act.out:
            run.folder = run.folder / "out"
            run.folder.mkdir(mode=0o700)
            values[act.out] = str(run.folder / act.out_name)
        if act.upload and upload:
            given = self.place / run.id / "given"
            given.mkdir(mode=0o700)
            file = given / _plain_name(name)
            file.write_bytes(upload)
            values[act.upload] = str(file)
        run.form = {} if upload else dict(form or {})
        body = write_order(msgspec.structs.replace(order, values=values))
        thread = threading.Thread(target=self._do, args=(run, body), daemon=True)
        thread.start()
        run.done.wait(_WAIT_SECONDS)
        return run

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

    def take(self, run: ActRun, seconds: float) -> dict[str, object]:
        """Give what a page shows of an act once it is over, and keep nothing of it.

        Args:
            run: Which.
            seconds: So long it is waited for; then it is ended as by Ctrl-C.
        """
        if not run.done.wait(seconds) and run.process is not None:
            run.process.terminate()
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
        """End what runs, as Ctrl-C at a terminal does, and wait for it a moment."""
        with self._lock:
            running = [it for it in self._runs.values() if not it.done.is_set()]
        for run in running:
            if run.process is not None:
                run.process.terminate()
        for run in running:
            run.done.wait(_WAIT_SECONDS)

    def _add(self, order: Order, caller: Caller) -> ActRun:
        with self._lock:
            self._forget_old()
            if sum(not it.done.is_set() for it in self._runs.values()) >= _MOST_AT_ONCE:
                raise TooManyActsError(
                    "too much is being done at once",
                    data="nothing was changed",
                    next_step="wait until something has ended, then try again",
                )
            key = secrets.token_urlsafe(12)
            run = ActRun(key, caller, order.act, self.place / key)
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
                del self._runs[run.id]
                shutil.rmtree(self.place / run.id, ignore_errors=True)

    def _do(self, run: ActRun, order: bytes) -> None:
        try:
            process = run.process = subprocess.Popen(
                [sys.executable, "-P", "-m", _MODULE, str(os.getpid())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, env=_environment(),
            )  # fmt: skip
        except OSError as error:  # no memory for it, no process left
            run.code = EXIT_CODES["failed"]
            run.lines.append(str(error))
        else:
            _follow(run, process, order)
        finally:
            shutil.rmtree(self.place / run.id / "given", ignore_errors=True)
            run.ended = time.monotonic()
            self.on_end()
            run.done.set()


def _follow(run: ActRun, process: "subprocess.Popen[bytes]", order: bytes) -> None:
    limit = threading.Timer(_LONGEST_SECONDS, process.terminate)
    limit.daemon = True
    limit.start()
    try:
        talking = threading.Thread(target=_listen, args=(run, process), daemon=True)
        talking.start()
        if process.stdin and process.stdout:
            process.stdin.write(order)
            process.stdin.close()
            told = process.stdout.read(_MOST_BYTES + 1)
            run.document = _read_document(told)
            process.stdout.close()
        talking.join()
        run.code = process.wait()
    except OSError:
        process.kill()
        run.code = process.wait()
    finally:
        limit.cancel()


def _listen(run: ActRun, process: "subprocess.Popen[bytes]") -> None:
    """Keep what the task says, a line at a time, each bounded."""
    if process.stderr is None:
        return
    with process.stderr as errors:
        while line := errors.readline(_LONGEST_LINE):
            if text := line.decode("utf-8", "replace").strip():
                run.lines.append(text)


def _read_document(told: bytes) -> Mapping[str, Any] | None:
    if len(told) > _MOST_BYTES:
        return None
    try:
        found = msgspec.json.decode(told)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, dict) else None


def _tell_files_by_name(
    document: Mapping[str, Any] | None, folder: Path
) -> Mapping[str, Any] | None:
    """Give a document that calls files as the page does, not by where the service keeps them."""
    told = (document or {}).get("told")
    if document is None or not isinstance(told, list):
        return document
    return {**document, "told": [str(it).replace(f"{folder}{os.sep}", "") for it in told]}


def _plain_name(name: str) -> str:
    """Give the name of an uploaded file as one plain name, its end kept: it tells the type."""
    shown = "".join(it for it in name.replace("\\", "/").rpartition("/")[2] if it.isprintable())
    return shown[-_LONGEST_NAME:].lstrip(".") or "file"


def _environment() -> dict[str, str]:
    paths = [str(_CODE), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(it for it in paths if it)}
