"""Copies of the catalog, of its file or of its record tables as JSON lines; trust in one put back.

One line is a row, its values are texts where JSON has no form for them.
"""

import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Date, LargeBinary, Table, Uuid, func, insert, make_url, select

from ops.access.identity import NotAllowedError, open_existing
from ops.access.session import at_bench, look_at_past
from ops.catalog.columns import UTCDateTime
from ops.catalog.metadata import METADATA
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.load.read import INSTALLED_PATH, check_files
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import OWN_SITE
from ops.estate.owner import is_borrowed
from ops.journal import journal
from ops.journal.journal import Entry
from ops.journal.standing import TRUSTED, find_doubt
from ops.language.text import _
from ops.outcomes import explain
from ops.recovery.tasks import TrustCatalog
from ops.terminal.output import write_line
from ops.terminal.progress import need_confirmation

_AT_ONCE = 1_000


def catalog_file(url: str) -> Path | None:
    """Give the file of an SQLite catalog; None for another kind."""
    parsed = make_url(url)
    return (
        Path(parsed.database)
        if parsed.get_backend_name() == "sqlite" and parsed.database
        else (None)
    )


def copy_catalog(path: Path, folder: Path) -> Path:
    """Make a consistent copy of the catalog that this process has open.

    The file itself is never opened past SQLite here: closing it would drop the locks that this
    process holds on it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = folder / "catalog.sqlite"
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)
    url = f"file:{quote(str(path))}?mode=ro"
    with (
        closing(sqlite3.connect(url, uri=True, timeout=30)) as live,
        closing(sqlite3.connect(copy)) as target,
    ):
        live.backup(target)
    return copy


def record_tables() -> list[Table]:
    """Give the record tables, parents before what refers to them."""
    return [it for it in METADATA.sorted_tables if it.info.get("kind") == "record"]


def dump_records(catalog: Catalog, folder: Path) -> dict[str, int]:
    """Write every record table to `folder/TABLE.jsonl`, all as of one moment.

    Returns:
        Rows by table.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    counts = {}
    engine = catalog.readers
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        for table in record_tables():
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(connection, table))
            counts[table.name] = 0
            with (folder / f"{table.name}.jsonl").open("w", encoding="utf-8") as file:
                for line in lines:
                    file.write(line)
                    counts[table.name] += 1
    return counts


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key.columns)
    options = {"yield_per": _AT_ONCE}
    for row in connection.execute(query, execution_options=options).mappings():
        yield {name: as_json(value) for name, value in row.items()}


def as_json(value: object) -> object:
    """Give a value of a row as JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value


def load_records(catalog: Catalog, folder: Path) -> dict[str, int]:
    """Read what `dump_records` has written into an empty catalog.

    Order: all tables in one transaction, parents first, the journal by its numbers, so that its
    guards let every row pass. Cut off, nothing was loaded.

    Returns:
        Rows by table.
    """
    counts = {}
    with catalog.writers.begin() as connection:
        if connection.execute(select(func.count()).select_from(JournalRow)).scalar():
            raise OpsError(
                "the catalog holds records already",
                why="its journal has rows",
                data="nothing was changed",
                next_step="name an empty database in `[catalog] url`, then recover into that",
            )
        for table in record_tables():
            path = folder / f"{table.name}.jsonl"
            counts[table.name] = _load(connection, table, path) if path.exists() else 0
    return counts


def _load(connection: Connection, table: Table, path: Path) -> int:
    readers = {column.name: _reader_of(column.type) for column in table.columns}
    count = 0
    waiting: list[dict[str, Any]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            waiting.append(_values(json.loads(line), readers))
            count += 1
            if len(waiting) == _AT_ONCE:
                connection.execute(insert(table), waiting)
                waiting = []
    if waiting:
        connection.execute(insert(table), waiting)
    return count


def _values(row: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {
        name: None if value is None else readers[name](value)
        for name, value in row.items()
        if name in readers
    }


def _reader_of(kind: object) -> Callable[[Any], Any]:
    """Give what makes a column's value of its JSON form."""
    readers: tuple[tuple[type, Callable[[Any], Any]], ...] = (
        (UTCDateTime, datetime.fromisoformat),
        (Uuid, uuid.UUID),
        (LargeBinary, bytes.fromhex),
        (Date, date.fromisoformat),
    )
    return next((read for known, read in readers if isinstance(kind, known)), lambda value: value)


def trust_catalog(wish: TrustCatalog) -> int:
    """Journal that this catalog counts from now on; gives the exit code.

    What was held, who had which role and what waited for approval is lost with an exchanged
    catalog, for whoever it was recorded elsewhere. So it is said once, by who could exchange the
    catalog anyway, and journaled.
    """
    estate = load_estate()
    _refuse_others(estate)
    check_files(estate.path)
    if not wish.reason.strip():
        raise WrongUseError(
            "why this catalog counts has to be said", next_step="add `--reason TEXT`"
        )
    there = open_existing(estate)
    if there is None:
        raise WrongUseError(
            "there is no catalog yet", next_step="look first: `{program} backup.status`"
        )
    there.close()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        look_at_past(bench)
        with bench.catalog.reading() as session:
            doubt = find_doubt(session)
        if doubt is None:
            write_line(_("Nothing is to be said: nothing speaks against this catalog."))
            return 0
        write_line("  " + explain(doubt.reason, doubt.params).what)
        if wish.dry_run:
            write_line(_("Nothing was changed: this was a rehearsal."))
            return 0
        question = _("Holds, roles and approvals that this catalog does not know are given up.")
        need_confirmation(OWN_SITE, wish.confirm, question)
        with bench.catalog.writing() as session:
            details = {"doubt": doubt.reason, **doubt.params, "reason": wish.reason.strip()}
            journal.append(session, bench.origin, [Entry(TRUSTED, OWN_SITE, details)])
    write_line("  " + _("said; from now on this catalog counts"))
    return 0


def _refuse_others(estate: Estate) -> None:
    """Refuse who is not root; where nothing is installed, it is whoever owns the estate file."""
    if estate.path != INSTALLED_PATH:
        check_files(estate.path)
    me = os.geteuid()
    is_own = estate.path != INSTALLED_PATH and estate.path.stat().st_uid == me
    if is_borrowed() or not (me == 0 or is_own):
        raise NotAllowedError(
            "only root says which catalog counts",
            why="without its records nobody's role is known",
            data="nothing was changed",
            next_step="have root type it: `{program} catalog.trust --reason TEXT`",
        )
