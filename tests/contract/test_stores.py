"""The contract of `backup.stores.base.Store`, held against every implementation."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from backup.errors import ObjectExistsError, ObjectNotFoundError, StoreError
from backup.stores.bandwidth import LimitedStore
from backup.stores.base import ObjectInfo, Store
from backup.stores.faulty import FaultyStore
from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from backup.stores.options import StoreOptions
from backup.stores.retry import RetryingStore
from backup.stores.s3.store import S3Store
from backup.stores.sftp.settings import parse_settings
from backup.stores.sftp.store import SftpStore
from tests.s3_server import S3Server, s3_server
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "s3_server", "ssh_server"]

IMPLEMENTATIONS: dict[str, Callable[[Path], Store]] = {
    "folder": FolderStore,
    "memory": lambda _: MemoryStore(),
    "retrying": lambda _: RetryingStore(MemoryStore()),
    "limited": lambda _: LimitedStore(
        MemoryStore(), upload_bytes_per_second=2**40, download_bytes_per_second=2**40
    ),
    "faulty": lambda _: FaultyStore(MemoryStore()),
}

HOSTILE_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "data/",
    "data//x",
    ".",
    "..",
    "../outside",
    "data/../config",
    "data/.hidden",
    ".giucong-tmp-0",
    "a\0b",
    "a\nb",
    "a\n",
    "a\\b",
    "a:b",
    "data/é",
    "data/\udcff",
    " leading",
    "-option",
    "a*",
]


SERVED = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("s3", "sftp")]


@pytest.fixture(params=[*IMPLEMENTATIONS, *SERVED])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        yield server.new_store()
    elif request.param == "sftp":
        with closing(open_sftp_store(request.getfixturevalue("ssh_server"), tmp_path)) as opened:
            yield opened
    else:
        yield IMPLEMENTATIONS[request.param](tmp_path / "store")


def open_sftp_store(server: SshServer, folder: Path) -> SftpStore:
    options = {"sftp.identity": f"{server.identity}", "sftp.known_hosts": f"{server.known_hosts}"}
    return SftpStore(
        parse_settings(f"//127.0.0.1:{server.port}/{folder}/store", StoreOptions(extra=options))
    )


def listing(store: Store, prefix: str = "") -> list[ObjectInfo]:
    return sorted(store.list(prefix))


def test_what_was_written_is_read_back(store: Store) -> None:
    store.write("data/ab/abcd", b"content")

    assert store.read("data/ab/abcd") == b"content"
    assert store.size("data/ab/abcd") == 7


@pytest.mark.parametrize(
    "data",
    [b"bytes", bytearray(b"bytearray"), memoryview(b"view"), memoryview(b"0123456789")[2:6]],
    ids=["bytes", "bytearray", "memoryview", "part of a memoryview"],
)
def test_every_kind_of_buffer_is_stored(store: Store, data: bytes | bytearray | memoryview) -> None:
    store.write("key", data)

    assert store.read("key") == bytes(data)
    assert type(store.read("key")) is bytes


def test_a_buffer_changed_after_the_write_does_not_change_the_object(store: Store) -> None:
    data = bytearray(b"first")
    store.write("key", data)
    data[:] = b"later"

    assert store.read("key") == b"first"


def test_a_buffer_of_wide_items_is_stored_byte_for_byte(store: Store) -> None:
    store.write("key", memoryview(b"abcdefgh").cast("I"))

    assert store.size("key") == 8
    assert store.read("key") == b"abcdefgh"


@pytest.mark.parametrize("data", [b"", memoryview(b""), memoryview(b"x")[:0]])
def test_an_empty_object_is_an_object(store: Store, data: bytes | memoryview) -> None:
    store.write("empty", data)

    assert store.size("empty") == 0
    assert store.read("empty") == b""
    assert store.read("empty", 5, 5) == b""
    assert listing(store) == [ObjectInfo("empty", 0)]


def test_a_large_object_keeps_every_byte(store: Store) -> None:
    data = hashlib.shake_128(b"seed").digest(5_000_001)
    store.write("data/00/large", memoryview(data))

    assert store.read("data/00/large") == data


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (0, 0, b""),
        (2, 3, b"234"),
        (8, 2, b"89"),
        (8, 3, b"89"),
        (0, 10**12, b"0123456789"),
        (10, None, b""),
        (10, 1, b""),
        (10**12, None, b""),
        (10**12, 5, b""),
    ],
)
def test_a_range_is_read(store: Store, offset: int, length: int | None, expected: bytes) -> None:
    store.write("key", b"0123456789")

    assert store.read("key", offset, length) == expected


def test_an_object_is_written_once(store: Store) -> None:
    store.write("key", b"first")
    with pytest.raises(ObjectExistsError):
        store.write("key", b"second")

    assert store.read("key") == b"first"
    assert listing(store) == [ObjectInfo("key", 5)]


def test_the_same_bytes_are_not_written_twice_either(store: Store) -> None:
    store.write("key", b"same")
    with pytest.raises(ObjectExistsError):
        store.write("key", b"same")


def test_a_deleted_object_is_gone_and_its_key_is_free(store: Store) -> None:
    store.write("data/ab/x", b"first")
    store.delete("data/ab/x")

    assert listing(store) == []
    with pytest.raises(ObjectNotFoundError):
        store.read("data/ab/x")

    store.write("data/ab/x", b"second")

    assert store.read("data/ab/x") == b"second"


@pytest.mark.parametrize("key", ["missing", "missing/too", "data", "data/ab", "data/ab/x/below"])
def test_a_missing_object_is_not_found(store: Store, key: str) -> None:
    store.write("data/ab/x", b"there")
    for call in (store.size, store.read, store.delete):
        with pytest.raises(ObjectNotFoundError):
            call(key)

    assert listing(store) == [ObjectInfo("data/ab/x", 5)]


def test_an_empty_store_lists_nothing(store: Store) -> None:
    assert listing(store) == []
    assert listing(store, "data") == []


def test_a_listing_is_recursive_and_keeps_to_its_folder(store: Store) -> None:
    objects = {
        "config": b"c",
        "keys/k1": b"kk",
        "data/00/a": b"aaa",
        "data/ff/b": b"bbbb",
        "data2/00/c": b"c" * 5,
        "snapshots/s": b"",
    }
    for key, content in objects.items():
        store.write(key, content)

    assert listing(store) == sorted(ObjectInfo(key, len(data)) for key, data in objects.items())
    assert listing(store, "data") == [ObjectInfo("data/00/a", 3), ObjectInfo("data/ff/b", 4)]
    assert listing(store, "data/ff") == [ObjectInfo("data/ff/b", 4)]
    assert listing(store, "config") == []
    assert listing(store, "nothing/here") == []


def test_what_is_listed_may_be_deleted_while_listing(store: Store) -> None:
    for number in range(300):
        store.write(f"data/{number % 7:02x}/{number}", b"x")
    seen = []
    for info in store.list("data"):
        seen.append(info.key)
        store.delete(info.key)

    assert len(set(seen)) == len(seen) == 300
    assert listing(store) == []


@pytest.mark.parametrize("key", HOSTILE_KEYS, ids=ascii)
def test_a_hostile_key_is_refused_by_every_method(store: Store, tmp_path: Path, key: str) -> None:
    store.write("config", b"x")
    calls: list[Callable[[], object]] = [
        lambda: store.size(key),
        lambda: store.read(key),
        lambda: store.write(key, b"evil"),
        lambda: store.delete(key),
    ]
    if key:
        calls.append(lambda: list(store.list(key)))
    for call in calls:
        with pytest.raises(StoreError, match="not a valid object name"):
            call()

    assert listing(store) == [ObjectInfo("config", 1)]
    assert [path.name for path in tmp_path.iterdir() if path.name != "store"] == []


def test_several_threads_write_and_read_at_once(store: Store) -> None:
    contents = {
        f"data/{number % 16:02x}/{number}": hashlib.shake_128(b"%d" % number).digest(3000)
        for number in range(200)
    }

    def write_and_read(key: str) -> bytes:
        store.write(key, contents[key])
        return store.read(key)

    with ThreadPoolExecutor(8) as threads:
        found = dict(zip(contents, threads.map(write_and_read, contents), strict=True))

    assert found == contents
    assert listing(store) == sorted(ObjectInfo(key, 3000) for key in contents)


def test_of_several_writers_of_one_key_one_wins_and_its_bytes_are_whole(store: Store) -> None:
    writers = 8
    for attempt in range(2 if isinstance(store, S3Store) else 20):
        start = threading.Barrier(writers)
        key = f"locks/{attempt}"

        def write(number: int, key: str = key, start: threading.Barrier = start) -> int | None:
            start.wait()
            try:
                store.write(key, bytes([number]) * 10_000)
            except ObjectExistsError:
                return None
            return number

        with ThreadPoolExecutor(writers) as threads:
            winners = [n for n in threads.map(write, range(writers)) if n is not None]

        assert len(winners) == 1
        assert store.read(key) == bytes(winners) * 10_000


def test_a_listing_beside_writers_never_shows_a_part(store: Store) -> None:
    size = 200_000
    stop = threading.Event()

    def write() -> None:
        for number in range(60):
            store.write(f"data/00/{number}", bytes(size))
        stop.set()

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        sizes = set()
        while not stop.is_set() and not writing.done():
            sizes |= {info.size for info in store.list("data")}
        writing.result()

    assert sizes <= {size}
    assert len(listing(store, "data")) == 60


def test_the_location_tells_where_the_store_is(store: Store) -> None:
    assert store.location
