"""``cat``: print internal objects."""

import argparse
import hashlib
import json
from typing import TYPE_CHECKING, get_args

from backup.commands.context import Context
from backup.errors import DamagedError, UsageError
from backup.format.bounds import read_bounded
from backup.format.pack import BlobType, pack_key
from backup.repository.ids import choose_id
from backup.repository.repository import FileKind
from backup.snapshots.selection import find_file_id, find_snapshot, split_subfolder
from backup.snapshots.walk import TreeReader, find_folder

if TYPE_CHECKING:
    from backup.repository.index import Index
    from backup.repository.repository import Repository

_ID_DIGITS = 64
_KINDS: dict[str, FileKind] = {
    "index": "index", "snapshot": "snapshots", "key": "keys", "lock": "locks",
}  # fmt: skip
_TYPES = ("config", "index", "snapshot", "key", "masterkey", "lock", "pack", "blob", "tree")
_NEED_NO_ID = ("config", "masterkey")

assert set(_KINDS.values()) == set(get_args(FileKind))  # noqa: S101 -- every kind can be printed


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no flags of its own."""
    parser.usage = f"python -m backup cat [flags] {'|'.join(_TYPES)} [ID]"


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print it."""
    kind, name = _read_operands(arguments.operands)
    repository = context.open_repository()
    with context.lock(repository):
        if kind in {"pack", "blob", "tree"}:
            context.output.raw(_read_big(repository, kind, name))
            return 0
        text = _read_small(repository, kind, name)
    if kind == "index":  # as it is stored, like restic: it may be large
        context.output.raw(text + b"\n")
        return 0
    document = json.loads(text)
    context.output.line(json.dumps(document, indent=2, ensure_ascii=False))
    return 0


def _read_operands(operands: list[str]) -> tuple[str, str]:
    kind = operands[0] if operands else ""
    if kind not in _TYPES:
        raise UsageError(
            "cat needs to know what to print" if not kind else "cat cannot print a {kind!r}",
            data="nothing was read or written",
            next_step="name one of {types}",
            kind=kind,
            types=", ".join(_TYPES),
        )
    needed = 1 if kind in _NEED_NO_ID else 2
    if len(operands) != needed:
        raise UsageError(
            "cat {kind} needs one id" if needed > 1 else "cat {kind} takes no id",
            data="nothing was read or written",
            next_step="run: python -m backup cat --help",
            kind=kind,
        )
    return kind, operands[1] if needed > 1 else ""


def _read_small(repository: "Repository", kind: str, name: str) -> bytes:
    if kind == "config":
        config = repository.config
        fields = {"version": config.version, "id": config.id}
        return json.dumps(fields | {"chunker_polynomial": format(config.polynomial, "x")}).encode()
    if kind == "masterkey":
        return _encode_master_key(repository)
    if kind == "snapshot":
        file_id = find_snapshot(repository, split_subfolder(name)[0]).id
    else:
        file_id = find_file_id(repository, _KINDS[kind], name)
    if kind == "key":  # plain JSON, not in an envelope
        return read_bounded(repository.store, f"keys/{file_id}")
    return repository.read_file(_KINDS[kind], file_id)


def _encode_master_key(repository: "Repository") -> bytes:
    """The one secret that is printed, to whoever asks for it by name, as restic does."""
    from base64 import b64encode

    encrypt, mac_k, mac_r = (b64encode(part).decode() for part in repository.key)
    return json.dumps({"mac": {"k": mac_k, "r": mac_r}, "encrypt": encrypt}).encode()


def _read_big(repository: "Repository", kind: str, name: str) -> bytes:
    if kind == "pack":
        return _read_pack(repository, name)
    index = repository.load_index()
    if kind == "tree":
        return _read_tree(repository, index, name)
    blob_id = _parse_id(name)
    found = index.find(blob_id)
    expected = found.blob.type if found is not None else BlobType.DATA
    return repository.load_blob(index, blob_id, expected=expected)


def _read_pack(repository: "Repository", name: str) -> bytes:
    listed = sorted(pack_id.hex() for pack_id in repository.list_packs())
    pack_id = bytes.fromhex(choose_id(listed, name, "pack"))
    data = repository.read_pack(pack_id)
    if hashlib.sha256(data).digest() != pack_id:
        raise DamagedError(
            "pack {key} holds other bytes than its name says",
            next_step="run check --read-data",
            key=pack_key(pack_id),
        )
    return data


def _read_tree(repository: "Repository", index: "Index", name: str) -> bytes:
    if len(name) == _ID_DIGITS and (name not in repository.list_files("snapshots")):
        tree_id = _parse_id(name)
    else:
        text, folder = split_subfolder(name)
        snapshot = find_snapshot(repository, text)
        tree_id = find_folder(TreeReader(repository, index), snapshot.tree, folder)
    return repository.load_blob(index, tree_id, expected=BlobType.TREE)


def _parse_id(name: str) -> bytes:
    try:
        blob_id = bytes.fromhex(name)
    except ValueError:
        blob_id = b""
    if len(blob_id) * 2 != _ID_DIGITS:
        raise UsageError(
            "{name!r} is not the id of a blob",
            why="it must have all 64 hexadecimal digits",
            next_step="find --blob finds blobs by the beginning of their id",
            name=name,
        )
    return blob_id
