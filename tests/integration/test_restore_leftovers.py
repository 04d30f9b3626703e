"""What a killed restore leaves goes with the next one; what a living one writes stays."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.progress import SILENT
from backup.repository.repository import Repository
from backup.restorer.large_files import LargeFile, LargeFiles
from backup.restorer.metadata import Metadata
from backup.restorer.partial_files import create_partial, remove_leftovers, temporary_name
from backup.restorer.progress import Tally
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.restorer.target_folders import Folders, list_names
from backup.stores.folder import FolderStore
from tests.restic_oracle import PASSWORD, create_oracle_repository

pytestmark = pytest.mark.usefixtures("both_ways")

_KILLED_WHILE_WRITING = """
import os, signal, sys
from backup.restorer.partial_files import create_partial
name, descriptor = create_partial(os.open(sys.argv[1], os.O_RDONLY), 0o600)
os.write(descriptor, b"half of it")
os.kill(os.getpid(), signal.SIGKILL)
"""


def _leave_behind(folder: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", _KILLED_WHILE_WRITING, folder], check=False)
    assert ended.returncode == -signal.SIGKILL


@pytest.fixture
def www(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "www").mkdir()
    descriptor = os.open(tmp_path / "www", os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_the_next_restore_removes_what_a_killed_one_left(tmp_path: Path, www: int) -> None:
    (tmp_path / "www" / "page").write_text("a page")
    repository = create_oracle_repository(tmp_path / "repo")
    assert repository.run("backup", "-q", "www", cwd=tmp_path).returncode == 0
    _leave_behind(tmp_path / "www")
    living, held = create_partial(www, 0o600)
    (tmp_path / "www" / ".giucong-mine.partial").touch()
    (tmp_path / "www" / os.fsdecode(temporary_name())).mkdir()
    assert len(list_names(www)) == 5

    opened = Repository.open(FolderStore(tmp_path / "repo"), PASSWORD.encode())
    tree = opened.load_snapshots()[-1].tree
    restore_snapshot(opened, tree, RestoreRequest(os.fsencode(tmp_path), dry_run=True))
    assert len(list_names(www)) == 5
    result = restore_snapshot(opened, tree, RestoreRequest(os.fsencode(tmp_path)))

    assert result.failures == ()
    kept = {os.fsencode(path.name) for path in (tmp_path / "www").iterdir() if path.is_file()}
    assert kept == {b"page", b".giucong-mine.partial", living}
    assert len(list_names(www)) == 4, "a folder is never one of ours"
    os.close(held)


def test_what_cannot_be_locked_goes_when_it_is_old(
    tmp_path: Path, www: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.symlink("nowhere", temporary_name(), dir_fd=www)
    (tmp_path / "page").write_text("a page")
    os.link(tmp_path / "page", tmp_path / "www" / os.fsdecode(temporary_name()))
    now = (tmp_path / "page").stat().st_ctime

    assert remove_leftovers(www, list_names(www)) == frozenset()
    monkeypatch.setattr("time.time", lambda: now + 7 * 3600)
    assert len(remove_leftovers(www, list_names(www))) == 2
    assert list_names(www) == []
    assert (tmp_path / "page").read_text() == "a page"


def test_a_large_file_is_held_until_it_has_its_name(www: int) -> None:
    files = LargeFiles(Folders(www), Tally(SILENT), sparse=True)
    metadata = Metadata(0o600, os.getuid(), os.getgid(), 1, 2, ())
    big = LargeFile(b"", b"big", 10, metadata, (), exact=False, existed=False, remaining=1)
    temporary = files.begin(big)

    assert temporary is not None
    assert re.fullmatch(rb"\.giucong-[0-9a-f]{16}\.partial", temporary)
    assert remove_leftovers(www, [temporary]) == frozenset()
    files.close()
    assert list_names(www) == []
