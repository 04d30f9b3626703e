"""Look at hosts, devices and sites, each at its own pace, until somebody says stop.

Three threads with a pace each: samples, probes, and the series' own upkeep. One that fails says so
in the log and tries again at its next turn; the beat (`ops.monitor.beat`) names what did its
work, so that what stands still is noticed.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import DBAPIError

from ops.catalog.open import open_catalog
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.monitor.beat import Beat, Turn, read_beat, take_turn, when_looked, write_beat
from ops.monitor.probes.probe import judge_look as judge_line
from ops.monitor.probes.probe import judge_probe, probe_sites
from ops.monitor.probes.result import ProbeResult, Seen, list_changes, list_points, recall
from ops.monitor.probes.target import list_targets, surroundings_of
from ops.monitor.samples.look import ROOTS, judge_look, list_look_points
from ops.monitor.samples.sampler import Sampler
from ops.monitor.series.minutes import write_minutes
from ops.monitor.series.read import read_changes
from ops.monitor.series.store import SeriesStore, series_url
from ops.monitor.series.write import HOURS_KEPT, roll_up, write_change, write_gap
from ops.monitor.watch_figures import (
    FIGURES_SECONDS,
    FORECAST_SECONDS,
    FindingKeeper,
    give_metrics,
    keep_figures,
    keep_forecasts,
)


def tick(
    every: float, stop: threading.Event, *, clock: Callable[[], float] = time.monotonic
) -> Iterator[float]:
    """Yield at once and then every so many seconds, until `stop` is set.

    Args:
        every: Seconds.
        stop: Ends it, in the middle of a pause too.
        clock: Steady seconds.

    Yields:
        The moment that was due, by `clock`.
    """
    start, number = clock(), 0
    while not stop.is_set():
        yield start + number * every
        number = max(number + 1, math.ceil((clock() - start) / every))
        if stop.wait(max(start + number * every - clock(), 0)):
            return


log = logging.getLogger(__name__)

_MINUTE = 60.0
_LONGEST_ROUND = 45.0
_ROUND_SHARE = 0.75
_GAP = timedelta(minutes=3)
_SITE_ROOTS = ("site:", "watch:line", "watch:resolver")
_STOPPING_SECONDS = 3.0


@dataclass(slots=True)
class Watch:
    """The three paces and what they share.

    Attributes:
        estate: What is watched.
        keeper: Where it goes.
        stop: Ends it.
        turn: To watch; another watch of the same catalog has it next.
    """

    estate: Estate
    keeper: FindingKeeper
    stop: threading.Event
    turn: Turn = field(default_factory=Turn)
    sampler: Sampler = field(init=False)
    _seen: Seen = field(init=False, default_factory=dict)
    _beats: dict[str, datetime] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.sampler = Sampler(self.estate)

    def sample(self) -> None:
        """Look at machines and devices once."""
        every = self.estate.monitor.sample_seconds
        look = self.sampler.look(_deadline(every))
        self.keeper.keep_conditions(judge_look(self.estate, look), ROOTS, look.at, every)
        self.keeper.keep_points(list_look_points(look), look.at)

    def probe(self) -> None:
        """Look at sites once."""
        every = self.estate.monitor.probe_seconds
        at = datetime.now(UTC)
        results = probe_sites(
            list_targets(self.estate),
            self._seen,
            at,
            deadline=_deadline(every),
            around=surroundings_of(self.estate),
        )
        self._seen = {it.site: it.known for it in results}
        conditions = [*judge_line(results)]
        for result in results:
            conditions += judge_probe(result, self.estate.thresholds_for_site(result.site))
        self.keeper.keep_conditions(conditions, _SITE_ROOTS, at, every)
        self.keeper.keep_points(
            ((f"site:{it.site}", *point) for it in results for point in list_points(it).items()), at
        )
        self.keeper.in_series(lambda store: self._keep_verdicts(store, results))

    def look(self) -> None:
        """Look at everything once."""
        self.sample()
        self.probe()

    def close(self) -> None:
        """Close all connections, the catalog and the series."""
        self.sampler.close()
        self.keeper.close()

    def hold_turn(self) -> None:
        """End the watch where its turn is lost; the service starts it again, to wait for one."""
        try:
            self.turn.hold()
        except DBAPIError:
            log.warning("watch-turn-lost")
            self.stop.set()

    def _keep_verdicts(self, store: SeriesStore, results: list[ProbeResult]) -> None:
        """Keep what has changed, and the verdict of each minute since the look before."""
        minutes = max(self.estate.monitor.probe_seconds // int(_MINUTE), 1)
        for result in results:
            for change in list_changes(result):
                aspect, state, detail = change
                write_change(store, f"site:{result.site}", aspect, result.at, state, detail)
        verdicts = [
            (it.site, it.at - timedelta(minutes=ago), it.verdict)
            for it in results
            for ago in range(minutes)
        ]
        write_minutes(store, verdicts, self.estate.zone)

    def remember(self) -> None:
        """Take up where the watch before stopped, and note how long nobody looked."""
        beat, now = read_beat(self.estate.service.state), datetime.now(UTC)
        last = when_looked(beat) if beat else None

        def read(store: SeriesStore) -> None:
            if last is not None and now - last > _GAP:
                write_gap(store, "service:giucong", last, now, "watch-down")
            for target in list_targets(self.estate):
                changes = read_changes(store, f"site:{target.site}", now - HOURS_KEPT, now)
                rows = ((it.what, it.at, it.state, it.detail) for it in changes)
                self._seen = {**self._seen, target.site: recall(rows)}

        self.keeper.in_series(read)

    def keep_series(self) -> None:
        """Roll the series up, a share each minute, and tell how they are."""
        self.hold_turn()
        now = datetime.now(UTC)
        self.keeper.in_series(lambda store: roll_up(store, now))
        self.keeper.tell_of_series(now, _MINUTE)

    def go(self) -> None:
        """Look until `stop` is set."""
        self.remember()
        monitor = self.estate.monitor
        paces: list[tuple[str, float, Callable[[], None]]] = [
            ("samples", monitor.sample_seconds, self.sample),
            ("probes", monitor.probe_seconds, self.probe),
            ("series", _MINUTE, self.keep_series),
            ("figures", FIGURES_SECONDS, lambda: keep_figures(self.estate, self.keeper)),
            ("forecasts", FORECAST_SECONDS, lambda: keep_forecasts(self.estate, self.keeper)),
        ]
        threads = [
            threading.Thread(target=self._repeat, args=pace, name=pace[0], daemon=True)
            for pace in paces
        ]
        for thread in threads:
            thread.start()
        metrics = give_metrics(self.estate, self.keeper)
        self.stop.wait()
        if metrics is not None:
            metrics.close()
        ends = time.monotonic() + _STOPPING_SECONDS
        for thread in threads:
            thread.join(max(ends - time.monotonic(), 0))

    def _repeat(self, part: str, every: float, work: Callable[[], None]) -> None:
        for _due in tick(every, self.stop):
            try:
                work()
                self._beat(part)
            except Exception as error:  # noqa: BLE001 - the next turn must come whatever this one met
                # No traceback: it may hold what a host said.
                fields = {"part": part, "error": type(error).__name__, "text": str(error)[:300]}
                log.error("watch-part-failed", extra={"fields": fields})  # noqa: TRY400 - as above

    def _beat(self, part: str) -> None:
        self._beats[part] = datetime.now(UTC)
        write_beat(self.estate.service.state, Beat(dict(self._beats)))


def _deadline(every: float) -> float:
    return time.monotonic() + min(_ROUND_SHARE * every, _LONGEST_ROUND)


def make_keeper(estate: Estate) -> FindingKeeper:
    """Open the catalog; the series are opened when they are needed."""
    return FindingKeeper(open_catalog(reveal(estate.catalog.url)), series_url(estate))


def run_watch(estate: Estate, stop: threading.Event) -> None:
    """Watch an estate until `stop` is set.

    Raises:
        OpsError: The catalog cannot be opened.
        DBAPIError, OSError: It does not answer, or the service's folder cannot be written.
    """
    watch = Watch(estate, make_keeper(estate), stop)
    try:
        with take_turn(watch.keeper.catalog, estate.service.state, stop) as turn:
            if turn is not None:
                watch.turn = turn
                watch.go()
    finally:
        watch.close()
