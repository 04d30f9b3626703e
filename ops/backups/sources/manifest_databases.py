"""What the manifest says of databases: how each was copied, and how it is put back."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from backup.sources.databases.connection import DumpFacts
from backup.sources.databases.sqlite_copy import SqliteFacts
from ops.backups.sources.databases import globals_path
from ops.backups.sources.site import DatabaseReading
from ops.language.text import _

# Neither client may carry out commands of its own that somebody has put into a dump.
_LOAD_MARIADB = "mariadb --binary-mode --local-infile=0 {database} < {at}"
_LOAD_POSTGRESQL = (
    r"""(printf '\\restrict %s\n' "$(cat /proc/sys/kernel/random/uuid)";"""
    r" sed -E '/^\\(un)?restrict /d' {at})"
    r" | psql -X -v ON_ERROR_STOP=1 --single-transaction -d {database} -f -"
)

Moment = Callable[[datetime | None], dict[str, str] | None]
"""Gives a moment as the manifest writes it."""


def describe_database(reading: DatabaseReading, moment: Moment) -> dict[str, Any]:
    """Give what is known of one database as plain values."""
    part, facts = reading.part, reading.facts
    if isinstance(facts, SqliteFacts):
        known = _describe_copy(facts, moment)
    elif isinstance(facts, DumpFacts):
        known = _describe_dump(facts, moment)
    else:
        known = {}
    source: dict[str, str | int | None] = {"host": part.host, "path": part.database}
    if part.engine != "sqlite":
        source = {"host": part.host, "address": part.address or None, "port": part.port,
                  "socket": part.socket or None, "database": part.database}  # fmt: skip
        known["globals"] = globals_path(part)
    return {
        "name": part.name,
        "at": reading.at,
        "engine": part.engine,
        "source": source,
        **known,
    }


def _describe_copy(facts: SqliteFacts, moment: Moment) -> dict[str, Any]:
    return {
        "consistent_at": moment(facts.consistent_at),
        "copied_at": moment(facts.copied_at),
        "size_bytes": facts.size_bytes,
        "check": {
            "kind": facts.check,
            "ok": not facts.problems,
            "problems": list(facts.problems),
        },
        "sqlite": {
            "library": facts.sqlite_version,
            "page_size": facts.page_size,
            "encoding": facts.encoding,
            "user_version": facts.user_version,
            "journal_mode": facts.journal_mode,
        },
        "tables": dict(facts.tables),
    }


def _describe_dump(facts: DumpFacts, moment: Moment) -> dict[str, Any]:
    after = facts.tables_after
    return {
        "consistent_at": moment(facts.consistent_at),
        "copied_at": moment(facts.copied_at),
        "size_bytes": facts.size_bytes,
        "consistent": facts.is_consistent,
        "not_consistent": list(facts.unsafe_tables),
        "without_history": list(facts.without_history),
        "check": {"kind": "dump_end", "ok": not facts.problems, "problems": list(facts.problems)},
        "server": facts.server,
        "program": facts.program,
        "settings": dict(facts.settings),
        "tables": dict(facts.tables),
        "tables_after": None if after is None else dict(after),
    }


def put_back_database(reading: DatabaseReading) -> Iterator[str]:
    """Yield what to do to bring one database back by hand."""
    part = reading.part
    if part.engine == "sqlite":
        text = _(
            "Remove {path}, {path}-wal, {path}-shm and {path}-journal, then copy {at} to {path}; it"
            " belongs to the site's account."
        )
        yield text.format(at=reading.at, path=part.database)
        return
    text = _(
        "On a new server, make the accounts and the empty database as {at} says; it holds hashes of"
        " passwords and is read by an administrator."
    )
    yield text.format(at=globals_path(part))
    if part.engine == "mariadb":
        command, text = _LOAD_MARIADB, _("Load {at} into an empty database: `{command}`.")
    else:
        command = _LOAD_POSTGRESQL
        text = _(
            "Load {at} into an empty database; a psql from before August 2025 refuses to, so that"
            " it carries out nothing that somebody has put into the dump: `{command}`."
        )
    filled = command.format(at=reading.at, database=part.database)
    yield text.format(at=reading.at, command=filled)
