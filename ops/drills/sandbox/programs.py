"""The server programs of this machine, and the Debian package of one that is missing."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

_POSTGRESQL = Path("/usr/lib/postgresql")
_MAJOR = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class MissingProgram:
    """A program that this machine lacks.

    Attributes:
        program: Its name.
        package: Debian's package that has it.
    """

    program: str
    package: str


def find_mariadb() -> str | MissingProgram:
    """Give the path of MariaDB's server, whose helpers lie beside it."""
    for name in ("mariadb-install-db", "mariadb"):
        if shutil.which(name) is None:
            return MissingProgram(name, "mariadb-server")
    return shutil.which("mariadbd") or MissingProgram("mariadbd", "mariadb-server")


def find_postgresql(wanted: str) -> Path | MissingProgram:
    """Give the folder of PostgreSQL's programs: the wanted version, else the next newer, else any.

    Args:
        wanted: Product and version of production's server; may be empty.
    """
    found = {
        int(folder.parent.name): folder
        for folder in _POSTGRESQL.glob("*/bin")
        if folder.parent.name.isdigit() and (folder / "initdb").exists()
    }
    version = _MAJOR.search(wanted)
    major = int(version[1]) if version else 0
    if not found:
        package = f"postgresql-{major}" if major else "postgresql"
        return MissingProgram("postgres", package)
    return found[min((it for it in found if it >= major), default=max(found))]


def find_php() -> str | MissingProgram:
    """Give the path of PHP for the command line, which has a server built in."""
    return shutil.which("php") or MissingProgram("php", "php-cli")
