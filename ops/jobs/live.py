"""How far a run is, for whoever looks from another process: one small file for each lock.

The worker writes it about once a second; it stays after the end of the run, with its last lines,
until the next run under the same lock begins. So there are never more files than locks, and a
killed run leaves nothing to clear away. It is no record: who cannot read it knows nothing.
"""

import fcntl
import os
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from ops.catalog.tables.core import Run
from ops.catalog.tables.index import is_believed
from ops.language.causes import tell_error
from ops.language.text import show_path
from ops.terminal.progress import Counting

_MOST_LINES, _LONGEST_LINE = 40, 300
_MOST_BYTES = 64 * 1024


class LiveLine(msgspec.Struct, frozen=True):
    """A line: what could not be read, or a note.

    Attributes:
        kind: `error`: `text` is the cause at `path`; `note`: `text` is a message to be translated.
    """

    kind: Literal["error", "note"]
    text: str
    path: str = ""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is.

    Attributes:
        run: Its id.
        stage: What is done, in English, a message; empty between stages.
        unit: What is counted, a plural word: `bytes`, `packs`.
        done: How much of it is done; `total` of how much, None where nobody knows.
        items: How many files, where those are counted.
        errors: How many things could not be read so far.
        lines: The newest ones, oldest first.
        at: When it was written, seconds since 1970.
    """

    run: str
    stage: str = ""
    unit: str = ""
    done: int = 0
    total: int | None = None
    items: int = 0
    errors: int = 0
    lines: list[LiveLine] = []
    at: float = 0.0


class LiveProgress(Counting):
    """Writes how far a run is.

    Args:
        state: The service's state folder.
        lock: Name of the lock that the run holds.
        run: Its id.
    """

    def __init__(self, state: Path, lock: str, run: str) -> None:
        super().__init__()
        self._path, self._run = _path_of(state, lock), run
        self._lines: deque[LiveLine] = deque(maxlen=_MOST_LINES)
        self._show()

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Begin a stage."""
        super().start(stage, total, unit, items=items)
        self._show()

    def finish(self) -> None:
        """End the stage."""
        self._show()

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Keep what could not be read."""
        del during
        self._errors += 1
        self._keep(
            LiveLine("error", tell_error(error)[:_LONGEST_LINE], show_path(path)[:_LONGEST_LINE])
        )

    def note(self, text: str) -> None:
        """Keep it."""
        self._keep(LiveLine("note", text[:_LONGEST_LINE]))

    def close(self) -> None:
        """Write the last state."""
        self.stage = ""
        self._show()

    def _keep(self, line: LiveLine) -> None:
        self._lines.append(line)
        self._show_in_time()

    def _show(self) -> None:
        """Put the file in place of the one before; a full disk hinders no backup."""
        live = Live(
            run=self._run,
            stage=self.stage,
            unit=self._unit,
            done=self._done,
            total=self._total,
            items=self._items,
            errors=self._errors,
            lines=list(self._lines),
            at=time.time(),
        )
        fresh = self._path.with_suffix(".new")
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(live))
            fresh.replace(self._path)


def read_live(state: Path, lock: str, run: str) -> Live | None:
    """Give how far a run is; None where nothing tells it.

    Args:
        state: The service's state folder.
        lock: Name of the run's lock.
        run: Its id.
    """
    try:
        with _path_of(state, lock).open("rb") as file:
            found = msgspec.json.decode(file.read(_MOST_BYTES), type=Live)
    except (OSError, msgspec.DecodeError):
        return None
    return found if found.run == run else None


def _path_of(state: Path, lock: str) -> Path:
    return state / "live" / f"{quote(lock, safe='')}.json"


_OPENED = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Root looks, too, in a folder of the service's: a pipe there keeps nobody waiting."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the newest ended run of a job ended; fields as in `ops.catalog.tables.core.Run`."""

    job: str
    outcome: str
    reason: str
    params: Mapping[str, Any]
    ended_at: datetime


def is_service_running(state: Path) -> bool:
    """Say whether a service of this machine holds its sign on the state folder."""
    try:
        opened = os.open(state / "locks" / "service.pid", _OPENED)
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        finally:
            os.close(opened)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def last_runs(session: Session) -> dict[str, LastRun]:
    """Give how the newest ended run of each job ended, those that people ran included.

    One that is dated ahead of now is not the newest: it would hide every failure until then.
    Of each job only the newest rows are read, by the index over jobs, however many there are.
    """
    jobs, run = select(Run.job).distinct().subquery(), aliased(Run)
    newest = select(run.id).where(run.job == jobs.c.job, run.outcome.is_not(None))
    newest = newest.where(is_believed(dated=run.started_at))
    newest_id = newest.order_by(run.started_at.desc()).limit(1).correlate(jobs).scalar_subquery()
    query = select(Run.job, Run.outcome, Run.reason, Run.params, Run.ended_at).where(
        Run.id.in_(select(newest_id).select_from(jobs))
    )
    return {
        job: LastRun(job, outcome, reason, params, ended_at)
        for job, outcome, reason, params, ended_at in session.execute(query)
        if outcome is not None and ended_at is not None
    }
