r"""Views, triggers, routines and events: read from a server, and made by a statement of their own.

Their texts are written by the site's own account, and are sent by an administrator's. The client
that sends them cuts what it reads into statements, and does not read as the server does: `--` and
a control character begins a comment for the server alone; quotes within names, comments for some
releases, texts in Shift-JIS and the word `delimiter` are others. A text that ends earlier for
the client than for the server would have the administrator carry out the rest. So the client sees
no such text, but hexadecimal digits, which the server takes as one statement, or refuses.

MySQL, and MariaDB before 10.6, prepare no triggers, routines and events. There the text goes to the
client, up to a mark that nobody can know before, if both are sure to read it alike.

Events run by the clock, whatever name their database has, and may write into others: under any name
but the live one they are switched off, in the statement that makes them.

source: https://mariadb.com/kb/en/prepare-statement/ "Permitted Statements"
"""

import re
import secrets
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from backup.errors import SourceError
from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_client import ask, quote_name, quote_text

_FIRST_THAT_PREPARES = (10, 6)
_LISTS = {
    "PROCEDURE": ("routines", "routine_schema", "routine_name", "AND routine_type = 'PROCEDURE'"),
    "FUNCTION": ("routines", "routine_schema", "routine_name", "AND routine_type = 'FUNCTION'"),
    "PACKAGE": ("routines", "routine_schema", "routine_name", "AND routine_type = 'PACKAGE'"),
    "PACKAGE BODY": (
        "routines", "routine_schema", "routine_name", "AND routine_type = 'PACKAGE BODY'"
    ),
    "TRIGGER": ("triggers", "trigger_schema", "trigger_name", "ORDER BY action_order"),
    "VIEW": ("views", "table_schema", "table_name", ""),
    "EVENT": ("events", "event_schema", "event_name", ""),
}  # fmt: skip
"""Kind → where the server lists it: table, its columns of database and name, a condition.

In the order in which they are made: what an event uses is there before it runs.
"""

NAME = rb"(?:`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")"
DEFINER = rb"DEFINER=" + NAME + rb"(?:@" + NAME + rb")?"
_DEFINITION = re.compile(
    rb"CREATE (?:OR REPLACE )?(?:" + DEFINER + rb" )?(?:AGGREGATE )?"
    rb"((?:TRIGGER|EVENT|PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE)\s+(?:" + NAME + rb"|\S{1,200}))"
)

# An event as a server shows it: all before its state, its name, the state.
_EVENT = re.compile(
    rb"CREATE (?:OR REPLACE )?((?:" + DEFINER + rb" )?EVENT (" + NAME + rb"|\S{1,200})"
    rb" ON SCHEDULE [\w ':.-]{1,200}? ON COMPLETION (?:NOT )?PRESERVE )"
    rb"(ENABLE|DISABLE ON \w+|DISABLE)(?=\s)"
)

# What one release carries out and another passes over, and so may end a text where it did not end.
# All carry out what is for releases up to 5.6; a server keeps the others in no text but in strings.
_BY_RELEASE = re.compile(rb"/\*M?!(?!(?:[0-4]\d|50[0-6])\d\d\d?(?!\d))\d")
_HINT = re.compile(rb"/\*\+(.*?)\*/", re.DOTALL)

# What client and server read alike, however the server is set: no quote that one may take as
# escaped, no comment that only one sees.
_ALIKE = re.compile(
    rb"(?:[^'\"`#/d-]|d(?!elimiter\s)|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\[^\"])*\"|`[^`]*`"
    rb"|#[^\n]*(?:\n|\Z)|--(?:[ \t][^\n]*)?(?:\n|\Z)|-(?!-)|--(?![\x00- \x7f])"
    rb"|/\*(?![!+M]).*?\*/|/(?!\*))*+",
    re.DOTALL | re.IGNORECASE,
)


class Definitions(NamedTuple):
    """All but the tables of a database.

    Attributes:
        script: Statements that make it anew.
        unread: What cannot be kept.
        asleep: Names of the events that were enabled, and that the script makes switched off.
    """

    script: str
    unread: tuple[str, ...]
    asleep: tuple[str, ...]


def prepares_all(admin: Connection) -> bool:
    """Tell whether the server prepares whatever makes a routine.

    Raises:
        SourceError: It cannot be asked.
    """
    version = ask(replace(admin, database="information_schema"), "SELECT VERSION();")[0][0]
    found = re.match(r"(\d+)\.(\d+)\.\d+.*MariaDB", version)
    return found is not None and (int(found[1]), int(found[2])) >= _FIRST_THAT_PREPARES


def make_definition(text: bytes, *, prepares: bool) -> bytes:
    """Give what makes a trigger, routine or event, for the client; ends no line of the text early.

    Args:
        text: `CREATE …`, without an end mark.
        prepares: See `prepares_all`.

    Raises:
        SourceError: Client and server, or two servers, may read it differently.
    """
    found = _DEFINITION.match(text)
    if found is None:
        raise _refused(text[:80])
    is_hint_open = any(it.count(mark) % 2 for it in _HINT.findall(text) for mark in b"'\"`")
    if _BY_RELEASE.search(text) or is_hint_open:
        raise _refused(found[1])
    if prepares:
        return b"EXECUTE IMMEDIATE 0x" + text.hex().encode() + b";\n"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise _refused(found[1]) from error
    if not _ALIKE.fullmatch(text):
        raise _refused(found[1])
    mark = b"m" + secrets.token_hex(7).encode()  # a client keeps 15 characters
    return b"DELIMITER " + mark + b"\n" + text + b"\n" + mark + b"\nDELIMITER ;\n"


def put_to_sleep(text: bytes, on_asleep: Callable[[str], None]) -> bytes:
    """Give what makes an event switched off; other definitions as they are.

    Args:
        text: `CREATE …`.
        on_asleep: Is told the event's name, if it was enabled.

    Raises:
        SourceError: It is an event, but not as a server shows it.
    """
    kind = _DEFINITION.match(text)
    if kind is None or not kind[1].startswith(b"EVENT"):
        return text
    found = _EVENT.match(text)
    if found is None:
        raise _refused(kind[1])
    if found[3] != b"ENABLE":
        return text
    name, quote = found[2].decode("utf-8", "replace"), found[2][:1].decode()
    on_asleep(name[1:-1].replace(quote * 2, quote) if quote in {"`", '"'} else name)
    return text[: found.start(3)] + b"DISABLE" + text[found.end(3) :]


def _wake(text: bytes) -> bytes:
    found = _EVENT.match(text)
    if found is None or found[3] != b"DISABLE":
        return text
    return text[: found.start(3)] + b"ENABLE" + text[found.end(3) :]


def wake_events(admin: Connection, database: str, names: Iterable[str]) -> tuple[str, ...]:
    """Enable events that `put_to_sleep` has switched off; gives those that stay so, or are gone.

    One that was for a moment that has passed stays so: the server refuses.

    Raises:
        SourceError: The server cannot be asked.
    """
    here, wanted = replace(admin, database=database), set(names)
    prepares = prepares_all(admin)
    script = []
    for row in _show_all(here, "EVENT", sorted(wanted)):
        settings = {
            "time_zone": row[2], "character_set_client": row[4], "collation_connection": row[5]
        }  # fmt: skip
        found = _EVENT.match(row[3].encode("utf-8", "surrogateescape"))
        if found is None or found[3] != b"DISABLE":
            continue
        # With its schedule, so that the server looks whether that is over.
        text = b"ALTER " + found[1] + b"ENABLE"
        if prepares:
            script += [_set(settings), f"EXECUTE IMMEDIATE _utf8mb4 0x{text.hex()};\n"]
        elif text.isascii() or row[4].startswith("utf8"):
            script += [_set(settings), text.decode("utf-8", "surrogateescape") + ";\n"]
    ask(here, "SET SESSION sql_mode = '';\n" + "".join(script), goes_on=True)
    awake = ask(
        here,
        "SELECT event_name FROM information_schema.events WHERE status <> 'DISABLED'"  # noqa: S608 -- quoted
        f" AND event_schema = {quote_text(database)};",
    )
    return tuple(sorted(wanted - {row[0] for row in awake}))


def _refused(name: bytes) -> SourceError:
    return SourceError(
        "the definition of {name} can be read in two ways",
        why="the program that loads it could end it elsewhere than the server does, and would carry"
        " out what follows with an administrator's rights; somebody may have written it for that",
        data="it was not carried out, and no other database was touched",
        next_step="if nobody of the site knows it, keep the snapshot for whoever looks into it, and"
        " load an older one; if it is the site's, have it written without what other releases and"
        " quoting read differently, and back up anew",
        name=show(name),
    )


def show(text: bytes) -> str:
    """Give a beginning of a text to be printed in a message."""
    return "".join(it if it.isprintable() else " " for it in text.decode("utf-8", "replace"))


def list_names(admin: Connection, kind: str, *databases: str) -> list[tuple[str, str]]:
    """Give database and name of all that is of one kind, in the order in which they are made.

    Args:
        admin: The way to the server.
        kind: As `DROP` names it: PROCEDURE, FUNCTION, PACKAGE, PACKAGE BODY, EVENT, TRIGGER, VIEW.
        databases: Of which.
    """
    table, schema, name, condition = _LISTS[kind]
    names = ", ".join(map(quote_text, databases))
    rows = ask(
        replace(admin, database="information_schema"),
        f"SELECT {schema}, {name} FROM {table} WHERE {schema} IN ({names}) {condition};",  # noqa: S608 -- our own words, quoted
    )
    return [(row[0], row[1]) for row in rows]


def read_definitions(
    admin: Connection, database: str, *, awake: Container[str] | None
) -> Definitions:
    """Give statements that make all but the tables of a database anew, and what cannot be kept.

    Views come after what they may use: routines, and each other.

    Args:
        admin: The way to the server.
        database: Which.
        awake: Events that are made enabled, although they are switched off; None: all are made
            switched off.

    Raises:
        SourceError: The server cannot be asked.
    """
    here = replace(admin, database=database)
    prepares = prepares_all(admin)
    script: list[str] = []
    unread: list[str] = []
    asleep: list[str] = []
    holders = _place_holders(here)
    for kind in _LISTS:
        names = [name for _database, name in list_names(admin, kind, database)]
        shown = _show_all(here, kind, names)
        if kind == "EVENT":
            shown = [_set_event(row, awake, asleep) for row in shown]
        made = {row[0]: _make_anew(kind, row, prepares=prepares) for row in shown}
        if kind == "VIEW":
            made = {name: made[name] for name in made if name in holders}
            script += [holders[name] for name in names if name in made]
        unread += [f"{kind} {name}" for name in names if not made.get(name)]
        script += [made[name] for name in names if made.get(name)]
    return Definitions("".join(script), tuple(unread), tuple(sorted(asleep)))


def _show_all(here: Connection, kind: str, names: Iterable[str]) -> list[list[str]]:
    questions = "".join(f"SHOW CREATE {kind} {quote_name(it)};\n" for it in names)
    # Quoted as the mode in which views are made anew has it.
    return ask(here, f"SET SESSION sql_mode = '';\n{questions}", goes_on=True)


def _set_event(row: list[str], awake: Container[str] | None, asleep: list[str]) -> list[str]:
    """Give a row of `SHOW CREATE EVENT` with another state; one that is put to sleep is noted."""
    text = row[3].encode("utf-8", "surrogateescape")
    if awake is None:
        text = put_to_sleep(text, asleep.append)
    elif row[0] in awake:
        text = _wake(text)
    return [*row[:3], text.decode("utf-8", "surrogateescape"), *row[4:]]


def _place_holders(here: Connection) -> dict[str, str]:
    """Give what makes views of the same columns, of which others can be made; none of broken ones.

    Those of tables are given too.
    """
    rows = ask(
        here,
        "SELECT table_name, column_name FROM information_schema.columns"  # noqa: S608 -- quoted
        f" WHERE table_schema = {quote_text(here.database)} ORDER BY table_name, ordinal_position;",
    )
    columns: dict[str, list[str]] = {}
    for name, column in rows:
        columns.setdefault(name, []).append(f"NULL AS {quote_name(column)}")
    return {
        name: f"CREATE OR REPLACE VIEW {quote_name(name)} AS SELECT {', '.join(its)};\n"
        for name, its in columns.items()
    }


def _make_anew(kind: str, row: Sequence[str], *, prepares: bool) -> str:
    """Give what makes one anew, set as it was made, by what `SHOW CREATE` says; or nothing."""
    at = {"EVENT": 3, "VIEW": 1}.get(kind, 2)
    text, charset, collation = row[at : at + 3]
    if text == "NULL":
        return ""
    settings = {"sql_mode": "" if kind == "VIEW" else row[1]}
    if kind == "EVENT":
        settings["time_zone"] = row[2]
    settings |= {"character_set_client": charset, "collation_connection": collation}
    lines = [_set(settings) + f"DROP {kind} IF EXISTS {quote_name(row[0])};"]
    encoded = text.encode("utf-8", "surrogateescape")
    if prepares:
        lines.append(f"EXECUTE IMMEDIATE _utf8mb4 0x{encoded.hex()};")
    elif kind == "VIEW":
        lines.append(f"SET @giucong = _utf8mb4 0x{encoded.hex()};")
        lines.append("PREPARE giucong FROM @giucong; EXECUTE giucong; DEALLOCATE PREPARE giucong;")
    elif not text.isascii() and not charset.startswith("utf8"):
        return ""  # the client sends it as UTF-8, which would be read as something else
    else:
        try:
            lines.append(make_definition(encoded, prepares=False).decode())
        except SourceError:
            return ""
    return "".join(f"{it}\n" for it in lines)


def _set(settings: Mapping[str, str]) -> str:
    words = ", ".join(f"SESSION {it} = {quote_text(settings[it])}" for it in settings)
    return f"SET {words};\n"
