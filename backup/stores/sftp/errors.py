"""What an SFTP server or the way to it says, in the engine's words. The one place for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from backup.errors import (
    ObjectNotFoundError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from backup.stores.sftp.protocol import ABSENT, BAD, DENIED, Garbled, SftpStatusError
from backup.stores.sftp.settings import SftpSettings
from backup.stores.unreached import unavailable_by
from provisioning.errors import (
    HostKeyError,
    HostUnavailableError,
    OwnKeyError,
    ProvisioningError,
)
from provisioning.ssh.errors import FAILURES


class LineBrokenError(Exception):
    """The connection can no longer be used; the cause is the exception behind it."""


@contextmanager
def translated(what: str, *, key: str, settings: SftpSettings) -> Iterator[None]:
    """Translate what goes wrong inside the block.

    Args:
        what: What failed, with {key} and {place}.
        key: The object's key, or the folder listed.
        settings: Where the store is.

    Raises:
        StoreError: Instead of any error of SSH or SFTP.
    """
    place = settings.place
    try:
        yield
    except SftpStatusError as error:
        raise _of_status(error, what, key, place) from error
    except ProvisioningError as error:
        raise _of_host(error, what, key, settings) from error
    except (LineBrokenError, Garbled, *FAILURES) as error:
        cause = error.__cause__ if isinstance(error, LineBrokenError) else error
        raise StoreUnavailableError(
            what,
            why="the connection broke: {reason}",
            data="what was stored before is untouched",
            next_step="check the line to {place}, then run the same command again",
            key=key,
            place=place,
            reason=str(cause) or type(cause).__name__,
        ) from error


def _of_status(error: SftpStatusError, what: str, key: str, place: str) -> StoreError:
    if error.code == ABSENT:
        return ObjectNotFoundError("{key} is not in {place}", key=key, place=place)
    if error.code == DENIED:
        return StoreDeniedError(
            what,
            why="the server does not allow it",
            data="what was stored before is untouched",
            next_step="let the account write and read the folder of {place}",
            key=key,
            place=place,
        )
    kind = StoreError if error.code == BAD else StoreUnavailableError
    return kind(
        what,
        why="the server says: {reason}",
        data="what was stored before is untouched",
        next_step="look at the disk of the server, then run the same command again",
        key=key,
        place=place,
        reason=str(error),
    )


def _of_host(error: ProvisioningError, what: str, key: str, settings: SftpSettings) -> StoreError:
    place = settings.place
    if isinstance(error, HostUnavailableError):
        return unavailable_by(error)(
            what,
            why="{reason}: {detail}",
            data="what was stored before is untouched",
            next_step="check that the server is up and lets this machine in, then try again",
            key=key,
            place=place,
            reason=error,
            detail=error.cause,
        )
    if isinstance(error, HostKeyError):
        return StoreDeniedError(
            what,
            why="{reason}",
            data="the connection was ended before anything was sent",
            next_step="compare the fingerprint on the server itself, then put its key into {file}"
            " (`ssh-keyscan -p {port} {address}` prints it)",
            key=key,
            place=place,
            reason=error,
            file=settings.known_hosts,
            port=settings.port,
            address=settings.target.address,
        )
    is_ours = isinstance(error, OwnKeyError)
    return StoreDeniedError(
        what,
        why="{reason}: {detail}",
        data="nothing was read or written",
        next_step='make one with `ssh-keygen -t ed25519 -N ""` and name it as `identity`'
        if is_ours
        else "put the public half of the key {file} into the account on the server",
        key=key,
        place=place,
        reason=error,
        detail=error.cause,
        file=settings.identity,
    )
