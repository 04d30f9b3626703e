"""Give whoever has rights on one MariaDB database the same on another, and take them back.

Accounts, roles and PUBLIC, on the database, its tables and its routines; rights that reach it by a
pattern or hold everywhere are left as they are.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from backup.errors import SourceError
from backup.sources.databases.connection import Connection, LoadError
from backup.sources.databases.mariadb_accounts import list_accounts
from backup.sources.databases.mariadb_client import ask, quote_name
from backup.sources.databases.mariadb_rights import covers

_HOLDERS = ("db", "tables_priv", "columns_priv", "procs_priv")
_NAME = r"(?:`(?:[^`]|``)*`|'(?:[^'\\]|'')*')"
_RIGHT = rf"[A-Z][A-Z_ ]*(?: ?\((?:{_NAME}|\w+)(?:, ?(?:{_NAME}|\w+))*\))?"
_GRANT = re.compile(
    rf"GRANT (?P<rights>{_RIGHT}(?:, ?{_RIGHT})*) ON (?P<kind>(?:[A-Z]+(?: BODY)? )?)"
    rf"`(?P<database>(?:[^`]|``)*)`\.(?P<what>\*|`(?:[^`]|``)*`) TO"
    rf" (?P<who>PUBLIC|{_NAME}(?:@{_NAME})?)(?P<option> WITH GRANT OPTION)?"
)
"""One statement, whole: rights, on a database or in it, to somebody."""


def copy_rights(admin: Connection, old: str, new: str) -> int:
    """Give them; gives how many statements that took.

    Raises:
        LoadError: The server refuses one; names what was done before.
        SourceError: It cannot be reached.
    """
    chosen = list(move_grants(_read(admin, old), old, new))
    _apply(admin, chosen, new)
    return len(chosen)


def take_rights_back(admin: Connection, database: str) -> None:
    """Take away all rights on a database of that name, before the name is gone.

    Raises:
        LoadError: The server refuses.
        SourceError: It cannot be reached.
    """
    found = [
        (place, grant)
        for line in _read(admin, database)
        if (grant := _GRANT.fullmatch(line)) and (place := _find_place(grant, database))
    ]
    lines = [
        f"REVOKE {grant['rights']}{', GRANT OPTION' if grant['option'] else ''} ON {grant['kind']}"
        f"`{place}`.{grant['what']} FROM {grant['who']}"
        for place, grant in found
    ]
    _apply(admin, lines, database)


def move_grants(lines: Iterable[str], old: str, new: str) -> Iterator[str]:
    """Yield the grants on one database as grants on another, each once; pure.

    Args:
        lines: What `SHOW GRANTS` prints.
        old: Name of the one that they are on.
        new: Name of the other.
    """
    for line in dict.fromkeys(lines):
        grant = _GRANT.fullmatch(line)
        if grant is not None and (place := _find_place(grant, old)):
            is_escaped = place != old.replace("`", "``")
            name = quote_name(new.replace("_", "\\_") if is_escaped else new)
            yield line[: grant.start("database") - 1] + name + line[grant.end("database") + 1 :]


class OwnGrant(NamedTuple):
    """A grant on one database: the statement, and whose it is."""

    line: str
    who: str


def find_grant(line: str, database: str) -> OwnGrant | None:
    """Read a grant that reaches a database, also by a pattern, as one on that database; else None.

    Args:
        line: As `SHOW GRANTS` prints it.
        database: Its name.
    """
    grant = _GRANT.fullmatch(line)
    if grant is None:
        return None
    place = _find_place(grant, database)
    if (
        not place
        and grant["what"] == "*"
        and covers(grant["database"].replace("``", "`"), database)
    ):
        place = database.replace("`", "``").replace("_", "\\_")
    span = slice(grant.start("database"), grant.end("database"))
    return OwnGrant(line[: span.start] + place + line[span.stop :], grant["who"]) if place else None


def _find_place(grant: re.Match[str], database: str) -> str:
    """Give the name as the grant has it, where it means that database alone; else nothing."""
    plain = database.replace("`", "``")
    return grant["database"] if grant["database"] in {plain, plain.replace("_", "\\_")} else ""


def _read(admin: Connection, database: str) -> list[str]:
    """Read the grants of all who have some of their own."""
    home = replace(admin, database="information_schema")
    tables = " UNION ".join(f"SELECT user, host FROM mysql.{it}" for it in _HOLDERS)  # noqa: S608 -- our own words
    try:
        holders = {(user, host) for user, host in ask(home, f"{tables};")}
        is_mariadb = "MariaDB" in ask(home, "SELECT VERSION();")[0][0]
        accounts = list_accounts(home, is_mariadb=is_mariadb)
        accounts = [it for it in accounts if (it.user, it.host) in holders]
        shown = [ask(home, f"SHOW GRANTS FOR {it.quoted};") for it in accounts]
    except SourceError as error:
        raise _refused(admin, database, error) from error
    return [row[0] for rows in shown for row in rows]


def _apply(admin: Connection, lines: list[str], database: str) -> None:
    if not lines:
        return
    try:
        ask(replace(admin, database="information_schema"), "".join(f"{it};\n" for it in lines))
    except SourceError as error:
        raise _refused(admin, database, error) from error


def _refused(admin: Connection, database: str, error: SourceError) -> LoadError:
    return LoadError(
        "the rights on the database {database} on {host} could not be carried over",
        why="{reason}",
        data="all its rows are there; only rights of accounts are missing",
        next_step="see who has which with `SHOW GRANTS` on the server, and grant there by hand what"
        " the site's accounts need on {database}",
        database=database,
        host=admin.host.name,
        reason=str(error.params.get("reason") or error),
    )
