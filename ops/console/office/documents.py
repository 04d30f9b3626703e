"""Documents that many people look at: made once for all of them, and not more often than needed.

A document younger than `FRESH_SECONDS` is given as it is. An older one is given as well, up to
`STALE_SECONDS`, while it is made anew aside; each says itself of which moment it is. After an act
the next one to look waits for a new one, so that who has done something sees it done.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

FRESH_SECONDS = 3.0
STALE_SECONDS = 30.0
_MOST = 200

SHARED = frozenset(
    {
        "archive.status", "backup.status", "drill.list", "duty.due", "duty.list",
        "monitor.alerts", "monitor.forecast", "monitor.status", "plan.show", "report.kinds",
        "report.section", "runbook.list", "security.findings", "service.jobs",
    }
)  # fmt: skip
"""Tasks that tell everybody the same who may run them."""

Document = Any
"""What `make` gives; nobody changes it."""


@dataclass(slots=True)
class _Kept:
    made: float
    document: Document
    is_renewing: bool = False


@dataclass(slots=True)
class Documents:
    """What was made lately; safe for threads.

    Attributes:
        clock: Steady seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _kept: dict[Hashable, _Kept] = field(init=False, default_factory=dict)
    _locks: dict[Hashable, threading.Lock] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _age: int = field(init=False, default=0)

    def get(self, key: Hashable, make: Callable[[], Document]) -> Document:
        """Give a document; what `make` raises when somebody waits for it is not caught."""
        with self._lock:
            kept, now = self._kept.get(key), self.clock()
            if kept is not None and now - kept.made < STALE_SECONDS:
                if now - kept.made >= FRESH_SECONDS and not kept.is_renewing:
                    kept.is_renewing = True
                    self._renew_aside(key, make)
                return kept.document
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            kept = self._kept.get(key)
            if kept is not None and self.clock() - kept.made < FRESH_SECONDS:
                return kept.document
            return self._make(key, make)

    def forget(self) -> None:
        """Have everything made anew, also what is being made: somebody has done something."""
        with self._lock:
            self._age += 1
            self._kept.clear()
            self._locks.clear()

    def _renew_aside(self, key: Hashable, make: Callable[[], Document]) -> None:
        around = contextvars.copy_context()

        def renew() -> None:
            try:
                around.run(self._make, key, make)
            except Exception:  # noqa: BLE001 - who looks next waits, and is told
                with self._lock:
                    self._kept.pop(key, None)

        threading.Thread(target=renew, daemon=True).start()

    def _make(self, key: Hashable, make: Callable[[], Document]) -> Document:
        began, age = self.clock(), self._age
        try:
            document = make()
        except BaseException:
            with self._lock:
                self._locks.pop(key, None)
            raise
        with self._lock:
            if age != self._age:
                return document  # begun before the act: good for who asked then, for nobody after
            self._kept[key] = _Kept(began, document)
            while len(self._kept) > _MOST:
                oldest = min(self._kept, key=lambda it: self._kept[it].made)
                del self._kept[oldest]
                self._locks.pop(oldest, None)
        return document


def key_of(task: str, flags: Mapping[str, object], language: str) -> Hashable:
    """Give what tells one document from another."""
    return task, language, tuple(sorted((name, str(value)) for name, value in flags.items()))
