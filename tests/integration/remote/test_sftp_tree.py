"""A folder of a host that gives SFTP and nothing else."""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from backup.archiver.request import BackupResult, Mount
from backup.errors import SourceError
from backup.repository.repository import Repository
from backup.sources.remote import sftp_tree
from backup.sources.remote.open import RemoteSource
from backup.sources.remote.sftp_client import RefusedError, to_status
from backup.sources.remote.sftp_tree import LOST, SftpTree, open_sftp_tree
from backup.sources.remote.tree import ListedFolder, Pause, RemoteTree, Unlisted, Wanted
from backup.sources.source import FolderSource
from backup.stores.sftp.protocol import Attributes
from provisioning.errors import HostRefusedError
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.backing_up import back_up, back_up_mounts, make_repository, read_back
from tests.ssh_server import ServerMaker, SshServer, make_ssh_server
from tests.tcp_line import TcpLine
from tests.trees import Kinds, build_hostile_tree

__all__ = ["make_ssh_server"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(make_ssh_server: ServerMaker) -> SshServer:
    """One that runs SFTP whatever is asked for: no shell, no command."""
    return make_ssh_server("ForceCommand internal-sftp -R", sftp="internal")


@pytest.fixture
def pool() -> Iterator[SshPool]:
    made = SshPool()
    yield made
    made.close()


@pytest.fixture
def host(server: SshServer, pool: SshPool) -> SshHost:
    return SshHost(server.target(has_shell=False), pool)


def back_up_there(repository: Repository, path: Path, host: SshHost) -> BackupResult:
    """Back a folder of a host up as ``/site``."""

    def open_tree() -> AbstractContextManager[RemoteTree]:
        return open_sftp_tree(host, os.fsencode(path))

    source = RemoteSource(host.name, FolderSource(os.fsencode(path)), open_tree)
    return back_up_mounts(repository, [Mount(b"/site", source)])


def test_the_host_runs_no_command(host: SshHost) -> None:
    assert b"giucong" not in host.run([b"echo giucong"], timeout=5).stdout


def test_it_makes_the_same_tree_but_for_what_it_tells(host: SshHost, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    build_hostile_tree(root, Kinds(deep=False, sockets=False))
    here_repository, there_repository = make_repository(), make_repository()
    here, there = back_up(here_repository, root), back_up_there(there_repository, root, host)

    expected = read_back(here_repository, here)
    found = read_back(there_repository, there)
    devices = {it for it, entry in expected.items() if entry.node.type in {"dev", "chardev"}}
    assert found.keys() == expected.keys() - devices
    assert len(there.errors) == len(devices)
    assert there.outcome == ("incomplete" if devices else "ok")
    for path, entry in found.items():
        node, known = entry.node, expected[path].node
        assert entry.data == expected[path].data
        assert (node.type, node.mode, node.size) == (known.type, known.mode, known.size)
        assert (node.uid, node.gid, node.linktarget) == (known.uid, known.gid, known.linktarget)
        assert node.mtime == known.mtime // 10**9 % 2**32 * 10**9


def test_small_and_big_files_arrive_whole_and_only_changed_ones_again(
    host: SshHost, tmp_path: Path
) -> None:
    root = tmp_path / "tree"
    (root / "in").mkdir(parents=True)
    sizes = [0, 1, 261_119, 261_120, 261_121, 9 << 20]
    for number in range(90):
        (root / "in" / f"{number}").write_bytes(os.urandom(sizes[number % 5]))
    (root / "big").write_bytes(os.urandom(sizes[5]))
    for path in [*root.rglob("*"), root]:
        os.utime(path, (1_700_000_000, 1_700_000_000))
    repository = make_repository()

    first = back_up_there(repository, root, host)
    (root / "in" / "3").write_bytes(b"changed")
    second = back_up_there(repository, root, host)

    assert first.outcome == second.outcome == "ok"
    found = read_back(repository, second)
    for path in root.rglob("*"):
        if path.is_file():
            assert found[b"/site/" + os.fsencode(path.relative_to(root))].data == path.read_bytes()
    assert second.summary["files_changed"] == 1
    assert second.summary["files_unmodified"] == 90


def test_a_single_file_is_a_source_too(host: SshHost, tmp_path: Path) -> None:
    (tmp_path / "site").write_text("một tệp")
    repository = make_repository()

    result = back_up_there(repository, tmp_path / "site", host)
    assert read_back(repository, result)[b"/site"].data == "một tệp".encode()


def test_many_folders_come_depth_first_with_pauses(
    host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp_tree, "_PAUSE_ENTRIES", 30)
    for number in range(60):
        (tmp_path / f"a{number % 7}" / f"b{number}" / "c").mkdir(parents=True)
    with open_sftp_tree(host, os.fsencode(tmp_path)) as tree:
        listed = list(tree.list_all())

    paths = [it.path for it in listed if isinstance(it, ListedFolder)]
    here = [os.fsencode(it) for it, _, _ in sorted(os.walk(tmp_path))]
    assert paths == [os.path.relpath(it, os.fsencode(tmp_path)).replace(b".", b"", 1)
                     if it == os.fsencode(tmp_path) else os.path.relpath(it, os.fsencode(tmp_path))
                     for it in here]  # fmt: skip
    assert sum(isinstance(it, Pause) for it in listed) >= 3


def test_a_path_that_is_not_there_is_an_error(host: SshHost, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught, open_sftp_tree(host, os.fsencode(tmp_path / "no")):
        pass
    assert caught.value.params["reason"] == "No such file or directory"


def test_a_folder_that_vanishes_is_told_not_forgotten(host: SshHost, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with open_sftp_tree(host, os.fsencode(tmp_path)) as tree:
        listing = tree.list_all()
        assert isinstance(next(listing), ListedFolder)
        (tmp_path / "a").rmdir()
        gone = next(listing)
        assert isinstance(gone, Unlisted)
        assert gone.path == b"a"
        assert isinstance(next(listing), ListedFolder)


def test_a_host_without_sftp_is_told(make_ssh_server: ServerMaker, pool: SshPool) -> None:
    host = SshHost(make_ssh_server(sftp="none").target(), pool)
    with pytest.raises(SourceError) as caught, open_sftp_tree(host, b"/"):
        pass
    assert isinstance(caught.value.__cause__, HostRefusedError)


@pytest.mark.parametrize("after", [3_000, 200_000, 3_000_000])
def test_a_line_that_is_cut_leaves_no_snapshot(
    server: SshServer, pool: SshPool, tmp_path: Path, after: int
) -> None:
    (tmp_path / "tree").mkdir()
    for number in range(40):
        (tmp_path / "tree" / f"{number}").write_bytes(os.urandom(30_000))
    (tmp_path / "tree" / "big").write_bytes(os.urandom(5 << 20))
    known_hosts = tmp_path / "known_hosts"
    repository = make_repository()
    with TcpLine(server.port) as line:
        known_hosts.write_text(f"[127.0.0.1]:{line.port} {server.host_key()}\n")
        host = SshHost(server.target(port=line.port, known_hosts=known_hosts), pool)
        line.cut_after(carried=after)
        with pytest.raises(SourceError, match="web1"):
            back_up_there(repository, tmp_path / "tree", host)
    assert repository.load_snapshots() == []


def test_a_file_that_changes_while_it_is_read_is_seen(host: SshHost, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(os.urandom(3 << 20))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with open_sftp_tree(host, os.fsencode(tmp_path)) as tree:
        handle, before = tree._line.open_file(os.fsencode(path))
        os.truncate(path, 100)
        with pytest.raises(RefusedError, match="shorter"):
            list(tree._line.read_ahead(handle, before.st_size))
        assert tree._line.close_file(handle, os.fsencode(path)) != before


@pytest.mark.parametrize("size", [10, 3 << 20], ids=["small", "big"])
def test_a_link_that_takes_a_files_place_is_not_followed(
    host: SshHost, tmp_path: Path, size: int
) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "page").write_bytes(b"x" * size)
    (tmp_path / "secret").write_bytes(b"s" * size)
    with open_sftp_tree(host, os.fsencode(root)) as tree:
        (listed,) = [it for it in tree.list_all() if isinstance(it, ListedFolder)]
        (root / "page").unlink()
        (root / "page").symlink_to(tmp_path / "secret")
        (ending,) = tree.fetch([Wanted(b"page", listed.stats[0])], lambda _number, _file: None)

    assert isinstance(ending, OSError)
    assert "no regular file" in str(ending.strerror)


def test_what_the_server_does_not_say_is_not_guessed() -> None:
    with pytest.raises(RefusedError):
        to_status(Attributes(1, None, 1))
    with pytest.raises(RefusedError):
        to_status(Attributes(1, stat.S_IFREG | 0o644, None))
    assert to_status(Attributes(3, stat.S_IFREG | 0o644, 5, 7, 8)).st_uid == 7
    assert SftpTree.lost == LOST
