"""What is unusual in a run beside its site's past: too little, too much, or something gone.

The danger is a job that reports success and saved next to nothing: an empty dump, a folder that is
not mounted. Every verdict says what it was made from. A run that was strange itself must not be
learnt from until a person accepts its size.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sqlalchemy import select

from backup.progress import Progress
from ops.alerts.drafts import SUSPICIOUS
from ops.backups.pages.notes import PageNote
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Run
from ops.errors import OpsError
from ops.estate.model.sites import Site
from ops.terminal.progress import PassOn

NEEDED_RUNS = 5
"""Good runs that must have gone before; with fewer nothing is judged."""

LEARNT_FROM = 30
"""Good runs that are looked back on."""

SECONDS = "seconds"
_SPREADS = 4.0
_NORMAL = 1.4826  # median distance to standard deviation, for a normal distribution
_TIME_FLOOR = 0.35
_SIZE_FLOOR = 0.05
_WORTH_SECONDS = 10.0
_WORTH_BYTES = 65_536.0
_USUAL = 0.9


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What is compared of a run.

    Attributes:
        seconds: How long it took.
        parts: Bytes read, by part of the site.
    """

    seconds: float
    parts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_summary(cls, summary: Mapping[str, Any]) -> "RunFigures":
        """Read the figures from a run's summary in the catalog."""
        return cls(float(summary.get("seconds", 0.0)), dict(summary.get("parts", {})))


@dataclass(frozen=True, slots=True)
class Oddity:
    """One measure below its band.

    Attributes:
        measure: `seconds`, or a part's path in the snapshot.
        value: What it was.
        lowest: Lower edge of the band.
        typical: Its middle.
        runs: Good runs it was learnt from.
    """

    measure: str
    value: float
    lowest: float
    typical: float
    runs: int


def find_oddities(run: RunFigures, history: Sequence[RunFigures]) -> list[Oddity]:
    """Give every measure of a good run that lies below its band; the duration first.

    Each measure is held against a band learnt from the good runs before. Its middle is the median.
    Its lower edge lies four spreads below, in logarithms, where a spread is the median distance
    from the median, made comparable to a standard deviation, and at least a floor: what hardly ever
    varies may still vary a little. Whatever a good run has had before is never strange: nine tenths
    of the smallest value seen is not below the band.

    Args:
        run: The run to judge.
        history: The good runs before it, in any order; the newest `LEARNT_FROM` are enough.
    """
    seconds = [past.seconds for past in history]
    found = [_judge(SECONDS, run.seconds, seconds, floor=_TIME_FLOOR, worth=_WORTH_SECONDS)]
    for part, size in run.parts.items():
        sizes = [float(past.parts[part]) for past in history if part in past.parts]
        found.append(_judge(part, float(size), sizes, floor=_SIZE_FLOOR, worth=_WORTH_BYTES))
    return [oddity for oddity in found if oddity is not None]


def _judge(
    measure: str, value: float, past: Sequence[float], *, floor: float, worth: float
) -> Oddity | None:
    if len(past) < NEEDED_RUNS:
        return None
    typical = median(past)
    if typical < worth:
        return None  # so little that its variation says nothing
    lowest = min(_lower_edge(past, floor), _USUAL * min(past))
    if value >= lowest:
        return None
    return Oddity(measure, value, round(lowest, 1), round(typical, 1), len(past))


def _lower_edge(past: Sequence[float], floor: float) -> float:
    logarithms = [math.log(max(value, 1e-3)) for value in past]
    middle = median(logarithms)
    spread = _NORMAL * median(abs(value - middle) for value in logarithms)
    return math.exp(middle - _SPREADS * max(spread, floor))


MOST_TOLD = 20
"""Losses that a result names; of more only the number is given."""

_WORTH_ROWS = 20
_KEPT_ROWS = 0.5
_WORTH_FILES = 8  # of a folder in a folder; of a top folder one is enough

Manifest = Mapping[str, Any]
Loss = dict[str, Any]
"""`what`: `table`, `rows`, `folder` or `page`; `part`, `name`, `before` and `now` for the words."""


def find_losses(now: Manifest, earlier: Sequence[Manifest]) -> list[Loss]:
    """Give what is gone, the databases' first.

    Gone are tables and folders that all earlier ones had, and tables that have lost most of their
    rows. A table that is emptied now and then has had few rows before and is no loss; a folder that
    the estate leaves out from now on is none either.

    Args:
        now: Of the backup to judge.
        earlier: Of the last good ones.
    """
    return [*_lost_tables(now, earlier), *_lost_folders(now, earlier)] if earlier else []


def _lost_tables(now: Manifest, earlier: Sequence[Manifest]) -> Iterator[Loss]:
    for part in now["databases"]:
        tables, name = part.get("tables", {}), part["name"]
        for table, rows in _least(_find_parts(earlier, "databases", name), "tables").items():
            if table not in tables:
                yield _lose("table", name, table, rows, 0)
            elif rows >= _WORTH_ROWS and _is_few(tables[table], rows):
                yield _lose("rows", name, table, rows, tables[table])


def _is_few(now: int | None, before: int) -> bool:
    return now is not None and now < _KEPT_ROWS * before


def _lost_folders(now: Manifest, earlier: Sequence[Manifest]) -> Iterator[Loss]:
    for part in now["files"]:
        before = _find_parts(earlier, "files", part["name"])
        if any(it["left_out"] != part["left_out"] for it in before):
            continue
        there, gone = part.get("folders", {}), set[str]()
        for folder, files in sorted(_least(before, "folders").items()):
            above = folder.partition("/")[0]
            is_worth = files >= _WORTH_FILES or above == folder
            if is_worth and folder not in there and above not in gone:
                gone.add(folder)
                yield _lose("folder", part["name"], folder, files, 0)


def _find_parts(earlier: Sequence[Manifest], section: str, name: str) -> list[Manifest]:
    parts = ((it for it in manifest[section] if it["name"] == name) for manifest in earlier)
    found = [next(its, None) for its in parts]
    return [it for it in found if it is not None]


def _least(parts: Sequence[Manifest], key: str) -> dict[str, int]:
    """Give, of what all have under a key, the least count; what was not counted is none."""
    if not parts:
        return {}
    counted = [part.get(key, {}) for part in parts]
    shared = set(counted[0]).intersection(*counted[1:])
    return {name: min(it[name] or 0 for it in counted) for name in counted[0] if name in shared}


def find_failed_pages(now: Sequence[PageNote], earlier: Sequence[PageNote]) -> list[Loss]:
    """Give the pages that were well at the last good backup and fail now; the server answers."""
    well: dict[str, bool] = {}
    for note in earlier:
        well.setdefault(note.page, not note.problem)
    return [
        _lose("page", "", it.page, 0, 0) | {"problem": it.problem, "detail": it.detail}
        for it in now
        if it.problem in {"status", "empty", "error", "lacks"} and well.get(it.page)
    ]


def _lose(what: str, part: str, name: str, before: int, now: int) -> Loss:
    return {"what": what, "part": part, "name": name, "before": before, "now": now}


GIGABYTE = 10**9
_TIMES = 4
_ALWAYS = 50 * GIGABYTE
_AT_FIRST = 2000 * GIGABYTE


class TooMuchError(OpsError):
    """A site gives more than a backup of it may read."""


class Metered(PassOn):
    """Passes progress on, and ends the backup that reads more than it may.

    Args:
        inner: Told everything.
        site: Name of the site.
        most: Bytes.
    """

    def __init__(self, inner: Progress, site: str, most: int) -> None:
        super().__init__(inner)
        self._site, self._most, self._read = site, most, 0

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Count.

        Raises:
            TooMuchError: It is too much.
        """
        self._read += amount
        if self._read > self._most:
            raise TooMuchError(
                '"{site}" gives more than the {most} GB that a backup of it may read',
                why="it has grown by far, or something in it writes or sends without end",
                data="no snapshot was made; earlier backups are untouched",
                next_step="see what has grown; if it is in order, write more `gigabytes` in"
                " `limits` of the site, then `{program} backup.run --site {site}`",
                site=self._site,
                most=self._most // GIGABYTE,
            )
        super().advance(amount, items=items)


def read_last_size(catalog: Catalog, job: str) -> int:
    """Give the bytes that the newest good run of a job has read; 0 where there was none."""
    query = (
        select(Run.summary)
        .where(Run.job == job, Run.outcome.in_(("ok", "incomplete")))
        .order_by(Run.started_at.desc())
        .limit(1)
    )
    with catalog.reading() as session:
        summary = session.execute(query).scalar_one_or_none() or {}
    return int(summary.get("processed_bytes", 0))


def decide_budget(catalog: Catalog, site: Site, *, accepts: bool = False) -> int:
    """Give the bytes that a backup of a site may read.

    What a site may grow in a night is judged by its own past. Everything that is read counts, new
    or not, compressed well or not at all: it is time on a worker as much as room in a store.

    Args:
        catalog: Knows the last whole runs, of any of the site's backups.
        site: Which; its own word counts first.
        accepts: A person takes its size for normal: its past says nothing.
    """
    if site.limits.gigabytes:
        return site.limits.gigabytes * GIGABYTE
    with catalog.reading() as session:
        query = (
            select(Run.summary)
            .where(Run.site == site.name, Run.kind == "backup")
            .where(Run.outcome.in_(("ok", "incomplete")), Run.reason != SUSPICIOUS)
            .order_by(Run.started_at.desc())
            .limit(LEARNT_FROM)
        )
        sizes = [int(it.get("processed_bytes", 0)) for it in session.execute(query).scalars()]
    if accepts or not sizes:
        return max([_AT_FIRST, *(_TIMES * it for it in sizes)])
    return _TIMES * max(sizes) + _ALWAYS
