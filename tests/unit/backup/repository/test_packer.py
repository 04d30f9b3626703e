"""Packs on their way to a store: how many at once, and in which order they are reported."""

import hashlib
import os
import threading
from datetime import timedelta

import pytest

from backup.errors import StoreFullError
from backup.format.crypto import Envelope, generate_master_key
from backup.format.pack import TARGET_SIZE, BlobType
from backup.repository.packer import PackWriter
from backup.stores.base import Buffer
from backup.stores.faulty import Effect, Fault, FaultyStore
from backup.stores.memory import MemoryStore
from backup.stores.retry import RetryingStore


class SlowStore(MemoryStore):
    """Lets a write end only when `most` of them are under way, or `patience` is over."""

    def __init__(self, most: int, patience: float = 10.0) -> None:
        super().__init__()
        self.under_way = 0
        self.most_seen = 0
        self._most = most
        self._patience = patience
        self._changed = threading.Condition()

    def write(self, key: str, data: Buffer) -> None:
        with self._changed:
            self.under_way += 1
            self.most_seen = max(self.most_seen, self.under_way)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most_seen >= self._most, self._patience)
            self.under_way -= 1
        super().write(key, data)


def fill(writer: PackWriter, packs: int) -> None:
    for _ in range(packs):
        sealed = os.urandom(TARGET_SIZE)
        writer.add(hashlib.sha256(sealed).digest(), BlobType.DATA, sealed, 0)


def fill_and_flush(writer: PackWriter, packs: int) -> None:
    fill(writer, packs)
    writer.flush()


def test_several_packs_are_on_their_way_to_a_network_store_at_once() -> None:
    slow = SlowStore(most=2)
    reported: list[bytes] = []
    store = RetryingStore(slow, first_pause=timedelta(0))
    envelope = Envelope(generate_master_key())
    writer = PackWriter(store, envelope, lambda pack: reported.append(pack.id), background=True)
    fill(writer, 5)
    writer.flush()
    writer.close()

    assert slow.most_seen == 2
    assert len(reported) == len(set(reported)) == 5
    assert {info.key.rpartition("/")[2] for info in slow.list("data")} == {
        pack.hex() for pack in reported
    }


def test_one_pack_at_a_time_goes_to_a_disk() -> None:
    slow = SlowStore(most=2, patience=0.1)
    writer = PackWriter(slow, Envelope(generate_master_key()), lambda _: None, background=True)
    fill(writer, 3)
    writer.flush()
    writer.close()

    assert slow.most_seen == 1


def test_a_pack_that_could_not_be_written_is_never_reported() -> None:
    broken = FaultyStore(MemoryStore(), [Fault(Effect.FULL, method="write", times=None)])
    reported: list[bytes] = []
    envelope = Envelope(generate_master_key())
    writer = PackWriter(
        RetryingStore(broken), envelope, lambda pack: reported.append(pack.id), background=True
    )
    with pytest.raises(StoreFullError):
        fill_and_flush(writer, 2)
    writer.close()

    assert reported == []
