"""The journal: what was done, by whom and why; append-only, each row sealed by the one before.

Order of an append:
1. Take the catalog's write lock (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock).
2. Read the last row's sequence number and hash.
3. Insert the next row with its own hash. It is durable when the caller's transaction commits, so
   an act and its journal row are kept or lost together.

The hash of a row is SHA-256, in hexadecimal, over UTF-8 text: the hash of the row before (64
zeros for the first), then the fields in the order of `FIELDS`, joined by U+001F. `sequence` is
decimal, `at` is UTC as `YYYY-MM-DD HH:MM:SS.ffffff`, `details` is JSON with sorted keys and
without blanks. Texts are NFC and hold no control character but tab and line feed, so U+001F
cannot occur in a field and the text can be read in one way only.

The chain shows what was changed or taken out. It cannot show that the newest rows were cut off:
for that, keep the head elsewhere and give it to `verify`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, event, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from ops.canonical import canonical_json
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow
from ops.errors import DEEDS, OpsError
from ops.journal.rows import is_there, means_gone, read_rows, read_strange_rows
from ops.language.text import as_typed
from ops.terminal import document
from ops.told_text import clean_text

FIELDS = (
    "sequence", "at", "person", "login", "via", "address", "requested_by", "reason",
    "document", "run", "software", "estate", "action", "subject", "details",
)  # fmt: skip
"""The hashed fields, in order."""

FIRST_PREVIOUS = "0" * 64
STORED = (*FIELDS, "hash")
"""The columns of the table."""

_SEPARATOR = "\x1f"
_ADVISORY_LOCK = 0x6A6F_7572_6E61_6C  # "journal"


class JournalGoneError(OpsError):
    """The journal's table is gone or lacks a column: nothing can be done and written down."""

    def __init__(self) -> None:
        super().__init__(
            "the journal is gone: its table is not there any more, or lacks a column",
            why="somebody has changed the catalog past this program",
            data="backups in the stores are untouched; nothing was changed now, since it could not"
            " be written down",
            next_step="touch nothing, keep a copy of the catalog, then `{program} service.recover`",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who acts, by which way, and on what ground; empty where it does not apply.

    Attributes:
        person: Name of the person in the estate.
        login: Operating-system or console login.
        via: `cli`, `console`, `clock` or `upgrade`.
        address: Network address; empty for this machine.
        requested_by: Who asked, where that is another person.
        reason: Why, in the person's words.
        document: Reference of the document behind the act.
        run: Id of the run.
        software: Version of the software.
        estate: Hash of the estate version in force.
    """

    via: str
    person: str = ""
    login: str = ""
    address: str = ""
    requested_by: str = ""
    reason: str = ""
    document: str = ""
    run: str = ""
    software: str = ""
    estate: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act to be written down.

    Attributes:
        action: What was done, as `area.verb`.
        subject: What it was done to.
        details: JSON values; no secrets. A password inside a URL is struck out.
    """

    action: str
    subject: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row: its sequence number (0 for an empty journal) and its hash."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What verifying found.

    Attributes:
        checked_rows: Rows that hold, from the first on.
        head: The last row that holds.
        broken_at: Sequence number of the first row that does not hold; None when all do.
        reason: `changed` (the row's hash is not that of its fields), `gap` (a row is missing
            before it), `cut` (rows up to the expected head are missing), `rewritten` (the row
            at the expected head has another hash), `gone` (there is no such table, or it lacks
            a column); empty when all hold.
    """

    checked_rows: int
    head: Head
    broken_at: int | None = None
    reason: str = ""


def append(session: Session, origin: Origin, entries: Sequence[Entry]) -> Head:
    """Write entries to the journal, in order, inside the caller's writing transaction.

    Args:
        session: From `Catalog.writing`; committing it makes the rows durable.
        origin: Who acts.
        entries: What was done; may be empty.

    Returns:
        The new head.

    Raises:
        JournalGoneError: The table is not there, or is not as it was made.
        TypeError: Details hold something JSON has no form for, such as a wrapped secret.
    """
    connection = session.connection()
    try:
        hold(session)
        head = read_head(connection)
        entries = [replace(it, details=_as_typed(it.details)) for it in entries]
        rows = list(_next_rows(head, origin, entries))
        if not rows:
            return head
        connection.execute(insert(JournalRow), rows)
    except DBAPIError as error:
        if means_gone(connection, error, STORED):
            raise JournalGoneError from error
        raise
    event.listen(session, "after_commit", lambda _session: _tell(entries), once=True)
    last = rows[-1]
    return Head(sequence=head.sequence + len(rows), hash=str(last["hash"]))


def _as_typed(value: Any) -> Any:
    """Have details name a person's files as that person typed them."""
    if isinstance(value, Mapping):
        return {name: _as_typed(it) for name, it in value.items()}
    if isinstance(value, list | tuple):
        return [_as_typed(it) for it in value]
    return as_typed(value) if isinstance(value, str) else value


def _tell(entries: Sequence[Entry]) -> None:
    """Tell the act that runs what it has done, as the journal has it."""
    if (done := DEEDS.get()) is not None:
        done += [it.action for it in entries]
    if (result := document.asked_result()) is None:
        return
    for it in entries:
        details = json.loads(canonical_json(it.details))
        act = {"action": it.action, "subject": it.subject, "details": details}
        result.acts.append(document.plain(act))


def hold(session: Session) -> None:
    """Take the journal's lock until the caller's writing transaction ends.

    For a decision that rests on what stands in the catalog and is journaled: of two who decide at
    once the second sees what the first has written.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def read_head(connection: Connection) -> Head:
    """Give the newest row's number and hash."""
    newest = select(JournalRow.sequence, JournalRow.hash).order_by(JournalRow.sequence.desc())
    row = connection.execute(newest.limit(1)).first()
    return Head(*row) if row else Head(sequence=0, hash=FIRST_PREVIOUS)


def read_details(session: Session, subject: str, *actions: str) -> Iterator[dict[str, Any]]:
    """Yield what the journal tells of these actions on a subject, the newest first."""
    query = select(JournalRow.details).where(
        JournalRow.action.in_(actions), JournalRow.subject == subject
    )
    for told in session.execute(query.order_by(JournalRow.sequence.desc())).scalars():
        yield json.loads(told)


def verify(catalog: Catalog, *, expected: Head | None = None) -> ChainVerdict:
    """Recompute the chain from the first row and name the first row that does not hold.

    Args:
        catalog: The catalog to read; nothing is written.
        expected: A head noted earlier and kept elsewhere, which must still be in the chain.
    """
    if not is_there(catalog.readers, STORED):
        return ChainVerdict(0, Head(0, FIRST_PREVIOUS), 1, "gone")
    with catalog.readers.connect() as connection:
        try:
            # A chain that breaks early leaves rows unread; closing lets go of the cursor.
            with closing(read_rows(connection, STORED)) as rows:
                return verify_rows(rows, expected=expected)
        except (TypeError, OperationalError):
            if connection.dialect.name != "sqlite":
                raise  # there a column holds nothing but its own kind
        return verify_rows(read_strange_rows(connection, STORED), expected=expected)


def verify_rows(rows: Iterable[Sequence[str]], *, expected: Head | None = None) -> ChainVerdict:
    """Verify rows given as texts: the fields of `FIELDS`, then the hash; oldest first."""
    previous, number = FIRST_PREVIOUS, 0
    wanted = expected.sequence if expected else 0
    for row in rows:
        *fields, stored = row
        if fields[0] != str(number + 1):
            return ChainVerdict(number, Head(number, previous), number + 1, "gap")
        if _seal(previous, fields) != stored:
            return ChainVerdict(number, Head(number, previous), number + 1, "changed")
        if expected and number + 1 == wanted and stored != expected.hash:
            return ChainVerdict(number, Head(number, previous), number + 1, "rewritten")
        previous, number = stored, number + 1
    if number < wanted:
        return ChainVerdict(number, Head(number, previous), number + 1, "cut")
    return ChainVerdict(number, Head(number, previous))


def _next_rows(head: Head, origin: Origin, entries: Sequence[Entry]) -> Iterator[dict[str, object]]:
    shared = {name: clean_text(getattr(origin, name)) for name in Origin.__slots__}
    previous = head.hash
    for sequence, entry in enumerate(entries, head.sequence + 1):
        at = datetime.now(UTC)
        row: dict[str, object] = {
            **shared,
            "sequence": sequence,
            "at": at,
            "action": clean_text(entry.action),
            "subject": clean_text(entry.subject),
            "details": canonical_json(entry.details),
        }
        fields = [_format_at(at) if name == "at" else str(row[name]) for name in FIELDS]
        previous = _seal(previous, fields)
        yield {**row, "hash": previous}


def _seal(previous: str, fields: Sequence[str]) -> str:
    return sha256(_SEPARATOR.join((previous, *fields)).encode()).hexdigest()


def _format_at(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")
