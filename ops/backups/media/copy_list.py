"""The list of all copies as XML: what exists, where, how it was made and looked at.

The fields are those that QCVN 12:2026/BCA, 2.2.12.2 and the forms of TT 02/2019/TT-BNV ask for: id
and version of each copy, moment, method, place, medium and its code, hash, encryption, key, last
check and last look for malware. Texts are Vietnamese in NFC; moments are UTC in ISO 8601.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree as ET

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.access.session import reading
from ops.backups.kinds import check_job, name_elsewhere
from ops.backups.media.label import MediumContent, content_from
from ops.backups.media.records import read_media
from ops.backups.run.follow_up import read_methods
from ops.catalog.tables.copies import MalwareScan, Medium
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import Snapshot, StoreSeen
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.stores import Store
from ops.terminal.output import write_text
from ops.told_text import clean_text

_NO_XML = re.compile("[\ufffe\uffff]")
NAME = "danh-muc-ban-sao-luu.xml"
NAMESPACE = "urn:giucong:copy-list:1"
ENCRYPTION = "AES-256-CTR + Poly1305-AES (restic 2)"
METHODS = {"full": "đầy đủ", "incremental": "gia tăng", "": "không rõ"}
RESULTS = {
    "ok": "bình thường",
    "failed": "lỗi",
    "incomplete": "chưa đầy đủ",
    "not_checked": "chưa kiểm tra",
    "": "chưa kiểm tra",
    "clean": "sạch",
    "infected": "có mã độc",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyEntry:
    """One copy: a snapshot where it lies.

    Attributes:
        site, title: Name and title of the site.
        snapshot: Its id, which names this version, too.
        version: Which version of the site it is in that place, from 1 on, oldest first.
        taken_at: When.
        holds: What of the site it holds, as paths.
        method: `full`, `incremental`, or empty where that is not known.
        outcome: `ok`, `incomplete`, or empty where that is not known.
        size_bytes: Bytes of the source; None where the snapshot does not say.
        place: Store, or code of the medium.
        location: Where that stands.
        medium: What it is: disk, object, tape, …
        is_offline: Whether it is a removable medium.
        started_on, renew_on: Of a medium; None otherwise.
        holder: Of a medium.
        digest: Of the whole repository on a medium; empty otherwise.
        repository: Id of the repository it lies in; empty where that is not known.
        keys: Ids of the key files that open it, as it was last seen.
        checked: How the last check of that place ended; empty for never.
        checked_at: When.
        scanned: Verdict of the last look for malware; empty for none.
        scanned_at: When.
        scanned_with: By which program and signatures.
    """

    site: str
    title: str
    snapshot: str
    version: int
    taken_at: datetime
    holds: tuple[str, ...]
    method: str
    outcome: str
    size_bytes: int | None
    place: str
    location: str
    medium: str
    is_offline: bool = False
    started_on: date | None = None
    renew_on: date | None = None
    holder: str = ""
    digest: str = ""
    repository: str = ""
    keys: tuple[str, ...] = ()
    checked: str = ""
    checked_at: datetime | None = None
    scanned: str = ""
    scanned_at: datetime | None = None
    scanned_with: str = ""


def write_copy_list(copies: Iterable[CopyEntry], organisation: str, made_at: datetime) -> bytes:
    """Give the document.

    Args:
        copies: In the order in which they are listed.
        organisation: Whose list it is.
        made_at: When it was made.

    Returns:
        UTF-8 with an XML declaration.
    """
    entries = list(copies)
    root = _element(
        "copyList",
        {
            "xmlns": NAMESPACE,
            "xml:lang": "vi",
            "made": made_at.isoformat(),
            "count": str(len(entries)),
        },
    )
    root.append(_element("title", text="Danh mục bản sao lưu"))
    root.append(_element("organisation", text=organisation))
    root.extend(_entry(it) for it in entries)
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _entry(copy: CopyEntry) -> ET.Element:
    element = _element("copy", {"id": copy.snapshot, "version": str(copy.version)})
    element.append(_element("site", {"name": copy.site}, copy.title))
    element.append(_element("takenAt", text=copy.taken_at.isoformat()))
    element.extend(_element("holds", text=it) for it in copy.holds)
    element.append(_coded("method", copy.method, METHODS))
    element.append(_coded("outcome", copy.outcome, RESULTS))
    size = "" if copy.size_bytes is None else str(copy.size_bytes)
    element.append(_element("sizeBytes", text=size))
    element.append(_place(copy))
    element.append(_element("encryption", {"keys": " ".join(copy.keys)}, ENCRYPTION))
    element.append(_looked("check", copy.checked, copy.checked_at))
    scan = _looked("malwareScan", copy.scanned, copy.scanned_at)
    scan.set("tool", clean_text(copy.scanned_with))
    element.append(scan)
    return element


def _place(copy: CopyEntry) -> ET.Element:
    place = _element(
        "place",
        {
            "name": copy.place,
            "offline": "true" if copy.is_offline else "false",
            "medium": copy.medium,
        },
    )
    place.append(_element("location", text=copy.location))
    place.append(_element("repository", text=copy.repository))
    if copy.is_offline:
        place.append(_element("startedOn", text=_day(copy.started_on)))
        place.append(_element("renewOn", text=_day(copy.renew_on)))
        place.append(_element("holder", text=copy.holder))
        place.append(_element("digest", {"algorithm": "SHA-256"}, copy.digest))
    return place


def _looked(name: str, verdict: str, at: datetime | None) -> ET.Element:
    element = _coded(name, verdict, RESULTS)
    element.set("at", at.isoformat() if at else "")
    return element


def _coded(name: str, code: str, words: Mapping[str, str]) -> ET.Element:
    return _element(name, {"code": code}, words.get(code, code))


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _element(name: str, attributes: Mapping[str, str] | None = None, text: str = "") -> ET.Element:
    cleaned = {key: _xml_text(value) or "" for key, value in (attributes or {}).items()}
    element = ET.Element(name, cleaned)
    element.text = _xml_text(text)
    return element


def _xml_text(text: str) -> str | None:
    """Give text that XML can hold: NFC, no control characters; None for nothing."""
    return _NO_XML.sub("", clean_text(text)) or None


@dataclass(frozen=True, slots=True)
class _Known:
    """What the catalog knows besides the snapshots.

    Attributes:
        titles: Of sites, by name.
        methods: How snapshots were made, by id.
        repositories: Ids of repositories, by site and store.
        keys: Ids of key files, by the repository they open.
        checks: How and when the newest check of a job ended.
        scans: The newest look for malware, by site and snapshot.
        rows: Snapshots by site and id, wherever they lie.
    """

    titles: Mapping[str, str]
    methods: Mapping[str, str]
    repositories: Mapping[tuple[str, str], str]
    keys: Mapping[str, tuple[str, ...]]
    checks: Mapping[str, tuple[str, datetime | None]]
    scans: Mapping[tuple[str, str], MalwareScan]
    rows: Mapping[tuple[str, str], Snapshot]


def list_copies(session: Session, estate: Estate) -> list[CopyEntry]:
    """Give every copy: stores in the order of the estate, then media; by site, the oldest first."""
    query = select(Snapshot).order_by(Snapshot.site, Snapshot.taken_at, Snapshot.id)
    snapshots = list(session.execute(query).scalars())
    known = _gather(session, estate, snapshots)
    stores = {it.name: it for it in estate.stores}
    found = []
    for store in estate.stores:
        there = [it for it in snapshots if it.store == store.name]
        found += list(_in_store(there, store, known))
    gone = sorted({it.store for it in snapshots} - set(stores))
    for name in gone:
        there = [it for it in snapshots if it.store == name]
        found += list(_in_store(there, None, known))
    for medium in read_media(session):
        for values in medium.contents:
            found += list(_on_medium(medium, content_from(values), known))
    return found


def _gather(session: Session, estate: Estate, snapshots: list[Snapshot]) -> _Known:
    sites = (*estate.sites, estate.own_site)
    methods: dict[str, str] = {}
    for site in {it.site for it in snapshots}:
        methods |= read_methods(session, site)
    seen = session.execute(select(StoreSeen)).scalars().all()
    scans = session.execute(select(MalwareScan).order_by(MalwareScan.ended_at)).scalars()
    return _Known(
        titles={it.name: estate.title_at(it.name) for it in sites},
        methods=methods,
        repositories={(it.site, it.store): it.repository_id for it in seen},
        keys={it.repository_id: tuple(it.key_ids) for it in seen},
        checks=_read_checks(session),
        scans={(it.site, it.snapshot): it for it in scans},
        rows={(it.site, it.id): it for it in snapshots},
    )


def _read_checks(session: Session) -> dict[str, tuple[str, datetime | None]]:
    newest = (
        select(Run.job, func.max(Run.started_at).label("started_at"))
        .where(Run.kind == "check", Run.outcome.is_not(None))
        .group_by(Run.job)
        .subquery()
    )
    query = select(Run.job, Run.outcome, Run.ended_at).join(
        newest, (Run.job == newest.c.job) & (Run.started_at == newest.c.started_at)
    )
    return {job: (outcome or "", ended_at) for job, outcome, ended_at in session.execute(query)}


def _in_store(there: list[Snapshot], store: Store | None, known: _Known) -> Iterator[CopyEntry]:
    """Yield the copies in one store; None for one that the estate no longer names."""
    versions: dict[str, int] = {}
    for row in there:
        versions[row.site] = versions.get(row.site, 0) + 1
        elsewhere = name_elsewhere(store) if store else row.store
        checked = known.checks.get(check_job(row.site, elsewhere), ("", None))
        entry = CopyEntry(
            **_as_known(known, row, row.site, row.id, row.original or row.id),
            version=versions[row.site],
            taken_at=row.taken_at,
            place=row.store,
            location=store.location if store else "",
            medium=store.medium if store else "",
            checked=checked[0],
            checked_at=checked[1],
        )
        yield _in_repository(entry, known.repositories.get((row.site, row.store), ""), known)


def _on_medium(medium: Medium, content: MediumContent, known: _Known) -> Iterator[CopyEntry]:
    """Yield the copies of one site on a medium; one that no store has any more is named by id."""
    for version, held in enumerate(content.snapshots, 1):
        row = known.rows.get((content.site, held.id))
        entry = CopyEntry(
            **_as_known(known, row, content.site, held.id, held.id),
            version=version,
            taken_at=held.taken_at,
            place=medium.code,
            location=medium.kept_at,
            medium=medium.kind,
            is_offline=True,
            started_on=medium.started_on,
            renew_on=medium.renew_on,
            holder=medium.holder,
            digest=content.digest,
            checked=medium.verified,
            checked_at=medium.verified_at,
        )
        yield _in_repository(entry, content.repository, known)


def _as_known(
    known: _Known, row: Snapshot | None, site: str, snapshot: str, first: str
) -> dict[str, Any]:
    """Give what is known of a snapshot.

    Args:
        known: From the catalog.
        row: The snapshot where it lies; None where no store has it.
        site: Its site.
        snapshot: Its id.
        first: Its id where it was made.
    """
    scan = known.scans.get((site, snapshot)) or known.scans.get((site, first))
    return {
        "site": site,
        "title": known.titles.get(site, ""),
        "snapshot": snapshot,
        "holds": tuple(row.paths) if row else (),
        "method": known.methods.get(first, ""),
        "outcome": row.outcome if row else "",
        "size_bytes": row.processed_bytes if row else None,
        "scanned": scan.verdict if scan else "",
        "scanned_at": scan.ended_at if scan else None,
        "scanned_with": f"{scan.tool}; {scan.database}" if scan else "",
    }


def _in_repository(entry: CopyEntry, repository: str, known: _Known) -> CopyEntry:
    return replace(entry, repository=repository, keys=known.keys.get(repository, ()))


def print_copy_list() -> int:
    """Write it to standard output; gives 0."""
    estate = load_estate()
    with reading(estate) as session:
        copies = list_copies(session, estate)
    made_at = datetime.now(UTC)
    write_text(write_copy_list(copies, estate.name_at(made_at), made_at).decode())
    return 0
