"""Does the beginning of a file look encrypted? Pure.

Encrypted bytes have no form: each value is as frequent as any other. So have compressed ones, but
files of compressed formats begin with a mark of their own.
"""

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from backup.format.crypto import OVERHEAD
from backup.format.pack import BlobType
from backup.format.snapshot import Snapshot
from backup.format.tree import Node
from backup.repository.repository import Repository
from backup.snapshots.walk import PathNotFoundError, TreeReader, find_folder, walk
from ops.backups.ransomware.verdict import ChangeFigures

LONGEST = 4_096
"""Bytes of a file that are looked at."""

SHORTEST = 256
"""With fewer bytes nothing can be said."""

_SLACK = 0.25
_MARKS = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG",
    b"GIF8",
    b"RIFF",  # WebP, WAV, AVI
    b"PK\x03\x04",  # ZIP, and the office formats
    b"PK\x05\x06",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf\x27\x1c",
    b"\x28\xb5\x2f\xfd",  # Zstandard
    b"\x04\x22\x4d\x18",  # LZ4
    b"Rar!",
    b"%PDF",
    b"wOFF",
    b"wOF2",
    b"ID3",
    b"\xff\xfb",  # MP3
    b"OggS",
    b"fLaC",
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"FLV",
    b"\x00\x00\x01\x00",  # ICO
    b"SQLite format 3\x00",
    b"II*\x00",  # TIFF
    b"MM\x00*",
)
_MARK_AT_FOUR = (b"ftyp",)  # MP4, HEIC, AVIF


def looks_sealed(beginning: bytes) -> bool | None:
    """Say whether a file begins like encrypted data.

    Args:
        beginning: Its first bytes; at most `LONGEST` of them are looked at.

    Returns:
        None where there are too few bytes to say.
    """
    sample = beginning[:LONGEST]
    if len(sample) < SHORTEST:
        return None
    if sample.startswith(_MARKS) or sample[4:8] in _MARK_AT_FOUR:
        return False
    return entropy(sample) >= _entropy_of_noise(len(sample)) - _SLACK


def entropy(sample: bytes) -> float:
    """Give Shannon's entropy of the bytes, in bits a byte, from 0 to 8."""
    total = len(sample)
    return -sum(count / total * math.log2(count / total) for count in Counter(sample).values())


@cache
def _entropy_of_noise(length: int) -> float:
    """Give what so many random bytes show on average: a short sample cannot reach 8 bits.

    Each of the 256 values is met as often as a binomial law says; the sum is over how often.
    """
    chance = (255 / 256) ** length  # of a value that is not met at all
    found = 0.0
    for count in range(1, length + 1):
        chance *= (length - count + 1) / count / 255
        found += chance * count / length * math.log2(length / count)
    return 256 * found


MOST_SAMPLES = 32
_PLACES = ("files", "other")
_COMPRESSIBLE = 0.9  # stored size to plain size: below this a file was compressible
_HARD = 0.95  # from here on it is not
_USUAL = frozenset(
    b"php html htm css js json xml txt md jpg jpeg png gif webp avif svg ico pdf doc docx xls xlsx"
    b" ppt pptx odt ods zip gz br rar 7z mp3 mp4 webm ogg mov avi woff woff2 ttf otf eot map log"
    b" csv sql bak tmp po mo yml yaml ini conf lock".split()
)


@dataclass(slots=True)
class _Tally:
    """What is counted on the way."""

    changed: int = 0
    removed: int = 0
    added: int = 0
    renamed: int = 0
    hardened: int = 0
    new: set[bytes] = field(default_factory=set)
    old: set[bytes] = field(default_factory=set)
    extensions: Counter[bytes] = field(default_factory=Counter)


def compare_files(repository: Repository, before: Snapshot, after: Snapshot) -> ChangeFigures:
    """Give how a site's files have changed from one snapshot to a later one.

    Args:
        repository: That holds both.
        before: The earlier one; its own summary says how many files there were.
        after: The later one.

    Raises:
        DamagedError: A tree or a sample cannot be read.
        StoreError: The store failed.
    """
    reader = TreeReader(repository, repository.load_index())
    comparison = _Comparison(reader)
    for place in _PLACES:
        path = f"{after.hostname}/{place}".encode()
        comparison.compare(_tree(reader, before, path), _tree(reader, after, path))
    files = int(str(before.summary.get("total_files_processed", 0)))
    return comparison.conclude(files)


def _tree(reader: TreeReader, snapshot: Snapshot, path: bytes) -> bytes | None:
    try:
        return find_folder(reader, snapshot.tree, path)
    except PathNotFoundError:
        return None


class _Comparison:
    def __init__(self, reader: TreeReader) -> None:
        self._reader = reader
        self._tally = _Tally()
        self._chance = random.Random(0)  # noqa: S311 - which files are looked at is no secret
        self._candidates: list[Node] = []
        self._met = 0

    def compare(self, before: bytes | None, after: bytes | None) -> None:
        """Count the differences between two folders, either of which may not be there."""
        pending = [(before, after)]
        while pending:
            old_id, new_id = pending.pop()
            if old_id == new_id:
                continue
            old, new = self._load(old_id), self._load(new_id)
            gone, fresh = [], []
            for name in old.keys() | new.keys():
                was, is_now = old.get(name), new.get(name)
                if was and is_now and was.type == is_now.type == "dir":
                    pending.append((was.subtree, is_now.subtree))
                elif was and is_now and was.type == is_now.type == "file":
                    self._count_both(was, is_now)
                else:
                    gone += [was] if was else []
                    fresh += [is_now] if is_now else []
            self._count_apart(old, gone, fresh)

    def conclude(self, files: int) -> ChangeFigures:
        """Give the figures; reads the samples."""
        tally = self._tally
        new, new_packed = self._measure(tally.new - tally.old)
        old, old_packed = self._measure(tally.old - tally.new)
        seen = [it for node in self._candidates if (it := self._look_into(node)) is not None]
        extension, strange = next(iter(tally.extensions.most_common(1)), (b"", 0))
        return ChangeFigures(
            files=files,
            changed=tally.changed,
            removed=tally.removed,
            added=tally.added,
            renamed=tally.renamed,
            new_bytes=new,
            new_packed_bytes=new_packed,
            old_bytes=old,
            old_packed_bytes=old_packed,
            hardened=tally.hardened,
            samples=len(seen),
            sealed=sum(seen),
            extension=extension.decode("utf-8", "backslashreplace"),
            strange=strange,
        )

    def _load(self, tree_id: bytes | None) -> dict[bytes, Node]:
        return {node.name: node for node in self._reader.load(tree_id)} if tree_id else {}

    def _count_both(self, was: Node, is_now: Node) -> None:
        if was.content != is_now.content:
            self._tally.changed += 1
            self._pair(was, is_now)

    def _count_apart(
        self, old: dict[bytes, Node], gone: Sequence[Node], fresh: Sequence[Node]
    ) -> None:
        """Count what only one of the two folders has; renamed files are paired."""
        vanished = {node.name: node for node in gone if node.type == "file"}
        stems = {_stem(name): node for name, node in vanished.items()}
        known = {_extension(name) for name in old}
        for node in self._below(fresh):
            self._tally.added += 1
            extension = _extension(node.name)
            if extension and extension not in known and extension not in _USUAL:
                self._tally.extensions[extension] += 1
            stem = _stem(node.name)
            was = vanished.get(stem) or stems.get(stem)
            if was is not None and extension not in _USUAL:
                self._tally.renamed += 1
                self._pair(was, node)
            else:
                self._take_new(node)
        for node in self._below(gone):
            self._tally.removed += 1
            self._tally.old.update(node.content_ids())

    def _below(self, nodes: Sequence[Node]) -> Iterator[Node]:
        """Yield the files among these, and those of the folders among them."""
        for node in nodes:
            if node.type == "file":
                yield node
            elif node.subtree is not None:
                found = walk(self._reader, node.subtree)
                yield from (it.node for it in found if it.node.type == "file")

    def _pair(self, was: Node, is_now: Node) -> None:
        self._tally.old.update(was.content_ids())
        self._take_new(is_now)
        before, after = self._density(was), self._density(is_now)
        self._tally.hardened += before < _COMPRESSIBLE and after >= _HARD

    def _take_new(self, node: Node) -> None:
        """Note new content, and perhaps choose it as a sample: each file is as likely."""
        self._tally.new.update(node.content_ids())
        if node.size < SHORTEST:
            return
        self._met += 1
        if len(self._candidates) < MOST_SAMPLES:
            self._candidates.append(node)
        elif (place := self._chance.randrange(self._met)) < MOST_SAMPLES:
            self._candidates[place] = node

    def _look_into(self, node: Node) -> bool | None:
        blob_id = node.content_ids()[0]
        repository = self._reader.repository
        blob = repository.load_blob(self._reader.index, blob_id, expected=BlobType.DATA)
        return looks_sealed(blob)

    def _density(self, node: Node) -> float:
        """Give what a file takes in the store for each byte; below `SHORTEST` nothing is said."""
        plain, packed = self._measure(set(node.content_ids()))
        return packed / plain if plain >= SHORTEST else _COMPRESSIBLE

    def _measure(self, blobs: set[bytes]) -> tuple[int, int]:
        plain = packed = 0
        for blob_id in blobs:
            place = next(
                (
                    it
                    for it in self._reader.index.find_all(blob_id)
                    if it.blob.type is BlobType.DATA
                ),
                None,
            )
            if place is not None:
                plain += place.blob.plaintext_length
                packed += max(place.blob.length - OVERHEAD, 0)
        return plain, packed


def _extension(name: bytes) -> bytes:
    stem, dot, extension = name.rpartition(b".")
    return extension.lower() if dot and stem else b""


def _stem(name: bytes) -> bytes:
    stem, dot, _extension = name.rpartition(b".")
    return stem if dot and stem else name
