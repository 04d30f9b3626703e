"""Who asks for much at once waits for himself: each person has a share of the office's threads."""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ops.errors import OpsError

_AT_WORK = 2
"""Python works on one request at a time, so that each of them slows down everybody's."""

_WAITING, _ALL_WAITING = 32, 256
"""As many pages as somebody opens at once; each that waits is a connection and no thread."""

Work = Callable[[], None]


class TooManyActsError(OpsError):
    """As much is being done or fetched as may be at once."""

    def __init__(self) -> None:
        super().__init__(
            "too much is being done at once",
            data="nothing was changed",
            next_step="wait until something has ended, then try again",
        )


@dataclass(slots=True)
class Shares:
    """What each person has at work, and what waits for that; safe for threads."""

    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _working: Counter[str] = field(init=False, default_factory=Counter)
    _waiting: defaultdict[str, deque[Work]] = field(
        init=False, default_factory=lambda: defaultdict(deque)
    )

    def begin(self, who: str, work: Work) -> bool:
        """Say whether somebody's work may begin; if not, it waits, and `end` gives it.

        Raises:
            TooManyActsError: Too much waits already.
        """
        with self._lock:
            if self._working[who] < _AT_WORK:
                self._working[who] += 1
                return True
            everything = sum(map(len, self._waiting.values()))
            if len(self._waiting[who]) >= _WAITING or everything >= _ALL_WAITING:
                raise TooManyActsError
            self._waiting[who].append(work)
            return False

    def end(self, who: str) -> Work | None:
        """Note that work of somebody's has ended; gives what may begin in its place."""
        with self._lock:
            if self._waiting[who]:
                return self._waiting[who].popleft()
            del self._waiting[who]
            self._working[who] -= 1
            if not self._working[who]:
                del self._working[who]
            return None
