"""What can be made ready while the password is turned into a key.

That takes a tenth of a second of one core and lets go of the interpreter, so that another core can
load what a backup needs next. A first backup surely needs workers: they start then, too.
"""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backup.executors import Seats
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
        # numpy is behind it
        threading.Thread(
            target=importlib.import_module, args=("backup.index",), name="warming", daemon=True
        ).start()

    def close(self) -> None:
        """End the workers if nobody has."""
        if self.seats is not None:
            self.seats.close()


def _start_seats(store: Store) -> Seats | None:
    from backup.executors import Seats
    from backup.processes import worker_count
    from backup.stores.recipes import recipe_of

    return None if recipe_of(store) is None else Seats(worker_count())
