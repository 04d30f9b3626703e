"""What an account may read of a MariaDB database: decided from its grants.

A dump by an account that lacks TRIGGER, or sees no routines, is silently small: the server hides
what it may not show. So the grants are looked at first.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

NEEDED = ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT")
ROUTINES = "SHOW CREATE ROUTINE"
LOCKING = "LOCK TABLES"

# One of these on a database: its routines are listed, and one whose body stays hidden is an error.
_SHOW_ROUTINES = frozenset({"EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE", ROUTINES})
_ALL = frozenset({"ALL", "ALL PRIVILEGES"})
_SERVERS_OWN = frozenset({"mysql", "sys"})
_GRANT = re.compile(
    r"GRANT (?P<rights>.+?) ON (?:[A-Z]+(?: BODY)? )?"
    r"(?P<database>\*|`(?:[^`]|``)*`)\.(?P<table>\*|`(?:[^`]|``)*`) TO ",
    re.DOTALL,
)


class Grant(NamedTuple):
    """One line of `SHOW GRANTS`.

    Attributes:
        rights: In capitals; those on single columns are left out.
        database: Pattern as the server keeps it (with ``%`` and ``_``); None for every one.
        table: Or routine; None for all.
    """

    rights: frozenset[str]
    database: str | None
    table: str | None


def parse_grants(lines: Iterable[str]) -> Iterator[Grant]:
    """Read what `SHOW GRANTS` prints; what is no grant of rights on data is passed over."""
    for line in lines:
        found = _GRANT.match(line)
        if found is not None:
            rights = re.sub(r"\([^)]*\)", "()", found["rights"])
            names = frozenset(it.strip().upper() for it in rights.split(",") if "(" not in it)
            yield Grant(names, _name(found["database"]), _name(found["table"]))


def names_part(line: str) -> bool:
    """Tell whether a grant is on a table, columns or a routine of a site's database.

    The server refuses it where they are not there; what it keeps of its own always is.
    """
    return any(
        it.table is not None and it.database not in _SERVERS_OWN for it in parse_grants([line])
    )


def find_missing_rights(
    lines: Iterable[str], database: str, *, locks: bool = False
) -> tuple[str, ...]:
    """Name what an account lacks to read all of a database.

    Args:
        lines: What `SHOW GRANTS` prints.
        database: Its name.
        locks: Whether its tables are to be locked.
    """
    grants = list(parse_grants(lines))
    held: set[str] = set()
    for grant in grants:
        if grant.table is None and covers(grant.database, database):
            held |= grant.rights
    if held & _ALL:
        return ()
    needed = [*NEEDED, LOCKING] if locks else list(NEEDED)
    missing = [right for right in needed if right not in held]
    if not held & _SHOW_ROUTINES and not any(map(_reads_routines, grants)):
        missing.append(ROUTINES)
    return tuple(missing)


def _reads_routines(grant: Grant) -> bool:
    is_there = grant.database is None or (
        grant.database == "mysql" and grant.table in {None, "proc"}
    )
    return is_there and ("SELECT" in grant.rights or bool(grant.rights & _ALL))


def _name(quoted: str) -> str | None:
    return None if quoted == "*" else quoted[1:-1].replace("``", "`")


def covers(pattern: str | None, database: str) -> bool:
    """Tell whether a grant on a pattern holds for a database."""
    if pattern is None or pattern == database:
        return True
    expression = ""
    for escaped, plain in re.findall(r"\\(.)|(.)", pattern, re.DOTALL):
        wildcard = {"%": ".*", "_": "."}.get(plain)
        expression += wildcard or re.escape(escaped or plain)
    return re.fullmatch(expression, database, re.DOTALL) is not None
