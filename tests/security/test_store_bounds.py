"""Who can write into a store, and has no key, cannot make opening it endless or fill the memory."""

import base64
import hashlib
import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import zstandard

from backup.copies.mirror_objects import read_proven
from backup.errors import BackupError, DamagedError, StoreError
from backup.format.compression import decode_unpacked
from backup.repository.locks import list_locks
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from backup.stores import base
from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from backup.stores.s3.settings import S3Settings
from backup.stores.s3.store import S3Store

PASSWORD = b"right"
GIB = 1 << 30
SECONDS = 20.0  # of this process; without its mend each of these takes minutes, or never ends


def planted(**changes: object) -> bytes:
    """A key file as a thief can write it: of the right form, and opened by no password."""
    fields = {
        "created": "2026-01-01T00:00:00Z", "username": "u", "hostname": "h", "kdf": "scrypt",
        "N": 32768, "r": 8, "p": 1, "salt": base64.b64encode(os.urandom(64)).decode(),
        "data": base64.b64encode(os.urandom(200)).decode(),
    }  # fmt: skip
    return json.dumps(fields | changes).encode()


def plant(store: MemoryStore, text: bytes) -> None:
    """Put a key file there, under a name that is its hash and is read before the true one."""
    name = hashlib.sha256(text).hexdigest()
    while not name.startswith(("0", "1", "2", "3")):
        text += b" "
        name = hashlib.sha256(text).hexdigest()
    store.replace(f"keys/{name}", text)


@pytest.fixture(scope="module")
def made() -> MemoryStore:
    """A repository whose true key file is the last that is read."""
    while True:
        store = MemoryStore()
        if Repository.init(store, PASSWORD).key_id >= "4":
            return store


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Prove that a block takes no more of this process's time."""
    started = time.process_time()
    yield

    assert time.process_time() - started < seconds


@pytest.mark.parametrize(
    "costs",
    [
        {"p": 100_000},
        {"N": 1 << 20, "r": 8},
        {"N": 1 << 21, "p": 8},
        {"N": 2, "r": 1, "p": 1 << 24},
    ],
    ids=str,
)
@pytest.mark.slow
def test_a_key_file_that_asks_for_too_much_is_passed_over(
    made: MemoryStore, costs: dict[str, int]
) -> None:
    store = made.clone()
    plant(store, planted(**costs))

    with within(SECONDS):
        assert Repository.open(store, PASSWORD).id


@pytest.mark.slow
def test_two_hundred_key_files_cost_what_twenty_do(made: MemoryStore) -> None:
    store = made.clone()
    for _ in range(200):
        plant(store, planted())
    true_key = Repository.open(made, PASSWORD).key_id

    with within(SECONDS), pytest.raises(StoreError) as refused:
        Repository.open(store, PASSWORD)

    assert "201 key files; 20 were tried" in str(refused.value)
    assert Repository.open(store, PASSWORD, key_hint=true_key[:8]).key_id == true_key


@pytest.mark.slow
@pytest.mark.parametrize("text", [b"[" * 60_000, planted().replace(b"32768", b"1e999")])
def test_a_key_file_that_breaks_its_reader_locks_nobody_out(made: MemoryStore, text: bytes) -> None:
    store = made.clone()
    plant(store, text)

    assert Repository.open(store, PASSWORD).id


# Files that never end -----------------------------------------------------------------------------


ACTS: dict[str, Callable[[Repository, Path], object]] = {
    "snapshots": lambda repository, _: load_readable_snapshots(repository),
    "index": lambda repository, _: repository.load_index(),
    "locks": lambda repository, _: list_locks(repository),
    "keys": lambda repository, _: Repository.open(repository.store, PASSWORD),
    "config": lambda repository, _: Repository.open(repository.store, PASSWORD),
    "data": lambda repository, path: read_proven(repository.store, f"data/00/{path.name}"),
}


@pytest.mark.parametrize("kind", ACTS)
@pytest.mark.slow
def test_a_file_that_never_ends_is_not_read_to_its_end(tmp_path: Path, kind: str) -> None:
    repository = Repository.init(FolderStore(tmp_path), PASSWORD)
    name = "0" * 64
    path = tmp_path / {"config": "config", "data": f"data/00/{name}"}.get(kind, f"{kind}/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch()
    os.truncate(path, 5 * GIB)

    told: object = None
    with memory_at_most(2 * GIB), within(SECONDS):
        try:
            told = ACTS[kind](repository, path)
        except BackupError as error:
            told = error

    assert told is None or told


@contextmanager
def memory_at_most(most: int) -> Iterator[None]:
    """Let this process grow by no more than so many bytes."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.slow
def test_a_frame_that_swells_is_refused_before_room_is_made() -> None:
    zeros = zstandard.ZstdCompressor().compressobj(size=GIB)
    frame = b"".join([zeros.compress(bytes(1 << 20)) for _ in range(1 << 10)]) + zeros.flush()
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(200 << 20))

    with memory_at_most(GIB // 2):
        for bomb in (frame, unsized):
            with pytest.raises(DamagedError):
                decode_unpacked(b"\x02" + bomb)


# Listings -----------------------------------------------------------------------------------------


def test_a_listing_of_more_than_any_store_holds_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MOST_OBJECTS", 100)
    for number in range(101):
        (tmp_path / f"junk {number}").touch()

    with pytest.raises(StoreError, match="more than 100 entries"):
        list(FolderStore(tmp_path).list(""))


@pytest.mark.parametrize("kind", ["keys", "snapshots"])
def test_more_files_than_any_repository_has_are_not_read(
    made: MemoryStore, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("backup.format.bounds._MOST_FILES", {kind: 100})
    store = made.clone()
    for number in range(101):
        store.replace(f"{kind}/{number:064x}", b"junk")

    with pytest.raises(StoreError, match="more than 100"):
        load_readable_snapshots(Repository.open(store, PASSWORD))


# Servers that lie ---------------------------------------------------------------------------------


class LyingServer(BaseHTTPRequestHandler):
    """An S3 server that sends more than was asked for, or lists for ever."""

    protocol_version = "HTTP/1.1"
    pages = 0

    def do_GET(self) -> None:
        if "list-type" in self.path:
            LyingServer.pages += 1
            body = (
                "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>"
                f"{LyingServer.pages}</NextContinuationToken></ListBucketResult>"
            ).encode()
            self._begin(len(body))
            self.wfile.write(body)
            return
        self._begin(64 * GIB)
        try:
            for _ in range(64 * GIB // (1 << 20)):
                self.wfile.write(bytes(1 << 20))
        except OSError:
            self.close_connection = True

    def _begin(self, length: int) -> None:
        self.send_response(200)
        self.send_header("content-length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def lying() -> Iterator[S3Settings]:
    with ThreadingHTTPServer(("127.0.0.1", 0), LyingServer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        yield S3Settings(place, "b", access_key="a", secret_key="s")  # noqa: S106 -- of a test
        server.shutdown()


@pytest.mark.slow
def test_a_server_that_sends_for_ever_is_cut_off(lying: S3Settings) -> None:
    with memory_at_most(GIB), within(SECONDS), pytest.raises(StoreError, match="cannot read"):
        S3Store(lying).read("config", 0, 1 << 16)


@pytest.mark.slow
def test_a_listing_without_an_end_ends(lying: S3Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MOST_OBJECTS", 100)

    with within(SECONDS), pytest.raises(StoreError, match="more than 100 entries"):
        list(S3Store(lying).list(""))
