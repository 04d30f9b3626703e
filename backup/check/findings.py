"""What a check can find, and what to do about it.

A finding keeps its code, the English template and the values apart, so that the service can say
the same thing in the reader's language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "error"
    HINT = "hint"


class Kind(NamedTuple):
    """One sort of finding.

    Attributes:
        severity: An error means that data is lost or that something does not work as it should.
        template: What was found, in English, with named placeholders.
        next_step: What to do about it.
    """

    severity: Severity
    template: str
    next_step: str


_REPAIR_INDEX = "run repair index, then a backup: it stores again what is still at the source"
_RESTORE_PACK = "fetch this file from another copy; else run repair index, then a backup"
_REPAIR_PACK = "fetch this file from another copy; else run repair packs with its id, then a backup"
_MOVE_PACK = "fetch this file from another copy; else move it away, run repair index, then a backup"
_TREE = "make a new backup; snapshots with this folder cannot be restored whole"
_ERROR, _HINT = Severity.ERROR, Severity.HINT

KINDS: Mapping[str, Kind] = {
    # Small files
    "config_damaged": Kind(
        _ERROR, "the config is damaged: {cause}", "fetch this file from another copy at once"
    ),
    "key_damaged": Kind(
        _ERROR,
        "a key file is damaged: {cause}",
        "make a new one with key add, then remove this one; its password may open nothing",
    ),
    "lock_unreadable": Kind(
        _ERROR,
        "a lock cannot be read, and stops whoever wants to write",
        "once you are sure that nobody works on the repository, run unlock --remove-all",
    ),
    "snapshot_damaged": Kind(
        _ERROR,
        "a snapshot is damaged: {cause}",
        "fetch this file from another copy; if there is none, remove it",
    ),
    "index_damaged": Kind(_ERROR, "an index file is damaged: {cause}", "run repair index"),
    # Packs
    "pack_missing": Kind(
        _ERROR, "a pack with {blobs} blobs is in the index, but not in the store", _RESTORE_PACK
    ),
    "pack_wrong_size": Kind(
        _ERROR, "a pack has {size} bytes; by its index it should have {expected}", _RESTORE_PACK
    ),
    "pack_entries_overlap": Kind(
        _ERROR, "the index places the blobs of a pack with gaps or on top of each other",
        _REPAIR_INDEX,
    ),
    "pack_unindexed": Kind(
        _HINT,
        "a pack of {size} bytes is not in the index; a backup is at work or was interrupted",
        "nothing is lost; prune removes it",
    ),
    "packs_mixed": Kind(
        _HINT, "{count} packs hold both data and trees, as old versions wrote them", "prune may"
        " store them apart"
    ),
    "blobs_duplicated": Kind(
        _HINT, "{count} blobs, {size} bytes, are stored more than once", "prune removes them"
    ),
    "pack_unreadable": Kind(_ERROR, "a pack cannot be read: {cause}", _MOVE_PACK),
    "pack_wrong_hash": Kind(
        _ERROR, "a pack holds other bytes than its name says ({size} bytes)", _REPAIR_PACK
    ),
    "pack_header_damaged": Kind(
        _ERROR, "the header of a pack is damaged: {cause}", _REPAIR_PACK
    ),
    "pack_header_differs": Kind(
        _ERROR, "the header of a pack does not agree with the index", _REPAIR_INDEX
    ),
    "blob_damaged": Kind(_ERROR, "{type} blob {id} in a pack is damaged: {cause}", _REPAIR_PACK),
    # Trees
    "blob_missing": Kind(
        _ERROR, "{type} blob {id} is not in the index", _REPAIR_INDEX
    ),
    "blob_wrong_type": Kind(
        _ERROR, "{type} blob {id} is in the index as the other type only", _TREE
    ),
    "tree_unreadable": Kind(_ERROR, "a folder's tree cannot be read: {cause}", _TREE),
    "tree_copy_damaged": Kind(
        _ERROR,
        "a folder's tree is damaged in pack {pack}, but a second copy of it is sound: {cause}",
        "run repair packs with that pack's id; nothing is lost",
    ),
    "tree_malformed": Kind(_ERROR, "a folder's tree is not of the known form: {cause}", _TREE),
    "names_duplicated": Kind(_ERROR, "a folder has two entries of the name {name!r}", _TREE),
    "names_unsorted": Kind(
        _ERROR, "the entries of a folder are not in order: {name!r} comes too late", _TREE
    ),
    "name_impossible": Kind(_ERROR, "a folder has an impossible entry: {cause}", _TREE),
    "type_unknown": Kind(_ERROR, "{name!r} is of the unknown type {type!r}", _TREE),
    "time_invalid": Kind(_ERROR, "{name!r} has a time that restic cannot read", _TREE),
    "number_impossible": Kind(
        _ERROR, "{name!r} has the impossible {field} {number}; restic reads nothing of its folder",
        _TREE,
    ),
    "attribute_impossible": Kind(
        _ERROR, "an entry of a folder has an extended attribute of the impossible name {name!r}",
        _TREE,
    ),
    "target_impossible": Kind(
        _ERROR, "link {name!r} leads to what no file can be called", _TREE
    ),
    "content_null": Kind(_ERROR, "file {name!r} has no list of contents", _TREE),
    "subtree_null": Kind(_ERROR, "folder {name!r} does not say what is in it", _TREE),
    "size_wrong": Kind(
        _ERROR, "file {name!r} should have {size} bytes; its contents have {stored}", _TREE
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        code: Key of `KINDS`; stays the same across versions.
        concerned: What it is about: a store key such as ``data/ab/…``, or ``tree <id>``.
        params: Values for the placeholders of the template.
    """

    code: str
    concerned: str
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """Whether it is an error or only a hint."""
        return KINDS[self.code].severity

    @property
    def template(self) -> str:
        """What was found, with placeholders."""
        return KINDS[self.code].template

    @property
    def next_step(self) -> str:
        """What to do about it."""
        return KINDS[self.code].next_step

    def __str__(self) -> str:
        return f"{self.concerned}: {self.template.format(**self.params)}"


def found(code: str, concerned: str, **params: object) -> Finding:
    """Make a finding."""
    return Finding(code, concerned, params)
