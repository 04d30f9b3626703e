"""Restore a site for a person at a terminal: into a folder, or in its place.

In place, each folder gets its files back; what the snapshot does not have is left where it is.
A database is restored into the scratch folder, checked, and then copied into the live file by
SQLite itself in one transaction: readers see the old state or the new one, and no log of the old
file can spoil the new.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from backup.patterns import Patterns, compile_patterns
from backup.progress import Progress
from backup.repository import Repository
from backup.restore import RestoreRequest, RestoreResult, restore_snapshot
from backup.snapshots import Snapshot
from ops import journal
from ops.errors import OpsError, WrongUseError
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.estate.sites import RESERVED_SITE_NAMES, DatabasePart, Site
from ops.jobs.by_hand import Bench, at_bench
from ops.jobs.looking import choose_snapshot
from ops.jobs.reading_lock import hold_reading_lock
from ops.jobs.repositories import open_repository
from ops.jobs.second_person import ask_second_person
from ops.people.approvals import Permit
from ops.people.requests import Wish
from ops.present import format_moment, format_number, format_size, write_line
from ops.service.site_lock import hold_site_lock
from ops.sites import check_site
from ops.tasks.confirming import need_confirmation
from ops.text import _, fill

_MOST_SHOWN = 20
_BUSY_SECONDS = 30.0


class RestoreIncompleteError(OpsError):
    """Some of what was asked for is not back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreWish:
    """What a person asks for; fields as the flags of `backup.restore`."""

    site: str
    target: str = ""
    snapshot: str = ""
    at: str = ""
    include: tuple[str, ...] = ()
    in_place: bool = False
    verify: bool = False
    confirm: str = ""
    reason: str = ""
    document: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Order:
    """One call of the engine: where to, from which folder of the snapshot, and what of it."""

    target: Path
    subfolder: str
    include: Patterns | None


def restore_site(wish: RestoreWish, progress: Progress) -> int:
    """Restore, write the result, and give the exit code.

    Raises:
        WrongUseError: The flags make no sense, or nobody confirmed.
        RestoreIncompleteError: Something is not back; the rest is.
    """
    if wish.in_place and wish.site in RESERVED_SITE_NAMES:
        raise WrongUseError(
            "the service itself is not restored in place like a site",
            data="nothing was changed",
            next_step="`{program} service.recover --repo STORE/giucong --dry-run`",
        )
    if bool(wish.target) == wish.in_place:
        raise WrongUseError(
            "a restore goes into a folder or in its place",
            data="nothing was changed",
            next_step="give either `--target FOLDER` or `--in-place`",
        )
    estate = load_estate()
    site = estate.site(wish.site)
    with at_bench(estate) as bench:
        repository = open_repository(estate, site.name)
        with (
            hold_site_lock(estate.service.state, site.name, holder="restore"),
            hold_reading_lock(repository),
        ):
            snapshot = choose_snapshot(
                repository, estate, site.name, wanted=wish.snapshot, at=wish.at
            )
            moment = format_moment(snapshot.time, estate.organisation.timezone)
            write_line(f"{site.name} · {snapshot.short_id} · {moment}")
            permit = None
            if wish.in_place:
                _ask(wish, site, moment)
                permit = _ask_second_person(bench, wish, site, snapshot)
            failed = _restore_all(bench, repository, snapshot, wish, progress)
        _record(bench, wish, snapshot, failed, permit)
    if failed:
        raise RestoreIncompleteError(
            "{count} files or folders could not be restored",
            why="they are listed above",
            data="everything else is restored; the repository was only read",
            next_step="check the repository: `{program} backup.check --site {site} --read-data`",
            count=failed,
            site=site.name,
        )
    return 0


def _ask(wish: RestoreWish, site: Site, moment: str) -> None:
    """Refuse what cannot be put back from here, and have the person confirm the rest."""
    check_site(site)
    if wish.dry_run:
        return
    places = [part.path for part in site.files] + [part.database for part in site.databases]
    question = _(
        "The state of {moment} will overwrite: {places}. Stop the site first; what it wrote since"
        " then is lost unless it was backed up."
    ).format(moment=moment, places=", ".join(places))
    need_confirmation(site.name, wish.confirm, question)


def _ask_second_person(
    bench: Bench, wish: RestoreWish, site: Site, snapshot: Snapshot
) -> Permit | None:
    """Have another person agree that production is overwritten; the plan binds the agreement."""
    asked = Wish(
        action="restore-in-place",
        subject=site.name,
        plan={
            "snapshot": snapshot.id,
            "include": list(wish.include),
            "files": {part.name: part.path for part in site.files},
            "databases": {part.name: part.database for part in site.databases},
        },
        reason=wish.reason,
        document=wish.document,
    )
    hint = _("to restore this very state after the approval, add --snapshot {snapshot}").format(
        snapshot=snapshot.short_id
    )
    return ask_second_person(bench, asked, dry_run=wish.dry_run, hint=hint)


def _record(
    bench: Bench, wish: RestoreWish, snapshot: Snapshot, failed: int, permit: Permit | None
) -> None:
    if wish.dry_run:
        return
    details: dict[str, object] = {
        "snapshot": snapshot.id,
        "target": wish.target,
        "in_place": wish.in_place,
        "include": list(wish.include),
        "failed": failed,
    }
    if permit is not None:
        details["approval"] = permit.as_details()
    origin = replace(
        bench.origin,
        requested_by=permit.requested_by if permit else "",
        reason=wish.reason,
        document=wish.document,
    )
    with bench.catalog.writing() as session:
        entry = journal.Entry("backup.restore", wish.site, details)
        journal.append(session, origin, [entry])


def _restore_all(
    bench: Bench,
    repository: Repository,
    snapshot: Snapshot,
    wish: RestoreWish,
    progress: Progress,
) -> int:
    """Do it; gives how many entries failed."""
    failed = 0
    for order in _orders(bench.estate, wish):
        result = _restore_one(repository, snapshot, order, wish, progress)
        _write_result(order.target, result, dry_run=wish.dry_run)
        failed += result.error_count
    if wish.in_place:
        site = bench.estate.site(wish.site)
        for database in site.databases:
            at = f"databases/{database.name}.sqlite"
            if _narrow(wish.include, site.name, at) is not None:
                scratch = bench.estate.service.scratch / site.name / "in-place"
                _restore_database(repository, snapshot, database, scratch, wish, progress)
    return failed


def _orders(estate: Estate, wish: RestoreWish) -> Iterator[_Order]:
    if not wish.in_place:
        patterns = compile_patterns(map(os.fsencode, wish.include)) if wish.include else None
        yield _Order(Path(wish.target).absolute(), "/", patterns)
        return
    site = estate.site(wish.site)
    for part in site.files:
        at = f"files/{part.name}"
        texts = _narrow(wish.include, site.name, at)
        if texts is not None:
            patterns = compile_patterns(map(os.fsencode, texts)) if texts else None
            yield _Order(Path(os.path.realpath(part.path)), f"/{site.name}/{at}", patterns)


def _narrow(include: tuple[str, ...], site: str, at: str) -> tuple[str, ...] | None:
    """Give the patterns that concern one part, from its own folder on.

    Returns:
        Empty for everything; None where none of the patterns can match in that part.
    """
    if not include:
        return ()
    narrowed = []
    for text in include:
        bare = text.lstrip("/")
        if bare.rstrip("/") in {site, f"{site}/{at.partition('/')[0]}", f"{site}/{at}"}:
            return ()
        if bare.startswith(f"{site}/{at}/"):
            narrowed.append(bare.removeprefix(f"{site}/{at}"))
        elif not bare.startswith(f"{site}/"):
            narrowed.append(text)
    return tuple(narrowed) or None


def _restore_one(
    repository: Repository,
    snapshot: Snapshot,
    order: _Order,
    wish: RestoreWish,
    progress: Progress,
) -> RestoreResult:
    request = RestoreRequest(
        target=os.fsencode(order.target),
        subfolder=os.fsencode(order.subfolder),
        include=order.include,
        verify=wish.verify,
        dry_run=wish.dry_run,
        sparse=True,
    )
    return restore_snapshot(repository, snapshot.tree, request, progress)


def _write_result(target: Path, result: RestoreResult, *, dry_run: bool) -> None:
    text = (
        _("  would restore {entries} entries, {size}, into {target}; unchanged: {skipped}")
        if dry_run
        else _("  restored {entries} entries, {size}, into {target}; unchanged: {skipped}")
    )
    write_line(
        text.format(
            entries=format_number(result.restored),
            size=format_size(result.restored_bytes),
            target=target,
            skipped=format_number(result.skipped),
        )
    )
    if result.verified:
        text = _("  read back and found right: {count} files")
        write_line(text.format(count=format_number(result.verified)))
    for failure in result.failures[:_MOST_SHOWN]:
        path = failure.path.decode("utf-8", "backslashreplace")
        reason = fill(failure.error.what, failure.error.params)
        write_line("  " + _("not restored: {path}: {reason}").format(path=path, reason=reason))


# Databases -----------------------------------------------------------------------------------


def _restore_database(
    repository: Repository,
    snapshot: Snapshot,
    part: DatabasePart,
    scratch: Path,
    wish: RestoreWish,
    progress: Progress,
) -> None:
    if wish.dry_run:
        text = _("  would put the database {name} back into {path}")
        write_line(text.format(name=part.name, path=part.database))
        return
    shutil.rmtree(scratch, ignore_errors=True)
    include = compile_patterns([f"/{part.name}.sqlite".encode()])
    order = _Order(scratch, f"/{wish.site}/databases", include)
    try:
        result = _restore_one(repository, snapshot, order, wish, progress)
        copy = scratch / f"{part.name}.sqlite"
        if result.error_count or not copy.exists():
            raise RestoreIncompleteError(
                "the database {name} could not be restored from the snapshot",
                data="the live database is as it was",
                next_step="`{program} backup.check --site {site} --read-data`",
                name=part.name,
                site=wish.site,
            )
        put_database_back(copy, Path(part.database))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    text = _("  put the database {name} back into {path}")
    write_line(text.format(name=part.name, path=part.database))


def put_database_back(copy: Path, live: Path) -> None:
    """Replace a live database's content by a copy's, in one transaction.

    Raises:
        OpsError: The copy is damaged, or somebody has the live database locked.
    """
    is_new = not live.exists()
    deadline = time.monotonic() + _BUSY_SECONDS

    def give_up_when_locked(status: int, _remaining: int, _total: int) -> None:
        if status == sqlite3.SQLITE_BUSY and time.monotonic() > deadline:
            raise sqlite3.OperationalError("database is locked")

    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(copy))}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(live, timeout=_BUSY_SECONDS)) as target,
        ):
            (verdict,) = source.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            source.backup(target, progress=give_up_when_locked)
    except sqlite3.Error as error:
        raise OpsError(
            "the database {path} could not be put back",
            why="{reason}",
            data="it is as it was",
            next_step="stop the site, so that nobody has it open, then try again",
            path=live,
            reason=str(error),
        ) from error
    if is_new and os.geteuid() == 0:
        folder = live.parent.stat()
        os.chown(live, folder.st_uid, folder.st_gid)
