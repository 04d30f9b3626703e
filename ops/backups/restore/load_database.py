"""Load a database of a snapshot into a fresh one beside the live one; and give that its name.

Order of a load:
1. Find the dump in the snapshot, and what its manifest says of it.
2. Journal that it begins; where an earlier try of ours began and never ended, drop what it left.
   A database that nobody of us began is never touched.
3. Make the empty database, stream the dump into it, count every table and compare.
4. Journal how it ended.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import select

from backup.format.snapshot import Snapshot
from backup.snapshots.dump import read_content
from backup.snapshots.walk import TreeReader, find_entry
from backup.sources.databases import load
from backup.sources.databases.connection import Connection
from backup.sources.databases.load import Engine
from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench, at_bench
from ops.backups.malware.records import require_scan
from ops.backups.repositories.catalog_index import read_manifest
from ops.backups.repositories.moments import choose_holding
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.sources.databases import connect, copy_path, globals_path
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.sites import DatabasePart, Site
from ops.hosts.admin_login import WayIn, enter, read_line
from ops.jobs.site_lock import hold_site_lock
from ops.journal import journal
from ops.language.formats import format_moment, format_number, format_size
from ops.language.text import _
from ops.schedule.ledger.job import describe_failure
from ops.terminal.confirm import need_confirmation
from ops.terminal.output import write_line

ACTION = "backup.load"


class LoadRefusedError(OpsError):
    """Something is in the way of a load or of a switch."""


class LoadDiffersError(OpsError):
    """What was loaded is not what was dumped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWish:
    """What a person asks for; fields as the flags of `backup.load` and `backup.switch`.

    Attributes:
        into: Name of the fresh database.
        user, password_file: An administrator's account in the database server.
        way: Into the host, where the client runs there.
        accounts: Whether accounts and roles are made first: for a server that has none yet.
    """

    site: str
    database: str
    into: str
    snapshot: str = ""
    at: str = ""
    user: str = ""
    password_file: str = ""
    way: WayIn
    accounts: bool = False
    confirm: str = ""
    reason: str = ""
    document: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Load:
    """One load: the server, and the dump."""

    wish: LoadWish
    part: DatabasePart
    admin: Connection
    reader: TreeReader
    tree: bytes
    known: dict[str, Any]

    @property
    def engine(self) -> Engine:
        return cast("Engine", self.part.engine)

    def pieces(self, at: str) -> Iterator[bytes]:
        """Read a file of the snapshot, each piece proven."""
        entry = find_entry(self.reader, self.tree, f"{self.wish.site}/{at}".encode())
        if entry is None:
            return
        yield from read_content(self.reader, entry.node)


def load_database(wish: LoadWish) -> int:
    """Load, compare, and give the exit code.

    Raises:
        WrongUseError: There is no such database, or it lies in a file.
        LoadRefusedError: A database of that name is there, and no try of ours has left it.
        LoadDiffersError: A table has other rows than the dump.
        LoadError, SourceError: The server refuses, or cannot be reached.
    """
    estate = load_estate()
    site = estate.site(wish.site)
    part = _find_part(site, wish.database)
    repository = open_repository(estate, wish.site)
    with at_bench(estate, dry_run=wish.dry_run) as bench, hold_reading_lock(repository):
        snapshot = choose_holding(
            repository, estate, wish.site, part.name, wanted=wish.snapshot, at=wish.at
        )
        with bench.catalog.reading() as session:
            require_scan(session, estate.security, site.name, snapshot)
        reader = TreeReader(repository, repository.load_index())
        manifest = read_manifest(reader, snapshot, site.name)
        known = _find_known(manifest, part, site, snapshot)
        moment = format_moment(snapshot.time, estate.organisation.timezone)
        write_line(f"{site.name} · {part.name} · {snapshot.short_id} · {moment} → {wish.into}")
        with (
            enter(estate, part.host, wish.way) as host,
            hold_site_lock(estate.service.state, site.name, holder="load"),
        ):
            admin = replace(_as_admin(estate, part, wish), host=host)
            work = _Load(wish, part, admin, reader, snapshot.tree, known)
            is_ours = _make_room(bench, work)
            if wish.dry_run:
                write_line("  " + _("would load {at}").format(at=copy_path(part)))
                return 0
            _load_noted(bench, work, snapshot, is_ours=is_ours)
    return 0


def _load_noted(bench: Bench, work: _Load, snapshot: Snapshot, *, is_ours: bool) -> None:
    """Load, with a row of the journal before and after."""
    details = {"snapshot": snapshot.id, "database": work.part.name, "into": work.wish.into,
               "host": work.part.host or "", "user": work.wish.user}  # fmt: skip
    _note(bench, work.wish, {**details, "outcome": "begun"})
    try:
        found = _carry_out(work, drop_first=is_ours)
    except BaseException as error:
        reason = describe_failure(error).reason
        _note(bench, work.wish, {**details, "outcome": "failed", "reason": reason})
        raise
    _note(bench, work.wish, {**details, "outcome": "ok", **found})


def _find_known(
    manifest: dict[str, Any], part: DatabasePart, site: Site, snapshot: Snapshot
) -> dict[str, Any]:
    found = [it for it in manifest["databases"] if it["name"] == part.name]
    if found:
        known: dict[str, Any] = found[0]
        return known
    raise WrongUseError(
        "the snapshot {snapshot} does not hold the database {name}",
        data="nothing was changed",
        next_step="`{program} backup.list --site {site}` lists the others",
        snapshot=snapshot.short_id,
        name=part.name,
        site=site.name,
    )


def _find_part(site: Site, name: str) -> DatabasePart:
    part = next((it for it in site.databases if it.name == name), None)
    if part is not None and part.engine != "sqlite":
        return part
    raise WrongUseError(
        'the site "{site}" has no database "{name}" on a server',
        why="" if part is None else "it is a file: a restore in place puts it back",
        data="nothing was changed",
        next_step="`{program} estate.show` lists its databases",
        site=site.name,
        name=name,
    )


def _as_admin(estate: Estate, part: DatabasePart, wish: LoadWish) -> Connection:
    """Give the way to the server with the administrator's account instead of the reader's."""
    password = read_line(wish.password_file) if wish.password_file else None
    bare = part.model_copy(update={"password": None})
    return replace(connect(estate, bare), user=wish.user, password=password)


def _make_room(bench: Bench, work: _Load) -> bool:
    """Refuse a name that is taken; tells whether a try of ours that was cut off has left it."""
    if not load.is_there(work.engine, work.admin, work.wish.into):
        return False
    query = (
        select(JournalRow.details)
        .where(JournalRow.action == ACTION, JournalRow.subject == work.wish.site)
        .order_by(JournalRow.sequence.desc())
    )
    with bench.catalog.reading() as session:
        for text in session.execute(query).scalars():
            details = json.loads(text)
            same = details["database"], details["into"], details["host"]
            if same == (work.part.name, work.wish.into, work.part.host or ""):
                if details["outcome"] != "ok":
                    return True
                break
    raise LoadRefusedError(
        "there is a database {name} on the server already",
        why="a load makes a fresh one, and no load of ours was cut off in this one",
        data="nothing was changed",
        next_step="name another with `--into NAME`",
        name=work.wish.into,
    )


def _carry_out(work: _Load, *, drop_first: bool) -> dict[str, object]:
    wish, engine, admin = work.wish, work.engine, work.admin
    if drop_first:
        load.drop(engine, admin, wish.into)
        write_line("  " + _("dropped what a load that was cut off had left"))
    if wish.accounts:
        load.apply_accounts(engine, admin, work.pieces(globals_path(work.part)))
        write_line("  " + _("made the accounts and roles"))
    load.create(engine, admin, wish.into, work.known["settings"])
    size = load.load(engine, admin, wish.into, work.pieces(copy_path(work.part)))
    found = load.count(engine, admin, wish.into)
    before, after = work.known["tables"], work.known.get("tables_after")
    different = list(load.find_differences(before, after, found))
    for table, then, now in different:
        text = _("  {table}: {then} rows in the dump, {now} loaded")
        write_line(text.format(table=table, then=then, now=now))
    if different:
        raise LoadDiffersError(
            "{count} tables of {name} are not as they were dumped",
            why="they are listed above",
            data="the live database was not touched",
            next_step="choose another snapshot: `{program} backup.list --site {site}`",
            count=len(different),
            name=wish.into,
            site=wish.site,
        )
    text = _("  loaded {size}; tables with the rows of the dump: {count}")
    write_line(text.format(size=format_size(size), count=format_number(len(before))))
    given = 0
    if engine == "mariadb" and wish.into != work.part.database:
        given = load.copy_rights(admin, work.part.database, wish.into)
        text = _("  rights that accounts have on {old}, given on {new} too: {count}")
        write_line(text.format(old=work.part.database, new=wish.into, count=given))
    return {"size": size, "tables": len(before), "rights": given}


def switch_database(wish: LoadWish) -> int:
    """Give a PostgreSQL database that was loaded the live one's name; gives the exit code.

    Raises:
        LoadRefusedError: MariaDB renames no database, or the old one has no free name.
        ApprovalAwaitedError: Another person has to approve it first.
        SourceError: The server refuses, for one because the site is still connected.
    """
    estate = load_estate()
    site = estate.site(wish.site)
    part = _find_part(site, wish.database)
    if part.engine == "mariadb":
        raise LoadRefusedError(
            "MariaDB renames no database",
            data="nothing was changed",
            next_step="name {name} in the site's own configuration, and as `database` in the"
            " estate file",
            name=wish.into,
        )
    aside = f"{wish.into}_truoc"
    with (
        at_bench(estate, dry_run=wish.dry_run) as bench,
        enter(estate, part.host, wish.way) as host,
    ):
        admin = replace(_as_admin(estate, part, wish), host=host)
        write_line(_("{live} becomes {aside}, {fresh} becomes {live}").format(
            live=part.database, aside=aside, fresh=wish.into))  # fmt: skip
        if not wish.dry_run:
            question = _("The site's database {live} will be another one. Stop the site first.")
            need_confirmation(site.name, wish.confirm, question.format(live=part.database))
        asked = Wish(
            action="restore-in-place",
            subject=site.name,
            plan={"database": part.database, "becomes": aside, "from": wish.into},
            reason=wish.reason,
            document=wish.document,
        )
        permit = ask_second_person(bench, asked, dry_run=wish.dry_run)
        if wish.dry_run:
            return 0
        load.switch_names(admin, part.database, wish.into, aside)
        details: dict[str, object] = {"database": part.name, "from": wish.into, "kept": aside}
        if permit is not None:
            details["approval"] = permit.as_details()
        origin = replace(bench.origin, reason=wish.reason, document=wish.document)
        with bench.catalog.writing() as session:
            entry = journal.Entry("backup.switch", site.name, details)
            journal.append(session, origin, [entry])
    write_line(_("done; what was there before is kept as {aside}").format(aside=aside))
    return 0


def _note(bench: Bench, wish: LoadWish, details: dict[str, object]) -> None:
    origin = replace(bench.origin, reason=wish.reason, document=wish.document)
    with bench.catalog.writing() as session:
        journal.append(session, origin, [journal.Entry(ACTION, wish.site, details)])
