"""What happens to an item before it is stored: the order of ingest, each step an event.

1. The sender's digests are verified; digests are computed.
2. Malware; formats (PRONOM), which formats are taken, whether files are whole. Of what a portal
   published, a file that is malware or a program is left out and named; the item is kept.
3. Required metadata: author and source never empty; what its shape must have; retention row.
4. Normal form: bytes stay as they came; where a text is not NFC Unicode, a readable NFC copy of it
   becomes a part of its own.
5. `item.json` and `events.jsonl` are made; the caller stores them, reads them back and copies them.

A step that did not run is an event that says so, never a pass. Pure: what tools find is handed in.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from archive.admission import (
    Steps,
    assign_policy,
    finished,
    identify,
    look_for_malware,
    refused_item,
    without,
)
from archive.metadata.events import Event, Result, write_events
from archive.metadata.findings import Content, Findings, Format, Malware
from archive.metadata.item import (
    EVENTS_FILE,
    ITEM_FILE,
    MISSING,
    Item,
    Part,
    Retention,
    ensure_complete,
    new_nonce,
)
from archive.metadata.shapes import is_empty, lacks_of_shape
from archive.metadata.text import TOO_LARGE, UNKNOWN, read_text
from archive.ocfl.files import Digests, digest_of
from archive.ocfl.root import StoredObject

CLOSED = "closed"
"""Field of an object that nothing more comes to: the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is handed in.

    Attributes:
        item: Its description; parts without size and digests.
        files: Part path → its bytes or file.
        digests: Part path → what was computed when its content was received; computed if left out.
        sender_digests: Part path → SHA-256 or SHA-512 that the sender gave; hexadecimal.
        notes: Values that were put right while it was captured, and how.
        verified: By what the files were verified before they were handed in; empty: by nothing.
        malware: Part path → what a scanner said before it was handed in; such a file is kept and
            told of whatever was found, all others are refused.
        is_taken: Whether its files are copies made for this, and go when they are stored.
        is_whole: Whether all of it is refused where one file may not be kept.
    """

    item: Item
    files: Mapping[str, Content]
    digests: Mapping[str, Digests] = field(default_factory=dict)
    sender_digests: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verified: str = ""
    malware: Mapping[str, Malware] = field(default_factory=dict)
    is_taken: bool = False
    is_whole: bool = True

    def mark_of(self) -> str:
        """Give what `fingerprint_of` gives; needs the digests."""
        return fingerprint_of(self.item, {path: it.sha512 for path, it in self.digests.items()})


def with_digests(delivery: Delivery) -> Delivery:
    """Compute the digests that were not given.

    Raises:
        OSError: A file cannot be read.
    """
    known = delivery.digests
    digests = {path: known.get(path) or digest_of(it) for path, it in delivery.files.items()}
    return replace(delivery, digests=digests)


RetentionRule = Callable[[Item], Retention]
"""Gives how long an item is kept; an unmapped class gives an empty row."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be stored.

    Attributes:
        item: Complete.
        files: Logical path → content, `item.json` and `events.jsonl` included.
        events: In order.
        fingerprint: Of what was handed in; equal ones need no new version.
        text: Words of the item, for search.
    """

    item: Item
    files: Mapping[str, Content]
    events: tuple[Event, ...]
    fingerprint: str
    text: str


def prepare(
    delivery: Delivery,
    findings: Findings,
    *,
    retention: RetentionRule | None,
    agent: str,
    now: datetime,
) -> Prepared:
    """Take an item through every step before it is stored.

    Args:
        delivery: What is handed in.
        findings: What tools found in its contents.
        retention: Gives how long it is kept; None: nobody knows yet.
        agent: Program and version, or the person who hands it in.
        now: Aware, UTC.

    Raises:
        ItemRefusedError: Digests differ, malware was found, author or source is missing.
        OSError: A file cannot be read.
    """
    steps = Steps(agent, now)
    item = delivery.item
    paths = [part.path for part in item.parts]
    if sorted(paths) != sorted(delivery.files) or len(set(paths)) < len(paths):
        raise refused_item(item, "its list of files is not what was handed in")
    if is_empty(item):
        raise refused_item(item, "it holds nothing: no text and no file")
    delivery = with_digests(delivery)
    digests = delivery.digests
    _receive(delivery, digests, steps)
    marks = {path: digests[path].sha512 for path in paths}
    malware, refused = look_for_malware(marks, delivery.malware, findings, steps)
    formats = identify(item, marks, findings, steps)
    refused |= assign_policy(formats, findings, steps)
    item, marks = without(item, marks, digests, refused, is_whole=delivery.is_whole)
    _validate(marks, findings, steps)
    steps.add("digital signature validation", "not run", "not in this version")
    ensure_complete(item)
    done = msgspec.structs.replace(item, archived=now, nonce=item.nonce or new_nonce())
    kept = retention(done) if retention else Retention()
    _check_metadata(item, kept, steps)
    parts = [
        _told(finished(part, digests[part.path]), formats.get(part.path), malware, findings)
        for part in item.parts
    ]
    files = {path: it for path, it in delivery.files.items() if path in marks}
    parts, text = _make_readable(parts, files, steps)
    done = msgspec.structs.replace(done, parts=tuple(parts), retention=kept)
    files[ITEM_FILE] = done.as_json()
    files[EVENTS_FILE] = write_events(tuple(steps.events))
    return Prepared(
        done, files, tuple(steps.events), delivery.mark_of(), f"{item.title}\n{text}"
    )  # fmt: skip


def _told(part: Part, found: Format | None, malware: Mapping[str, str], findings: Findings) -> Part:
    return msgspec.structs.replace(
        part,
        puid=found.puid if found else "",
        media_type=part.media_type or (found.media_type if found else ""),
        format_basis=findings.formats_basis if found else "",
        malware=malware.get(part.path, ""),
    )


def fingerprint_of(item: Item, digests: Mapping[str, str]) -> str:
    """Give a digest of what the portal says, without what ingest adds to it.

    Args:
        item: As captured.
        digests: Part path → SHA-512.
    """
    parts = [it for it in item.parts if not it.derived_from]
    for refused in item.refused:  # what the portal says is the same, whatever is taken of it
        parts.insert(refused.place, refused.part)
        digests = {**digests, refused.part.path: refused.part.sha512}
    bare = msgspec.structs.replace(
        item,
        parts=tuple(Part(path=it.path, role=it.role, name=it.name, url=it.url) for it in parts),
        refused=(),
        retention=Retention(),
        archived=None,
        nonce="",
    )
    known = {path: digests[path] for path in sorted(it.path for it in bare.parts)}
    data = msgspec.json.encode([bare, known], order="deterministic")
    return hashlib.sha256(data).hexdigest()


def words_of(stored: StoredObject, item: Item) -> str:
    """Give the words of a stored item, as `prepare` gave them.

    Raises:
        ObjectDamagedError: A text of it is not what it was.
    """
    words = [item.title]
    for part in item.parts:
        if part.encoding not in {"", TOO_LARGE} and not part.derived_from:
            copy = next((it for it in item.parts if it.derived_from == part.path), part)
            read = read_text(copy, stored.read(copy.path))
            words += [read.words] if read else []
    return "\n".join(words)


def _receive(delivery: Delivery, digests: Mapping[str, Digests], steps: Steps) -> None:
    """Verify the sender's digests."""
    steps.add("ingestion", "passed", f"{len(digests)} files")
    if delivery.notes:
        steps.add("metadata modification", "warning", "; ".join(delivery.notes))
    steps.add("message digest calculation", "passed", "SHA-512, SHA-256")
    if delivery.verified:
        steps.add("fixity check", "passed", delivery.verified)
    if not delivery.sender_digests:
        if not delivery.verified:
            steps.add("fixity check", "not run", "the sender gave no digests")
        return
    for path, expected in delivery.sender_digests.items():
        found = digests.get(path)
        if found is None or expected.lower() not in {found.sha512, found.sha256}:
            raise refused_item(delivery.item, f"{path} is not what its sender sent")
    steps.add("fixity check", "passed", "the sender's digests", delivery.sender_digests)


def _validate(marks: Mapping[str, str], findings: Findings, steps: Steps) -> None:
    """Tell what was found of files that can be validated, one event for each tool and result."""
    if findings.validity is None:
        steps.add("validation", "not run", "no tool")
        return
    told: dict[tuple[Result, str], list[tuple[str, str]]] = {}
    for path, mark in marks.items():
        for found in findings.validity.get(mark, ()):
            told.setdefault((found.verdict, found.tool), []).append((path, found.note))
    for (result, tool), files in told.items():
        note = "; ".join(f"{path}: {why}" for path, why in files if why)
        steps.add("validation", result, note, [path for path, _why in files], tool)
    if not told:
        steps.add("validation", "not run", "no file of a kind that can be validated")


def _check_metadata(item: Item, kept: Retention, steps: Steps) -> None:
    lost = [f"{name.removeprefix(MISSING)}: {why}" for name, why in item.fields.items()
            if name.startswith(MISSING)]  # fmt: skip
    lacks = list(lacks_of_shape(item))
    told = [f"{item.shape} lacks: {', '.join(lacks)}"] if lacks else []
    told += [f"files that are missing: {'; '.join(lost)}"] if lost else []
    told += [] if kept.row else ["no retention row: kept, and asked about"]
    steps.add("metadata check", "warning" if told else "passed", "; ".join(told))


def _make_readable(
    parts: list[Part], files: dict[str, Content], steps: Steps
) -> tuple[list[Part], str]:
    """Add a readable copy of each text that is not NFC Unicode; gives the words of all texts."""
    done, words, changed = [], [], []
    unread: dict[str, list[str]] = {}
    for part in parts:
        read = read_text(part, files[part.path])
        if read is None:
            done.append(part)
            continue
        done.append(msgspec.structs.replace(part, encoding=read.encoding))
        words.append(read.words)
        if read.encoding in {UNKNOWN, TOO_LARGE}:
            unread.setdefault(read.encoding, []).append(part.path)
        if read.copy is not None:
            path = f"readable/{part.path}"
            files[path] = read.copy
            known = digest_of(read.copy)
            changed.append(path)
            done.append(
                Part(
                    path=path, role="readable", name=part.name, media_type=part.media_type,
                    size=known.size, sha512=known.sha512, sha256=known.sha256,
                    encoding="utf-8", derived_from=part.path,
                )
            )  # fmt: skip
            told = ", ".join(filter(None, (read.encoding, read.form)))
            steps.add("normalization", "passed", f"{told} → utf-8, NFC", [path])
    result: Result = "warning" if changed or UNKNOWN in unread else "passed"
    steps.add("normal form check", result, f"{len(words)} texts", changed)
    if UNKNOWN in unread:
        steps.add("normal form check", "warning", "unknown encoding", unread[UNKNOWN])
    if TOO_LARGE in unread:
        steps.add("normal form check", "not run", "too large", unread[TOO_LARGE])
    return done, "\n".join(words)
