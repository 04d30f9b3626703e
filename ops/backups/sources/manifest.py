"""The manifest: what a snapshot of a site holds, where it came from, and how to put it back.

It lies at `/SITE/manifest.json` in the snapshot itself, so that whoever restores with stock restic
alone has it in hand. Its form is described in docs/reference/formats.md.
"""

import json
import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ops.backups.pages.notes import PageNote, describe_note
from ops.backups.sources.manifest_databases import describe_database, put_back_database
from ops.backups.sources.site import FilesReading, Reading
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
