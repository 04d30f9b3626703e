"""Hosts behind private SSH servers, and the programs that read them: ours, rsync, mariadb-dump."""

import json
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import DUMPER, RSYNC
from bench.measure import Command, run
from bench.peers import CHECKOUT, OURS, size_of

if TYPE_CHECKING:  # loaded where these works run only
    from tests.ssh_server import SshServer

PACKAGES = {
    "ssh": {"/usr/sbin/sshd": "openssh-server", "ssh": "openssh-client"},
    "ssh-first": {"rsync": "rsync"},
    "ssh-unchanged": {"rsync": "rsync"},
    "mariadb": {"/usr/sbin/mariadbd": "mariadb-server", "mariadb-dump": "mariadb-client"},
}
"""Debian packages by program, by the work that needs them; `ssh` for all that read hosts."""
Order = dict[str, Any]


def packages_for(works: Iterable[str]) -> dict[str, str]:
    """Return the Debian packages that works need beside their peers, by program."""
    needed: dict[str, str] = {}
    for work in works:
        if work == "mariadb" or work.startswith(("ssh", "watch-sample", "watch-idle")):
            needed |= {**PACKAGES["ssh"], **PACKAGES.get(work, {})}
    return needed


@dataclass(frozen=True, slots=True)
class FarBackup:
    """Our engine, reading a host.

    Attributes:
        server: Before the host.
        verb: Of `bench.far`.
        database: Which, for the verb `dump`; the source is the socket then.
    """

    server: "SshServer"
    verb: str = "files"
    database: str = ""
    name: str = OURS.name

    @property
    def packages(self) -> dict[str, str]:
        """Debian packages by program."""
        return {}

    def version(self) -> str:
        """Return our version."""
        return OURS.version()

    def prepare(self, state: Path) -> None:
        """Make an empty repository in the new folder `state`."""
        OURS.prepare(state)

    def size(self, state: Path) -> int:
        """Return the bytes of the repository."""
        return OURS.size(state)

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Back `source` of the host up."""
        del label
        order = make_order(self.server, self.server.port, "web1", source, state)
        return far_command(self.verb, state, [{**order, "database": self.database}])


@dataclass(frozen=True, slots=True)
class Rsync:
    """`rsync -a` over OpenSSH's client: a copy, no history, no encryption, no check of its own."""

    server: "SshServer"
    name: str = RSYNC

    @property
    def packages(self) -> dict[str, str]:
        """Debian packages by program."""
        return {"rsync": "rsync", "ssh": "openssh-client"}

    def version(self) -> str:
        """Return its version."""
        return run(Command(("rsync", "--version"))).splitlines()[0]

    def prepare(self, state: Path) -> None:
        """Make the empty folder."""
        (state / "repository").mkdir(parents=True)

    def size(self, state: Path) -> int:
        """Return the bytes of the copy."""
        return size_of(state / "repository")

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Copy `source` of the host into the folder."""
        del label
        shell = shlex.join(
            (
                *("ssh", "-F", "none", "-p", str(self.server.port)),
                *("-i", str(self.server.identity), "-o", "IdentitiesOnly=yes"),
                *("-o", f"UserKnownHostsFile={self.server.known_hosts}"),
                *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"),
            )
        )
        there = f"{self.server.target().user}@127.0.0.1:{source}/"
        return Command(("rsync", "-a", "-e", shell, there, f"{state / 'repository'}/"))


@dataclass(frozen=True, slots=True)
class Dumper:
    """`mariadb-dump | cat > /dev/null` on the host itself: nothing is kept."""

    database: str
    name: str = DUMPER

    @property
    def packages(self) -> dict[str, str]:
        """Debian packages by program."""
        return {"mariadb-dump": "mariadb-client", "bash": "bash"}

    def version(self) -> str:
        """Return its version."""
        return run(Command(("mariadb-dump", "--version"))).strip()

    def prepare(self, state: Path) -> None:
        """Nothing is kept; the folder is there."""

    def size(self, state: Path) -> int:
        """Return what is kept."""
        return size_of(state)

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Dump the database behind the socket `source`."""
        del state, label
        script = (
            'mariadb-dump --no-defaults --socket="$1" --user=root --single-transaction --quick'
            ' "$2" | cat > /dev/null'
        )
        argv = ("bash", "-o", "pipefail", "-c", script, "dump", str(source), self.database)
        return Command(argv)


def make_order(server: "SshServer", port: int, name: str, path: Path, state: Path) -> Order:
    """Say what `bench.far` is to back up: `path` of the host behind a port, into `state`."""
    return {
        "name": name,
        "port": port,
        "user": server.target().user,
        "identity": str(server.identity),
        "known_hosts": str(server.known_hosts),
        "path": str(path),
        "repository": OURS.repository(state),
        "cache": str(state / "cache"),
    }


def far_command(verb: str, folder: Path, orders: list[Order]) -> Command:
    """Write the orders down and give the command that does them."""
    written = folder / "orders.json"
    written.write_text(json.dumps(orders), encoding="utf-8")
    argv = (sys.executable, "-m", "bench.far", verb, str(written))
    return Command(argv, environment=OURS.environment(), folder=CHECKOUT)


def apart_command(folder: Path, orders: list[Order]) -> Command:
    """Give the command that does the orders eight at a time, a process of its own for each."""
    single = far_command("files", folder, orders)
    numbers = " ".join(map(str, range(len(orders))))
    script = 'printf "%s\\n" $1 | xargs -P 8 -I{} "$2" -m bench.far files "$3" --number {}'
    argv = ("bash", "-c", script, "apart", numbers, sys.executable, single.argv[-1])
    return Command(argv, environment=single.environment, folder=CHECKOUT)
