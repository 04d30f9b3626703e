"""Deleting many files of a store, several at a time where that helps.

A delete is durable when it returns, which costs a folder a few milliseconds; from several threads
the disk settles several of them at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from backup.errors import ObjectNotFoundError, StoreError
from backup.stores.base import Store
from backup.workers.threads import do_each

_THREADS = 8
_BATCH = 128

Attempt = tuple[str, StoreError | None]


def delete_files(
    store: Store,
    keys: Sequence[str],
    *,
    ensure_allowed: Callable[[], None],
    threads: int = _THREADS,
) -> Iterator[Attempt]:
    """Delete files; what is gone already counts as deleted.

    Args:
        store: Where they lie.
        keys: Which; in this order, batch by batch.
        ensure_allowed: Called before each batch; raises where nothing more may be deleted.
        threads: How many at once; 1 deletes one after the other in this thread.

    Yields:
        Each key, in order, with the error that kept it from being deleted, or None.
    """

    def attempt(key: str) -> Attempt:
        try:
            with suppress(ObjectNotFoundError):
                store.delete(key)
        except StoreError as error:
            return key, error
        return key, None

    for start in range(0, len(keys), _BATCH):
        ensure_allowed()
        batch = keys[start : start + _BATCH]
        yield from do_each(attempt, batch, threads=min(threads, len(batch)))
