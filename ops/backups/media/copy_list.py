"""The list of all copies as XML: what exists, where, how it was made and looked at; pure.

The fields are those that QCVN 12:2026/BCA, 2.2.12.2 and the forms of TT 02/2019/TT-BNV ask for: id
and version of each copy, moment, method, place, medium and its code, hash, encryption, key, last
check and last look for malware. Texts are Vietnamese in NFC; moments are UTC in ISO 8601.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree import ElementTree as ET

from ops.canonical import clean_text

_NO_XML = re.compile("[\ufffe\uffff]")
NAME = "danh-muc-ban-sao-luu.xml"
NAMESPACE = "urn:giucong:copy-list:1"
ENCRYPTION = "AES-256-CTR + Poly1305-AES (restic 2)"
METHODS = {"full": "đầy đủ", "incremental": "gia tăng", "": "không rõ"}
RESULTS = {
    "ok": "bình thường", "failed": "lỗi", "incomplete": "chưa đủ",
    "not_checked": "chưa kiểm tra", "": "chưa kiểm tra",
    "clean": "sạch", "infected": "có mã độc",
}  # fmt: skip


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
    root = _element("copyList", {
        "xmlns": NAMESPACE,
        "xml:lang": "vi",
        "made": made_at.isoformat(),
        "count": str(len(entries)),
    })  # fmt: skip
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
    place = _element("place", {
        "name": copy.place,
        "offline": "true" if copy.is_offline else "false",
        "medium": copy.medium,
    })  # fmt: skip
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
