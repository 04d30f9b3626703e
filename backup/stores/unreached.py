"""Tell a server that nobody reaches at its address from one that is only busy for a while."""

import errno
import socket

from backup.errors import StoreUnavailableError, StoreUnreachedError

_NOBODY_THERE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})


def unavailable_by(error: BaseException | None) -> type[StoreUnavailableError]:
    """Give the kind of error for what broke a connection, or kept it from being made."""
    seen = error
    while seen is not None:
        if isinstance(seen, socket.gaierror) or getattr(seen, "errno", None) in _NOBODY_THERE:
            return StoreUnreachedError
        seen = seen.__cause__ or seen.__context__
    return StoreUnavailableError


def reason_of(error: Exception) -> str:
    """Give in the system's words what broke a connection."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    return str(error) or type(error).__name__
