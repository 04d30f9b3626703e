"""Snapshots: one backup run's root, time and origin (restic: "Snapshots")."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from backup.errors import UnsupportedFormatError
from backup.format.names import json_text
from backup.format.times import format_local_time, parse_time


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot.

    Attributes:
        id: SHA-256 of its stored bytes, hexadecimal; "" while not stored yet.
        time: When it was taken, aware, in the organisation's own offset: retention counts by it.
        tree: Id of the root tree.
        paths: What was backed up, absolute, ascending.
        hostname: Whose files they are; for a site its name.
        username: Who ran the backup.
        uid: Of that user.
        gid: Of that user.
        excludes: Patterns given.
        tags: In their order, without repetitions.
        parent: Hexadecimal id of the snapshot compared with, or "".
        original: First id, where this one replaces another after tag, copy or rewrite; or "".
        program_version: What wrote it.
        summary: Counters as restic names them; may be empty.
        foreign: Fields of other writers, kept when the snapshot is written again.
        time_text: The time as stored, to the nanosecond; counts while it agrees with `time`.
    """

    time: datetime
    tree: bytes
    paths: tuple[str, ...]
    hostname: str = ""
    username: str = ""
    uid: int = 0
    gid: int = 0
    excludes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    parent: str = ""
    original: str = ""
    program_version: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    foreign: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    time_text: str = ""

    @property
    def short_id(self) -> str:
        """First eight digits of the id, as people quote it."""
        return self.id[:8]


_KNOWN = {
    "time", "parent", "tree", "paths", "hostname", "username", "uid", "gid", "excludes", "tags",
    "original", "program_version", "summary",
}  # fmt: skip


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """Give the stored fields in restic's order, empty optional ones left out; no id."""
    fields: dict[str, Any] = {"time": _time_text(snapshot)}
    if snapshot.parent:
        fields["parent"] = snapshot.parent
    fields["tree"] = snapshot.tree.hex()
    fields["paths"] = list(snapshot.paths)
    optional = {
        "hostname": snapshot.hostname,
        "username": snapshot.username,
        "uid": snapshot.uid,
        "gid": snapshot.gid,
        "excludes": list(snapshot.excludes),
        "tags": list(snapshot.tags),
        "original": snapshot.original,
        "program_version": snapshot.program_version,
        "summary": dict(snapshot.summary),
    }
    fields |= {key: value for key, value in optional.items() if value}
    return fields | dict(snapshot.foreign)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Write a snapshot's JSON as restic does; its id is not part of it."""
    return json_text(to_json(snapshot)).encode()


def _time_text(snapshot: Snapshot) -> str:
    """Give the time as it was read, nanoseconds included, unless it was changed since."""
    if snapshot.time_text:
        stored = parse_time(snapshot.time_text)
        if (stored, stored.utcoffset()) == (snapshot.time, snapshot.time.utcoffset()):
            return snapshot.time_text
    return format_local_time(snapshot.time)


def text_as_stored(text: str) -> str:
    """Give text (a path, say) as it reads once stored: what is no UTF-8 becomes U+FFFD."""
    return "".join(["\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text])


def decode_snapshot(snapshot_id: str, json_text: bytes) -> Snapshot:
    """Read a snapshot's JSON.

    Raises:
        UnsupportedFormatError: It is not of the known form.
    """
    try:
        raw = json.loads(json_text)
        return Snapshot(
            id=snapshot_id,
            time=parse_time(raw["time"]),
            time_text=raw["time"],
            tree=bytes.fromhex(raw["tree"]),
            paths=tuple(raw["paths"] or ()),
            hostname=raw.get("hostname", ""),
            username=raw.get("username", ""),
            uid=raw.get("uid", 0),
            gid=raw.get("gid", 0),
            excludes=tuple(raw.get("excludes") or ()),
            tags=tuple(raw.get("tags") or ()),
            parent=raw.get("parent") or "",
            original=raw.get("original") or "",
            program_version=raw.get("program_version", ""),
            summary=raw.get("summary") or {},
            foreign={key: value for key, value in raw.items() if key not in _KNOWN},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnsupportedFormatError(
            "snapshot {id} is not of the known form", id=snapshot_id[:8]
        ) from error


def derive_snapshot(snapshot: Snapshot, **changes: Any) -> Snapshot:
    """Give a changed copy that remembers the first id, as restic's tag and copy do."""
    original = snapshot.original or snapshot.id
    return replace(snapshot, original=original, id="", **changes)
