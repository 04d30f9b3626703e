"""Files of a host read through the gate of its least-privilege account."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from backup.errors import SourceError
from backup.sources.remote.gnu_tree import open_tool_tree
from backup.sources.remote.open import open_remote_tree
from backup.sources.remote.sftp_tree import open_sftp_tree
from backup.sources.remote.tree import RemoteTree
from ops.sites.account import list_allowed
from provisioning.gate.account_script import GATE, make_key_line, make_list
from provisioning.ssh.host import SshHost
from provisioning.ssh.pool import SshPool
from tests.backing_up import back_up, make_repository, read_back
from tests.integration.remote.test_remote_trees import back_up_there
from tests.ssh_server import ServerMaker, make_ssh_server
from tests.trees import Kinds, build_hostile_tree

__all__ = ["make_ssh_server"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def host(
    make_ssh_server: ServerMaker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SshHost]:
    """A host whose only key stands behind the gate, with the list that `estate.account` makes."""
    folder = tmp_path_factory.mktemp("gate")
    gate = folder / "gate"
    shutil.copy(GATE, gate)
    gate.write_text(gate.read_text().replace("/usr/bin/python3", sys.executable, 1))
    gate.chmod(0o755)
    (folder / "allowed").write_text(make_list(list_allowed()))
    server = make_ssh_server()
    server.authorized_keys.write_text(make_key_line(server.public_key(), str(gate)) + "\n")
    pool = SshPool()
    yield SshHost(server.target(), pool)
    pool.close()


def test_the_whole_tree_comes_through_the_gate(host: SshHost, tmp_path: Path) -> None:
    build_hostile_tree(tmp_path / "tree", Kinds(deep=False))
    (tmp_path / "tree" / "big").write_bytes(os.urandom(6 << 20))
    repository = make_repository()

    first = back_up_there(repository, tmp_path / "tree", host, opened=open_remote_tree)
    with (tmp_path / "tree" / "big").open("ab") as file:
        file.write(b"more")
    second = back_up_there(repository, tmp_path / "tree", host, opened=open_remote_tree)

    assert first.outcome == second.outcome == "ok"
    assert second.tree_id == back_up(make_repository(), tmp_path / "tree").tree_id
    found = read_back(repository, second)[b"/site/big"]
    assert found.data == (tmp_path / "tree" / "big").read_bytes()


def open_by_tools(host: SshHost, path: Path) -> AbstractContextManager[RemoteTree]:
    return open_tool_tree(host, os.fsencode(path), one_file_system=True)


def open_by_sftp(host: SshHost, path: Path) -> AbstractContextManager[RemoteTree]:
    return open_sftp_tree(host, os.fsencode(path))


@pytest.mark.parametrize("opened", [open_by_tools, open_by_sftp])
def test_no_other_way_of_reading_passes(
    host: SshHost,
    tmp_path: Path,
    opened: Callable[[SshHost, Path], AbstractContextManager[RemoteTree]],
) -> None:
    """The gate itself needs Python, so where it stands the tools are never asked for."""
    with pytest.raises(SourceError), opened(host, tmp_path):
        pass
