"""Make anew the accounts and rights of a database that is gone from a server that still stands.

Others use that server: passwords and rights may have been changed there since the dump, on purpose.
So who is there is left alone but for rights on this database, who is missing is made, and no right
beyond the database is given back: nor is membership in a role that stands, which may hold such.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_accounts import list_accounts
from backup.sources.databases.mariadb_client import ask
from backup.sources.databases.mariadb_copied_rights import find_grant
from backup.sources.databases.postgresql_admin import ask_psql, literal, run_script

_NAME = r"`(?:[^`]|``)*`"
_WHO = rf"{_NAME}(?:@{_NAME})?"
_TEXT = r"'(?:[^'\\]|\\.|'')*'"
_ACCOUNT = re.compile(
    rf"CREATE (?:ROLE|USER) IF NOT EXISTS ({_WHO})"
    rf"(?: (?:[A-Z][A-Z0-9_]*|[a-z]\w*|\d+(?:\.\d+)?|{_TEXT}))*;"
)
_FIRST_ROLES = re.compile(rf" DEFAULT ROLE {_WHO}(?:, ?{_WHO})*(?= )")
_MEMBER = re.compile(
    rf"(?:GRANT|SET DEFAULT ROLE) ({_NAME}) (?:TO|FOR) ({_WHO})(?: WITH ADMIN OPTION)?;"
)

_IDENTIFIER = r'(?:"(?:[^"\n]|"")*"|[A-Za-z_]\w*)'
_VALUE = r"(?:'(?:[^'\\\n]|'')*'|E'(?:[^'\\\n]|''|\\\\)*'|[\w.-]+)"
_ROLE = re.compile(rf"CREATE ROLE ({_IDENTIFIER});")
_OPTIONS = re.compile(
    rf"ALTER ROLE ({_IDENTIFIER}) WITH((?: (?:[A-Z]+|CONNECTION LIMIT -?\d+"
    rf"|(?:PASSWORD|VALID UNTIL) {_VALUE}))+);"
)
_OPTION = re.compile(
    rf"(?:NO)?(?:INHERIT|LOGIN)\b|CONNECTION LIMIT -?\d+|(?:PASSWORD|VALID UNTIL) {_VALUE}"
)
_SETTING = re.compile(
    rf"ALTER ROLE ({_IDENTIFIER}) SET ({_IDENTIFIER}) TO {_VALUE}(?:, {_VALUE})*;"
)
_OWN_SETTINGS = frozenset(
    {
        "DateStyle", "IntervalStyle", "TimeZone", "application_name", "bytea_output",
        "client_encoding", "client_min_messages", "default_text_search_config",
        "default_transaction_isolation", "default_transaction_read_only", "extra_float_digits",
        "idle_in_transaction_session_timeout", "lock_timeout", "maintenance_work_mem",
        "search_path", "statement_timeout", "work_mem",
    }
)  # fmt: skip
"""What anybody may set for himself; others an administrator alone, and `session_preload_libraries`
would have the server run a library."""
_WITHOUT_MIGHT = "NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS"
_ROLE_MEMBER = re.compile(
    rf"GRANT ({_IDENTIFIER}) TO ({_IDENTIFIER})( WITH [A-Z]+ [A-Z]+(?:, [A-Z]+ [A-Z]+)*)?"
    rf"(?: GRANTED BY {_IDENTIFIER})?;"
)
_NAMED = re.compile(
    rf"(?: TO| FROM|FOR ROLE|AUTHORIZATION) ({_IDENTIFIER}(?:, {_IDENTIFIER})*)".encode()
)
_NAMING = (b"ALTER ", b"GRANT ", b"REVOKE ", b"CREATE POLICY ", b"SET SESSION AUTHORIZATION ")
_RIGHTS = r"(?:GRANT|REVOKE(?: GRANT OPTION FOR)?) [A-Z, ]+ ON DATABASE "
_LONGEST = 1 << 20
"""Bytes of a line that may name a role; rows are longer."""


class Missing(NamedTuple):
    """What a server lacks.

    Attributes:
        made: Accounts and roles that are made, as statements name them.
        left: What is not given back, as it may reach further: memberships in roles that stand
            ("role → member"), and the beginnings of statements that are not plain.
        statements: Those that make them.
    """

    made: list[str]
    left: list[str]
    statements: list[str]


def make_missing_mariadb(admin: Connection, database: str, globals_sql: bytes) -> Missing:
    """Make the accounts and roles that are missing.

    Args:
        admin: The way to the server.
        database: Name that the database had.
        globals_sql: As the backup holds it (`make_mariadb_globals`).

    Raises:
        SourceError: The server refuses.
    """
    home = replace(admin, database="information_schema")
    is_mariadb = "MariaDB" in ask(home, "SELECT VERSION();")[0][0]
    there = {it.quoted for it in list_accounts(home, is_mariadb=is_mariadb)}
    lines = globals_sql.decode("utf-8", "surrogateescape").split("\n")
    missing = choose_mariadb(lines, database, there)
    if missing.statements:
        # Quotes are read as they were chosen by, however the server is set.
        ask(home, "".join(f"{it}\n" for it in ("SET SESSION sql_mode = '';", *missing.statements)))
    return missing


def choose_mariadb(lines: Iterable[str], database: str, there: Collection[str]) -> Missing:
    """Choose who is made, and rights on all of the database; pure.

    Args:
        lines: Of the globals: those who are made come before their rights.
        database: Name that the database had.
        there: Accounts and roles of the server, as statements name them.
    """
    made, left, chosen = Missing([], [], [])
    for line in lines:
        if line.startswith(("CREATE USER ", "CREATE ROLE ")):
            creation = _ACCOUNT.fullmatch(_FIRST_ROLES.sub("", line))
            is_new = creation and creation[1] not in {"`PUBLIC`", *there}
            made += [creation[1]] if creation and is_new else []
            chosen += [creation[0]] if creation and is_new else []
            left += [] if creation else [line[:80]]
        elif member := _MEMBER.fullmatch(line):
            is_grant = line.startswith("GRANT")
            if member[1] in made and (member[2] in made or (is_grant and member[2] in there)):
                chosen.append(line)  # whoever stands has lost a role that was gone
            elif is_grant and member[2] in made:
                left.append(f"{member[1]} → {member[2]}")
        elif grant := find_grant(line.removesuffix(";"), database):
            chosen += [f"{grant.line};"] if grant.who in {"PUBLIC", *there, *made} else []
    return Missing(made, left, chosen)


def make_missing_postgresql(
    admin: Connection, owner: str, globals_sql: bytes, dump: Iterable[bytes]
) -> Missing:
    """Make the roles that a dump names and the server lacks.

    Args:
        admin: The way to the server.
        owner: Of the database.
        globals_sql: As the backup holds it (`make_postgresql_globals`).
        dump: Its pieces; read where a role may be missing.

    Raises:
        SourceError: The server refuses; no role was made then.
    """
    home = replace(admin, database="postgres")
    there = set(ask_psql(home, "SELECT quote_ident(rolname) FROM pg_roles").split("\n"))
    lines = globals_sql.decode("utf-8", "surrogateescape").split("\n")
    known = {found[1] for line in lines if (found := _ROLE.fullmatch(line))} - there
    if not known:
        return Missing([], [], [])
    quoted = ask_psql(home, f"SELECT quote_ident({literal(owner)})").strip()
    wanted = {quoted, *find_roles(lines), *(it.decode() for it in scan_roles(dump))}
    missing = choose_postgresql(lines, known, wanted)
    if missing.statements:
        text = "".join(f"{it}\n" for it in missing.statements)
        run_script(home, text.encode("utf-8", "surrogateescape"))
    return missing


def choose_postgresql(
    lines: Sequence[str], known: Collection[str], wanted: Iterable[str]
) -> Missing:
    """Choose the roles that are made: with their members, and what those are members of; pure.

    Args:
        lines: Of the globals.
        known: Roles in them that the server lacks.
        wanted: Roles that the database needs.
    """
    members = [found for line in lines if (found := _ROLE_MEMBER.fullmatch(line))]
    made = set(wanted) & set(known)
    while more := {it[2] for it in members if it[1] in made and it[2] in known} - made:
        made |= more
    while more := {it[1] for it in members if it[2] in made and it[1] in known} - made:
        made |= more
    chosen: list[str] = []
    left: list[str] = []
    for line in lines:
        named = re.match(rf"(?:CREATE|ALTER) ROLE ({_IDENTIFIER})", line)
        if named is None or named[1] not in made or " IN DATABASE " in line:
            continue
        plain = _as_plain_role(line)
        (chosen if plain else left).append(plain or line[:80])
    chosen += [f"ALTER ROLE {it} WITH {_WITHOUT_MIGHT};" for it in sorted(made)]
    chosen += [
        f"GRANT {it[1]} TO {it[2]}{it[3] or ''};"
        for it in members
        if it[1] in made and (it[2] in made or it[2] not in known)
    ]  # whoever stands has lost a role that was gone
    left += [f"{it[1]} → {it[2]}" for it in members if it[2] in made and it[1] not in made]
    return Missing(sorted(made), left, chosen)


def _as_plain_role(line: str) -> str:
    """Give what makes a role or sets it, without might; nothing for all other statements."""
    setting = _SETTING.fullmatch(line)
    if _ROLE.fullmatch(line) or (setting and setting[2].strip('"') in _OWN_SETTINGS):
        return line
    if options := _OPTIONS.fullmatch(line):
        kept = " ".join(it[0] for it in _OPTION.finditer(options[2]))
        return f"ALTER ROLE {options[1]} WITH {kept or 'NOLOGIN'};"
    return ""


def find_roles(lines: Iterable[str]) -> Iterator[str]:
    """Yield the roles that rights on the database name."""
    for line in lines:
        if re.match(_RIGHTS, line):
            yield from (it.decode() for it in _roles_in(line.encode("utf-8", "surrogateescape")))


def scan_roles(dump: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the roles that statements of a dump name, quoted as in it; rows are passed over."""
    held, is_row = b"", False
    for piece in dump:
        *lines, held = (held + piece).split(b"\n")
        for line in lines:
            if is_row:
                is_row = line != b"\\."
            elif line.startswith(b"COPY ") and line.endswith(b" FROM stdin;"):
                is_row = True
            elif line.startswith(_NAMING):
                yield from _roles_in(line)
        held = held if len(held) <= _LONGEST else b"-"  # no statement that names a role


def _roles_in(line: bytes) -> Iterator[bytes]:
    for found in _NAMED.finditer(line):
        yield from re.findall(_IDENTIFIER.encode(), found[1])


def carry_postgresql_rights(admin: Connection, old: str, new: str, globals_sql: bytes) -> int:
    """Give a database the rights on it and the settings that the dumped one had; how many.

    Raises:
        SourceError: The server refuses one; then none is given.
    """
    home = replace(admin, database="postgres")
    names = ask_psql(home, f"SELECT quote_ident({literal(old)}), quote_ident({literal(new)})")
    before, _bar, after = names.strip().partition("|")
    lines = globals_sql.decode("utf-8", "surrogateescape").splitlines()
    chosen = list(move_postgresql(lines, before, after))
    if chosen:
        run_script(home, "".join(f"{it}\n" for it in chosen).encode("utf-8", "surrogateescape"))
    return len(chosen)


def move_postgresql(lines: Iterable[str], old: str, new: str) -> Iterator[str]:
    """Yield the rights and settings of one database as those of another; pure.

    Args:
        lines: Of the globals; whatever is not one plain statement of these is passed over.
        old: Name of the one, quoted as the server does.
        new: Of the other.
    """
    role = rf"(?:ALTER ROLE {_IDENTIFIER} IN DATABASE )"
    plain = re.compile(
        rf"({_RIGHTS}|ALTER DATABASE |{role})({re.escape(old)})"
        rf"( (?:TO|FROM) {_IDENTIFIER}(?: WITH GRANT OPTION)?;"
        rf"| SET {_IDENTIFIER}(?:\.{_IDENTIFIER})? TO {_VALUE}(?:, {_VALUE})*;)"
    )
    for line in lines:
        if found := plain.fullmatch(line):
            yield f"{found[1]}{new}{found[3]}"
