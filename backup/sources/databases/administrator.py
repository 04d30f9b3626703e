"""What an administrator's account lacks to load a database, or to give it another's name.

Looked at before anything is made: a dry run then refuses what the real one would.
"""

from collections.abc import Iterable
from dataclasses import replace

from backup.sources.databases.connection import Connection, LoadError
from backup.sources.databases.load import Engine
from backup.sources.databases.mariadb_client import ask
from backup.sources.databases.mariadb_rights import covers, parse_grants
from backup.sources.databases.postgresql_admin import ask_psql, literal, require_restriction

LONGEST_NAMES = {"mariadb": 64, "postgresql": 63}
"""Engine → characters (MariaDB) or bytes (PostgreSQL) that a database's name may have.

source: https://mariadb.com/kb/en/identifier-names/ and NAMEDATALEN of PostgreSQL
"""

_NEEDED = ("SELECT", "INSERT", "CREATE", "ALTER", "DROP", "LOCK TABLES")


def require_rights(
    engine: Engine, admin: Connection, names: Iterable[str], *, owners: Iterable[str] = ()
) -> None:
    """Refuse an account that may not write what it is asked to.

    Args:
        engine: The server's.
        admin: The way to it.
        names: Databases that are made, moved or filled, those that are not there yet included.
        owners: PostgreSQL: roles that own them; each has to be there.

    Raises:
        LoadError: It lacks a right, or a client there cannot load safely.
        SourceError: The server cannot be asked.
    """
    if engine == "mariadb":
        lines = [
            row[0] for row in ask(replace(admin, database="information_schema"), "SHOW GRANTS;")
        ]
        lacks = find_lacking(lines, names)
    else:
        home = replace(admin, database="postgres")
        require_restriction(home)
        lacks = _find_lacking_postgresql(home, owners)
    if lacks:
        raise LoadError(
            "the account {user} may not do this on {host}",
            why="it lacks {rights}",
            data="nothing was changed",
            next_step="give the account these rights, or name another with `--user`",
            user=admin.user or "-",
            rights=", ".join(lacks),
            host=admin.host.name,
        )


def find_lacking(lines: Iterable[str], names: Iterable[str]) -> list[str]:
    """Name what an account of MariaDB lacks on some databases; pure.

    Args:
        lines: What `SHOW GRANTS` prints of it.
        names: The databases.
    """
    grants = [it for it in parse_grants(lines) if it.table is None]
    lacks: dict[str, None] = {}
    for name in names:
        held = {right for it in grants if covers(it.database, name) for right in it.rights}
        if not held & {"ALL", "ALL PRIVILEGES"}:
            lacks |= dict.fromkeys(it for it in _NEEDED if it not in held)
    return list(lacks)


def _find_lacking_postgresql(home: Connection, owners: Iterable[str]) -> list[str]:
    sql = "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    may_all, _bar, may_create = ask_psql(home, sql).strip().partition("|")
    if may_all == "t":
        return []
    lacks = [] if may_create == "t" else ["CREATEDB"]
    for owner in owners:
        is_member = (
            f"SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = {literal(owner)}"  # noqa: S608 -- quoted
        )
        if ask_psql(home, is_member).strip() != "t":
            lacks.append(f"membership in {owner}")
    return lacks


def require_unused(admin: Connection, names: Iterable[str]) -> None:
    """Refuse to rename databases of PostgreSQL that somebody is connected to.

    Raises:
        LoadError: Somebody is.
        SourceError: The server cannot be asked.
    """
    chosen = ", ".join(map(literal, names))
    rows = ask_psql(
        replace(admin, database="postgres"),
        "SELECT datname, usename, count(*) FROM pg_stat_activity WHERE backend_type = 'client"  # noqa: S608 -- quoted
        f" backend' AND datname IN ({chosen}) GROUP BY 1, 2 ORDER BY 1, 2",
    ).split()
    if rows:
        raise LoadError(
            "somebody is still connected to a database that is to be renamed: {rows}",
            why="PostgreSQL renames none that is in use (database|account|connections)",
            data="nothing was changed",
            next_step="stop the site and whatever else uses it, then type the same command again",
            rows=", ".join(rows),
        )


def owners_of(admin: Connection, names: Iterable[str]) -> list[str]:
    """Give the roles that own databases of PostgreSQL.

    Raises:
        SourceError: The server cannot be asked.
    """
    chosen = ", ".join(map(literal, names))
    sql = f"SELECT DISTINCT pg_get_userbyid(datdba) FROM pg_database WHERE datname IN ({chosen})"  # noqa: S608 -- quoted
    return ask_psql(replace(admin, database="postgres"), sql).splitlines()
