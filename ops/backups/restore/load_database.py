"""Load a database of a snapshot into a fresh one beside the live one.

Order of a load:
1. Find the dump in the snapshot, and what its manifest says of it. Look at all that the load, and
   the switch after it, could be refused for.
2. Journal that it begins, with a mark. Where an earlier try of ours was cut off, the database still
   bears that one's mark on the server: drop it. Where all was loaded, only count again. What bears
   no mark of ours is never touched, nor is anything under the live name.
3. Where the live database is gone, make those of its accounts that are missing. Make the empty
   database, marked, and stream the dump into it, events switched off. Journal that it is loaded,
   and which events; take the mark off.
4. Count every table and compare; carry rights over, and give those that name what was loaded; under
   the live name, enable its events. Journal how it ended.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from backup.errors import SourceError
from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.snapshots.dump import read_content
from backup.snapshots.walk import TreeReader, find_entry
from backup.sources.databases import load
from backup.sources.databases.administrator import require_rights
from backup.sources.databases.connection import Connection, LoadError
from backup.sources.databases.load import Engine
from backup.sources.databases.mariadb_copied_rights import copy_rights
from backup.sources.databases.missing_accounts import (
    carry_postgresql_rights,
    make_missing_mariadb,
    make_missing_postgresql,
)
from ops.access.session import Bench, at_bench
from ops.backups.malware.records import require_scan
from ops.backups.repositories.catalog_index import read_manifest
from ops.backups.repositories.moments import State, choose_holding, choose_state
from ops.backups.repositories.open import open_repository, read_patiently
from ops.backups.restore.fresh_database import (
    LoadRefusedError,
    find_asleep,
    name_aside,
    refuse_names,
    wake,
)
from ops.backups.restore.state import tell_doubt, write_skew
from ops.backups.restore.tasks import Load, Switch
from ops.backups.sources.parts import connect, copy_path, globals_path
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import DatabasePart, Site
from ops.hosts.admin_login import enter, read_line
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.formats import format_duration, format_second, format_size
from ops.language.text import _, fill
from ops.schedule.ledger.job import describe_failure
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import write_line

ACTION = "backup.load"

_Left = Literal["nothing", "half", "whole"]
"""What an earlier try of ours has left under the name."""


class LoadDiffersError(OpsError):
    """What was loaded is not what was dumped."""


@dataclass(frozen=True, slots=True)
class _Load:
    """One load: the server, and the dump; `is_gone` tells that there is no live database."""

    wish: Load
    part: DatabasePart
    admin: Connection
    reader: TreeReader
    tree: bytes
    known: dict[str, Any]
    is_gone: bool

    @property
    def aside(self) -> str:
        """Name under which a switch will keep the live database; empty where it keeps none."""
        is_switched = not self.is_gone and self.wish.into != self.part.database
        return name_aside(self.wish.into) if is_switched else ""

    @property
    def engine(self) -> Engine:
        return cast("Engine", self.part.engine)

    def pieces(self, at: str) -> Iterator[bytes]:
        """Read a file of the snapshot, each piece proven.

        Raises:
            LoadRefusedError: It is not there.
        """
        entry = find_entry(self.reader, self.tree, f"{self.wish.site}/{at}".encode())
        if entry is None:
            raise LoadRefusedError(
                "the snapshot holds no {path}",
                data="nothing was changed",
                next_step="choose another snapshot: `{program} backup.list --site {site}`",
                path=at,
                site=self.wish.site,
            )
        return read_content(self.reader, entry.node)


def load_database(wish: Load) -> int:
    """Load, compare, and give the exit code: 3 where rights could not be carried over.

    Raises:
        WrongUseError: There is no such database, or it lies in a file.
        LoadRefusedError: A database of that name is there, and no try of ours has left it.
        LoadDiffersError: A table has other rows than the dump.
        LoadError, SourceError: The server refuses, or cannot be reached.
    """
    estate = load_estate()
    site = estate.site(wish.site)
    part = find_part(site, wish.database)
    store = estate.primary_store
    repository = open_repository(estate, wish.site, store)
    with (
        at_bench(estate, dry_run=wish.dry_run) as bench,
        read_patiently(repository, wish.site, store, ()),
    ):
        snapshot = choose_holding(
            repository, estate, wish.site, part.name, wanted=wish.snapshot, at=wish.at
        )
        tell_doubt(bench, repository, State(snapshot), site.name)
        with bench.catalog.reading() as session:
            require_scan(session, estate.security, site.name, snapshot)
        reader = TreeReader(repository, repository.load_index())
        manifest = read_manifest(reader, snapshot, site.name)
        known = _find_known(manifest, part, site, snapshot)
        moment = format_second(snapshot.time, estate.organisation.timezone)
        write_line(f"{site.name} · {part.name} · {snapshot.short_id} · {moment} → {wish.into}")
        _tell_files(repository, estate, wish, snapshot)
        with (
            enter(estate, part.host, wish.way) as host,
            hold_site_lock(estate.service.state, f"load/{site.name}", holder="load"),
        ):
            admin = replace(as_admin(estate, part, wish), host=host)
            is_gone = not load.is_there(cast("Engine", part.engine), admin, part.database)
            work = _Load(wish, part, admin, reader, snapshot.tree, known, is_gone)
            left = _make_room(bench, work, snapshot)
            _refuse(work)
            if is_gone and not wish.accounts:
                text = _("{live} is not there: accounts of it that are missing are made too")
                write_line("  " + text, live=part.database)
            if wish.dry_run:
                return _tell_plan(part, left)
            found = _load_noted(bench, work, snapshot, left)
    return 0 if "rights" in found else INCOMPLETE


def _tell_plan(part: DatabasePart, left: _Left) -> int:
    if left == "half":
        write_line("  " + _("would first drop what a load that was cut off had left"))
    write_line("  " + _("would load {at}"), at=copy_path(part))
    return 0


def _tell_files(repository: Repository, estate: Estate, wish: Load, snapshot: Snapshot) -> None:
    """Say of which moment the files are that go with these rows."""
    state = choose_state(repository, estate, wish.site, wanted=snapshot.id, completes=True)
    whole = state.whole
    if whole is None:
        return
    if whole.id == snapshot.id:
        write_skew(repository, State(whole), wish.site)
        return
    write_line(
        _(
            "  a run of this database alone: the files that go with it are those of {snapshot},"
            " {moment}, {gap} earlier; for rows and files of one moment take --snapshot {snapshot}"
        ),
        snapshot=whole.short_id,
        moment=format_second(whole.time, estate.organisation.timezone),
        gap=format_duration(snapshot.time - whole.time),
    )


def _load_noted(bench: Bench, work: _Load, snapshot: Snapshot, left: _Left) -> dict[str, object]:
    """Load, with a row of the journal before and after."""
    mark = f"giucong-{secrets.token_hex(8)}"
    details = {
        "snapshot": snapshot.id,
        "taken_at": snapshot.time.isoformat(),
        "database": work.part.name,
        "into": work.wish.into,
        "host": work.part.host or "",
        "user": work.wish.user,
        "mark": mark,
    }
    _note(bench, work.wish, {**details, "outcome": "begun"})
    try:
        size = 0
        asleep: Sequence[str] = ()
        if left == "whole":
            asleep = find_asleep(bench, work.wish.site, work.part.host or "", work.wish.into)
            write_line("  " + _("an earlier try has loaded it already; it is only counted again"))
        else:
            size, asleep = _fill(work, mark, drop_first=left == "half")
            known = {"asleep": {work.wish.into: asleep}} if work.engine == "mariadb" else {}
            _note(bench, work.wish, {**details, **known, "outcome": "loaded"})
            load.take_mark(work.engine, work.admin, work.wish.into, mark, work.known["settings"])
        found = _prove(work, size, asleep)
    except BaseException as error:
        reason = describe_failure(error).reason
        _note(bench, work.wish, {**details, "outcome": "failed", "reason": reason})
        raise
    _note(bench, work.wish, {**details, "outcome": "ok", **found})
    return found


def _find_known(
    manifest: dict[str, Any], part: DatabasePart, site: Site, snapshot: Snapshot
) -> dict[str, Any]:
    found = [it for it in manifest["databases"] if it["name"] == part.name]
    if found:
        known: dict[str, Any] = found[0]
        return known
    raise WrongUseError(
        "the snapshot {snapshot} does not hold the database {name}",
        next_step="`{program} backup.list --site {site}` lists the others",
        snapshot=snapshot.short_id,
        name=part.name,
        site=site.name,
    )


def find_part(site: Site, name: str) -> DatabasePart:
    """Give a database of a site that lies on a server.

    Raises:
        WrongUseError: There is none of that name, or it is a file.
    """
    part = next((it for it in site.databases if it.name == name), None)
    if part is not None and part.engine != "sqlite":
        return part
    raise WrongUseError(
        'the site "{site}" has no database "{name}" on a server',
        why="" if part is None else "it is a file: a restore in place puts it back",
        next_step="`{program} estate.show` lists its databases",
        site=site.name,
        name=name,
    )


def as_admin(estate: Estate, part: DatabasePart, wish: Load | Switch) -> Connection:
    """Give the way to the server with the administrator's account instead of the reader's."""
    password = read_line(wish.password_file) if wish.password_file else None
    bare = part.model_copy(update={"password": None})
    admin = connect(estate, bare)
    return replace(admin, user=wish.user, password=password, given=True)


def _make_room(bench: Bench, work: _Load, snapshot: Snapshot) -> _Left:
    """Refuse a name that is taken; tells what an earlier try of ours has left under it."""
    if not load.is_there(work.engine, work.admin, work.wish.into):
        return "nothing"
    left = _read_left(bench, work, snapshot)
    if left == "whole" or (left == "half" and work.wish.into != work.part.database):
        return left
    raise LoadRefusedError(
        "there is a database {name} on the server already",
        why="a load makes a fresh one, and none of ours has made this one from that snapshot"
        if left == "nothing"
        else "a load that was cut off has left it, and under the live name nothing is dropped",
        data="nothing was changed",
        next_step="name another with `--into NAME`"
        if left == "nothing"
        else "drop it if nobody needs it any more, or load into another name",
        name=work.wish.into,
    )


def _read_left(bench: Bench, work: _Load, snapshot: Snapshot) -> _Left:
    """Tell what the database under the name is: of its own mark, not of what was once begun."""
    shown = load.read_mark(work.engine, work.admin, work.wish.into)
    key = (work.part.name, work.wish.into, work.part.host or "")
    with bench.catalog.reading() as session:
        for details in journal.read_details(session, work.wish.site, ACTION):
            if (details["database"], details["into"], details["host"]) != key:
                continue
            if details["outcome"] in {"ok", "loaded"}:
                return "whole" if details.get("snapshot") == snapshot.id else "nothing"
            if details.get("mark") and details["mark"] in shown:
                return "half"
    return "nothing"


def _refuse(work: _Load) -> None:
    """Refuse what the load would be refused for, and a name that no switch could keep."""
    engine, into = work.engine, work.wish.into
    refuse_names(engine, work.admin, work.aside or into, work.aside)
    owner = work.known["settings"].get("owner", "")
    makes_owner = work.is_gone or work.wish.accounts or not owner
    require_rights(engine, work.admin, [into], owners=() if makes_owner else (owner,))
    for at in (copy_path(work.part), globals_path(work.part)):
        work.pieces(at)


def _prove(work: _Load, size: int, asleep: Sequence[str]) -> dict[str, object]:
    """Hold the database against its dump, carry rights over, and enable events of the live one."""
    before = work.known["tables"]
    _compare(work)
    text = _("  loaded {size}; tables with the rows of the dump: {count}")
    write_line(text, size=format_size(size), count=len(before))
    rights = _carry_rights(work)
    awake = wake(work.admin, work.wish.into, asleep, live=work.part.database)
    return {"size": size, "tables": len(before), **rights, **awake}


def _fill(work: _Load, mark: str, *, drop_first: bool) -> tuple[int, list[str]]:
    """Make the database and stream the dump into it; gives bytes, and events switched off."""
    wish, engine, admin = work.wish, work.engine, work.admin
    if drop_first:
        load.drop(engine, admin, wish.into)
        write_line("  " + _("dropped what a load that was cut off had left"))
    if wish.accounts:
        refused = load.apply_accounts(engine, admin, work.pieces(globals_path(work.part)))
        write_line("  " + _("made the accounts and roles"))
        _tell_refused(refused)
    elif work.is_gone:
        _make_missing(work)
    load.create(engine, admin, wish.into, work.known["settings"], mark=mark)
    asleep: list[str] = []
    dump = work.pieces(copy_path(work.part))
    return load.load(engine, admin, wish.into, dump, on_asleep=asleep.append), asleep


def _tell_refused(words: Iterable[str]) -> None:
    for it in words:
        write_line("  " + _("a right was not given: {reason}"), reason=it)


def _make_missing(work: _Load) -> None:
    """Make the accounts of a database that is gone, as far as the server lacks them."""
    part, text = work.part, b"".join(work.pieces(globals_path(work.part)))
    if work.engine == "mariadb":
        missing = make_missing_mariadb(work.admin, part.database, text)
    else:
        owner, dump = work.known["settings"].get("owner", ""), work.pieces(copy_path(part))
        missing = make_missing_postgresql(work.admin, owner, text, dump)
    told = _("made again, without rights beyond this database: {names}")
    write_line("  " + told, names=", ".join(missing.made) or "-")
    if missing.left:
        told = _("not given back, as it may reach further (role → member): {names}")
        write_line("  " + told, names=", ".join(missing.left))


def _compare(work: _Load) -> None:
    """Count every table, and refuse a database that is not as it was dumped."""
    found = load.count(work.engine, work.admin, work.wish.into)
    before, after = work.known["tables"], work.known.get("tables_after")
    different = list(load.find_differences(before, after, found))
    for table, then, now in different:
        text = _("  {table}: {then} rows in the dump, {now} loaded")
        write_line(text, table=table, then=then, now=now)
    if different:
        raise LoadDiffersError(
            "{count} tables of {name} are not as they were dumped",
            why="they are listed above",
            data="the live database was not touched",
            next_step="choose another snapshot: `{program} backup.list --site {site}`",
            count=len(different),
            name=work.wish.into,
            site=work.wish.site,
        )


def _carry_rights(work: _Load) -> dict[str, object]:
    """Give accounts their rights on the fresh database; what the server refuses is told."""
    old, new = work.part.database, work.wish.into
    text = b"".join(work.pieces(globals_path(work.part)))
    try:
        if work.engine == "mariadb":
            is_noted = work.is_gone or work.wish.accounts or new == old
            given, absent = copy_rights(work.admin, old, new, text if is_noted else b"")
            _tell_refused(absent)
        else:
            given = carry_postgresql_rights(work.admin, old, new, text)
    except (LoadError, SourceError) as error:
        for template in (error.what, error.why, error.data, error.next_step):
            write_line("  " + fill(template, error.params))
        return {"rights_refused": str(error.params["reason"])}
    text_given = _("  rights that accounts have on {old}, given on {new} too: {count}")
    write_line(text_given, old=old, new=new, count=given)
    return {"rights": given}


def _note(bench: Bench, wish: Load, details: dict[str, object]) -> None:
    bench.note(ACTION, wish.site, details, reason=wish.reason, document=wish.document)
