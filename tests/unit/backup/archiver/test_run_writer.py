"""One run's writing: what is stored, in which order, and what an interruption leaves."""

import hashlib
import os
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from backup.archiver.run_writer import CHECKPOINT_SECONDS, NETWORK_INDEX_SECONDS, RunWriter
from backup.errors import RepositoryLockedError, StoreError
from backup.format.pack import BlobType
from backup.repository.repository import Repository
from backup.stores.base import Store
from backup.stores.faulty import Effect, Fault, FaultyStore
from backup.stores.memory import MemoryStore
from backup.stores.retry import RetryingStore
from tests.backing_up import ShiftedClock, make_repository

MIB = 1 << 20
MORE_THAN_A_PACK = 6 * MIB


def small_packs(store: Store | None = None) -> Repository:
    """Make a repository whose packs are as small as an operator may have them."""
    repository = make_repository(store)
    repository.pack_size = 4 * MIB
    return repository


@pytest.fixture
def repository() -> Repository:
    return small_packs()


@pytest.fixture
def writer(repository: Repository) -> Iterator[RunWriter]:
    made = RunWriter(repository, width=0)
    yield made
    made.close()


class Stream:
    """Gives the bytes of a stream in the pieces asked for, and remembers what was told."""

    def __init__(self, data: bytes) -> None:
        self._rest = memoryview(data)
        self.told: list[tuple[bytes, int]] = []

    def read_into(self, view: memoryview) -> int:
        count = min(len(view), len(self._rest), 3 * MIB)
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def done(self, ids: bytes, length: int) -> None:
        self.told.append((ids, length))


def read(repository: Repository, ids: bytes) -> bytes:
    index = repository.load_index()
    return b"".join(
        repository.load_blob(index, ids[at : at + 32], expected=BlobType.DATA)
        for at in range(0, len(ids), 32)
    )


@pytest.mark.parametrize("size", [0, 1, 512 << 10, 8 * MIB, 16 * MIB, 34 * MIB + 7])
def test_a_stream_comes_back_whatever_its_size(
    repository: Repository, writer: RunWriter, size: int
) -> None:
    data = os.urandom(min(size, 9 * MIB)) * 6
    stream = Stream(data[:size])
    writer.store_stream(stream.read_into, stream.done)
    writer.checkpoint()
    ((ids, length),) = stream.told
    assert length == size
    assert read(repository, ids) == data[:size]


def test_streams_after_each_other_share_the_buffers(
    repository: Repository, writer: RunWriter
) -> None:
    datas = [os.urandom(size) for size in (3 * MIB, 15 * MIB, 15 * MIB + 1, 1, 0, 33 * MIB)]
    streams = [Stream(data) for data in datas]
    for stream in streams:
        writer.store_stream(stream.read_into, stream.done)
    writer.checkpoint()
    for stream, data in zip(streams, datas, strict=True):
        assert read(repository, stream.told[0][0]) == data


def test_a_stream_that_fails_leaves_the_next_one_whole(
    repository: Repository, writer: RunWriter
) -> None:
    broken, whole = Stream(os.urandom(20 * MIB)), Stream(os.urandom(20 * MIB))

    def fail(view: memoryview) -> int:
        if len(broken._rest) < 4 * MIB:
            raise OSError(5, "input/output error")
        return broken.read_into(view)

    expected = bytes(whole._rest)
    with pytest.raises(OSError, match="input/output"):
        writer.store_stream(fail, broken.done)
    writer.store_stream(whole.read_into, whole.done)
    writer.checkpoint()
    assert broken.told == []
    assert read(repository, whole.told[0][0]) == expected


def test_what_is_known_is_not_stored_again(repository: Repository) -> None:
    data = random.Random(1).randbytes(5 * MIB)  # seeded: how soon cuts agree again is chance
    added = []
    for _ in range(2):
        writer = RunWriter(repository, width=0)
        stream = Stream(data + data)
        writer.store_stream(stream.read_into, stream.done)
        writer.save_tree(b'{"nodes":[]}\n')
        writer.save_tree(b'{"nodes":[]}\n')
        writer.checkpoint()
        blobs, trees = writer.totals()
        added.append((blobs.plain_bytes, trees.blobs))
        writer.close()
    assert added[0][0] < 9 * MIB
    assert added[0][1] == 1
    assert added[1] == (0, 0)


def test_nothing_is_indexed_before_it_is_durable(repository: Repository) -> None:
    store = FaultyStore(repository.store)
    repository.store = store
    writer = RunWriter(repository, width=0)
    stream = Stream(os.urandom(2 * MORE_THAN_A_PACK))
    writer.store_stream(stream.read_into, stream.done)
    tree_id = writer.save_tree(b'{"nodes":[]}\n')
    writer.checkpoint()
    writes = [call.key.split("/")[0] for call in store.calls if call.method == "write"]
    assert writes[-1] == "index"
    assert writes[:-1] == ["data"] * (len(writes) - 1)
    assert repository.load_index().holds(tree_id, BlobType.TREE)


def test_a_failed_pack_is_not_indexed(repository: Repository) -> None:
    repository.store = FaultyStore(repository.store, [Fault(Effect.FULL, method="write")])
    writer = RunWriter(repository, width=0)
    stream = Stream(os.urandom(MIB))
    writer.store_stream(stream.read_into, stream.done)
    with pytest.raises(StoreError):
        writer.checkpoint()
    assert repository.list_files("index") == []
    writer.close()


def test_a_dry_run_writes_nothing(repository: Repository) -> None:
    writer = RunWriter(repository, width=0, dry_run=True)
    stream = Stream(os.urandom(MORE_THAN_A_PACK))
    writer.store_stream(stream.read_into, stream.done)
    writer.save_tree(b'{"nodes":[]}\n')
    writer.checkpoint()
    assert writer.totals()[0].plain_bytes == MORE_THAN_A_PACK
    assert list(repository.store.list("")) == []
    writer.close()


def test_an_index_is_written_only_while_the_lock_stands(repository: Repository) -> None:
    def refuse() -> None:
        raise RepositoryLockedError("gone")

    writer = RunWriter(repository, width=0, before_index=refuse)
    writer.save_tree(b'{"nodes":[]}\n')
    with pytest.raises(RepositoryLockedError):
        writer.checkpoint()
    assert repository.list_files("index") == []
    writer.close()


@pytest.mark.parametrize(
    ("store", "seconds"),
    [(MemoryStore(), CHECKPOINT_SECONDS), (RetryingStore(MemoryStore()), NETWORK_INDEX_SECONDS)],
    ids=["every other minute", "over a line sooner"],
)
def test_packs_are_indexed_now_and_then(store: Store, seconds: float) -> None:
    repository = small_packs(store)
    clock = repository.clock
    assert isinstance(clock, ShiftedClock)
    writer = RunWriter(repository, width=0)
    for number in range(3):
        stream = Stream(os.urandom(MORE_THAN_A_PACK))
        writer.store_stream(stream.read_into, stream.done)
        writer.pump(wait=False)
        assert len(repository.list_files("index")) == number
        clock.passed += timedelta(seconds=seconds + 1)
    writer.close()


def test_packs_are_indexed_when_it_is_time_though_no_other_arrives() -> None:
    """They arrive in bunches, and what stands in no index file is sent again after a cut."""
    repository = small_packs(RetryingStore(MemoryStore()))
    clock = repository.clock
    assert isinstance(clock, ShiftedClock)
    writer = RunWriter(repository, width=0)
    stream = Stream(os.urandom(2 * MORE_THAN_A_PACK))
    writer.store_stream(stream.read_into, stream.done)
    writer.pump(wait=True)
    assert repository.list_files("index") == []
    clock.passed += timedelta(seconds=NETWORK_INDEX_SECONDS)
    writer.pump(wait=True)
    assert len(repository.list_files("index")) == 1
    writer.pump(wait=True)
    assert len(repository.list_files("index")) == 1
    writer.close()


def test_a_long_run_writes_few_index_files() -> None:
    repository = small_packs(RetryingStore(MemoryStore()))
    clock = repository.clock
    assert isinstance(clock, ShiftedClock)
    writer = RunWriter(repository, width=0)
    clock.passed += timedelta(hours=1)
    for expected in (1, 1, 2):
        stream = Stream(os.urandom(MORE_THAN_A_PACK))
        writer.store_stream(stream.read_into, stream.done)
        assert len(repository.list_files("index")) == expected
        clock.passed += timedelta(seconds=100)
    writer.close()


@pytest.mark.slow
def test_an_interruption_at_any_moment_leaves_a_sound_repository(repository: Repository) -> None:
    """Asked at every piece of a stream; what the index then holds must be there and be right."""
    for stop_at in range(1, 12):
        writer = RunWriter(repository, width=0)
        stream = Stream(os.urandom(33 * MIB))
        calls = 0

        def read_into(view: memoryview, stream: Stream = stream, stop_at: int = stop_at) -> int:
            nonlocal calls
            calls += 1
            if calls > stop_at:
                raise KeyboardInterrupt
            return stream.read_into(view)

        writer.save_tree(b'{"nodes":[]}\n')
        with pytest.raises(KeyboardInterrupt):
            writer.store_stream(read_into, stream.done)
        assert writer.salvage()
        writer.close()
    index = repository.load_index()
    assert len(index) > 30
    for place in index:
        repository.load_blob(index, place.blob.id, expected=place.blob.type)


def test_after_an_interruption_answers_are_not_passed_on(repository: Repository) -> None:
    writer = RunWriter(repository, width=0)
    stream = Stream(os.urandom(2 * MIB))
    calls = iter((0, 1))

    def read_into(view: memoryview) -> int:
        if next(calls):
            raise KeyboardInterrupt
        return stream.read_into(view)

    with pytest.raises(KeyboardInterrupt):
        writer.store_stream(read_into, stream.done)
    # As if the interruption had come just before the answer: nobody will ever give it.
    writer._waiting[99] = lambda _ids, _odd: pytest.fail("nobody waits any more")
    assert writer.salvage()
    assert stream.told == []
    writer.close()


def test_the_memory_store_keeps_what_was_written_not_a_view_of_it() -> None:
    """The buffers of packs are used again; a store must not keep them."""
    store = MemoryStore()
    buffer = bytearray(b"before")
    store.write("data/ab/" + "ab" * 32, memoryview(buffer))
    buffer[:] = b"after!"
    assert store.read("data/ab/" + "ab" * 32) == b"before"
    assert hashlib.sha256(b"before").digest()
