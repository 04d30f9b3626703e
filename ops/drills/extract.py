"""Rows of one table taken out of a backup, in a sandbox, and wiped when they have served.

Order (`extract_rows`):

1. Choose the snapshot; what an earlier try left in the work folder goes.
2. Restore the database's copy and the manifest into the work folder.
3. Load it in a sandbox, where nothing of production is in reach; find the rows.
4. Put the rows into the target: a table for people, and statements for whoever copies them back.
5. Remove the work folder, also after a failure; journal what was taken, by whom, and why.

The journal names columns, never the values looked for: they may be somebody's personal data.
"""

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Literal

import msgspec

from backup.format.snapshot import Snapshot
from backup.patterns.patterns import compile_patterns
from backup.progress import SILENT, Progress
from backup.repository.repository import Repository
from backup.restorer.restore import RestoreRequest, restore_snapshot
from ops.access.session import Bench, at_bench
from ops.backups import MANIFEST
from ops.backups.repositories.moments import choose_holding
from ops.backups.repositories.open import open_repository, read_patiently
from ops.backups.restore.targets import take_target
from ops.drills.tasks import Extract, Wipe
from ops.durable_files import copy_new
from ops.entering import entered
from ops.errors import OpsError, WrongUseError
from ops.estate.known_sites import title_of_known
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.formats import format_number, format_second
from ops.language.text import N_, _, as_typed, ngettext
from ops.sandbox.isolation.new_root import MADE_BELOW
from ops.sandbox.make_plan import bounds_of, plan_database
from ops.sandbox.plan import RehearsalPlan, RowsWanted
from ops.sandbox.rehearse import remove_tree, set_apart
from ops.sandbox.result import tell_remark
from ops.sandbox.rows import CSV, STATEMENTS, SUMMARY
from ops.schedule.ledger.job import describe_failure
from ops.terminal.elsewhere import is_elsewhere
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import write_line
from ops.terminal.progress import shown_progress
from ops.terminal.there import do_there

_FILE_MODE = 0o600
_UNTOUCHED = "production and the repository were not touched"


def extract_rows(wish: Extract) -> int:
    """Take the rows out, write where they lie, and give the exit code."""
    wanted = RowsWanted(
        table=wish.table, where=dict(map(_take_apart, wish.where)), contains=wish.contains
    )
    target = Path(wish.target).absolute()
    take_target(target, dry_run=True)
    if target.is_dir() and any(target.iterdir()):
        raise WrongUseError(
            "the folder {target} is not empty",
            next_step="give an empty folder, or one that is not there yet",
            target=target,
        )
    estate = load_estate()
    title_of_known(estate, wish.site)
    store = estate.store(wish.store) if wish.store else estate.primary_store
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        repository = open_repository(estate, wish.site, store)
        with (
            hold_site_lock(estate.service.state, f"extract/{wish.site}", holder="extract"),
            read_patiently(repository, wish.site, store, estate.stores),
        ):
            snapshot = choose_holding(
                repository, estate, wish.site, wish.database, wanted=wish.snapshot
            )
            moment = format_second(snapshot.time, estate.organisation.timezone)
            write_line(f"{wish.site} · {store.name} · {snapshot.short_id} · {moment}")
            if wish.dry_run:
                text = _(
                    "  would load the database {database} in a sandbox, and write rows of"
                    " {table} into {target}"
                )
                told = text.format(database=wish.database, table=wish.table, target=target)
                write_line(told)
                return 0
            with shown_progress() as progress, _recorded(bench, wish, snapshot) as done:
                _extract(estate, wish, wanted, _Copy(repository, snapshot, progress), done)
    return _write_done(done, target)


@dataclass(frozen=True, slots=True)
class _Copy:
    """Where the rows come from."""

    repository: Repository
    snapshot: Snapshot
    progress: Progress


def _take_apart(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not column or not equals:
        raise WrongUseError(
            '"{text}" names no column and value', next_step="write --where COLUMN=VALUE", text=text
        )
    return column, value


def _extract(
    estate: Estate, wish: Extract, wanted: RowsWanted, copy: _Copy, done: dict[str, Any]
) -> None:
    work = estate.drill.workdir / f"extract-{wish.site}"
    _make_work_folder(work)
    try:
        _restore(wish, copy, work)
        plan = _plan(estate, wish, work)
        result = set_apart(plan, wanted)
        if result.remarks or not result.isolated:
            raise OpsError(
                "no rows could be taken from the backup of {database}",
                why="; ".join(map(tell_remark, result.remarks)),
                data=_UNTOUCHED,
                next_step="`{program} backup.list --site {site}` lists other snapshots",
                database=wish.database,
                site=wish.site,
            )
        done.update(_hand_over(work / MADE_BELOW, Path(wish.target).absolute()))
    finally:
        remove_tree(work)


def _make_work_folder(work: Path) -> None:
    try:
        remove_tree(work)
        work.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise OpsError(
            "the work folder {folder} cannot be made",
            why="{reason}",
            data=_UNTOUCHED,
            next_step="have root name one in the estate: `workdir` in `[drill]`, a folder of the"
            " service's user",
            folder=work,
            reason=error.strerror or type(error).__name__,
        ) from error


def _restore(wish: Extract, copy: _Copy, work: Path) -> None:
    root = f"/{wish.site}"
    names = (f"{root}/databases/{wish.database}.*", f"{root}/{MANIFEST}")
    request = RestoreRequest(
        target=os.fsencode(work), include=compile_patterns(map(os.fsencode, names))
    )
    restored = restore_snapshot(copy.repository, copy.snapshot.tree, request, copy.progress)
    if restored.error_count:
        raise OpsError(
            "the database {name} could not be restored from the snapshot",
            data=_UNTOUCHED,
            next_step="`{program} backup.check --site {site} --read-data`",
            name=wish.database,
            site=wish.site,
        )


def _plan(estate: Estate, wish: Extract, work: Path) -> RehearsalPlan:
    restored = work / wish.site
    manifest: Mapping[str, Any] = json.loads((restored / MANIFEST).read_text(encoding="utf-8"))
    known = {str(it["name"]): it for it in manifest["databases"]}
    if wish.database not in known:
        raise OpsError(
            "the snapshot has no database {database}",
            why="it has: {known}",
            data=_UNTOUCHED,
            next_step="name one of these with --database",
            database=wish.database,
            known=", ".join(known) or "-",
        )
    return RehearsalPlan(
        work=str(work),
        site=wish.site,
        databases=(plan_database(known[wish.database], restored),),
        incident_at=datetime.now(UTC),
        zone=estate.organisation.timezone,
        bounds=bounds_of(estate),
    )


def _hand_over(workshop: Path, target: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((workshop / SUMMARY).read_text(encoding="ascii"))
    if not summary["rows"]:
        raise OpsError(
            "no row is as asked for",
            data=_UNTOUCHED,
            next_step="look into an older snapshot, or ask for less with --where and --contains",
        )
    take_target(target, dry_run=False)
    for name in (CSV, STATEMENTS):
        copy_new(workshop / name, target / name, _FILE_MODE)
    return summary


def _write_done(done: Mapping[str, Any], target: Path) -> int:
    text = ngettext("  {count} row: {table}", "  {count} rows: {table}", done["rows"])
    write_line(text.format(count=format_number(done["rows"]), table=target / CSV))
    text = _("  to copy them back, have an administrator read and run {statements}")
    write_line(text.format(statements=target / STATEMENTS))
    if done["is_cut"]:
        write_line(_("  there are more; ask for less with --where and --contains"))
        return INCOMPLETE
    return 0


@contextmanager
def _recorded(bench: Bench, wish: Extract, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Journal what was taken in one row, however it ends."""
    done: dict[str, Any] = {}
    details: dict[str, Any] = {
        "snapshot": snapshot.id,
        "store": wish.store,
        "database": wish.database,
        "table": wish.table,
        "where": [it.partition("=")[0] for it in wish.where],
        "contains": bool(wish.contains),
        "target": as_typed(wish.target),
    }
    try:
        yield done
    except BaseException as error:
        reason = describe_failure(error).reason
        _record(bench, wish, {**details, "outcome": "failed", "reason": reason})
        raise
    _record(bench, wish, {**details, "outcome": "ok", **done})


def _record(bench: Bench, wish: Extract, details: Mapping[str, Any]) -> None:
    origin = replace(bench.origin, reason=wish.reason, document=wish.document)
    with bench.catalog.writing() as session:
        journal.append(session, origin, [journal.Entry("drill.extract", wish.site, details)])


_WRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PIECE = 1 << 20
_Wiped = list[Literal["rows.csv", "rows.sql"]]


def wipe_rows(wish: Wipe) -> int:
    """Overwrite and remove them; gives the exit code.

    Each file is opened by its name in the open folder, follows no link, is overwritten and durable
    before it goes. On disks that keep old blocks (copies on write, flash) that is all a program can
    do.
    """
    with at_bench(load_estate(), dry_run=wish.dry_run) as bench:
        if is_elsewhere():
            wiped: list[str] = [*do_there(b"", [], SILENT, _Wiped)]
        else:
            wiped = _wipe(wish)
        names, folder = ", ".join(wiped), Path(wish.target).absolute()
        if wish.dry_run:
            write_line(_("would wipe in {folder}: {names}").format(folder=folder, names=names))
            return 0
        details = {"folder": wish.target, "files": wiped}
        with bench.catalog.writing() as session:
            journal.append(session, bench.origin, [journal.Entry("drill.wipe", "", details)])
    write_line(_("wiped in {folder}: {names}").format(folder=folder, names=names))
    return 0


def wipe_here(wish: Wipe, _order: bytes, _ends: list[int], _progress: Progress) -> bytes:
    """Do it in the process of who typed it; see `ops.terminal.there.Work`."""
    return msgspec.json.encode(_wipe(wish))


def _wipe(wish: Wipe) -> list[str]:
    folder = Path(wish.target).absolute()
    with ExitStack() as stack:
        try:
            place = stack.enter_context(entered(folder / CSV))
        except OSError as error:
            raise _refuse(folder, error.strerror or type(error).__name__) from error
        there = {
            name: stack.enter_context(file)
            for name in (CSV, STATEMENTS)
            if (file := _open(place.folder, folder / name))
        }
        if not there:
            raise _refuse(folder / CSV, N_("it is not there"))
        if not wish.dry_run:
            for name, file in there.items():
                _overwrite(file)
                os.unlink(name, dir_fd=place.folder)
            os.fsync(place.folder)
        return [*there]


def _open(folder: int, path: Path) -> FileIO | None:
    try:
        file = os.fdopen(os.open(path.name, _WRITE, dir_fd=folder), "wb", buffering=0)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refuse(path, N_("it is no plain file of ours")) from error
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
        file.close()
        raise _refuse(path, N_("it is no plain file of ours"))
    return file


def _overwrite(file: FileIO) -> None:
    left = os.fstat(file.fileno()).st_size
    while left > 0:
        left -= file.write(bytes(min(left, _PIECE))) or 0
    os.fsync(file.fileno())


def _refuse(path: Path, why: str) -> WrongUseError:
    return WrongUseError(
        "{path} is not wiped",
        why=why,
        next_step="name the folder that `{program} drill.extract` was given",
        path=path,
    )
