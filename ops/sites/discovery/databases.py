"""Find the databases of the servers of a machine, to propose those that no content system names.

The clients are asked, without a password: as root, or as somebody whom the server lets in so.
Where they are not there or not let in, MariaDB's folder of data tells the names (MySQL's manual,
"Mapping of Identifiers to File Names"); PostgreSQL's tells none.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from ops.sites.discovery.findings import DatabaseSettings, Note
from ops.sites.discovery.machine_files import Files, ask
from provisioning.hosts import Host

_ASK = {
    "mariadb": b"""for client in mariadb mysql
do command -v $client >/dev/null || continue
exec $client --connect-timeout=5 -N -B -e 'SHOW DATABASES' </dev/null 2>/dev/null
done; exit 69""",
    "postgresql": b"""cd /; command -v psql >/dev/null || exit 69
set -- psql -XAtwq -d postgres -c \
'SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate'
if [ "$(id -u)" = 0 ] && id postgres >/dev/null 2>&1
then exec runuser -u postgres -- "$@" </dev/null 2>/dev/null; fi
exec "$@" </dev/null 2>/dev/null""",
}
_FOLDERS = {"mariadb": "/var/lib/mysql", "postgresql": "/var/lib/postgresql"}
_OWN = frozenset(
    {"information_schema", "performance_schema", "mysql", "sys", "lost+found", "postgres"}
)
_CODED = re.compile(r"@([0-9a-f]{4})")
_HERE = frozenset({"", "127.0.0.1", "::1"})


def list_databases(files: Files, host: Host | None) -> list[DatabaseSettings]:
    """Give the databases of each server of a machine, without the server's own.

    Args:
        files: The machine's files; takes a note where names stay unknown.
        host: The machine as it runs; None where there are only its files.
    """
    found = []
    for engine, script in _ASK.items():
        answer = ask(host, script) if host is not None else None
        if answer is not None and answer.status == 0:
            names: Iterable[str] = answer.stdout.decode("utf-8", "replace").splitlines()
        else:
            names = list(_names_in_folder(files, engine))
        found += [DatabaseSettings("", engine, name) for name in names if name not in _OWN]
    return found


def find_unnamed(
    stored: Sequence[DatabaseSettings], named: Iterable[DatabaseSettings], own_address: str = ""
) -> list[DatabaseSettings]:
    """Give the databases that none of those named is.

    Args:
        stored: Databases of a machine's servers.
        named: Those that configurations or the estate name.
        own_address: Another address of that machine.
    """
    here = _HERE | {own_address}
    known = {(it.engine, it.database) for it in named if it.address in here}
    return [it for it in stored if (it.engine, it.database) not in known]


def _names_in_folder(files: Files, engine: str) -> Iterator[str]:
    folder = _FOLDERS[engine]
    before = len(files.notes)
    names = files.names_in(folder)
    del files.notes[before:]  # told below, in the words of databases
    if engine == "mariadb" and "mysql" in names:
        for name in names:
            if not name.startswith((".", "#")) and files.is_folder(f"{folder}/{name}"):
                yield _CODED.sub(lambda it: chr(int(it[1], 16)), name)
    elif files.is_folder(folder):
        files.notes.append(Note(engine, "unlisted"))
