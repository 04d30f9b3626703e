"""Reading pieces of several packs, one after another and several at once."""

import hashlib

import pytest

from backup.errors import DamagedError, ObjectNotFoundError
from backup.format.crypto import OVERHEAD, Envelope, MasterKey
from backup.restorer.blob_reader import PackReader
from backup.restorer.orders import Piece
from backup.stores.memory import MemoryStore

KEY = MasterKey(bytes(32), bytes(16), bytes(16))


@pytest.mark.parametrize("at_once", [1, 3])
def test_each_piece_is_read_or_said_to_be_lost(at_once: int) -> None:
    store, envelope = MemoryStore(), Envelope(KEY)
    packs, wanted = {}, {}
    for pack in range(7):
        packs[pack] = f"data/00/{pack}"
        content = b"content %d" % pack
        wanted[_piece(pack, content)] = content
        if pack != 3:
            store.write(packs[pack], b"head" + bytes(envelope.seal(content)))
    damaged = (5, 4, OVERHEAD + 9, 0, hashlib.sha256(b"something").digest())
    reader = PackReader(store, KEY, at_once=at_once)
    found = dict(reader.read([*wanted, damaged], packs))

    assert isinstance(found.pop(_piece(3, b"content 3")), ObjectNotFoundError)
    assert isinstance(found.pop(damaged), DamagedError)
    assert found == {piece: content for piece, content in wanted.items() if piece[0] != 3}


def _piece(pack: int, content: bytes) -> Piece:
    return (pack, 4, len(content) + OVERHEAD, 0, hashlib.sha256(content).digest())
