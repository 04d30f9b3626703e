"""The inventory of an OCFL object (OCFL 1.1, section 3.5): which bytes make up which version.

Pure. Digests are lower-case hexadecimal. SHA-512 addresses content (SHA-256 would give warning
W004). The fixity block of an inventory has SHA-256 of what its own head version brought: older
inventories, which never change, have that of the rest, and a block that grew with each version
would take a quarter of an object of many small versions.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from archive.errors import ObjectDamagedError

INVENTORY = "inventory.json"
ALGORITHM = "sha512"
SIDECAR = f"{INVENTORY}.{ALGORITHM}"
CONTENT = "c"
"""Of objects that we make. Short: every inventory repeats it for all files of versions before."""
_DEFAULT_CONTENT = "content"
TYPE = "https://ocfl.io/1.1/spec/#inventory"
DECLARATION = "0=ocfl_object_1.1"
DECLARATION_TEXT = b"ocfl_object_1.1\n"

LARGEST = 64 << 20
"""Bytes of an inventory that is still read: about 150 000 files."""

_VERSION = re.compile(r"v[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object.

    Attributes:
        created: Aware.
        message: Why there is this version.
        user_name: Who made it.
        user_address: A URI (`mailto:…`, `urn:…`; anything else gives W009); may be empty.
        state: Logical path → digest.
    """

    created: datetime
    message: str
    user_name: str
    user_address: str
    state: Mapping[str, str]

    def as_block(self) -> dict[str, Any]:
        """Give the version block, with paths and digests in order."""
        state: dict[str, list[str]] = {}
        for path in sorted(self.state):
            state.setdefault(self.state[path], []).append(path)
        user = {"name": self.user_name} | (
            {"address": self.user_address} if self.user_address else {}
        )
        return {
            "created": self.created,  # encoded as RFC 3339, UTC as Z
            "message": self.message,
            "state": state,
            "user": user,
        }


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an object holds.

    Attributes:
        id: A URI.
        versions: In order, v1 first.
        manifest: Digest → content paths below the object, `v1/c/…`.
        fixity: SHA-256 → content paths, of what the head version brought.
        declared: Its contentDirectory, which stays the same for all its versions (E019); empty
            where it declares none.
    """

    id: str
    versions: tuple[Version, ...]
    manifest: Mapping[str, tuple[str, ...]]
    fixity: Mapping[str, tuple[str, ...]]
    declared: str = CONTENT

    @property
    def content(self) -> str:
        """The folder of a version that has its content (section 3.3.1)."""
        return self.declared or _DEFAULT_CONTENT

    @property
    def head(self) -> str:
        """The newest version, `v3`."""
        return f"v{len(self.versions)}"

    def version(self, name: str = "") -> Version:
        """Give a version by name, the newest when none is given.

        Raises:
            KeyError: There is no such version.
        """
        wanted = name or self.head
        if not _VERSION.fullmatch(wanted) or int(wanted[1:]) > len(self.versions):
            raise KeyError(wanted)
        return self.versions[int(wanted[1:]) - 1]

    def content_path(self, logical: str, version: str = "") -> str:
        """Give where the bytes of a logical path lie, relative to the object.

        Raises:
            KeyError: That version has no such path.
        """
        return self.manifest[self.version(version).state[logical]][0]

    def as_json(self) -> bytes:
        """Give the file, compact and in an order of its own, so that equal ones are equal bytes."""
        block: dict[str, Any] = {
            **({"contentDirectory": self.declared} if self.declared else {}),
            "digestAlgorithm": ALGORITHM,
            "head": self.head,
            "id": self.id,
            "type": TYPE,
            "manifest": {key: list(self.manifest[key]) for key in sorted(self.manifest)},
            "versions": {
                f"v{number}": version.as_block()
                for number, version in enumerate(self.versions, start=1)
            },
        }
        if self.fixity:
            block["fixity"] = {
                "sha256": {key: list(self.fixity[key]) for key in sorted(self.fixity)}
            }
        return msgspec.json.encode(block)


@dataclass(frozen=True, slots=True)
class NewFile:
    """Content that a version brings.

    Attributes:
        path: Content path, `v2/c/0`.
        sha512, sha256: Of its bytes.
    """

    path: str
    sha512: str
    sha256: str


def add_version(
    inventory: Inventory | None, object_id: str, version: Version, new: Iterable[NewFile]
) -> Inventory:
    """Give the inventory after one more version; pure.

    Args:
        inventory: The object's so far; None for its first version.
        object_id: Its id.
        version: What it says.
        new: Content that no earlier version has, each digest once.
    """
    added = tuple(new)
    manifest = dict(inventory.manifest) if inventory else {}
    fixity: dict[str, tuple[str, ...]] = {}
    for file in added:
        manifest[file.sha512] = (*manifest.get(file.sha512, ()), file.path)
        fixity[file.sha256] = (*fixity.get(file.sha256, ()), file.path)
    before = inventory or Inventory(object_id, (), {}, {})
    return replace(before, versions=(*before.versions, version), manifest=manifest, fixity=fixity)


class _User(msgspec.Struct):
    name: str
    address: str = ""


class _VersionBlock(msgspec.Struct):
    created: datetime
    state: dict[str, list[str]]
    message: str = ""
    user: _User | None = None


class _InventoryFile(msgspec.Struct, rename="camel"):
    id: str
    digest_algorithm: str
    head: str
    manifest: dict[str, list[str]]
    versions: dict[str, _VersionBlock]
    content_directory: str = ""
    fixity: dict[str, dict[str, list[str]]] = {}


_decoder = msgspec.json.Decoder(_InventoryFile)


def parse_inventory(data: bytes) -> Inventory:
    """Read an inventory of ours, or of anyone who writes SHA-512 and versions without zeros.

    Every rule that makes reading unsafe when broken is held here: versions without gaps, content
    paths that stay inside the object, every digest of a state in the manifest.
    `archive.ocfl.validate` holds the rest.

    Raises:
        ObjectDamagedError: It is not such an inventory.
    """
    try:
        read = _decoder.decode(data)
        return _checked(read)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, KeyError) as error:
        raise ObjectDamagedError(
            "an inventory cannot be read",
            why="{reason}",
            data="the object's files were not touched",
            next_step="`{program} archive.verify`",
            reason=str(error),
        ) from error


def _checked(read: _InventoryFile) -> Inventory:
    content = read.content_directory or _DEFAULT_CONTENT
    if read.digest_algorithm != ALGORITHM or not _is_name(content):
        raise ValueError(f"{read.digest_algorithm}, {content}")
    names = [f"v{number}" for number in range(1, len(read.versions) + 1)]
    if set(names) != set(read.versions) or read.head != (names or [""])[-1]:
        raise ValueError(f"versions {', '.join(read.versions)}, head {read.head}")
    manifest = {digest.lower(): tuple(paths) for digest, paths in read.manifest.items()}
    for paths in manifest.values():
        if not paths or not all(_is_content_path(it, content) for it in paths):
            raise ValueError(f"content paths {paths}")
    versions = tuple(_version(read.versions[name], manifest) for name in names)
    fixity = {digest: tuple(paths) for digest, paths in read.fixity.get("sha256", {}).items()}
    return Inventory(read.id, versions, manifest, fixity, read.content_directory)


def _version(block: _VersionBlock, manifest: Mapping[str, object]) -> Version:
    state = {path: digest.lower() for digest, paths in block.state.items() for path in paths}
    missing = [path for path, digest in state.items() if digest not in manifest]
    if missing:
        raise ValueError(f"no content for {missing[0]}")
    if block.created.tzinfo is None:
        raise ValueError("a version without time zone")
    user = block.user or _User("")
    return Version(block.created, block.message, user.name, user.address, state)


def is_version(name: str) -> bool:
    """Say whether a name is that of a version, `v1`, `v2` and so on."""
    return _VERSION.fullmatch(name) is not None


def continues(older: Inventory, newer: Inventory) -> bool:
    """Say whether one inventory has all that an older one of the same object has, and more."""
    count = len(older.versions)
    return (
        older.id == newer.id
        and older.content == newer.content
        and count < len(newer.versions)
        and newer.versions[:count] == older.versions
        and all(
            set(paths) <= set(newer.manifest.get(digest, ()))
            for digest, paths in older.manifest.items()
        )
    )


def _is_content_path(path: str, content: str) -> bool:
    """Say whether a path is `vN/c/…` and stays inside its object."""
    parts = path.split("/")
    return (
        len(parts) > 2  # noqa: PLR2004 - version, content, name
        and _VERSION.fullmatch(parts[0]) is not None
        and parts[1] == content
        and all(map(_is_name, parts))
    )


def _is_name(part: str) -> bool:
    return part not in {"", ".", ".."} and not {"/", "\0"} & set(part)


def sidecar_of(inventory: bytes) -> bytes:
    """Give the sidecar file of an inventory: its digest and name (section 3.7)."""
    return f"{hashlib.sha512(inventory).hexdigest()} {INVENTORY}\n".encode()
