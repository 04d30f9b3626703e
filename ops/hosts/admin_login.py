"""A way into a host for one run, by an administrator's own credentials; the service keeps none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.hosts.connect import make_target
from provisioning.hosts import MOST_OUTPUT_BYTES, Command, Completed, Host, HostProcess
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """What a person gives for one run.

    Attributes:
        login: Account on the host; empty for the service's own.
        identity: File with that account's private key (ed25519).
        passphrase_file: File with the key's passphrase; empty for none.
        run_as: Account there that runs the database's client, such as `postgres`; empty for the
            login itself.
    """

    login: str = ""
    identity: str = ""
    passphrase_file: str = ""
    run_as: str = ""


class _AsUser:
    """A host whose commands run as another account (util-linux `runuser`, by root)."""

    def __init__(self, host: Host, user: str) -> None:
        self._host = host
        self._words = (b"runuser", b"-u", user.encode(), b"--")

    @property
    def name(self) -> str:
        """See `Host.name`."""
        return self._host.name

    def run(
        self,
        command: Command,
        *,
        stdin: bytes = b"",
        timeout: float = 60,
        most_bytes: int = MOST_OUTPUT_BYTES,
    ) -> Completed:
        """See `Host.run`."""
        words = (*self._words, *command)
        return self._host.run(words, stdin=stdin, timeout=timeout, most_bytes=most_bytes)

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator[HostProcess]:
        """See `Host.start`."""
        with self._host.start((*self._words, *command), timeout=timeout) as process:
            yield process


@contextmanager
def enter(estate: Estate, name: str | None, way: WayIn) -> Iterator[Host]:
    """Give a host as an administrator enters it; None is this machine.

    Raises:
        WrongUseError: No host has that name, or a login is given without its key.
    """
    if name is None:
        yield _as_user(LocalHost(), way)
        return
    if not way.login or not way.identity:
        raise WrongUseError(
            "nobody may write on the host {host} with the service's own account",
            why="that account only reads; an administrator's is given for this run alone",
            data="nothing was changed",
            next_step="add `--login ACCOUNT --identity FILE`, the account's ed25519 key; its"
            " passphrase in `--passphrase-file`",
            host=name,
        )
    passphrase = read_line(way.passphrase_file) if way.passphrase_file else None
    target = replace(
        make_target(estate, name),
        user=way.login,
        identity=Path(way.identity),
        passphrase=passphrase,
    )
    pool = SshPool()
    try:
        yield _as_user(SshHost(target, pool), way)
    finally:
        pool.close()


def _as_user(host: Host, way: WayIn) -> Host:
    return _AsUser(host, way.run_as) if way.run_as else host


def read_line(path: str) -> str:
    """Read a secret: the first line of a file.

    Raises:
        WrongUseError: It cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(
            "{path} cannot be read",
            why="{reason}",
            data="nothing was changed",
            next_step="name a file with one line of text",
            path=path,
            reason=getattr(error, "strerror", None) or "no text",
        ) from error
    return text.splitlines()[0] if text else ""
