"""What can be made ready while the password is turned into a key.

That takes a tenth of a second of one core and lets go of the interpreter, so that another core can
load what a backup or a restore needs next. A first backup surely needs workers, and so does the
restore of a whole snapshot that is not small: they start then, too.
"""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backup.archiver.workers import Seats
    from backup.restorer.workers import Seats as RestoreSeats
    from backup.stores.base import Store


class Warming:
    """Starts early what is needed soon.

    Attributes:
        seats: Workers that wait for their first message; None unless this is a first backup into a
            store that they can open.
    """

    def __init__(self) -> None:
        self.seats: Seats | None = None

    def start(self, store: Store) -> None:
        """Begin; never fails: what is wrong with the store is told by who opens it."""
        from backup.errors import StoreError

        with suppress(StoreError):
            if store.size("config") and not any(True for _ in store.list("snapshots")):
                self.seats = _start_seats(store)
        _load_early("backup.archiver.create", "backup.repository.index")  # numpy is in it

    def close(self) -> None:
        """End the workers if nobody has."""
        if self.seats is not None:
            self.seats.close()


class RestoreWarming:
    """Starts early what the restore of a whole snapshot needs.

    Attributes:
        seats: Workers that wait for their first message; None where they would not help.
    """

    def __init__(self, *, is_whole: bool) -> None:
        """Set up; `is_whole` says whether a whole snapshot is to be written."""
        self._is_whole = is_whole
        self.seats: RestoreSeats | None = None

    def start(self, store: Store) -> None:
        """Begin; never fails."""
        from backup.restorer.workers import start_early

        if self._is_whole:
            self.seats = start_early(store)
        _load_early("backup.restorer.restore", "backup.repository.index")  # numpy is in it

    def close(self) -> None:
        """End the workers if nobody has."""
        if self.seats is not None:
            self.seats.close()


def _start_seats(store: Store) -> Seats | None:
    from backup.archiver.workers import Seats
    from backup.stores.reopen import recipe_of
    from backup.workers.processes import worker_count

    return None if recipe_of(store) is None else Seats(worker_count())


def _load_early(*modules: str) -> None:
    """Have another thread load modules, one after the other.

    The program ends once they are loaded: an interpreter that is taken down while a thread of its
    own loads numpy crashes (SIGSEGV), as after an interruption in the first tenths of a second.
    """

    def load() -> None:
        for module in modules:
            importlib.import_module(module)

    threading.Thread(target=load, name="warming").start()
