"""The machines that the service reaches, and how they come to be reached: as the page says."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.test_readme_followed import read_lines
from tests.lab.machines import Machine, machine
from tests.lab.network import Network
from tests.lab.ops import KEYS, Ops
from tests.lab.pages import HOST
from tests.lab.people import ROLES

_DATABASES = ("nginx.service", "mariadb.service", "postgresql.service", "postgresql@.service")


class Host(Machine):
    """A host with the servers of its Debian; they run once they are started."""

    def start(self, *servers: str) -> None:
        """Start servers, now and at each boot: `nginx`, `mariadb`, `postgresql`, `php-fpm`."""
        units = [php_unit(Path("/")) if it == "php-fpm" else it for it in servers]
        if "postgresql" in servers:
            version = self.script("ls /usr/lib/postgresql | tail -n 1").strip()
            there = f"/etc/postgresql/{version}/main"
            self.script(f"[ -e {there} ] || pg_createcluster {version} main")
            units.append(f"postgresql@{version}-main")
        self.run("systemctl", "-q", "enable", "--now", *units)

    def sql(self, database: str, statements: str) -> str:
        """Have MariaDB here run statements as its root; gives rows, fields apart by tabs."""
        return self.run("mariadb", "--batch", "--skip-column-names", database, typed=statements)


def php_unit(below: Path) -> str:
    """Give the name of PHP-FPM's unit, which holds its version."""
    (found,) = (below / "usr/lib/systemd/system").glob("php*-fpm.service")
    return found.name


@contextmanager
def host(
    folder: Path, name: str, network: Network, *, below: Path = Path("/"), is_empty: bool = False
) -> Iterator[Host]:
    """Boot a host until the block ends.

    Args:
        folder: Of the lab.
        name: One of the machines' names.
        network: That it stands in.
        below: The root that it is a copy of.
        is_empty: Whether it has sshd alone.
    """
    units = () if is_empty else (*_DATABASES, php_unit(below))
    with machine(folder, name, network, below=below, units=units):
        yield Host(name, folder, network)


def reach(ops: Ops, host: Machine) -> None:
    """Make the service reach a host: a key, the estate has it already, trust, the account."""
    for written in read_lines(HOST):
        line = written.replace("var/keys", KEYS).replace("web1", host.name)
        if line.startswith("ssh-keygen"):
            ops.run("runuser", "-u", "giucong", "--", *shlex.split(line))
        elif "estate.trust" in line:
            seen = host.run("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]
            ops.type(next(iter(ROLES)), line.removeprefix("fab "), [seen]).check()
        elif "estate.account" in line:
            command, _, file = line.partition(" > ")
            script = ops.write_out(next(iter(ROLES)), command.removeprefix("fab "))
            ops.write(f"/root/{file}", script)
        else:
            ops.script(line)
