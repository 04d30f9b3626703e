"""A login that loads one dump and is then gone: no superuser, and in no role.

A load runs what the site's people have put into their database: functions in checks, in types of
defaults, in indexes. Whoever runs them gives them all its rights, and no `SET ROLE` keeps them from
going back to those of the account that has logged in. So they are run by a login that has none.

1. Make the login, the dump's schemas for it, and extensions, while only superusers can come in.
   From then on, a superuser has the server refuse each change of the database's structure but those
   of the dump's own statements: an object that is given to one later is what the dump says.
2. Begin the login's session, and let nobody in as the login any more. Load; all objects are its.
3. Give them owners, rights and comments, and extensions their rows; drop what is left, and the
   login, all in one transaction.

Cut off, the login stays with its half of a database, without a password that is valid; the next
load into a database of that name removes it. Errors remove it at once.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from backup.errors import SourceError
from backup.sources.databases.connection import Connection, not_loaded
from backup.sources.databases.postgresql_admin import (
    ask_psql,
    identifier,
    literal,
    run_statements,
)
from backup.sources.databases.postgresql_scripts import find_refused
from backup.sources.databases.postgresql_statements import DividedDump

_ROUNDS = 4096
_MAY_MAKE = "SELECT rolsuper, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"

_MAKE = """\
DO $make$ DECLARE stale name; BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {text}) THEN
DROP OWNED BY {name}; DROP ROLE {name}; END IF;
FOR stale IN SELECT rolname FROM pg_catalog.pg_roles WHERE rolname ~ '^giucong_load_[0-9a-f]+$'
 AND rolvaliduntil < pg_catalog.now()
LOOP BEGIN EXECUTE pg_catalog.format('DROP ROLE %I', stale);
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL; END; END LOOP;
EXECUTE pg_catalog.format('CREATE ROLE {name} LOGIN PASSWORD %L VALID UNTIL %L', {verifier},
 pg_catalog.now() + interval '1 hour');
IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
GRANT {name} TO CURRENT_USER; END IF;
END $make$;
GRANT CREATE ON DATABASE {database} TO {name};
GRANT ALL ON SCHEMA public TO {name};
"""
# What lies outside of the database and a dump may name.
_ALLOW = """\
DO $allow$ DECLARE what text; BEGIN
FOR what IN SELECT pg_catalog.format('USAGE ON FOREIGN DATA WRAPPER %I', fdwname)
 FROM pg_catalog.pg_foreign_data_wrapper
UNION ALL SELECT pg_catalog.format('CREATE ON TABLESPACE %I', spcname)
 FROM pg_catalog.pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')
LOOP EXECUTE 'GRANT ' || what || ' TO {name}'; END LOOP;
END $allow$;
"""
# What runs within anything else has that in its context, below this function's own line.
_WATCH = """\
CREATE SCHEMA {name};
CREATE FUNCTION {name}.refuse() RETURNS event_trigger LANGUAGE plpgsql SET search_path = ''
AS $watch$ DECLARE stack text; BEGIN
GET DIAGNOSTICS stack = PG_CONTEXT;
IF pg_catalog.strpos(stack, pg_catalog.chr(10)) > 0 OR session_user <> {text} AND NOT
 (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user)
THEN RAISE EXCEPTION 'nobody else changes a database while it is loaded'; END IF;
END $watch$;
CREATE EVENT TRIGGER {name} ON ddl_command_start EXECUTE PROCEDURE {name}.refuse();
ALTER DATABASE {database} CONNECTION LIMIT -1;
"""
_WATCH_NO_MORE = """\
DROP EVENT TRIGGER IF EXISTS {name};
DROP SCHEMA IF EXISTS {name} CASCADE;
"""
_BEGIN = """\
SET search_path = '';
SET standard_conforming_strings = on;
SET check_function_bodies = off;
SET statement_timeout = 0;
SET lock_timeout = '60s';
"""
# Nobody else comes in as the login, even if a function of the dump gives it another password.
_CLOSE = """\
DO $close$ BEGIN
FOR it IN 1..600 LOOP
PERFORM pg_catalog.pg_stat_clear_snapshot();
EXIT WHEN EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE usename = {text} AND pid <> {pid});
PERFORM pg_catalog.pg_sleep(0.1);
END LOOP;
ALTER ROLE {name} NOLOGIN;
END $close$;
"""
_OF_EXTENSIONS = """\
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
 FROM pg_catalog.pg_extension e, pg_catalog.unnest(e.extconfig) AS u(oid),
 pg_catalog.pg_class c, pg_catalog.pg_namespace n WHERE c.oid = u.oid AND n.oid = c.relnamespace
"""
_REMOVE = "DROP OWNED BY {name}{cascade};\nDROP ROLE {name};\n"


def may_make_logins(admin: Connection) -> bool:
    """Tell whether an account may make the login; one that may not has few rights to lose.

    Raises:
        SourceError: The server cannot be asked.
    """
    return ask_psql(admin, _MAY_MAKE).strip().endswith("t")


def is_superuser(admin: Connection) -> bool:
    """Tell whether an account is.

    Raises:
        SourceError: The server cannot be asked.
    """
    return ask_psql(admin, _MAY_MAKE).startswith("t")


@contextmanager
def loading_login(
    admin: Connection, dump: DividedDump
) -> Iterator[tuple[Connection, Callable[[], None]]]:
    """Give the way of a login that loads a dump; after it, owners and rights are as in the dump.

    Args:
        admin: The administrator's way to the empty database.
        dump: Its `rest` has to be read when this ends.

    Yields:
        The way, for one session; and what to call when that has been started, before anything of
        the dump is run.

    Raises:
        SourceError: The server refuses a statement, or does not let the login in.
    """
    is_mighty = is_superuser(admin)
    digest = hashlib.sha256(admin.database.encode()).hexdigest()
    login = replace(admin, user=f"giucong_load_{digest[:16]}", password=secrets.token_hex(24))
    words = {"name": identifier(login.user), "text": literal(login.user),
             "database": identifier(login.database)}  # fmt: skip
    begin = _BEGIN.encode() + dump.encoding + b"\n"
    end = _WATCH_NO_MORE.format(**words).encode() if is_mighty else b""
    try:
        _run(admin, begin + _prepare(login, dump, words, is_mighty=is_mighty))
        dump.of_extensions = ask_psql(admin, _OF_EXTENSIONS).encode().split()
        way, pid = _find_way(login, admin)
        close = _CLOSE.format(**words, pid=pid).encode()
        yield way, partial(run_statements, admin, close)
        removed = _REMOVE.format(**words, cascade="").encode()
        _run(admin, begin + end + bytes(dump.after) + b"\n" + removed)
    except BaseException:
        with suppress(SourceError):  # what came first is told; the next load removes what stays
            removed = _REMOVE.format(**words, cascade=" CASCADE").encode()
            run_statements(admin, begin + end + removed)
        raise


def _run(admin: Connection, script: bytes) -> None:
    try:
        run_statements(admin, script)
    except SourceError as error:
        if "reason" not in error.params or find_refused(str(error.params["reason"])):
            raise
        raise not_loaded(admin, error) from error


def _prepare(
    login: Connection, dump: DividedDump, words: Mapping[str, str], *, is_mighty: bool
) -> bytes:
    verifier = literal(_scram_verifier(login.password or ""))
    script = bytearray(_MAKE.format(**words, verifier=verifier).encode())
    for statement in dump.schemas:
        script += statement.rstrip().removesuffix(b";")
        script += f" AUTHORIZATION {words['name']};\n".encode()
    script += b"".join(dump.extensions)
    if is_mighty:
        script += (_ALLOW + _WATCH).format(**words).encode()
    return bytes(script)


def _find_way(login: Connection, admin: Connection) -> tuple[Connection, int]:
    """Find how the server lets the login in: where the administrator comes in, or by loopback.

    Returns:
        The way, and the process that has answered there.
    """
    ways = [login]
    if not login.address:  # a socket may know people by their accounts of the system alone
        port = ask_psql(admin, "SELECT current_setting('port')").strip()
        ways.append(replace(login, socket="", address="127.0.0.1", port=int(port)))
    refusals = []
    for way in ways:
        try:
            return way, int(ask_psql(way, "SELECT pg_backend_pid()"))
        except SourceError as error:
            refusals.append(str(error.params.get("reason") or error))
    raise SourceError(
        "the database server on {host} does not let the login in that a load makes for itself",
        why="{reason}",
        data="nothing was loaded; the login is gone again",
        next_step="let accounts in by their password from the server itself, e.g. by the line"
        " `host all all 127.0.0.1/32 scram-sha-256` in pg_hba.conf, then type the same command"
        " again",
        host=login.host.name,
        reason=" · ".join(refusals),
    )


def _scram_verifier(password: str) -> str:
    """Give what a server keeps of a password, so that it is not told the password itself.

    source: RFC 5803, and src/common/scram-common.c of PostgreSQL
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    served = hmac.digest(salted, b"Server Key", "sha256")
    shown = [base64.b64encode(it).decode() for it in (salt, stored, served)]
    return f"SCRAM-SHA-256${_ROUNDS}:{shown[0]}${shown[1]}:{shown[2]}"
