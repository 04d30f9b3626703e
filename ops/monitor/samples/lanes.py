"""Visit many at once, and let nobody who is dead or slow delay the others.

Those that answered last time share one lane, those that did not another and narrower one. A visit
that is not over by the end of a round goes on by itself; nobody is visited twice at once.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from provisioning.ssh.pool import WIDTH

T = TypeVar("T")


@dataclass(slots=True)
class Lanes(Generic[T]):
    """The two lanes.

    Attributes:
        is_well: Tells an answer from none.
        width: How many are visited at once; of those that did not answer half as many, so that
            their handshakes cannot use up all that may run at once (`provisioning.ssh.pool`).
    """

    is_well: Callable[[T], bool]
    width: int = WIDTH
    _doubtful: set[str] = field(init=False, default_factory=set)
    _under_way: dict[str, "Future[T]"] = field(init=False, default_factory=dict)
    _well: ThreadPoolExecutor = field(init=False)
    _ill: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._well = ThreadPoolExecutor(self.width, "visit")
        self._ill = ThreadPoolExecutor(max(self.width // 2, 1), "visit-again")

    def visit(self, visits: Mapping[str, Callable[[], T]], deadline: float) -> dict[str, T]:
        """Make a round; who is missing in what it gives was not reached, or has not ended yet.

        Args:
            visits: By name; they raise nothing.
            deadline: Until when, by `time.monotonic`.
        """
        for name, future in list(self._under_way.items()):
            if future.done() or name not in visits:
                del self._under_way[name]  # came too late: of another round
        for name, visit in visits.items():
            if name not in self._under_way:
                lane = self._ill if name in self._doubtful else self._well
                self._under_way[name] = lane.submit(visit)
        wait([self._under_way[name] for name in visits], max(deadline - time.monotonic(), 0))
        ended = {name: it for name, it in self._under_way.items() if it.done()}
        found = {name: it.result() for name, it in ended.items()}
        for name in ended:
            del self._under_way[name]
        self._doubtful = {name for name in visits if not self._is_well(found, name)}
        return found

    def _is_well(self, found: Mapping[str, T], name: str) -> bool:
        return name in found and self.is_well(found[name])

    def close(self) -> None:
        """Begin no more visits; those under way are not waited for."""
        for lane in (self._well, self._ill):
            lane.shutdown(wait=False, cancel_futures=True)
