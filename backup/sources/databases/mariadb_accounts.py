"""What of a MariaDB database lies outside it: its own settings, accounts, roles, and rights."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_client import ask, quote_name, quote_text
from backup.sources.databases.mariadb_dump import look_at_mariadb
from backup.sources.databases.mariadb_rights import covers, parse_grants

_OWN_ONLY = """\
-- The account that made this may not read the others (it lacks SELECT on mysql.*): their
-- accounts and rights are not in here.
"""

PUBLIC = "PUBLIC"
"""The role that everybody has; nobody makes it."""


class Account(NamedTuple):
    """An account or role, as `mysql.user` names it."""

    user: str
    host: str
    is_role: bool

    @property
    def quoted(self) -> str:
        """As statements name it."""
        if self.is_role:
            return quote_name(self.user)
        return f"{quote_name(self.user)}@{quote_name(self.host)}"


def make_mariadb_globals(connection: Connection) -> bytes:
    """Give SQL that makes the empty database and its accounts anew; run by an administrator.

    Raises:
        SourceError: The server could not be asked.
    """
    state = look_at_mariadb(connection)
    sees_others = any(
        grant.table is None and grant.database in {None, "mysql"} and
        grant.rights & {"SELECT", "ALL PRIVILEGES"}
        for grant in parse_grants(state.grants)
    )  # fmt: skip
    name = quote_name(connection.database)
    settings = state.settings
    charset = f"CHARACTER SET {settings['character_set']} COLLATE {settings['collation']}"
    lines = [f"CREATE DATABASE IF NOT EXISTS {name} {charset};"]
    if sees_others:
        accounts = list_accounts(connection, is_mariadb=state.server.startswith("MariaDB"))
        lines += _describe(connection, accounts)
    else:
        lines.append(_OWN_ONLY.rstrip("\n"))
        lines += [f"{grant};" for grant in state.grants]
    return ("\n".join(lines) + "\n-- Accounts completed\n").encode("utf-8", "surrogateescape")


def list_accounts(connection: Connection, *, is_mariadb: bool) -> list[Account]:
    """Give all accounts, roles first, PUBLIC among them where the server knows it.

    Raises:
        SourceError: The server could not be asked.
    """
    kind = "is_role" if is_mariadb else "'N'"
    rows = ask(connection, f"SELECT user, host, {kind} FROM mysql.user ORDER BY 3 DESC, 1, 2")  # noqa: S608 -- one of two words
    return [Account(user, host, is_role == "Y") for user, host, is_role in rows]


def _describe(connection: Connection, accounts: Sequence[Account]) -> list[str]:
    """Give the statements for those accounts that have to do with the database."""
    questions = [
        f"SELECT 'account', {number}; SHOW GRANTS FOR {account.quoted};"
        for number, account in enumerate(accounts)
    ]
    grants: dict[int, list[str]] = {number: [] for number in range(len(accounts))}
    current = 0
    for row in ask(connection, "\n".join(questions)):
        if row[0] == "account":
            current = int(row[1])
        else:
            grants[current].append(row[0])
    definers = _list_definers(connection)
    chosen = choose_accounts(accounts, grants, connection.database, definers)
    created = _list_creations(connection, [accounts[number] for number in chosen])
    return [*created, *(f"{grant};" for number in chosen for grant in grants[number])]


def choose_accounts(
    accounts: Sequence[Account],
    grants: dict[int, list[str]],
    database: str,
    definers: Iterable[str],
) -> list[int]:
    """Choose whoever has rights on a database, through roles too, or is named in it.

    Their roles go with them. Who may make roles holds each that it has made, and needs none.

    Args:
        accounts: All there are.
        grants: Their lines of `SHOW GRANTS`, by their number.
        database: Which.
        definers: ``user@host`` of those whose rights its views and routines use.
    """
    named = set(definers)
    chosen = {
        number
        for number, account in enumerate(accounts)
        if f"{account.user}@{account.host}" in named
        or any(
            grant.database is not None and covers(grant.database, database)
            for grant in parse_grants(grants[number])
        )
    }
    roles = {f"GRANT {it.quoted} TO ": number for number, it in enumerate(accounts) if it.is_role}
    held = {
        number: {role for start, role in roles.items() if any(it.startswith(start) for it in lines)}
        for number, lines in grants.items()
    }
    makers = {number for number, lines in grants.items() if _makes_roles(lines)}
    while more := {it for it in held if held[it] & chosen} - makers - chosen:
        chosen |= more
    while more := {role for it in chosen for role in held[it]} - chosen:
        chosen |= more
    return sorted(chosen)


def _makes_roles(lines: Iterable[str]) -> bool:
    return any(
        it.database is None and it.rights & {"ALL PRIVILEGES", "CREATE USER"}
        for it in parse_grants(lines)
    )


def _list_definers(connection: Connection) -> list[str]:
    here = quote_text(connection.database)
    sources = (("views", "table_schema"), ("routines", "routine_schema"),
               ("triggers", "trigger_schema"), ("events", "event_schema"))  # fmt: skip
    questions = [
        f"SELECT DISTINCT definer FROM information_schema.{table} WHERE {schema} = {here};"  # noqa: S608 -- our own words
        for table, schema in sources
    ]
    return [row[0] for row in ask(connection, "\n".join(questions))]


def _list_creations(connection: Connection, accounts: Sequence[Account]) -> list[str]:
    people = [account for account in accounts if not account.is_role]
    roles = [
        f"CREATE ROLE IF NOT EXISTS {it.quoted};"
        for it in accounts
        if it.is_role and it.user != PUBLIC
    ]
    questions = "\n".join(f"SHOW CREATE USER {account.quoted};" for account in people)
    rows = ask(connection, questions) if people else []
    # MySQL and MariaDB both print one column that begins so.
    start = "CREATE USER "
    made = [
        f"CREATE USER IF NOT EXISTS {row[0].removeprefix(start)};"
        for row in rows
        if row[0].startswith(start)
    ]
    return [*roles, *made]
