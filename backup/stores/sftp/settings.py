"""Where an SFTP store is and how its server is entered; the forms of its URL are restic's."""

import getpass
import posixpath
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from backup.errors import UsageError
from backup.stores.options import StoreOptions
from provisioning.ssh.targets import SshTarget

_URL = re.compile(
    r"//(?:(?P<user>[^/:]+)@)?(?P<host>\[[^\]]+\]|[^/:@\[\]]+)(?::(?P<port>\d{1,5}))?/(?P<path>.*)",
    re.DOTALL,
)
_SHORT = re.compile(
    r"(?:(?P<user>[^/:]+)@)?(?P<host>\[[^\]]+\]|[^/:@\[\]]+):(?P<path>.*)", re.DOTALL
)
_KNOWN_OPTIONS = frozenset({"sftp.identity", "sftp.known_hosts", "sftp.connections"})
_SSH_PORT = 22
_MOST_PORT = 65_535
_CONNECTIONS = 4
_MOST_CONNECTIONS = 8

_UNUSABLE = "the URL of the SFTP store cannot be used"
_FORMS = "write sftp:user@host:/path, or sftp://user@host:port//path"
_NOTHING_DONE = "nothing was read or written"


@dataclass(frozen=True, slots=True)
class SftpSettings:
    """All that another process needs to open the store again.

    Attributes:
        kind: Of its recipe.
        user: Account on the server.
        address: Name or address of the server.
        port: TCP port.
        path: The store's folder; relative ones start where the server puts the account.
        identity: File with the private key.
        known_hosts: File with the host keys that are trusted.
        connections: So many at most.
    """

    kind: ClassVar = "sftp"

    user: str
    address: str
    port: int
    path: str
    identity: str
    known_hosts: str
    connections: int = _CONNECTIONS

    @property
    def place(self) -> str:
        """The store's URL, for people."""
        if self.port == _SSH_PORT:
            return f"sftp:{self.user}@{self.address}:{self.path}"
        return f"sftp://{self.user}@{self.address}:{self.port}/{self.path}"

    @property
    def target(self) -> SshTarget:
        """How its server is entered."""
        return SshTarget(
            name=self.address.strip("[]"),
            address=self.address.strip("[]"),
            port=self.port,
            user=self.user,
            identity=Path(self.identity),
            known_hosts=Path(self.known_hosts),
        )

    def pack(self) -> Mapping[str, str | int]:
        """Give it as plain values."""
        return asdict(self)


def parse_settings(rest: str, options: StoreOptions) -> SftpSettings:
    """Read what follows `sftp:`, as restic does.

    Args:
        rest: `user@host:/path`, `host:path` or `//user@host:port//path`, where a path behind one
            slash is relative and behind two absolute.
        options: `sftp.identity`, `sftp.known_hosts`, `sftp.connections`.

    Raises:
        UsageError: It is none of these, or an option is not known.
    """
    found = (_URL if rest.startswith("//") else _SHORT).fullmatch(rest)
    port = int(found["port"] or _SSH_PORT) if found and "port" in found.groupdict() else _SSH_PORT
    path = found["path"] if found else ""
    if found is None or not path or not 1 <= port <= _MOST_PORT or "\0" in path:
        raise UsageError(
            _UNUSABLE,
            why="it has no host or no folder",
            data=_NOTHING_DONE,
            next_step=_FORMS,
        )
    if path.startswith("~"):
        raise UsageError(
            _UNUSABLE,
            why="a path that begins with ~ means nothing to most servers",
            data=_NOTHING_DONE,
            next_step="leave out ~/: a relative path starts at the home folder of the account",
        )
    unknown = sorted(name for name in options.extra if name.startswith("sftp.")
                     and name not in _KNOWN_OPTIONS)  # fmt: skip
    if unknown:
        raise UsageError(
            "the option {option} is not known",
            data="nothing was read or written",
            next_step="those of SFTP are sftp.identity, sftp.known_hosts and sftp.connections",
            option=unknown[0],
        )
    home = Path.home() / ".ssh"
    return SftpSettings(
        user=found["user"] or getpass.getuser(),
        address=found["host"],
        port=port,
        path=posixpath.normpath(re.sub("^/+", "/", path)),
        identity=_absolute(options.extra.get("sftp.identity") or home / "id_ed25519"),
        known_hosts=_absolute(options.extra.get("sftp.known_hosts") or home / "known_hosts"),
        connections=_read_connections(options.extra.get("sftp.connections", "")),
    )


def _absolute(path: str | Path) -> str:
    return str(Path(path).expanduser().absolute())


def _read_connections(text: str) -> int:
    if not text:
        return _CONNECTIONS
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_CONNECTIONS:
        return int(text)
    raise UsageError(
        "sftp.connections takes a number from 1 to {most}",
        data="nothing was read or written",
        next_step="correct it, or leave it out",
        most=_MOST_CONNECTIONS,
    )
