"""Keep what looks found: what is red in the catalog, figures in the series.

The two do not wait for each other: a series that cannot be written is one more thing that is red.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ops.alerts.looks import Condition
from ops.alerts.watch import take_look
from ops.catalog.open import Catalog
from ops.monitor.series.points import Point
from ops.monitor.series.store import SeriesError, SeriesStore, open_series
from ops.monitor.series.write import write_points

log = logging.getLogger(__name__)

SERIES = "watch:series"


@dataclass(slots=True)
class Keeper:
    """Where what was found goes; methods may be called from several threads.

    Attributes:
        catalog: Of its own.
        url: Of the series, secrets resolved.
    """

    catalog: Catalog
    url: str
    _trouble: str = field(init=False, default="")
    _store: SeriesStore | None = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def keep_conditions(
        self, conditions: Iterable[Condition], roots: Collection[str], at: datetime, every: float
    ) -> None:
        """Give conditions to the alerts.

        Args:
            conditions: Everything that was seen.
            roots: What the look covers.
            at: When it began; UTC.
            every: Seconds between such looks.
        """
        with self.catalog.writing() as session:
            pause = timedelta(seconds=every)
            take_look(session, conditions, at, looked_at=roots, every=pause)

    def keep_points(self, points: Iterable[tuple[str, str, float]], at: datetime) -> None:
        """Keep figures of one moment: subject, metric, value."""
        made = [Point(subject, metric, at, value) for subject, metric, value in points]
        self.in_series(lambda store: _write(store, made))

    def in_series(self, work: Callable[[SeriesStore], object]) -> None:
        """Do something with the series; where they cannot be used, note why and go on."""
        try:
            work(self.store())
        except SeriesError as error:
            self._trouble = str(error)
            log.warning("series-unusable", extra={"fields": {"error": self._trouble}})

    def tell_of_series(self, at: datetime, every: float) -> None:
        """Give to the alerts whether the series could be used since this was last told."""
        reason, self._trouble = self._trouble, ""
        condition = Condition(
            subject=SERIES,
            state="bad" if reason else "good",
            code="series_unusable" if reason else "",
            params={"reason": reason} if reason else {},
            holds_for=timedelta(minutes=2),
        )
        self.keep_conditions([condition], [SERIES], at, every)

    def close(self) -> None:
        """Close both."""
        if self._store is not None:
            self._store.close()
        self.catalog.close()

    def store(self) -> SeriesStore:
        """Give the series, opened on first use.

        Raises:
            SeriesError: They cannot be used.
        """
        with self._lock:
            if self._store is None:
                self._store = open_series(self.url)
            return self._store


def _write(store: SeriesStore, points: list[Point]) -> None:
    refused = write_points(store, points, datetime.now(UTC))
    if refused:
        whys = sorted({it.why for it in refused})
        fields = {"count": len(refused), "why": ",".join(whys)}
        log.warning("figures-refused", extra={"fields": fields})
