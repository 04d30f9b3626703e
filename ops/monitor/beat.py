"""The watch's sign of life, what is told when there is none, and whose turn it is to watch.

A process cannot tell of its own death: the service's courier looks at the file every minute, and
`giucong` and `service.status` whenever somebody asks.
"""

import fcntl
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from ops.alerts.looks import Condition
from ops.alerts.outbox import find_estate
from ops.alerts.watch import take_look
from ops.catalog.open import Catalog
from ops.durable_files import put_anew
from ops.estate.model.estate import Estate
from ops.language.formats import format_duration
from ops.language.text import N_, _
from ops.outcomes import Explanation

FORMAT = "giucong-watch-1"
FILE = "watch.json"
SUBJECT = "watch:process"
WAITS = "waits"
"""The one part of a watch that waits for its turn (`ops.monitor.beat`)."""
LOOKED_EVERY = timedelta(minutes=5)
"""For so long a watch has to be silent until it is told; the courier looks more often
(`ops.alerts.courier.JUDGE_EVERY`)."""

_MISSED = 3
_PATIENCE = timedelta(minutes=2)
_LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class Beat:
    """What the watch last showed.

    Attributes:
        parts: When each part of it last did its work, by `samples`, `probes` and `series`; UTC. Of
            a watch that waits for its turn: when it last asked, by `waits`.
    """

    parts: Mapping[str, datetime]


def write_beat(state: Path, beat: Beat) -> None:
    """Put the file into the service's folder, whole."""
    parts = {name: at.astimezone(UTC).isoformat() for name, at in beat.parts.items()}
    document = {"format": FORMAT, "parts": parts}
    put_anew(state / FILE, json.dumps(document, indent=1).encode() + b"\n", 0o644)


def read_beat(state: Path) -> Beat | None:
    """Give what the file says; None where there is none that can be read."""
    try:
        with (state / FILE).open("rb") as file:
            document = json.loads(file.read(_LARGEST))
        if document["format"] != FORMAT:
            return None
        moments = {it: datetime.fromisoformat(at) for it, at in document["parts"].items()}
        return Beat(moments) if all(at.tzinfo for at in moments.values()) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def is_waiting(beat: Beat | None) -> bool:
    """Say whether another watch of the same catalog looks in its stead; pure."""
    return beat is not None and WAITS in beat.parts


def when_looked(beat: Beat) -> datetime | None:
    """Give when a watch last looked at anything; None where it never did; pure."""
    return max((at for part, at in beat.parts.items() if part != WAITS), default=None)


def find_silent(beat: Beat | None, estate: Estate, now: datetime) -> list[str]:
    """Give the parts of the watch that have not done their work in time; pure."""
    every = (
        {WAITS: 0}
        if is_waiting(beat)
        else {
            "samples": estate.monitor.sample_seconds,
            "probes": estate.monitor.probe_seconds,
            "series": 60,
        }
    )
    silent = []
    for part, seconds in every.items():
        last = beat.parts.get(part) if beat else None
        if last is None or abs(now - last) > _MISSED * timedelta(seconds=seconds) + _PATIENCE:
            silent.append(part)
    return silent


def tell_watch(estate: Estate, now: datetime) -> Iterator[str]:
    """Say when the watch last looked, or that it does not."""
    if not estate.monitor.enabled:
        yield _("nothing is watched: `[monitor] enabled` is false")
        return
    beat = read_beat(estate.service.state)
    if beat is None or not beat.parts:
        yield _("the watch has not looked at anything yet")
        return
    age = format_duration(now - max(beat.parts.values()))
    if find_silent(beat, estate, now):
        yield _("the watch does not look; it last did {age} ago").format(age=age)
    elif is_waiting(beat):
        yield _("another service of this catalog watches; this one takes over when it ends")
    else:
        yield _("the watch last looked {age} ago").format(age=age)


def note_silent_watch(catalog: Catalog, now: datetime) -> None:
    """Open an alert when the watch does not look, and close it when it does again."""
    with catalog.reading() as session:
        estate = find_estate(session)
    if estate is None:
        return
    beat, is_off = read_beat(estate.service.state), not estate.monitor.enabled
    if is_waiting(beat) and not is_off:
        return  # how the watch is, the service says that has it
    silent = [] if is_off else find_silent(beat, estate, now)
    condition = Condition(
        subject=SUBJECT,
        state="bad" if silent else "good",
        severity="critical",
        code="watch_silent" if silent else "",
        params={"parts": silent} if silent else {},
        holds_for=LOOKED_EVERY,
    )
    with catalog.writing() as session:
        take_look(session, [condition], now, looked_at=[SUBJECT], every=LOOKED_EVERY)


EXPLANATIONS: Mapping[str, Explanation] = {
    "watch_silent": Explanation(
        N_("the watch does not look any more at hosts and sites"),
        N_("its process hangs, or ends again and again; the service's log says more"),
        N_("backups go on; what is red on hosts and sites is not told meanwhile"),
        N_("`systemctl restart giucong`, then `{program} service.status`"),
    ),
    "series_unusable": Explanation(
        N_("what is measured is not kept: {reason}"),
        "",
        N_("backups and alerts go on; charts and availability have a gap"),
        N_("see that the disk of `[monitor] series` has room and the file is the service's"),
    ),
}


_EVERY_SECONDS = 5.0
_ADVISORY_LOCK = 0x6769_7563_7761_74  # "giucwat"
_KEEPALIVES = {"idle": 60, "interval": 10, "count": 3}
"""So that the server notices within two minutes that the other machine has lost its power."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Our turn to watch; lost with its connection."""

    connection: Connection | None = None

    def hold(self) -> None:
        """Ask whether it is ours still.

        Raises:
            DBAPIError: The connection is gone, and the turn with it.
        """
        if self.connection is not None:
            self.connection.execute(text("SELECT 1"))


@contextmanager
def take_turn(catalog: Catalog, state: Path, stop: threading.Event) -> Iterator[Turn | None]:
    """Wait until no other watch of this folder or catalog runs; None where `stop` came before.

    One watches at a time: of a state folder by a lock file, of a PostgreSQL catalog by its lock.
    Two services may share a catalog, each on a machine of its own. What both would say of "this
    machine" is of two machines, and what one sees and the other does not would change all the time:
    so one watches and the other waits for its end.
    """
    with _hold_folder(state / "locks", stop), _connect(catalog) as connection:
        while not stop.is_set() and not _take(connection):
            write_beat(state, Beat({WAITS: datetime.now(UTC)}))
            stop.wait(_EVERY_SECONDS)
        yield None if stop.is_set() else Turn(connection)


@contextmanager
def _hold_folder(folder: Path, stop: threading.Event) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "watch.lock").open("a") as file:
        while not stop.is_set():
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            stop.wait(_EVERY_SECONDS)
        yield


@contextmanager
def _connect(catalog: Catalog) -> Iterator[Connection | None]:
    """Give a connection of its own, in no transaction; None for SQLite, which has one machine."""
    if catalog.readers.dialect.name != "postgresql":
        yield None
        return
    engine = catalog.readers.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        try:
            for name, value in _KEEPALIVES.items():
                connection.execute(text(f"SET tcp_keepalives_{name} = {value}"))
            yield connection
        finally:
            connection.invalidate()  # closed, not given back: the lock is the session's


def _take(connection: Connection | None) -> bool:
    if connection is None:
        return True
    query = text("SELECT pg_try_advisory_lock(:key)")
    return bool(connection.execute(query, {"key": _ADVISORY_LOCK}).scalar())
