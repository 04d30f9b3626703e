"""The manifest: what a snapshot of a site holds, where it came from, and how to put it back.

It lies at `/SITE/manifest.json` in the snapshot itself, so that whoever restores with stock restic
alone has it in hand. Its form is described in docs/reference/formats.md.
"""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backup.sources.databases.connection import DumpFacts
from backup.sources.databases.sqlite_copy import SqliteFacts
from ops.backups.pages.notes import PageNote, describe_note
from ops.backups.sources.parts import globals_path
from ops.backups.sources.site import DatabaseReading, FilesReading, Reading
from ops.estate.model.estate import Estate
from ops.estate.model.sites import FilesPart
from ops.language.causes import tell_cause
from ops.language.text import _, speaking
from ops.version import software_version

FORMAT = "giucong-manifest"
VERSION = 1
MOST_MISSING = 1_000
"""Missing paths listed; of more only the number is given."""


def make_manifest(estate: Estate, reading: Reading, *, estate_version: str, run: str = "") -> bytes:
    """Give the manifest of a run that has read everything else, as JSON for people to read.

    Args:
        estate: The estate in force.
        reading: What the run has learnt.
        estate_version: Hash of the estate, as in the journal.
        run: Id of the run, as in the journal.
    """
    with speaking(estate.organisation.language):
        document = describe_reading(estate, reading)
    document["made_by"] = {
        "software": f"giucong {software_version()}",
        "estate": estate_version,
        "run": run,
        "host": socket.gethostname(),
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def describe_reading(estate: Estate, reading: Reading) -> dict[str, Any]:
    """Give the manifest's content as plain values; texts in the current language."""
    site, zone = reading.site, estate.zone
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "organisation": estate.name_at(reading.started_at),
        "site": {
            "name": site.name,
            "title": site.title_on(reading.started_at.astimezone(zone).date()),
            "unit": site.unit,
            "system": site.system,
            "classes": list(site.classes),
            "url": site.url,
        },
        "started_at": _moment(reading.started_at, zone),
        "ended_at": _moment(reading.ended_at, zone),
        "databases": [
            describe_database(it, lambda moment: _moment(moment, zone)) for it in reading.databases
        ],
        "files": [_describe_files(it, zone) for it in reading.files],
        "pages": [_describe_page(it, zone) for it in reading.pages],
        "consistency": _describe_consistency(reading, zone),
        "missing": _describe_missing(reading),
        "put_back": list(_put_back(reading)),
    }
    return document


def _moment(moment: datetime | None, zone: ZoneInfo) -> dict[str, str] | None:
    """Give a moment in UTC, and as the organisation's clocks show it."""
    if moment is None:
        return None
    return {
        "utc": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "local": moment.astimezone(zone).isoformat(timespec="seconds"),
    }


def _describe_files(reading: FilesReading, zone: ZoneInfo) -> dict[str, Any]:
    described = {
        "name": reading.part.name,
        "at": reading.at,
        "kind": reading.part.kind,
        "source": _describe_source(reading.part),
        "lost": [tell_cause(it) for it in reading.lost],
        "started_at": _moment(reading.started_at, zone),
        "files": reading.files,
        "size_bytes": reading.size_bytes,
        "folders": {
            folder.decode("utf-8", "backslashreplace"): files
            for folder, files in sorted(reading.folders.items())
        },
        "left_out": list(reading.left_out),
    }
    if reading.part.source == "delivered":
        described["restore_proof"] = _("not checked by us")
    return described


def _describe_page(note: PageNote, zone: ZoneInfo) -> dict[str, Any]:
    return {**describe_note(note), "at": _moment(note.at, zone)}


def _describe_source(part: FilesPart) -> dict[str, Any]:
    described = {"kind": part.source, "host": part.host, "path": part.path}
    return {**described, "command": part.command} if part.command else described


def _describe_consistency(reading: Reading, zone: ZoneInfo) -> dict[str, Any]:
    gap = reading.gap_seconds
    return {
        "order": ["databases", "files"],
        "databases_as_of": _moment(reading.consistent_at, zone),
        "files_until": _moment(reading.ended_at, zone),
        "gap_seconds": gap,
        "meaning": _tell_consistency(reading, gap),
    }


def _tell_consistency(reading: Reading, gap: float | None) -> str:
    if reading.torn:
        return _(
            "Not consistent: tables without transactions were not locked while the databases"
            " {databases} were dumped, so what was written to them meanwhile may be half in it."
        ).format(databases=", ".join(it.part.name for it in reading.torn))
    return (
        _(
            "Each database is one consistent copy. Files were read after it while the site was in"
            " use, so each row finds its upload; files up to {seconds} seconds younger than the"
            " database may be among them."
        ).format(seconds=gap)
        if gap is not None
        else _("Each part was read by itself; there is no gap between parts to speak of.")
    )


def _describe_missing(reading: Reading) -> dict[str, Any]:
    shown = reading.missing[:MOST_MISSING]
    return {
        "count": len(reading.missing),
        "paths": [
            {"path": path.decode("utf-8", "backslashreplace"), "reason": reason}
            for path, reason in shown
        ],
    }


def _put_back(reading: Reading) -> Iterator[str]:
    yield _("Stop the site, so that nobody writes, and move its live folders aside.")
    for files in reading.files:
        if files.part.source == "command":
            text = _("{at} is what `{command}` printed; how to load it, that device's manual says.")
            yield text.format(at=files.at, command=files.part.command)
            continue
        if files.part.source == "delivered":
            yield _(
                "{at} was delivered by another system; that it can be restored from was not checked"
                " by us. How to load it, that system's manual says."
            ).format(at=files.at)
        text = _("Copy {at}/. to {path}/ with `cp -a`, which keeps owners, modes and times.")
        yield text.format(at=files.at, path=files.part.path)
    for database in reading.databases:
        yield from put_back_database(database)
    yield _("Start the site; look at a page, an article and a form.")
    text = _(
        "Or let Giữ Cổng do it, also where folders or databases are gone: `giucong backup.restore"
        " --site {site} --in-place --snapshot ID`, with the ID of this snapshot."
    )
    yield text.format(site=reading.site.name)


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
        source = {
            "host": part.host,
            "address": part.address or None,
            "port": part.port,
            "socket": part.socket or None,
            "database": part.database,
        }
        known["globals"] = globals_path(part)
    return {"name": part.name, "at": reading.at, "engine": part.engine, "source": source, **known}


def _describe_copy(facts: SqliteFacts, moment: Moment) -> dict[str, Any]:
    return {
        "consistent_at": moment(facts.consistent_at),
        "copied_at": moment(facts.copied_at),
        "size_bytes": facts.size_bytes,
        "check": {"kind": facts.check, "ok": not facts.problems, "problems": list(facts.problems)},
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
