"""The lock of a site on this machine: held for life by whoever works on the site.

It is a `flock` on `STATE/locks/NAME.lock`. The kernel frees it when the last process that has it
open is gone, however it went, so a free lock proves that nobody works there. The file holds the
holder's run id and is never removed.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from ops.errors import OpsError

_POLL_SECONDS = 0.05
_HOLDER_BYTES = 200


class SiteBusyError(OpsError):
    """Another run works on the site."""

    exit_code = 11


@contextmanager
def hold_site_lock(
    state: Path, name: str, *, holder: str, wait: timedelta = timedelta(0)
) -> Iterator[None]:
    """Hold a site's lock; processes forked meanwhile hold it too until they end.

    Args:
        state: The service's state folder.
        name: The site's name, or a job's for a job without a site.
        holder: Run id, or another word for who holds it.
        wait: How long to wait for whoever holds it now.

    Raises:
        SiteBusyError: It is still held after the wait.
    """
    descriptor = os.open(_lock_path(state, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        _take(descriptor, name, wait)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_lock_held_by(state: Path, name: str, holder: str) -> bool:
    """Say whether `holder` has the lock. Between taking it and signing it, any holder counts."""
    try:
        descriptor = os.open(_lock_path(state, name), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        if _try(descriptor):
            return False
        written = os.pread(descriptor, _HOLDER_BYTES, 0).decode()
        return written in {"", holder}
    finally:
        os.close(descriptor)


def is_lock_free(state: Path, name: str) -> bool:
    """Say whether nobody has the lock just now."""
    try:
        descriptor = os.open(_lock_path(state, name), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        return _try(descriptor)
    finally:
        os.close(descriptor)


def _lock_path(state: Path, name: str) -> Path:
    folder = state / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{quote(name, safe='')}.lock"


def _take(descriptor: int, name: str, wait: timedelta) -> None:
    deadline = time.monotonic() + wait.total_seconds()
    while not _try(descriptor):
        if time.monotonic() >= deadline:
            raise SiteBusyError(
                'another run works on "{name}"',
                why="it holds the lock of the site: {holder}",
                data="nothing was changed",
                next_step="wait for it to end; `{program} service.jobs` shows it",
                name=name,
                holder=os.pread(descriptor, _HOLDER_BYTES, 0).decode(),
            )
        time.sleep(_POLL_SECONDS)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
