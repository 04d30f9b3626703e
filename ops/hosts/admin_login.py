"""A way into a host for one run, by an administrator's own credentials; the service keeps none."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.hosts.connect import KNOWN_HOSTS, make_target
from ops.language.text import N_
from provisioning.commands import RunsToEnd
from provisioning.errors import HostRefusedError, HostUnavailableError
from provisioning.hosts import Command, Host, HostProcess
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from provisioning.ssh.targets import SshTarget

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_OWN_ADDRESS = "127.0.0.1"
_OWN_KEYS = Path("/etc/ssh")
_PUBLIC = "ssh_host_*_key.pub"
_SET_UP = N_(
    "`sudo apt-get install openssh-server`, and let the key in for this run: `sudo tee -a"
    " ~root/.ssh/authorized_keys < FILE.pub`; where it listens on another port, name this machine"
    ' in the estate: a `[[hosts]]` with `address = "127.0.0.1"` and its `port`'
)


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


class _AsUser(RunsToEnd):
    """A host whose commands run as another account (util-linux `runuser`, by root)."""

    def __init__(self, host: Host, user: str) -> None:
        self._host = host
        self._words = (b"runuser", b"-u", user.encode(), b"--")

    @property
    def name(self) -> str:
        """See `Host.name`."""
        return self._host.name

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
    with _log_in(make_target(estate, name), way) as host:
        yield host


@contextmanager
def enter_writing(estate: Estate, name: str | None, way: WayIn) -> Iterator[Host]:
    """Give a host as an administrator writes on it; None is this machine, over its own SSH server.

    The host of the estate that has a loopback address is this machine, with its port and keys;
    else it is looked for where it usually is, with the public keys that it keeps for all to read.

    Raises:
        WrongUseError: No host has that name, a login lacks its key, or there is no SSH server here.
        ProvisioningError: It does not answer, or does not let the account in.
    """
    own = next((it.name for it in estate.hosts if it.address in _LOOPBACK), None)
    if name is not None or own is not None:
        with enter(estate, name or own, way) as host:
            yield host
        return
    with tempfile.TemporaryDirectory(prefix="giucong-own-") as folder:
        table = Path(folder, KNOWN_HOSTS)
        table.write_text("".join(f"{_OWN_ADDRESS} {key}\n" for key in _own_keys()))
        target = SshTarget(name="localhost", address=_OWN_ADDRESS, known_hosts=table)
        with _log_in(target, way) as host:
            try:
                host.run([b"true"])
            except (HostUnavailableError, HostRefusedError) as error:
                error.next_step = _SET_UP
                raise
            yield host


def _own_keys() -> list[str]:
    """Give the public keys of this machine's SSH server: kind and base64 of each."""
    texts = (it.read_text("utf-8", "replace") for it in sorted(_OWN_KEYS.glob(_PUBLIC)))
    keys = [" ".join(it.split()[:2]) for it in texts]
    if keys:
        return keys
    raise WrongUseError(
        "this machine has no SSH server, over which an administrator would write on it",
        why="there is no key of one in {folder}",
        next_step=_SET_UP,
        folder=_OWN_KEYS,
    )


@contextmanager
def _log_in(machine: SshTarget, way: WayIn) -> Iterator[Host]:
    name = machine.name
    if not way.login or not way.identity:
        raise WrongUseError(
            "nobody may write on the host {host} with the service's own account",
            why="that account only reads; an administrator's is given for this run alone",
            next_step="add `--login ACCOUNT --identity FILE`, the account's ed25519 key; its"
            " passphrase in `--passphrase-file`",
            host=name,
        )
    passphrase = read_line(way.passphrase_file) if way.passphrase_file else None
    target = replace(machine, user=way.login, identity=Path(way.identity), passphrase=passphrase)
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
            next_step="name a file with one line of text",
            path=path,
            reason=getattr(error, "strerror", None) or "no text",
        ) from error
    return text.splitlines()[0] if text else ""
