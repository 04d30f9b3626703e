"""Move the catalog to another database, with every table, and say which line to change.

Order:

1. Nobody works meanwhile: no service runs, no site is worked on, and the catalog's writers wait.
2. The target is empty; it gets the tables that every catalog has.
3. In one transaction there: copy every table, parents first; read it back, and hold number and
   content of its rows against what was read here; journal the move; verify the journal's chain.
4. Commit there. Cut off before, the target is as empty as it was.
5. Journal here that the records have left: this catalog frees nothing any more.

Cut off between 4 and 5, both are whole, and the next try says that the target is not empty.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Table, func, insert, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from backup.progress import Progress
from ops.access.identity import NotAllowedError, is_service_owner
from ops.access.session import Bench, at_bench
from ops.catalog.engine import create_catalog_engine, explain_failure
from ops.catalog.metadata import METADATA
from ops.catalog.open import Catalog, open_catalog
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.organisation import CatalogSettings
from ops.estate.model.own_site import OWN_SITE
from ops.estate.model.references import reveal
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.journal.journal import STORED, Entry
from ops.journal.rows import read_rows
from ops.journal.standing import LEFT, MOVED
from ops.language.formats import format_number
from ops.language.text import N_, _, fill
from ops.recovery.catalog_copy import as_json
from ops.recovery.tasks import Move
from ops.terminal.elsewhere import is_elsewhere
from ops.terminal.output import write_line, write_table
from ops.terminal.progress import shown_progress
from ops.told_text import strike_passwords

_AT_ONCE = 1_000
_WAIT_FOR_WRITERS = "30s"


@dataclass(frozen=True, slots=True)
class _Tally:
    """How many rows a table has, and the sum of their digests, whatever their order."""

    rows: int = 0
    digest: int = 0

    def plus(self, row: Mapping[str, Any]) -> "_Tally":
        values = {name: as_json(value) for name, value in row.items()}
        plain = json.dumps(values, sort_keys=True).encode()
        return _Tally(self.rows + 1, self.digest + int.from_bytes(sha256(plain).digest()))


def move_catalog(wish: Move) -> int:
    """Move it, and write what was moved and what comes next; gives the exit code."""
    estate = load_estate()
    _refuse_others(estate)
    url = _read_url(estate, wish.to)
    with ExitStack() as held:
        progress = held.enter_context(shown_progress())
        if not wish.dry_run:
            held.enter_context(_standing_still(estate))
        bench = held.enter_context(at_bench(estate, dry_run=wish.dry_run))
        if wish.dry_run or not _is_new_file(url):
            _refuse_filled(url)
        with bench.catalog.writers.begin() as source:
            _hold_writers(source)
            if wish.dry_run:
                _write_counts(_count(source))
                write_line(_("Nothing was changed: this was a rehearsal."))
                return 0
            target = held.enter_context(open_catalog(url))
            place = strike_passwords(target.readers.url.render_as_string(hide_password=True))
            tallies = _move(bench, source, target, place, progress)
            with Session(source) as session, session.begin():
                journal.append(session, bench.origin, [Entry(LEFT, OWN_SITE, {"to": place})])
    _write_counts({name: tally.rows for name, tally in tallies.items()})
    write_line(_("every table was read back, and the journal's chain holds there"))
    _write_next(estate, wish.to)
    return 0


def _refuse_others(estate: Estate) -> None:
    if not is_service_owner(estate):
        raise NotAllowedError(
            "only root moves the catalog",
            why="roles and everybody's second factors go with it, to wherever the URL says",
            data="nothing was changed",
            next_step="have root type it: `{program} catalog.move --to URL`",
        )
    if is_elsewhere():  # the service would read the file that the URL names
        raise WrongUseError(
            "the catalog does not move while the service runs",
            next_step="`systemctl stop giucong`, then type it again",
        )


def _read_url(estate: Estate, to: str) -> str:
    """Read the flag as the estate file would be read; gives the URL, secrets resolved."""
    try:
        read = CatalogSettings.model_validate({"url": to}, context={"folder": estate.path.parent})
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)[0].get("ctx", {})
        raise WrongUseError(
            "the catalog cannot be moved there: {reason}",
            next_step="write the URL into a file that only the service can read, and name it:"
            " `--to file:PATH`",
            reason={"what": told.get("what", ""), "params": told.get("params", {})},
        ) from error
    url = reveal(read.url)
    try:
        make_url(url)
    except ArgumentError as error:
        raise WrongUseError(
            "the catalog cannot be moved there: that is no URL",
            why="only sqlite:///FILE and postgresql+psycopg://… are known",
        ) from error
    return url


@contextmanager
def _standing_still(estate: Estate) -> Iterator[None]:
    """Keep services from starting and runs from beginning, unless one is at it already."""
    folder = estate.service.state / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        sign = held.enter_context((folder / "service.pid").open("a"))
        try:
            fcntl.flock(sign, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WrongUseError(
                "a service runs on this machine",
                next_step="stop it first: `systemctl stop giucong`",
            ) from error
        for site in (*estate.sites, estate.own_site):
            held.enter_context(hold_site_lock(estate.service.state, site.name, holder="move"))
        yield


def _is_new_file(url: str) -> bool:
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite"
    return is_file and not Path(parsed.database or "").exists()


def _refuse_filled(url: str) -> None:
    """Refuse a target that holds a row; its tables are not made by looking."""
    if _is_new_file(url):
        return
    engine = create_catalog_engine(url)
    try:
        with engine.connect() as connection:
            there = set(inspect(connection).get_table_names())
            tables = [it for it in METADATA.sorted_tables if it.name in there]
            filled = [it.name for it in tables if connection.execute(select(it)).first()]
    except DBAPIError as error:
        raise explain_failure(engine, error) or _not_taken("", error) from error
    finally:
        engine.dispose()
    if filled:
        raise OpsError(
            "the target is not empty: it has rows in {tables}",
            why="what is there would mix with what comes",
            data="nothing was changed",
            next_step="name an empty database, or a file that is not there yet",
            tables=", ".join(filled),
        )


def _hold_writers(connection: Connection) -> None:
    """Let the other writers of this catalog wait; SQLite's do since the transaction began."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{it.name}"' for it in METADATA.sorted_tables)
        connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_FOR_WRITERS}'"))
        connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))


def _count(connection: Connection) -> dict[str, int]:
    return {
        it.name: connection.execute(select(func.count()).select_from(it)).scalar_one()
        for it in METADATA.sorted_tables
    }


def _move(
    bench: Bench, source: Connection, target: Catalog, place: str, progress: Progress
) -> dict[str, _Tally]:
    """Copy everything in one transaction at the target; gives what was copied."""
    progress.start("copy rows", sum(_count(source).values()), "rows")
    tallies, table_name = {}, ""
    try:
        with target.writers.begin() as there:
            _hold_writers(there)
            for table in METADATA.sorted_tables:
                table_name = table.name
                tallies[table.name] = _copy(source, there, table, progress)
            table_name = "journal"
            _journal_move(bench, there, place)
    except DBAPIError as error:
        raise explain_failure(target.readers, error) or _not_taken(table_name, error) from error
    progress.finish()
    return tallies


def _copy(source: Connection, target: Connection, table: Table, progress: Progress) -> _Tally:
    sent = _Tally()
    for part in _rows(source, table):
        target.execute(insert(table), part)
        for row in part:
            sent = sent.plus(row)
        progress.advance(len(part))
    found = _Tally()
    for part in _rows(target, table):
        for row in part:
            found = found.plus(row)
    if sent != found:
        raise OpsError(
            "the table {table} did not arrive as it was: {sent} rows were sent, {found} are there",
            why="the database there keeps something in another way",
            data="nothing was changed; the target is as empty as it was",
            next_step="keep the catalog where it is, and report this",
            table=table.name,
            sent=sent.rows,
            found=found.rows,
        )
    return sent


def _rows(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Give a table's rows in parts; the journal's by their numbers, as its guards want them."""
    query = select(table).order_by(*table.primary_key.columns)
    with connection.execute(query, execution_options={"yield_per": _AT_ONCE}) as result:
        for part in result.mappings().partitions():
            yield [dict(row) for row in part]


def _journal_move(bench: Bench, target: Connection, place: str) -> None:
    """Journal the move at the target, and verify the chain as it stands there then."""
    with Session(target) as session, session.begin():
        entry = Entry(MOVED, OWN_SITE, {"to": place})
        head = journal.append(session, bench.origin, [entry])
    verdict = journal.verify_rows(read_rows(target, STORED), expected=head)
    if verdict.broken_at is not None:
        raise OpsError(
            "the journal does not hold: row {row}",
            why="it was changed before it was moved",
            data="nothing was changed; the target is as empty as it was",
            next_step="look first: `{program} service.journal-verify`",
            row=verdict.broken_at,
        )


def _not_taken(table: str, error: DBAPIError) -> OpsError:
    # The driver's text may repeat rows or the connection string, so only its kind is told.
    return OpsError(
        "the target does not take the table {table}" if table else "the target does not answer",
        why="the database answered: {answer}",
        data="nothing was changed; the target is as empty as it was",
        next_step="check that the database runs, and that its role owns it; then try again",
        table=table,
        answer=type(error.orig).__name__,
    )


def _write_counts(counts: Mapping[str, int]) -> None:
    rows = [(name, format_number(count)) for name, count in sorted(counts.items()) if count]
    rows.append((_("together"), format_number(sum(counts.values()))))
    write_table([_("Table"), _("Rows")], rows, right=(1,))


def _write_next(estate: Estate, to: str) -> None:
    write_line(fill(N_("Now write into {path}:"), {"path": estate.path}))
    write_line("  [catalog]")
    write_line(f'  url = "{to}"')
    write_line(fill(N_("then: `{program} backup.status`, and start the service"), {}))
    write_line(_("The old catalog frees nothing any more; keep it until the next good backup."))
