"""Repositories made blob by blob, so that a test can make them wrong in any way it wants."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from backup.format.compression import Compressor
from backup.format.crypto import generate_master_key
from backup.format.index_file import encode_index
from backup.format.pack import BlobType, FinishedPack, PackBuilder, PackedBlob, pack_key
from backup.format.snapshot import Snapshot
from backup.format.tree import GO_DIR, Node, encode_node, encode_tree
from backup.repository.repository import Config, Repository
from backup.stores.base import Store
from backup.stores.memory import MemoryStore

_WHEN = 1_700_000_000_123_456_789


class SmallRepository:
    """A repository in the making; in memory unless another store is given."""

    def __init__(self, store: Store | None = None) -> None:
        self.memory = MemoryStore()
        config = Config(2, "ab" * 32, 0x3D8DCC0C2C005D)
        self.repository = Repository(
            store or self.memory, config, key=generate_master_key(), key_id=""
        )
        envelope = self.repository.envelope()
        text = f'{{"version":2,"id":"{config.id}","chunker_polynomial":"3d8dcc0c2c005d"}}'
        self.repository.store.write("config", envelope.seal(text.encode()))
        self.packs: dict[bytes, Sequence[PackedBlob]] = {}

    def add_pack(
        self, blobs: Sequence[tuple[BlobType, bytes]], *, compress: bool = True
    ) -> FinishedPack:
        """Store a pack with these blobs, and remember it for `save_index`."""
        builder, envelope = PackBuilder(), self.repository.envelope()
        for blob_type, plaintext in blobs:
            frame = Compressor().compress_always(plaintext) if compress and plaintext else b""
            sealed = envelope.seal(frame or plaintext)
            blob_id = hashlib.sha256(plaintext).digest()
            builder.add(blob_id, blob_type, sealed, len(plaintext) if frame else 0)
        pack = builder.finish(envelope)
        self.repository.store.write(pack_key(pack.id), pack.data)
        self.packs[pack.id] = pack.blobs
        return pack

    def save_index(self, *packs: bytes) -> str:
        """Store an index file of these packs, or of all added so far."""
        chosen = packs or tuple(self.packs)
        entries = {pack: self.packs[pack] for pack in chosen}
        return self.repository.write_file("index", encode_index(entries))

    def save_snapshot(self, tree: bytes) -> str:
        """Store a snapshot of one tree."""
        return self.repository.save_snapshot(
            Snapshot(time=datetime(2026, 11, 24, 1, 3, tzinfo=UTC), tree=tree, paths=("/x",))
        )

    def save_files(self, files: dict[bytes, bytes]) -> str:
        """Store a whole snapshot: one folder with these files, its packs and its index."""
        self.add_pack([(BlobType.DATA, content) for content in dict.fromkeys(files.values())])
        tree = tree_of([file_node(name, content) for name, content in files.items()])
        self.add_pack([(BlobType.TREE, tree)])
        self.save_index()
        return self.save_snapshot(id_of(tree))


def id_of(plaintext: bytes) -> bytes:
    """Give the id of a blob."""
    return hashlib.sha256(plaintext).digest()


def file_node(name: bytes, *pieces: bytes, **changes: Any) -> Node:
    """Make the node of a file that consists of these blobs."""
    return Node(
        name=name,
        type="file",
        mode=0o644,
        mtime=_WHEN,
        atime=_WHEN,
        ctime=_WHEN,
        uid=0,
        gid=0,
        size=sum(map(len, pieces)),
        links=1,
        content=b"".join(id_of(piece) for piece in pieces if piece),
    )._replace(**changes)


def folder_node(name: bytes, subtree: bytes | None) -> Node:
    """Make the node of a folder."""
    return file_node(name, type="dir", mode=GO_DIR | 0o755, links=0, content=None, subtree=subtree)


def tree_of(nodes: Sequence[Node]) -> bytes:
    """Encode a tree with its nodes in the order given."""
    return encode_tree(map(encode_node, nodes))
