"""Give a loaded MariaDB database the name of the live one, which is kept under another.

MariaDB renames no database, but moves tables between two at once. Triggers keep a table from being
moved; views, routines and events do not move; so their definitions are read before.

Order:
1. Read which tables both have, and the definitions of all else: the plan. The caller keeps it
   durably before it goes on.
2. Make the database that keeps the old one, or the live one where there is none; drop the triggers
   of both.
3. Move the old tables there and the fresh ones into the live name, in one statement.
4. Drop the old views, routines and events, and the fresh one's events; make those of both anew,
   each where its tables are now. Events of what has not the live name are switched off.
   Rights on routines go with these: give them again; where there was no live one, all rights on
   parts of the fresh one are given on the live name.
5. Take the fresh database's name away; it is empty.

Cut off anywhere, all of it is done again from the plan: a table of the old database that stands in
its new place is passed over, so what bears its name in the live one is the fresh one's.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from backup.errors import BackupError, SourceError
from backup.sources.databases.connection import Connection, LoadError, failed
from backup.sources.databases.mariadb_client import (
    CLIENTS,
    ask,
    ask_each,
    client_command,
    comment_statements,
    quote_name,
    quote_text,
    secret_line,
)
from backup.sources.databases.mariadb_copied_rights import read_rights_on_parts
from backup.sources.databases.mariadb_definitions import (
    Definitions,
    list_names,
    read_definitions,
)
from backup.sources.host_errors import translated
from provisioning.hosts import Completed

_SECONDS = 3_600.0
_WAIT = "SET SESSION lock_wait_timeout = 30;"  # a day otherwise, while the site still works in it
_HOME = "information_schema"
_APPLY = (b"--binary-mode", b"--local-infile=0", b"--comments", b"--max-allowed-packet=1G",
          b"--default-character-set=utf8mb4")  # fmt: skip


class SwitchError(BackupError):
    """A database could not be given the name of another."""


@dataclass(frozen=True, slots=True)
class SwitchPlan:
    """What a switch has to do, as it was before it began.

    Attributes:
        live, fresh, aside: Names: of the database in use, of the one that was loaded, and what the
            first is kept as; the last is empty where there is none in use.
        old_tables, new_tables: Of `live` and of `fresh`, names ascending.
        old_script, new_script: SQL that makes their views, triggers, routines and events.
        settings: Character set, collation and comment of `live`; of `fresh` where there is none.
        unread: What the server would not tell of the old one, or could not be told to make anew.
        rights: Statements that give rights on parts of `live`.
        asleep: Events that were enabled, and will not be: of what is kept as `aside`; where nothing
            is, of what gets the name `live`.
    """

    live: str
    fresh: str
    aside: str
    old_tables: tuple[str, ...]
    new_tables: tuple[str, ...]
    old_script: str
    new_script: str
    settings: Mapping[str, str]
    unread: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    asleep: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "SwitchPlan":
        """Give back what `as_json` gave."""
        lists = ("old_tables", "new_tables", "unread", "rights", "asleep")
        return SwitchPlan(**{**values, **{name: tuple(values.get(name, ())) for name in lists}})


def plan_switch(
    admin: Connection, live: str, fresh: str, aside: str, *, awake: Container[str] | None = ()
) -> SwitchPlan:
    """Look at both databases; nothing is changed.

    Args:
        admin: The way to the server.
        live: As in the plan.
        fresh: The same.
        aside: The same.
        awake: Events of the fresh one that are switched off until it has the live name; None where
            `live` is not the name that the site uses, and its events are switched off.

    Raises:
        SwitchError: The fresh database has no tables.
        SourceError: The server cannot be asked.
    """
    require_tables(admin, fresh)
    tables = _tables_of(admin, live, fresh)
    settings = ask(
        _at(admin, _HOME),
        "SELECT default_character_set_name, default_collation_name /*M!100502, schema_comment */"  # noqa: S608 -- quoted
        f" FROM schemata WHERE schema_name = {quote_text(live if aside else fresh)};",
    )
    charset, collation, *comment = settings[0] if settings else ("utf8mb4", "utf8mb4_general_ci")
    old = read_definitions(admin, live, awake=None) if aside else Definitions("", (), ())
    new = read_definitions(admin, fresh, awake=awake)
    if new.unread:
        raise failed(_at(admin, fresh), ", ".join(new.unread))
    unread = old.unread
    try:
        rights = read_rights_on_parts(admin, live if aside else fresh, live, routines=bool(aside))
    except LoadError as error:
        rights, unread = [], (*unread, str(error.params["reason"]))
    return SwitchPlan(
        live, fresh, aside, tables[live], tables[fresh], old.script, new.script,
        {"character_set": charset, "collation": collation, "comment": "".join(comment)},
        unread, tuple(rights), old.asleep or new.asleep,
    )  # fmt: skip


def require_tables(admin: Connection, fresh: str) -> None:
    """Refuse a database into which nothing was loaded.

    Raises:
        SwitchError: It has no tables.
        SourceError: The server cannot be asked.
    """
    if _tables_of(admin, fresh)[fresh]:
        return
    raise SwitchError(
        "the database {name} on {host} has no tables",
        why="nothing was loaded into it",
        data="nothing was changed",
        next_step="load it first with `{program} backup.load`",
        name=fresh,
        host=admin.host.name,
    )


def carry_out(admin: Connection, plan: SwitchPlan) -> tuple[str, ...]:
    """Switch, or go on with a switch that was cut off; gives what of the old one is not kept.

    Raises:
        SwitchError: The server refuses; the same call goes on where it stopped.
        SourceError: It cannot be reached.
    """
    home = _at(admin, _HOME)
    charset, collation = plan.settings["character_set"], plan.settings["collation"]
    made = f"CREATE DATABASE IF NOT EXISTS {quote_name(plan.aside or plan.live)}"
    made += f" CHARACTER SET {quote_name(charset)} COLLATE {quote_name(collation)}"
    comment = plan.settings.get("comment", "")
    said = comment_statements(plan.aside or plan.live, comment) if comment else []
    _do(home, plan, [made, *said, *_drop_all(admin, "TRIGGER", plan.live, plan.fresh)])
    moves = list(find_moves(plan, _tables_of(admin, plan.live, plan.fresh, plan.aside)))
    if moves:
        pairs = ", ".join(f"{_name(*here)} TO {_name(*there)}" for here, there in moves)
        _do(home, plan, [f"RENAME TABLE {pairs}"])
    rest = [
        statement
        for kind in ("VIEW", "PROCEDURE", "FUNCTION", "PACKAGE")
        for statement in _drop_all(admin, kind, plan.live)
    ]
    _do(home, plan, [*rest, *_drop_all(admin, "EVENT", plan.live, plan.fresh)])
    _apply(_at(admin, plan.live), plan.new_script, plan)
    lost = _apply(_at(admin, plan.aside), plan.old_script, None) if plan.aside else ()
    refused = ask_each(home, (f"{it};" for it in plan.rights))
    if not _tables_of(admin, plan.fresh)[plan.fresh]:
        _do(home, plan, [f"DROP DATABASE IF EXISTS {quote_name(plan.fresh)}"])
    return (*plan.unread, *lost, *refused)


def find_moves(
    plan: SwitchPlan, there: Mapping[str, Iterable[str]]
) -> Iterable[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield the tables that are still to be moved: from (database, table), to the same; pure.

    Args:
        plan: As made before anything was moved.
        there: Tables by database, as they stand now.
    """
    live, fresh, aside = (set(there[name]) for name in (plan.live, plan.fresh, plan.aside))
    for table in plan.old_tables:
        if table in live and table not in aside:
            yield (plan.live, table), (plan.aside, table)
    for table in plan.new_tables:
        if table in fresh:
            yield (plan.fresh, table), (plan.live, table)


def _tables_of(admin: Connection, *databases: str) -> dict[str, tuple[str, ...]]:
    names = ", ".join(map(quote_text, databases))
    rows = ask(
        _at(admin, _HOME),
        "SELECT table_schema, table_name FROM tables WHERE table_type <> 'VIEW' AND table_schema IN"  # noqa: S608 -- quoted
        f" ({names}) ORDER BY table_name;",
    )
    return {name: tuple(table for where, table in rows if where == name) for name in databases}


def _drop_all(admin: Connection, kind: str, *databases: str) -> list[str]:
    rows = list_names(admin, kind, *databases)
    return [f"DROP {kind} IF EXISTS {_name(*row)}" for row in rows]


def _apply(into: Connection, sql: str, plan: SwitchPlan | None) -> tuple[str, ...]:
    """Run definitions; without a plan what the server refuses is passed over, and given."""
    force = [] if plan else [b"--force"]
    command = client_command(into, CLIENTS, [*force, *_APPLY, b"--", into.database.encode()])
    stdin = secret_line(into) + sql.encode("utf-8", "surrogateescape")
    with translated():
        ended = into.host.run(command, stdin=stdin, timeout=_SECONDS)
    if plan and ended.status != 0:
        raise _refused(into, plan, ended)
    return tuple(_lines(into, ended))


def _do(home: Connection, plan: SwitchPlan, statements: list[str]) -> None:
    if not statements:
        return
    sql = "\n".join([_WAIT, *(f"{it};" for it in statements), ""])
    try:
        ask(home, sql)
    except SourceError as error:
        raise _half_way(home, plan, str(error.params.get("reason") or error)) from error


def _refused(at: Connection, plan: SwitchPlan, ended: Completed) -> SwitchError:
    return _half_way(at, plan, at.last_words(ended))


def _half_way(at: Connection, plan: SwitchPlan, reason: str) -> SwitchError:
    return SwitchError(
        "the database {fresh} on {host} could not be given the name {live}",
        why="{reason}",
        data="no table is lost: each is in {fresh}, in {live} or in {aside}",
        next_step="stop what still uses {live}, or put right what the server complains about; then"
        " type the same command again: it goes on where it stopped",
        fresh=plan.fresh,
        live=plan.live,
        aside=plan.aside or plan.live,
        host=at.host.name,
        reason=reason,
    )


def _lines(at: Connection, ended: Completed) -> list[str]:
    told = ended.stderr.decode("utf-8", "replace").splitlines()
    return [at.scrub(line)[:300] for line in told if "rror" in line or "ouldn't" in line][:20]


def _at(admin: Connection, database: str) -> Connection:
    return replace(admin, database=database)


def _name(database: str, name: str) -> str:
    return f"{quote_name(database)}.{quote_name(name)}"
