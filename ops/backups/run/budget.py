"""How much a backup may read: a host that sends without end fills no store.

What a site may grow in a night is judged by its own past. Everything that is read counts, new or
not, compressed well or not at all: it is time on a worker as much as room in a store.
"""

from sqlalchemy import select

from backup.progress import Progress
from ops.alerts.drafts import SUSPICIOUS
from ops.backups.run.odd import LEARNT_FROM
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Run
from ops.errors import OpsError
from ops.estate.model.sites import Site
from ops.terminal.progress import PassOn

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
