"""Worker processes of a restore, started before anything else is known."""

from typing import cast

from backup.errors import StoreError
from backup.processes import Pool, worker_count
from backup.stores.base import Store, layers_of
from backup.stores.recipes import Recipe, recipe_of, transfers_at_once

# What a repository holds: a whole snapshot of so much is hardly a single order.
MUCH = 64 << 20
_MOST_WORKERS = 8


class Seats:
    """Worker processes that have been told no more than how to open the store.

    Starting them takes a tenth of a second, of a distant store three, and needs no key; so it can
    be done while the password is turned into one.
    """

    def __init__(self, recipe: Recipe, *, width: int) -> None:
        """Start `width` workers."""
        self.pool = Pool("backup.restoring.writing:serve", recipe, width=width)
        self._is_closed = False

    def close(self) -> None:
        """End the workers at once; may be called again."""
        if not self._is_closed:
            self._is_closed = True
            self.pool.kill()


def start_early(store: Store) -> Seats | None:
    """Start workers for a whole snapshot, unless the store is small or cannot be opened there."""
    width = usual_width(store)
    recipe = recipe_of(store, share=width)
    if recipe is None or not _holds_much(store):
        return None
    return Seats(recipe, width=width)


def _holds_much(store: Store) -> bool:
    """Look once, without the patience of those who open the repository."""
    *_, innermost = layers_of(store)
    size = 0
    try:
        for pack in cast("Store", innermost).list("data"):
            size += pack.size
            if size >= MUCH:
                return True
    except StoreError:  # told by whoever opens the repository
        pass
    return False


def usual_width(store: Store) -> int:
    """Two a core: while one waits for a pack or for the target's disk, another one works.

    From a distant store one a core: each has several reads on their way and seldom waits.
    """
    if transfers_at_once(store) > 1:
        return worker_count()
    return min(_MOST_WORKERS, 2 * worker_count())
