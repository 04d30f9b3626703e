"""Acts under way and just over: each a process, its lines and its document kept for who asked."""

import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from ops.access.caller import Caller
from ops.console.acts import find_act
from ops.console.office.order import Order
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
_MOST_BYTES = 8 * 1024 * 1024
_MOST_FILES = 200
_WAIT_SECONDS = 3.0
_CODE = Path(__file__).parents[3]


class TooManyActsError(OpsError):
    """As many acts run as may at once."""


@dataclass(slots=True)
class ActRun:
    """One act.

    Attributes:
        id: By which its page finds it.
        caller: Whose it is.
        task: What is done.
        folder: Where its files go; removed with it.
        lines: What it has said, the newest last.
        document: The task's document; None while it runs.
        code: Its exit code; None while it runs.
        ended: Steady seconds when it ended; 0 while it runs.
    """

    id: str
    caller: Caller
    task: str
    folder: Path
    is_rehearsal: bool = False
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))
    document: Mapping[str, Any] | None = None
    code: int | None = None
    ended: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)
    process: "subprocess.Popen[bytes] | None" = None

    def files(self) -> dict[str, Path]:
        """Give the first files it has made, by their shown names, in order; no links."""
        if not self.done.is_set() or not self.folder.is_dir():
            return {}
        found = (it for it in self.folder.rglob("*") if it.is_file() and not it.is_symlink())
        some = sorted(islice(found, _MOST_FILES))
        return {show_path(os.fsencode(it.relative_to(self.folder))): it for it in some}

    def describe(self) -> dict[str, object]:
        """Give what its page shows."""
        return {
            "id": self.id,
            "task": self.task,
            "is_rehearsal": self.is_rehearsal,
            "is_over": self.done.is_set(),
            "code": self.code,
            "lines": list(self.lines),
            "document": self.document,
            "files": [
                {"name": name, "bytes": it.stat().st_size} for name, it in self.files().items()
            ],
        }


@dataclass(slots=True)
class ActRuns:
    """All of them; safe for threads.

    Attributes:
        place: Folder for their files, emptied at the start.
    """

    place: Path
    _runs: dict[str, ActRun] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Remove what an earlier office has left."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True, mode=0o700)

    def start(self, order: Order, caller: Caller, *, upload: bytes = b"") -> ActRun:
        """Start an act, and wait a moment for its end.

        Args:
            order: What is to be done.
            caller: Who does it.
            upload: The file that goes with it.

        Raises:
            TooManyActsError: Others have to end first.
        """
        act = find_act(order.task)
        run = self._add(order, caller)
        values = dict(order.values)
        if act.out:
            values[act.out] = str(run.folder / "out")
            run.folder = run.folder / "out"
            run.folder.mkdir(mode=0o700)
        if act.upload and upload:
            given = self.place / run.id / "given"
            given.write_bytes(upload)
            values[act.upload] = str(given)
        body = msgspec.json.encode(msgspec.structs.replace(order, values=values))
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
            run = ActRun(key, caller, order.task, self.place / key)
            run.is_rehearsal = bool(order.values.get("dry_run"))
            run.folder.mkdir(mode=0o700)
            self._runs[key] = run
        return run

    def _forget_old(self) -> None:
        ended = sorted((it for it in self._runs.values() if it.ended), key=lambda it: it.ended)
        is_old = time.monotonic() - _KEPT_SECONDS
        for number, run in enumerate(ended):
            if run.ended < is_old or number < len(ended) - _MOST_KEPT:
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
            (self.place / run.id / "given").unlink(missing_ok=True)
            run.ended = time.monotonic()
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


def _environment() -> dict[str, str]:
    paths = [str(_CODE), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(it for it in paths if it)}
