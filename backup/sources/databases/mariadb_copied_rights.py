"""Give whoever has rights on one MariaDB database the same on another, and take them back.

Accounts, roles and PUBLIC, on the database, its tables and its routines; rights that reach it by a
pattern or hold everywhere are left as they are. A right outlives the table that it names, and is
refused where that is not there: such ones are told, and passed over.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from backup.errors import SourceError
from backup.sources.databases.connection import Connection, LoadError, failed
from backup.sources.databases.mariadb_accounts import Account, list_accounts
from backup.sources.databases.mariadb_client import ask, ask_each, quote_name
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
# source: https://mariadb.com/kb/en/mariadb-error-code-reference/: no such table, no such routine
_ABSENT = re.compile(r"ERROR (?:1146|1305) ")


class Copied(NamedTuple):
    """What was given.

    Attributes:
        given: Statements that this took.
        absent: The server's words for each right on what is not in the other database.
    """

    given: int
    absent: list[str]


def copy_rights(admin: Connection, old: str, new: str, noted: bytes = b"") -> Copied:
    """Give them.

    Args:
        admin: The way to the server.
        old: Database that accounts have rights on; it need not be there.
        new: That is to get the same; it may have the same name.
        noted: Globals of a dump: rights on tables and routines of the old one that they give to
            accounts which are there are given, too.

    Raises:
        LoadError: The server refuses one; names what was done before.
        SourceError: It cannot be reached.
    """
    shown = _read(admin, old) if new != old else []
    if noted:
        there = {"PUBLIC", *(it.quoted for it in _list_all(admin, new))}
        shown += choose_parts(noted.decode("utf-8", "surrogateescape").split("\n"), there)
    chosen = list(move_grants(shown, old, new))
    _apply(admin, [it for it in chosen if not _read_part(it)], new)
    absent = _apply_each(admin, [it for it in chosen if _read_part(it)], new)
    return Copied(len(chosen) - len(absent), absent)


def read_rights_on_parts(admin: Connection, old: str, new: str, *, routines: bool) -> list[str]:
    """Read the rights on tables and routines of a database, as statements for another.

    Args:
        admin: The way to the server.
        old: The database.
        new: The other; it may have the same name.
        routines: Whether those on routines alone are wanted.

    Raises:
        LoadError: The server does not tell them.
        SourceError: It cannot be reached.
    """
    parts = ((it, _read_part(it)) for it in _read(admin, old))
    shown = (it for it, part in parts if part and (part["kind"] or not routines))
    return list(move_grants(shown, old, new))


def choose_parts(lines: Iterable[str], there: Collection[str]) -> Iterator[str]:
    """Yield the rights on tables, columns and routines of those who are there; pure.

    Args:
        lines: Of a dump's globals.
        there: Accounts and roles of the server, as statements name them.
    """
    for line in lines:
        part = _read_part(line.removesuffix(";"))
        if part is not None and part["who"] in there:
            yield part[0]


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
    """Read a grant on all of a database, also by a pattern, as one on that database; else None.

    Args:
        line: As `SHOW GRANTS` prints it.
        database: Its name.
    """
    grant = _GRANT.fullmatch(line)
    if grant is None or grant["what"] != "*":
        return None
    place = _find_place(grant, database)
    if not place and covers(grant["database"].replace("``", "`"), database):
        place = database.replace("`", "``").replace("_", "\\_")
    span = slice(grant.start("database"), grant.end("database"))
    return OwnGrant(line[: span.start] + place + line[span.stop :], grant["who"]) if place else None


def _read_part(line: str) -> re.Match[str] | None:
    grant = _GRANT.fullmatch(line)
    return grant if grant is not None and grant["what"] != "*" else None


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
        accounts = [it for it in _list_all(admin, database) if (it.user, it.host) in holders]
        shown = [ask(home, f"SHOW GRANTS FOR {it.quoted};") for it in accounts]
    except SourceError as error:
        raise _refused(admin, database, error) from error
    return [row[0] for rows in shown for row in rows]


def _list_all(admin: Connection, database: str) -> list[Account]:
    home = replace(admin, database="information_schema")
    try:
        is_mariadb = "MariaDB" in ask(home, "SELECT VERSION();")[0][0]
        return list_accounts(home, is_mariadb=is_mariadb)
    except SourceError as error:
        raise _refused(admin, database, error) from error


def _apply_each(admin: Connection, lines: list[str], database: str) -> list[str]:
    """Give rights on parts of a database; gives the server's words for those that are not there."""
    home = replace(admin, database="information_schema")
    try:
        refused = ask_each(home, (f"{it};" for it in lines))
    except SourceError as error:
        raise _refused(admin, database, error) from error
    if graver := [it for it in refused if not _ABSENT.match(it)]:
        raise _refused(admin, database, failed(home, graver[0]))
    return refused


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
