"""What a snapshot holds of a delivery: read back from the store, so that it is proved as stored."""

import hashlib
import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from backup.errors import BackupError
from backup.format.tree import Node
from backup.repository.repository import Repository
from backup.snapshots.dump import read_content
from backup.snapshots.walk import TreeReader, find_entry, walk
from ops.backups.sources.delivery_verdict import (
    NOT_CHECKED,
    DeliveryFacts,
    Fault,
    HashFacts,
    Judged,
    conclude,
    judge_delivery,
)
from ops.backups.sources.parts import files_path
from ops.estate.model.sites import Delivery, FilesPart, Site
from ops.told_text import keep_told

_PLAIN = re.compile(rb"(\\?)([0-9a-fA-F]+) [ *](.+)")
_TAGGED = re.compile(rb"(\\?)([A-Z0-9-]+) \((.+)\) = ([0-9a-fA-F]+)")
_BY_LENGTH = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_ESCAPES = re.compile(rb"\\(.)")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"\\": b"\\"}


class Listed(NamedTuple):
    """One line.

    Attributes:
        name: Of the file, from the folder of the list.
        algorithm: As hashlib names it.
        digest: In lower-case hexadecimal.
    """

    name: bytes
    algorithm: str
    digest: str


def parse_hashes(text: bytes) -> list[Listed]:
    """Read a list; lines that are no such line, comments for one, are passed over.

    Lists are as `sha256sum`, `md5sum` and their like write them. Sources: the manual of GNU
    coreutils, *cksum output modes*; the BSD form is `cksum --tag`'s.
    """
    found = (_parse_line(line.rstrip(b"\r")) for line in text.split(b"\n"))
    return [it for it in found if it is not None]


def _parse_line(line: bytes) -> Listed | None:
    if match := _PLAIN.fullmatch(line):
        escaped, digest, name = match.groups()
    elif match := _TAGGED.fullmatch(line):
        escaped, _, name, digest = match.groups()
    else:
        return None
    algorithm = _BY_LENGTH.get(len(digest))
    if algorithm is None:
        return None
    if escaped:
        name = _ESCAPES.sub(lambda it: _ESCAPED.get(it[1], it[0]), name)
    return Listed(name.removeprefix(b"./"), algorithm, digest.decode().lower())


_LARGEST_LIST = 64 << 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def judge_deliveries(
    site: Site, repository: Repository, snapshot_id: str | None, now: datetime
) -> list[Judged]:
    """Judge what other systems have delivered for a site. Never fails the backup.

    Args:
        site: Which.
        repository: That holds the snapshot.
        snapshot_id: Its id; None where nothing was stored.
        now: Its time.
    """
    parts = [part for part in site.files if part.source == "delivered"]
    if not parts or not snapshot_id:
        return []
    try:
        reader = TreeReader(repository, repository.load_index())
        tree = repository.load_snapshot(snapshot_id).tree
    except BackupError as error:
        return [_not_checked(part, error) for part in parts]
    return [_judge(site, reader, tree, part, now) for part in parts]


def _judge(site: Site, reader: TreeReader, tree: bytes, part: FilesPart, now: datetime) -> Judged:
    try:
        files = _list_files(reader, tree, os.fsencode(f"{site.name}/{files_path(part)}"))
        facts = look_at_files(reader, files, part.delivery)
    except BackupError as error:
        return _not_checked(part, error)
    return judge_delivery(part.name, part.delivery, facts, now)


def _not_checked(part: FilesPart, error: BackupError) -> Judged:
    return conclude(part.name, (Fault(NOT_CHECKED, {"cause": keep_told(error)}),))


def _list_files(reader: TreeReader, tree: bytes, path: bytes) -> dict[bytes, Node]:
    """Give the regular files below a path by their path from there; a single file has none."""
    top = find_entry(reader, tree, path)
    if top is None or top.node.type == "file":
        return {} if top is None else {b"": top.node}
    if top.node.subtree is None:
        return {}
    entries = walk(reader, top.node.subtree)
    return {it.path[1:]: it.node for it in entries if it.node.type == "file"}


def look_at_files(
    reader: TreeReader, files: Mapping[bytes, Node], agreed: Delivery
) -> DeliveryFacts:
    """Gather the facts of a delivery.

    Args:
        reader: Reads contents.
        files: By their path from the delivery's folder.
        agreed: Names the hash file and the end marker.

    Raises:
        DamagedError: A file that was stored cannot be read back.
        StoreError: The store failed.
    """
    list_name, marker = os.fsencode(agreed.hash_file), os.fsencode(agreed.end_marker)
    apart = {list_name, marker} - {b""}
    data = {name: node for name, node in files.items() if name not in apart}
    times = [_moment(node) for node in data.values()]
    hashes = None
    if agreed.hash_file:
        listed = _read_list(reader, files.get(list_name))
        hashes = _compare(reader, files, listed, list_name)
        seen = {_place(list_name, it) for it in listed}
        hashes = replace(hashes, unlisted=tuple(_text(it) for it in sorted(data.keys() - seen)))
    return DeliveryFacts(
        files=len(data),
        size_bytes=sum(node.size for node in data.values()),
        newest_at=max(times, default=None),
        marker_at=_moment(files[marker]) if agreed.end_marker and marker in files else None,
        hashes=hashes,
    )


def _moment(node: Node) -> datetime:
    return _EPOCH + timedelta(microseconds=(node.mtime or 0) // 1000)


def _read_list(reader: TreeReader, node: Node | None) -> list[Listed]:
    if node is None or node.size > _LARGEST_LIST:
        return []
    return parse_hashes(b"".join(read_content(reader, node)))


def _compare(
    reader: TreeReader, files: Mapping[bytes, Node], listed: list[Listed], list_name: bytes
) -> HashFacts:
    wrong, missing = [], []
    digests: dict[tuple[bytes, str], str] = {}  # a list may name one file a million times
    for it in listed:
        name = _place(list_name, it)
        node, wanted = files.get(name), (name, it.algorithm)
        if node is None:
            missing.append(it.name)
            continue
        if wanted not in digests:
            digests[wanted] = _hash(reader, node, it.algorithm)
        if digests[wanted] != it.digest:
            wrong.append(it.name)
    return HashFacts(len(listed), tuple(map(_text, wrong)), tuple(map(_text, missing)))


def _place(list_name: bytes, listed: Listed) -> bytes:
    """Give a listed file's path from the delivery's folder."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(list_name), listed.name))


def _hash(reader: TreeReader, node: Node, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for piece in read_content(reader, node):
        digest.update(piece)
    return digest.hexdigest()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
