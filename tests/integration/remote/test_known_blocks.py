"""Of a big file that has changed only the changed blocks travel; any doubt, and all of it does."""

import os
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import pytest

from backup.archiver.request import BackupResult, Mount
from backup.errors import DamagedError, StoreUnavailableError
from backup.repository.repository import Repository
from backup.sources.remote.known_blocks import BLOCK, HASH_BYTES, EarlierContent
from backup.sources.remote.open import RemoteSource
from backup.sources.remote.python_tree import open_python_tree
from backup.sources.remote.tree import Arriving, DoubtfulError, RemoteTree, Wanted
from backup.sources.source import FolderSource
from backup.stores.memory import MemoryStore
from provisioning.local_host import LocalHost
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.backing_up import back_up, back_up_mounts, make_repository, read_back
from tests.integration.remote.test_remote_trees import back_up_there
from tests.remote_hosts import MeddlingHost
from tests.ssh_server import SshServer, make_ssh_server, ssh_server
from tests.tcp_line import TcpLine

__all__ = ["make_ssh_server", "ssh_server"]

SIZE = 24 << 20


class FailingStore(MemoryStore):
    """Reads of contents fail while `is_down`; trees, which are small, can be read."""

    is_down = False

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        if self.is_down and key.startswith("data") and (length or 0) > BLOCK:
            raise StoreUnavailableError("the store failed")
        return super().read(key, offset, length)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one big file that does not compress."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "mail.db").write_bytes(random.Random(4).randbytes(SIZE))
    return folder


def change(path: Path) -> None:
    """Change two places, and append."""
    with path.open("r+b") as file:
        for at in (1_000_000, 15_000_000):
            file.seek(at)
            file.write(b"changed here")
        file.seek(0, os.SEEK_END)
        file.write(b"appended" * 1_000)


@pytest.mark.slow
def test_a_small_part_of_a_changed_file_goes_over_the_line(
    root: Path, ssh_server: SshServer, tmp_path: Path
) -> None:
    pool, repository = SshPool(), make_repository()
    with TcpLine(ssh_server.port) as line:
        known_hosts = tmp_path / "known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{line.port} {ssh_server.host_key()}\n")
        host = SshHost(ssh_server.target(port=line.port, known_hosts=known_hosts), pool)
        first = _back_up(repository, root, host)
        carried, sent = line.carried, line.sent
        change(root / "mail.db")
        second = _back_up(repository, root, host)
        carried, sent = line.carried - carried, line.sent - sent
        pool.close()

    assert first.outcome == second.outcome == "ok"
    assert second.summary["files_changed"] == 1
    assert carried < 4 * BLOCK
    assert sent < 100_000
    found = read_back(repository, second)[b"/site/mail.db"]
    assert found.data == (root / "mail.db").read_bytes()
    assert second.tree_id == back_up(make_repository(), root).tree_id


def _back_up(repository: Repository, path: Path, host: SshHost) -> BackupResult:
    def open_tree() -> AbstractContextManager[RemoteTree]:
        return open_python_tree(host, os.fsencode(path), one_file_system=True)

    source = RemoteSource(host.name, FolderSource(os.fsencode(path)), open_tree)
    return back_up_mounts(repository, [Mount(b"/site", source)])


@pytest.mark.parametrize(
    "size", [0, 10, BLOCK, SIZE // 2 + 7, SIZE - 1], ids=["none", "tiny", "block", "half", "less"]
)
def test_a_file_that_has_shrunk_is_what_it_is(root: Path, size: int) -> None:
    repository = make_repository()
    back_up_there(repository, root)
    os.truncate(root / "mail.db", size)

    result = back_up_there(repository, root)
    assert read_back(repository, result)[b"/site/mail.db"].data == (root / "mail.db").read_bytes()


def test_holes_and_known_blocks_go_together(root: Path) -> None:
    repository = make_repository()
    back_up_there(repository, root)
    content = (root / "mail.db").read_bytes()
    with (root / "mail.db").open("wb") as file:
        file.write(content[: 3 << 20])
        file.seek(9 << 20)
        file.write(content[9 << 20 : 20 << 20])
        file.truncate(23 << 20)

    result = back_up_there(repository, root)
    assert read_back(repository, result)[b"/site/mail.db"].data == (root / "mail.db").read_bytes()


@pytest.mark.parametrize("after", [0, 600], ids=["before", "meanwhile"])
def test_an_earlier_content_that_cannot_be_read_is_done_without(root: Path, after: int) -> None:
    store = FailingStore()
    repository = make_repository(store)
    back_up_there(repository, root)
    change(root / "mail.db")
    sent = 0

    def count(data: bytes) -> None:
        nonlocal sent
        sent += len(data)
        store.is_down = sent > after  # 600: the listing has come, and the hashes have been made

    result = back_up_there(repository, root, MeddlingHost(count))
    store.is_down = False

    assert result.outcome == "ok"
    assert sent > SIZE
    assert read_back(repository, result)[b"/site/mail.db"].data == (root / "mail.db").read_bytes()


@pytest.fixture
def tree(root: Path) -> Iterator[RemoteTree]:
    with open_python_tree(LocalHost("web1"), os.fsencode(root), one_file_system=True) as opened:
        for _ in opened.list_all():
            pass
        yield opened


def test_a_block_that_is_no_longer_what_it_was_makes_the_file_doubtful(
    root: Path, tree: RemoteTree
) -> None:
    content = (root / "mail.db").read_bytes()
    blobs = {b"%d" % at: content[at : at + (3 << 20)] for at in range(0, SIZE, 3 << 20)}
    reads = 0

    def read(blob_id: bytes) -> bytes:
        nonlocal reads
        reads += 1
        if reads <= len(blobs):
            return blobs[blob_id]
        return bytes(len(blobs[blob_id]))

    earlier = EarlierContent(read, list(blobs))
    arrived: list[int] = []

    def take(_number: int, file: Arriving) -> None:
        buffer = memoryview(bytearray(1 << 20))
        while count := file.readinto(buffer):
            arrived.append(count)

    status = (root / "mail.db").stat()
    (ending,) = tree.fetch([Wanted(b"mail.db", status, earlier)], take)

    assert isinstance(ending, DoubtfulError)
    assert sum(arrived) == SIZE


def test_hashes_are_those_of_fixed_blocks_wherever_blobs_end() -> None:
    content = random.Random(1).randbytes(3 * BLOCK + 5)
    for cuts in ([0, len(content)], [0, 1, BLOCK, BLOCK + 9, len(content)], [0, 5, len(content)]):
        blobs = [content[start:end] for start, end in pairwise(cuts)]
        ids = [b"%d" % at for at in range(len(blobs))]
        earlier = EarlierContent(lambda it, blobs=blobs: blobs[int(it)], ids)  # type: ignore[misc]  # bound now
        assert len(earlier.hashes()) == 4 * HASH_BYTES
        for at in (0, 1, 2, 0, 2, 1):
            assert earlier.block(at * BLOCK, BLOCK) == content[at * BLOCK : (at + 1) * BLOCK]
        assert earlier.block(3 * BLOCK, 5) == content[-5:]
        assert earlier.block(3 * BLOCK, 6) is None
        assert earlier.block(1, BLOCK) is None
        assert earlier.block(0, 7) is None


def test_no_hashes_are_given_of_what_cannot_be_read_whole() -> None:
    def read(blob_id: bytes) -> bytes:
        if blob_id == b"b":
            raise DamagedError("gone")
        return b"x" * BLOCK

    assert EarlierContent(read, [b"a", b"b"]).hashes() == b""
