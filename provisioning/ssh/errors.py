"""What went wrong on a connection, translated once from paramiko and the socket."""

import errno
import socket

from paramiko.ssh_exception import (
    AuthenticationException,
    BadAuthenticationType,
    IncompatiblePeer,
    SSHException,
)

from provisioning.errors import (
    HostKeyError,
    HostRefusedError,
    HostUnavailableError,
    ProvisioningError,
)
from provisioning.ssh.host_keys import HostKey
from provisioning.ssh.targets import SshTarget

REFUSED = "the host {host} does not let us in"
UNTOUCHED = "nothing was read or changed there"

FAILURES = (SSHException, OSError, EOFError)
"""All that paramiko lets out when a connection fails."""


def translate_failure(error: Exception, target: SshTarget) -> ProvisioningError:
    """Give our error for one of `FAILURES`; the caller raises it `from` the other."""
    if isinstance(error, BadAuthenticationType | AuthenticationException):
        return HostRefusedError(
            REFUSED,
            why="it does not accept our key for the account {user}",
            data=UNTOUCHED,
            next_step="put our key into the account: `{program} estate.account --host {host}`",
            **about(target),
        )
    if isinstance(error, IncompatiblePeer):
        return HostRefusedError(
            REFUSED,
            why="there is no SSH algorithm that both sides accept: {reason}",
            data=UNTOUCHED,
            next_step="update SSH there; until then give the host `legacy_algorithms` with a reason"
            " and an end",
            **about(target),
            reason=str(error),
        )
    return HostUnavailableError(
        "the host {host} is not reachable at {address}:{port}",
        why="{reason}",
        data="nothing was changed there by this attempt to connect",
        next_step="check that it is up and lets this machine in, then try again",
        **about(target),
        reason=_reason(error),
    )


def make_not_offered(target: SshTarget, subsystem: str) -> HostRefusedError:
    """Give the error of a host that has no such subsystem."""
    return HostRefusedError(
        REFUSED,
        why="it offers no {subsystem}",
        data=UNTOUCHED,
        next_step="add `Subsystem {subsystem} internal-sftp` to its sshd_config",
        **about(target),
        subsystem=subsystem,
    )


def make_cut(target: SshTarget, error: Exception | None = None) -> HostUnavailableError:
    """Give the error of a line that broke while something ran."""
    return HostUnavailableError(
        "the line to the host {host} was cut",
        why="{reason}" if error else "",
        data="nobody knows how far the command there got",
        next_step="run it again when the host answers",
        **about(target),
        reason=_reason(error) if error else "",
    )


def make_unknown_key(target: SshTarget, shown: HostKey) -> HostKeyError:
    """Give the error of a host that no key is on record for."""
    return HostKeyError(
        "no key is on record for the host {host}; it shows {shown} ({kind})",
        why="nobody has yet confirmed that {address}:{port} is that host",
        data="the connection was ended before anything was sent",
        next_step="compare the fingerprint on the host itself, then `{program} estate.trust --host"
        " {host}`",
        **about(target),
        shown=shown.fingerprint,
        kind=shown.kind,
    )


def make_changed_key(target: SshTarget, shown: HostKey, known: list[HostKey]) -> HostKeyError:
    """Give the error of a host that shows another key than the one on record."""
    return HostKeyError(
        "the host {host} shows another key: {shown} ({kind}), on record is {known}",
        why="it was installed anew, or somebody stands between it and us",
        data="the connection was ended before anything was sent",
        next_step="ask who runs the host; only if they changed the key: `{program} estate.trust"
        " --host {host}`",
        **about(target),
        shown=shown.fingerprint,
        kind=shown.kind,
        known=", ".join(key.fingerprint for key in known),
    )


def make_revoked_key(target: SshTarget, shown: HostKey) -> HostKeyError:
    """Give the error of a host that shows a key which was taken back."""
    return HostKeyError(
        "the host {host} shows a key that was revoked: {shown} ({kind})",
        why="{file} marks it `@revoked`; whoever has got hold of it can pass for the host",
        data="the connection was ended before anything was sent",
        next_step="have the host make itself a new key, then `{program} estate.trust --host"
        " {host}`",
        **about(target),
        shown=shown.fingerprint,
        kind=shown.kind,
        file=target.known_hosts,
    )


def about(target: SshTarget) -> dict[str, object]:
    """Give what the templates say of a host."""
    return {
        "host": target.name,
        "address": target.address,
        "port": target.port,
        "user": target.user,
    }


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError) or getattr(error, "errno", None) == errno.ETIMEDOUT:
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return f"the name is not known: {error.strerror}"
    if isinstance(error, EOFError):
        return "it ended the connection"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
