"""What happens to an item before it is stored: the order of ingest, each step an event.

1. The sender's digests are verified; digests are computed.
2. Malware; formats (PRONOM); the check of each format.
3. Required metadata: author and source never empty; class, grade, retention row.
4. Normal form: bytes stay as they came; where a text is not NFC Unicode, a readable NFC copy of it
   becomes a part of its own.
5. `item.json` and `events.jsonl` are made; the caller stores them, reads them back and copies them.

A step that did not run is an event that says so, never a pass. Pure: what tools find is handed in.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from archive.errors import ItemRefusedError
from archive.metadata.events import Event, EventType, Result, write_events
from archive.metadata.item import (
    EVENTS_FILE,
    ITEM_FILE,
    Item,
    Part,
    Retention,
    ensure_complete,
    new_nonce,
    parse_item,
)
from archive.metadata.text import read_text
from archive.ocfl.files import Digests, digest_of
from archive.ocfl.root import StoredObject

Content = bytes | Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is handed in.

    Attributes:
        item: Its description; parts without size and digests.
        files: Part path → its bytes or file.
        sender_digests: Part path → SHA-256 or SHA-512 that the sender gave; hexadecimal.
    """

    item: Item
    files: Mapping[str, Content]
    sender_digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """What a file is.

    Attributes:
        puid: PRONOM id; empty if unknown.
        name: In words.
        media_type: As PRONOM has it.
        warning: What the tool doubts.
    """

    puid: str
    name: str = ""
    media_type: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Malware:
    """What a scanner says of one file.

    Attributes:
        verdict: `clean`, `infected`, or `not run`.
        note: The signature's name, or why it was not run.
    """

    verdict: str
    note: str = ""


RetentionRule = Callable[[Item], Retention]
"""Gives how long an item is kept; an unmapped class gives an empty row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What tools found in the contents of many items at once, by SHA-512.

    Attributes:
        malware: Verdicts; None: not run.
        malware_basis: Scanner, version and date of its signatures; or why it was not run.
        formats: What each content is; None: not run.
        formats_basis: Tool, version and signatures; or why it was not run.
    """

    malware: Mapping[str, Malware] | None = None
    malware_basis: str = "no scanner"
    formats: Mapping[str, Format] | None = None
    formats_basis: str = "no tool"


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


class _Steps:
    """The events of one ingest, in order."""

    def __init__(self, agent: str, now: datetime) -> None:
        self.agent, self.now = agent, now
        self.events: list[Event] = []

    def add(
        self, kind: EventType, result: Result, note: str = "", parts: Iterable[str] = (),
        agent: str = "",
    ) -> None:  # fmt: skip
        self.events.append(
            Event(
                type=kind, result=result, at=self.now, agent=agent or self.agent, note=note,
                parts=tuple(parts),
            )
        )  # fmt: skip


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
    steps = _Steps(agent, now)
    item = delivery.item
    paths = [part.path for part in item.parts]
    if sorted(paths) != sorted(delivery.files) or len(set(paths)) < len(paths):
        raise _refused(item, "its list of files is not what was handed in")
    digests = {path: digest_of(content) for path, content in delivery.files.items()}
    fingerprint = fingerprint_of(item, {path: it.sha512 for path, it in digests.items()})
    steps.add("ingestion", "passed", f"{len(paths)} files")
    _verify_digests(delivery, digests, steps)
    marks = {path: digests[path].sha512 for path in paths}
    malware = _look_for_malware(item, marks, findings, steps)
    formats = _identify(marks, findings, steps)
    steps.add("digital signature validation", "not run", "not in this version")
    ensure_complete(item)
    steps.add("metadata check", "passed")
    parts = []
    for path, part in zip(paths, item.parts, strict=True):
        found, known = formats.get(path), digests[path]
        parts.append(
            msgspec.structs.replace(
                part,
                size=known.size,
                sha512=known.sha512,
                sha256=known.sha256,
                puid=found.puid if found else "",
                media_type=part.media_type or (found.media_type if found else ""),
                format_basis=findings.formats_basis if found else "",
                malware=malware.get(path, ""),
            )
        )
    files = dict(delivery.files)
    parts, text = _make_readable(parts, files, steps)
    kept = retention(item) if retention else Retention()
    if not kept.row:
        steps.add("metadata check", "warning", "no retention row: kept, and asked about")
    done = msgspec.structs.replace(
        item,
        parts=tuple(parts),
        retention=kept,
        archived=now,
        nonce=item.nonce or new_nonce(),
    )
    files[ITEM_FILE] = done.as_json()
    files[EVENTS_FILE] = write_events(tuple(steps.events))
    return Prepared(done, files, tuple(steps.events), fingerprint, f"{item.title}\n{text}")


def fingerprint_of(item: Item, digests: Mapping[str, str]) -> str:
    """Give a digest of what the portal says, without what ingest adds to it.

    Args:
        item: As captured.
        digests: Part path → SHA-512.
    """
    bare = msgspec.structs.replace(
        item,
        parts=tuple(
            Part(path=it.path, role=it.role, name=it.name, url=it.url)
            for it in item.parts
            if not it.derived_from
        ),
        retention=Retention(),
        archived=None,
        nonce="",
    )
    known = {path: digests[path] for path in sorted(it.path for it in bare.parts)}
    data = msgspec.json.encode([bare, known], order="deterministic")
    return hashlib.sha256(data).hexdigest()


def prepare_withdrawal(stored: StoredObject, *, agent: str, now: datetime) -> Prepared:
    """Give the version that says that the portal no longer has an item; nothing is deleted.

    Raises:
        ObjectDamagedError: The item that is stored cannot be read.
    """
    item = msgspec.structs.replace(parse_item(stored.read(ITEM_FILE)), withdrawn=now, archived=now)
    event = Event(
        type="withdrawal", result="passed", at=now, agent=agent, note="gone from the portal"
    )
    files = {ITEM_FILE: item.as_json(), EVENTS_FILE: write_events((event,))}
    digests = {part.path: part.sha512 for part in item.parts}
    text = words_of(stored, item)
    return Prepared(item, files, (event,), fingerprint_of(item, digests), text)


def words_of(stored: StoredObject, item: Item) -> str:
    """Give the words of a stored item, as `prepare` gave them.

    Raises:
        ObjectDamagedError: A text of it is not what it was.
    """
    words = [item.title]
    for part in item.parts:
        if part.encoding and not part.derived_from:
            copy = next((it for it in item.parts if it.derived_from == part.path), part)
            read = read_text(copy, stored.read(copy.path))
            words += [read.words] if read else []
    return "\n".join(words)


def _verify_digests(delivery: Delivery, digests: Mapping[str, Digests], steps: _Steps) -> None:
    steps.add("message digest calculation", "passed", "SHA-512, SHA-256")
    if not delivery.sender_digests:
        steps.add("fixity check", "not run", "the sender gave no digests")
        return
    for path, expected in delivery.sender_digests.items():
        found = digests.get(path)
        if found is None or expected.lower() not in {found.sha512, found.sha256}:
            raise _refused(delivery.item, f"{path} is not what its sender sent")
    steps.add("fixity check", "passed", "the sender's digests", delivery.sender_digests)


def _look_for_malware(
    item: Item, marks: Mapping[str, str], findings: Findings, steps: _Steps
) -> dict[str, str]:
    """Give what is said of each clean file; marks are path → SHA-512."""
    basis = findings.malware_basis
    if findings.malware is None:
        steps.add("virus check", "not run", basis)
        return {}
    unknown = Malware("not run", "no answer")
    verdicts = {path: findings.malware.get(mark, unknown) for path, mark in marks.items()}
    infected = {path: it for path, it in verdicts.items() if it.verdict == "infected"}
    if infected:
        named = ", ".join(f"{path}: {it.note}" for path, it in sorted(infected.items()))
        raise _refused(item, f"malware was found: {named}")
    clean = [path for path, it in verdicts.items() if it.verdict == "clean"]
    if clean:
        steps.add("virus check", "passed", parts=clean, agent=basis)
    for path, it in verdicts.items():
        if it.verdict != "clean":
            steps.add("virus check", "not run", it.note, [path], basis)
    return dict.fromkeys(clean, f"clean · {basis}")


def _identify(marks: Mapping[str, str], findings: Findings, steps: _Steps) -> dict[str, Format]:
    """Give the formats that are known, by path."""
    if findings.formats is None:
        steps.add("format identification", "not run", findings.formats_basis)
        return {}
    found = {path: findings.formats.get(mark, Format("")) for path, mark in marks.items()}
    doubts = [f"{path}: {it.warning or 'unknown'}" for path, it in found.items()
              if it.warning or not it.puid]  # fmt: skip
    result: Result = "warning" if doubts else "passed"
    steps.add(
        "format identification", result, "; ".join(doubts), list(marks), findings.formats_basis
    )
    return {path: it for path, it in found.items() if it.puid}


def _make_readable(
    parts: list[Part], files: dict[str, Content], steps: _Steps
) -> tuple[list[Part], str]:
    """Add a readable copy of each text that is not NFC Unicode; gives the words of all texts."""
    done, words, changed = [], [], []
    for part in parts:
        read = read_text(part, files[part.path])
        if read is None:
            done.append(part)
            continue
        done.append(msgspec.structs.replace(part, encoding=read.encoding))
        words.append(read.words)
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
            steps.add("normalization", "passed", f"{read.encoding} → utf-8, NFC", [path])
    result: Result = "warning" if changed else "passed"
    steps.add("normal form check", result, f"{len(words)} texts", changed)
    return done, "\n".join(words)


def _refused(item: Item, why: str) -> ItemRefusedError:
    return ItemRefusedError(
        "{key} of {site} was not archived",
        why="{reason}",
        data="nothing of it was written",
        next_step="`{program} archive.status` lists what was refused",
        key=item.source_key,
        site=item.site,
        reason=why,
    )
