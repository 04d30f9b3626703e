"""Lock a repository for reading, and read on where no lock can be written.

A store that is full or mounted read-only must still give its data back: it is when a disk is full
that people restore. Whoever holds an exclusive lock already still keeps us out, for locks are
looked at before ours is written.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from backup.errors import StoreFullError, StoreReadOnlyError
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from ops.text import N_, _, fill

_AT_ONCE = timedelta(0)


@contextmanager
def hold_reading_lock(repository: Repository, *, retry_for: timedelta = _AT_ONCE) -> Iterator[None]:
    """Hold a shared lock while the block runs; without one, warn on standard error and go on.

    Args:
        repository: What to lock.
        retry_for: How long to wait for a conflicting lock to go.

    Raises:
        RepositoryLockedError: A conflicting lock stands and did not go within `retry_for`.
    """
    with ExitStack() as held:
        try:
            held.enter_context(hold_lock(repository, retry_for=retry_for))
        except (StoreFullError, StoreReadOnlyError) as error:
            sys.stderr.write(f"{_warn(repository.store.location, error)}\n")
        yield


def _warn(place: str, error: StoreFullError | StoreReadOnlyError) -> str:
    text = _(
        "warning: {place} is only read, without a lock: {why}. Let nothing forget or prune there"
        " until this ends."
    )
    why = (
        N_("no room left on the device, or the quota is used up")
        if isinstance(error, StoreFullError)
        else N_("it is mounted read-only")
    )
    return text.format(place=place, why=fill(why, {}))
