"""Load a dump into a fresh database on a server, and prove that it arrived.

For an administrator's own account: the accounts that read for backups may not write.

Order:
1. Make an empty database under a name that is free.
2. Stream the dump into the engine's client; its first error ends it.
3. Count the rows of every table.

Nobody's database is touched before the caller switches; cut off in 2, the new one is half loaded,
and is dropped before it is loaded again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from backup.sources.databases import mariadb_scripts
from backup.sources.databases.client_stream import send
from backup.sources.databases.connection import Connection, failed, not_loaded
from backup.sources.databases.mariadb_client import (
    CLIENTS,
    ask,
    ask_each,
    comment_statements,
    quote_name,
    quote_text,
    secret_line,
)
from backup.sources.databases.mariadb_client import client_command as mariadb_command
from backup.sources.databases.mariadb_client import explain as explain_mariadb
from backup.sources.databases.mariadb_definitions import prepares_all
from backup.sources.databases.mariadb_dump import count_rows, look_at_mariadb
from backup.sources.databases.mariadb_rights import names_part
from backup.sources.databases.postgresql_admin import (
    ask_psql,
    identifier,
    literal,
    require_restriction,
)
from backup.sources.databases.postgresql_client import CLIENT, database_option, secret_lines
from backup.sources.databases.postgresql_client import client_command as postgresql_command
from backup.sources.databases.postgresql_client import explain as explain_postgresql
from backup.sources.databases.postgresql_login import is_superuser, loading_login, may_make_logins
from backup.sources.databases.postgresql_scripts import (
    dump_sql,
    explain_script,
    find_refusal,
    globals_script,
    restriction,
)
from backup.sources.databases.postgresql_session import open_session
from backup.sources.databases.postgresql_statements import DividedDump
from backup.sources.host_errors import translated
from provisioning.hosts import Command

Engine = Literal["mariadb", "postgresql"]
Counts = Mapping[str, int | None]

_QUERY_SECONDS = 3_600.0
# PUBLIC is everybody and cannot be made; backups from before that was known try to.
_MADE_OTHERWISE = (b"CREATE DATABASE ", b"CREATE ROLE IF NOT EXISTS `PUBLIC`;")
_ACT_AS = "GRANT PROXY "
# Of a PostgreSQL database: setting → option that makes it. Which library orders its texts is told
# since 15 (pg_database.datlocprovider); else a server's own choice would order them otherwise.
_SETTINGS = {"encoding": "ENCODING", "collate": "LC_COLLATE", "ctype": "LC_CTYPE"}
_PROVIDERS = {
    "c": ("libc", {}),
    "i": ("icu", {"locale": "ICU_LOCALE", "rules": "ICU_RULES"}),
    "b": ("builtin", {"locale": "BUILTIN_LOCALE"}),
}
_HOME = {"mariadb": "information_schema", "postgresql": "postgres"}


def is_there(engine: Engine, admin: Connection, name: str) -> bool:
    """Tell whether the server has a database of that name.

    Raises:
        SourceError: The server cannot be asked.
    """
    if engine == "mariadb":
        sql = f"SELECT 1 FROM information_schema.schemata WHERE schema_name = {quote_text(name)};"  # noqa: S608 -- quoted
        return bool(ask(_home(engine, admin), sql))
    sql = f"SELECT 1 FROM pg_database WHERE datname = {literal(name)}"  # noqa: S608 -- quoted
    return bool(ask_psql(_home(engine, admin), sql).strip())


def create(
    engine: Engine, admin: Connection, name: str, settings: Mapping[str, str], *, mark: str
) -> None:
    """Make an empty database with the settings the dump was made with.

    Args:
        engine: The server's.
        admin: The way to it.
        name: Of the database.
        settings: As the dump's manifest has them.
        mark: Its comment until all is loaded: so that this one is known, and no other of that name.
            MySQL and MariaDB before 10.5.2 keep none.

    Raises:
        SourceError: The server refuses, or its client is too old to load a dump with it.
    """
    if engine == "mariadb":
        words = [f"CREATE DATABASE {quote_name(name)}"]
        if settings.get("character_set"):
            words.append(f"CHARACTER SET {quote_name(settings['character_set'])}")
        if settings.get("collation"):
            words.append(f"COLLATE {quote_name(settings['collation'])}")
        words.append(f"/*M!100502 COMMENT '{mark}' */")  # its letters are ours
        ask(_home(engine, admin), " ".join(words) + ";")
        return
    require_restriction(_home(engine, admin))  # before anything is made that is of no use
    words = [f"CREATE DATABASE {identifier(name)} TEMPLATE template0"]
    provider, more = _PROVIDERS.get(settings.get("provider", ""), ("", {}))
    words += [f"LOCALE_PROVIDER {provider}"] if provider else []
    for key, word in {**_SETTINGS, **more}.items():
        if settings.get(key):
            words.append(f"{word} {literal(settings[key])}")
    if settings.get("owner"):
        words.append(f"OWNER {identifier(settings['owner'])}")
    if is_superuser(_home(engine, admin)):
        words.append("CONNECTION LIMIT 0")  # holds off all others, until `load` lets them in
    ask_psql(_home(engine, admin), " ".join(words))
    _comment(admin, name, mark)


def read_mark(engine: Engine, admin: Connection, name: str) -> str:
    """Give what the server says of a database, in which its mark stands if it bears one.

    Raises:
        SourceError: The server cannot be asked.
    """
    home = _home(engine, admin)
    if engine == "mariadb":
        return ask(home, f"SHOW CREATE DATABASE {quote_name(name)};")[0][1]
    sql = "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
    return ask_psql(home, f"{sql} WHERE datname = {literal(name)}").strip()


def take_mark(
    engine: Engine, admin: Connection, name: str, mark: str, settings: Mapping[str, str]
) -> None:
    """Take the mark from a database that is loaded: from now on it is somebody's.

    Its own comment and, with PostgreSQL, how many may connect are given as they were.

    Raises:
        SourceError: The server refuses.
    """
    if mark not in read_mark(engine, admin, name):
        return
    if engine == "mariadb":
        statements = comment_statements(name, settings.get("comment", ""))
        ask(_home(engine, admin), "".join(f"{it};\n" for it in statements))
    else:
        if settings.get("limit", "-1") != "-1":
            limit = f"CONNECTION LIMIT {int(settings['limit'])}"
            ask_psql(_home(engine, admin), f"ALTER DATABASE {identifier(name)} {limit}")
        _comment(admin, name, settings.get("comment", ""))


def _comment(admin: Connection, name: str, text: str) -> None:
    home = _home("postgresql", admin)
    ask_psql(home, f"COMMENT ON DATABASE {identifier(name)} IS {literal(text)}")


def drop(engine: Engine, admin: Connection, name: str) -> None:
    """Remove a database that an earlier try has left half loaded.

    Raises:
        SourceError: The server refuses.
    """
    if engine == "mariadb":
        ask(_home(engine, admin), f"DROP DATABASE {quote_name(name)};")
    else:
        ask_psql(_home(engine, admin), f"DROP DATABASE {identifier(name)}")


def load(
    engine: Engine,
    admin: Connection,
    name: str,
    pieces: Iterable[bytes],
    *,
    on_asleep: Callable[[str], None] = lambda _event: None,
) -> int:
    """Stream a dump into an empty database; gives how many bytes.

    MariaDB: events are made switched off, lest they write while it is counted, or into the live
    database. PostgreSQL: where the account may make one, a login without rights runs what is in the
    dump.

    Args:
        engine: The server's.
        admin: The way to it.
        name: Of the database.
        pieces: The dump.
        on_asleep: Is told the name of each event that was enabled.

    Raises:
        LoadError: The server refused a statement; names the first.
        SourceError: The server cannot be reached, or does not let the account in; or the dump holds
            a command for the client itself, or a definition that can be read in two ways.
    """
    into = replace(admin, database=name)
    if engine == "mariadb":
        pieces = mariadb_scripts.dump_script(
            pieces, prepares=prepares_all(into), on_asleep=on_asleep
        )
        return _stream(engine, into, _mariadb_loader(into), secret_line(into), pieces)
    if not may_make_logins(into):
        return _load_postgresql(into, dump_sql(pieces))
    dump = DividedDump(dump_sql(pieces))
    dump.read_head()
    with loading_login(into, dump) as (login, close):
        size = _load_postgresql(login, _closing(close, dump.rest()))
    return size + len(dump.after) + sum(map(len, dump.schemas))


def _closing(close: Callable[[], None], pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces, with something to be done before the first."""
    close()
    yield from pieces


def _load_postgresql(into: Connection, pieces: Iterable[bytes]) -> int:
    first = secret_lines(into) + restriction()
    return _stream("postgresql", into, _postgresql_loader(into), first, pieces)


def _stream(
    engine: Engine, into: Connection, command: Command, first: bytes, pieces: Iterable[bytes]
) -> int:
    size = 0
    with translated(), into.host.start(command) as process:
        process.bear_silence(None)  # an index may take hours to be made
        send(process, first)
        for piece in pieces:
            size += len(piece)
            send(process, piece)
        process.close_input()
        ended = process.finish()
    if ended.status == 0:
        return size
    refusal = find_refusal(into, ended) if engine == "postgresql" else None
    if refusal is not None:
        raise refusal
    error = explain_mariadb(into, ended) if engine == "mariadb" else explain_postgresql(into, ended)
    raise not_loaded(into, error) from error


def apply_accounts(engine: Engine, admin: Connection, pieces: Iterable[bytes]) -> list[str]:
    """Make the accounts and roles of a dump's globals on a server that has none of them yet.

    Gives MariaDB's words where it does not let this account give the right to act as another: only
    who has been given it may.

    What is there already is left as it is: PostgreSQL complains of it and goes on. MariaDB refuses
    rights on tables and routines that are not there: they are for after a load (`copy_rights`).

    Raises:
        SourceError: The server cannot be asked; or MariaDB refuses a statement, all others are
            carried out then.
    """
    text = b"".join(pieces)
    home = _home(engine, admin)
    if engine == "mariadb":
        lines = (
            it.decode("utf-8", "surrogateescape")
            for it in text.splitlines()
            if not it.startswith(_MADE_OTHERWISE)
        )
        wanted = [it for it in lines if not names_part(it)]
        if refused := ask_each(home, (it for it in wanted if not it.startswith(_ACT_AS))):
            raise failed(home, refused[0])
        return ask_each(home, (it for it in wanted if it.startswith(_ACT_AS)))
    require_restriction(home)
    arguments = [b"--no-psqlrc", b"--quiet", b"--file=-", *database_option(home)]
    command = postgresql_command(home, CLIENT, arguments)
    roles = text.partition(b"-- PostgreSQL database cluster dump complete")[0]
    stdin = secret_lines(home) + globals_script(roles)
    with translated():
        ended = home.host.run(command, stdin=stdin, timeout=_QUERY_SECONDS)
    if ended.status != 0 or find_refusal(home, ended):
        raise explain_script(home, ended)
    return []


def count(engine: Engine, admin: Connection, name: str) -> Counts:
    """Count the rows of every table, by the names the manifest uses.

    Raises:
        SourceError: The server cannot be asked.
    """
    into = replace(admin, database=name)
    if engine == "mariadb":
        return count_rows(into, look_at_mariadb(into))
    with open_session(into, counts=True) as session:
        session.look()
        return session.count()


def find_differences(
    before: Counts, after: Counts | None, found: Counts
) -> Iterator[tuple[str, int | None, int | None]]:
    """Yield each table whose rows are not those of the dump: its name, rows then, rows now; pure.

    Args:
        before: Rows as the manifest counts them; None where nobody could.
        after: The same counted after the dump, where that only lies between the two; else None.
        found: Rows as loaded.
    """
    for table, rows in before.items():
        later = rows if after is None else after.get(table)
        now = found.get(table)
        bounds = [it for it in (rows, later) if it is not None]
        if now is None or (bounds and not min(bounds) <= now <= max(bounds)):
            yield table, rows, now


def switch_names(admin: Connection, live: str, fresh: str, aside: str) -> None:
    """PostgreSQL: give a fresh database the live one's name, and that one another, at once.

    Without a name for the live one there is none.

    Raises:
        SourceError: Somebody is connected to one of the two, or the server refuses.
    """
    words = [f"ALTER DATABASE {identifier(live)} RENAME TO {identifier(aside)};"] if aside else []
    words.append(f"ALTER DATABASE {identifier(fresh)} RENAME TO {identifier(live)};")
    ask_psql(_home("postgresql", admin), f"BEGIN; {' '.join(words)} COMMIT")


def _home(engine: Engine, admin: Connection) -> Connection:
    return replace(admin, database=_HOME[engine])


def _mariadb_loader(into: Connection) -> tuple[bytes, ...]:
    arguments = [b"--binary-mode", b"--local-infile=0", b"--comments", b"--max-allowed-packet=1G",
                 b"--default-character-set=utf8mb4", b"--", into.database.encode()]  # fmt: skip
    return mariadb_command(into, CLIENTS, arguments)


def _postgresql_loader(into: Connection) -> tuple[bytes, ...]:
    arguments = [b"--no-psqlrc", b"--quiet", b"--set=ON_ERROR_STOP=1", b"--single-transaction",
                 b"--output=/dev/null", b"--file=-", *database_option(into)]  # fmt: skip
    return postgresql_command(into, CLIENT, arguments)
