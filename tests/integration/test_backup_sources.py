"""Sources as they are in real life: files that change under the reader, vanish, or may not be read.

Everything is real: files, permissions, processes. To change a file at the right moment, the tests
use the two seams that are called then: the test of exclusion, which comes between looking at a
file and reading it, and the progress, which hears of every piece of a large file.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from backup.archiver.create import create_snapshot
from backup.archiver.request import BackupRequest, Mount
from backup.errors import ObjectNotFoundError, RepositoryLockedError, SourceError
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.sources.local.read import read_files
from backup.sources.source import FolderSource, StreamSource, TextSource, open_command
from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from tests.backing_up import (
    CallingProgress,
    ShiftedClock,
    back_up,
    back_up_mounts,
    make_repository,
    read_back,
)

MIB = 1 << 20
ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    for name in ("a", "m", "z"):
        (folder / name).write_bytes(name.encode() * 100)
    return folder


@pytest.fixture
def repository() -> Repository:
    return make_repository()


def just_before_reading(name: bytes, act: Callable[[], object]) -> Callable[..., bool]:
    """Act once the entry `name` was looked at; excludes nothing."""

    def is_excluded(path: bytes, _status: os.stat_result) -> bool:
        if path.endswith(b"/" + name):
            act()
        return False

    return is_excluded


# Files that change between the look and the reading, and while they are read ----------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"x" * 100, b"longer " * 100),
        (b"x" * 100, b"short"),
        (b"x" * 100, b""),
        (b"", b"no longer empty"),
        (b"x" * 100, b"y" * (2 * MIB)),
        (b"x" * (2 * MIB), b"short"),
        (b"x" * (2 * MIB), b""),
    ],
)
def test_a_file_that_got_another_size_is_saved_as_it_is_now(
    repository: Repository, site: Path, before: bytes, after: bytes
) -> None:
    (site / "m").write_bytes(before)
    change = just_before_reading(b"m", lambda: (site / "m").write_bytes(after))

    result = back_up(repository, site, is_excluded=change)

    saved = read_back(repository, result)[b"/site/m"]
    assert saved.data == after
    assert saved.node.size == len(after)
    assert result.outcome == "ok"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_small_file_grown_huge_does_not_mix_with_a_stream_beside_it(
    tmp_path: Path, workers: int
) -> None:
    """Its answer arrives while another file is being cut; both go through the same buffers."""
    site = tmp_path / "site"
    site.mkdir()
    huge, stream = os.urandom(11 * MIB), os.urandom(40 * MIB)
    for number in range(300):
        (site / f"a{number:03}").write_bytes(b"%d" % number)
    (site / "b-stream").write_bytes(stream)
    grow = just_before_reading(b"b-stream", lambda: (site / "a100").write_bytes(huge))
    repository = make_repository(FolderStore(tmp_path / "repository"))

    result = back_up(repository, site, is_excluded=grow, workers=workers)

    saved = read_back(repository, result)
    assert saved[b"/site/a100"].data == huge
    assert saved[b"/site/b-stream"].data == stream
    assert saved[b"/site/a299"].data == b"299"
    assert result.outcome == "ok"


@pytest.mark.parametrize("change", ["grow", "shrink"])
def test_a_large_file_that_changes_while_it_is_read_is_saved_with_the_size_that_was_read(
    repository: Repository, site: Path, change: str
) -> None:
    path = site / "m"
    path.write_bytes(os.urandom(40 * MIB))

    def act(total: int) -> None:
        if 0 < total <= 16 * MIB:
            os.truncate(path, 20 * MIB if change == "shrink" else 41 * MIB)

    result = back_up(repository, site, progress=CallingProgress(act))

    saved = read_back(repository, result)[b"/site/m"]
    assert saved.data == path.read_bytes()
    assert saved.node.size == len(saved.data) == (20 if change == "shrink" else 41) * MIB
    assert result.outcome == "ok"


def test_a_changed_file_is_read_again_by_the_next_run(repository: Repository, site: Path) -> None:
    change = just_before_reading(b"m", lambda: (site / "m").write_bytes(b"in between"))
    back_up(repository, site, is_excluded=change)
    result = back_up(repository, site)
    assert result.summary["files_changed"] == 1
    assert read_back(repository, result)[b"/site/m"].data == b"in between"


@pytest.mark.parametrize("size", [100, 2 * MIB])
def test_a_file_that_vanished_is_reported_and_the_rest_is_saved(
    repository: Repository, site: Path, size: int
) -> None:
    (site / "m").write_bytes(b"x" * size)
    vanish = just_before_reading(b"m", (site / "m").unlink)

    result = back_up(repository, site, is_excluded=vanish)

    assert result.outcome == "incomplete"
    assert [(error.path, error.during) for error in result.errors] == [
        (os.fsencode(site / "m"), "archival")
    ]
    assert set(read_back(repository, result)) == {b"/site", b"/site/a", b"/site/z"}


def test_a_folder_that_vanished_is_reported_and_the_rest_is_saved(
    repository: Repository, site: Path
) -> None:
    (site / "folder").mkdir()
    vanish = just_before_reading(b"folder", (site / "folder").rmdir)
    result = back_up(repository, site, is_excluded=vanish)
    assert [error.path for error in result.errors] == [os.fsencode(site / "folder")]
    assert b"/site/z" in read_back(repository, result)


def test_the_source_itself_may_vanish_while_it_is_read(repository: Repository, site: Path) -> None:
    def vanish() -> None:
        for name in "amz":
            (site / name).unlink()
        site.rmdir()

    result = back_up(repository, site, is_excluded=just_before_reading(b"z", vanish))

    assert result.outcome == "incomplete"
    assert {os.fsencode(site / name) for name in "amz"} <= {it.path for it in result.errors}


@pytest.mark.parametrize("size", [0, 100, 2 * MIB])
@pytest.mark.parametrize("kind", ["pipe", "link", "device", "folder"])
def test_what_took_a_files_place_is_never_read(
    repository: Repository, site: Path, size: int, kind: str
) -> None:
    path = site / "m"
    path.write_bytes(b"x" * size)

    def replace() -> None:
        path.unlink()
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "link":
            path.symlink_to("/dev/zero")
        elif kind == "folder":
            path.mkdir()
        elif os.geteuid() == 0:
            os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero never ends
        else:
            os.mkfifo(path)

    result = back_up(repository, site, is_excluded=just_before_reading(b"m", replace))

    saved = read_back(repository, result)
    assert saved[b"/site/z"].data == b"z" * 100
    if (kind, size) == ("pipe", 0):
        return  # an empty file and a pipe nobody writes to look the same
    assert [error.path for error in result.errors] == [os.fsencode(path)]
    assert b"/site/m" not in saved


def test_a_pipe_that_somebody_keeps_filling_is_not_read(repository: Repository, site: Path) -> None:
    path = site / "m"
    path.write_bytes(b"x" * 2 * MIB)
    ends: list[int] = []

    def replace() -> None:
        path.unlink()
        os.mkfifo(path)
        ends.append(os.open(path, os.O_RDWR))
        os.write(ends[0], b"endless " * 1000)

    result = back_up(repository, site, is_excluded=just_before_reading(b"m", replace))
    os.close(ends[0])
    assert [error.path for error in result.errors] == [os.fsencode(path)]


def test_two_names_of_one_file_share_its_content_and_its_failure(
    repository: Repository, site: Path
) -> None:
    for number, size in enumerate((10, 2 * MIB)):
        below = site / f"folder{number}"
        below.mkdir()
        (site / f"linked{number}").write_bytes(os.urandom(size))
        for name in ("b", "c"):
            (below / name).hardlink_to(site / f"linked{number}")
    (site / "zz").mkdir()
    (site / "zz" / "again").hardlink_to(site / "linked1")
    saved = read_back(repository, back_up(repository, site))
    assert saved[b"/site/zz/again"].data == (site / "linked1").read_bytes()
    assert saved[b"/site/folder0/b"].data == (site / "linked0").read_bytes()

    gone = just_before_reading(b"folder0", lambda: None)
    assert back_up(repository, site, is_excluded=gone, force=True).outcome == "ok"


# Things that are no files -------------------------------------------------------------------------


def test_pipes_are_saved_without_waiting_and_sockets_are_left_out(
    repository: Repository, site: Path
) -> None:
    import socket

    os.mkfifo(site / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        descriptor = os.open(site, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{descriptor}/socket")
        os.close(descriptor)
        result = back_up(repository, site)
    saved = read_back(repository, result)
    assert saved[b"/site/pipe"].node.type == "fifo"
    assert b"/site/socket" not in saved
    assert result.outcome == "ok"


def test_a_single_file_is_kept_when_nothing_changed(repository: Repository, site: Path) -> None:
    first = back_up(repository, site / "m")
    assert first.summary["files_new"] == 1
    mounts = [Mount(b"/m", FolderSource(os.fsencode(site / "m")))]
    back_up_mounts(repository, mounts)
    again = back_up_mounts(repository, mounts)
    assert again.summary["files_unmodified"] == 1
    assert read_back(repository, again)[b"/m"].data == b"m" * 100


def test_a_file_mounted_under_the_name_of_its_neighbour_is_not_taken_for_it(
    repository: Repository, site: Path
) -> None:
    mounts = [
        Mount(b"/z", FolderSource(os.fsencode(site / "m"))),
        Mount(b"/m", FolderSource(os.fsencode(site / "z"))),
    ]
    for _ in range(2):
        saved = read_back(repository, back_up_mounts(repository, mounts))
        assert saved[b"/z"].data == b"m" * 100
        assert saved[b"/m"].data == b"z" * 100


# Sizes --------------------------------------------------------------------------------------------


def test_folders_far_deeper_than_a_path_can_be(tmp_path: Path) -> None:
    depth = 2_500
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "link").symlink_to(site)
    descriptor = os.open(site, os.O_RDONLY)
    for number in range(depth):
        os.mkdir(b"d%d" % number, dir_fd=descriptor)
        below = os.open(b"d%d" % number, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
        if number % 500 == 499:
            file = os.open(b"file", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=descriptor)
            os.write(file, b"%d" % number)
            os.close(file)
    os.close(descriptor)
    repository = make_repository()

    first = back_up(repository, tmp_path / "link" / "d0")
    again = back_up(repository, tmp_path / "link" / "d0")

    assert (first.outcome, again.outcome) == ("ok", "ok")
    saved = read_back(repository, first)
    assert sum(entry.node.type == "dir" for entry in saved.values()) == depth
    assert sorted(entry.data for entry in saved.values() if entry.data) == sorted(
        b"%d" % number for number in range(499, depth, 500)
    )
    assert again.tree_id == first.tree_id
    assert again.summary["files_unmodified"] == 5
    subprocess.run(["rm", "-rf", "--", site], check=True)


@pytest.mark.slow
def test_a_folder_of_100_000_entries(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    descriptor = os.open(site, os.O_RDONLY)
    for number in range(100_000):
        file = os.open(b"%06d" % number, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=descriptor)
        if number % 1000 == 0:
            os.write(file, b"%d" % number)
        os.close(file)
    os.close(descriptor)
    repository = make_repository(FolderStore(tmp_path / "repository"))

    first = back_up(repository, site, workers=2)
    again = back_up(repository, site, workers=2)

    assert first.summary["files_new"] == again.summary["files_unmodified"] == 100_000
    assert first.tree_id == again.tree_id
    saved = read_back(repository, first)
    assert len(saved) == 100_001
    assert saved[b"/site/099000"].data == b"99000"


# What may not be read -----------------------------------------------------------------------------


_AS_NOBODY = """
import importlib, os, pkgutil, sys
sys.path.insert(0, {root!r})
import backup, tests.backing_up as backing_up
for module in pkgutil.walk_packages(backup.__path__, "backup."):
    if not module.name.endswith(("__main__", "processes")):
        importlib.import_module(module.name)
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
repository = backing_up.make_repository()
result = backing_up.back_up(repository, {site!r})
for error in result.errors:
    print(os.path.relpath(error.path, {site!r}.encode()).decode(), error.during, error.errno)
saved = backing_up.read_back(repository, result)
print(result.outcome, *sorted(os.fsdecode(path) for path in saved))
"""


def test_what_may_not_be_read_is_reported_and_the_rest_is_saved(tmp_path: Path) -> None:
    """As a user who is not root; the parent folders of a test's own are closed to others."""
    site = tmp_path / "site"
    site.mkdir()
    for folder in (tmp_path, *tmp_path.parents):
        with suppress(PermissionError):
            if folder.is_relative_to("/tmp/") and folder != Path("/tmp"):  # noqa: S108 -- where pytest keeps its folders
                folder.chmod(0o755)
    for name in ("a-secret", "b-open"):
        (site / name).write_text(name)
    (site / "a-secret").chmod(0)
    for name in ("c-closed", "d-no-entry", "e-no-list"):
        (site / name).mkdir()
        (site / name / "file").touch()
        (site / name / "other").touch()
    modes = {"c-closed": 0, "d-no-entry": 0o744, "e-no-list": 0o711}
    for name, mode in modes.items():
        (site / name).chmod(mode if os.geteuid() == 0 else mode & 0o700 & (mode << 6))

    script = _AS_NOBODY.format(root=str(ROOT), site=str(site))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    *errors, outcome = done.stdout.splitlines()
    assert errors == [
        "c-closed scan 13",
        "d-no-entry/file scan 13",
        "d-no-entry/other scan 13",
        "e-no-list scan 13",
        "a-secret archival 13",
    ]
    assert outcome == "incomplete /site /site/b-open /site/d-no-entry"


# What is read again -------------------------------------------------------------------------------


def test_a_file_changed_in_the_seconds_before_a_scan_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's clock ticks in milliseconds: a second change may leave no trace at all.

    Here the trace is wiped on purpose: another content, the same size, times and inode. Nobody but
    root could do so to the change time; what is tested is that such a file is read, not compared.
    """
    site = tmp_path / "site"
    site.mkdir()
    (site / "m").write_bytes(b"before")
    repository = make_repository(cache_dir=tmp_path / "cache", trusting=False)
    back_up(repository, site)

    read: list[object] = []

    def spy(folder: bytes, files: Sequence[tuple[bytes, int]]) -> object:
        read.extend(files)
        return read_files(folder, files)

    monkeypatch.setattr("backup.archiver.worker.read_files", spy)
    again = back_up(repository, site)

    assert read == [(b"m", 6)]
    assert again.summary["files_unmodified"] == 1  # for it is the same after all


@pytest.mark.slow
def test_a_file_unchanged_for_longer_is_not_read_again(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "m").write_bytes(b"before")
    time.sleep(2.2)
    repository = make_repository(cache_dir=tmp_path / "cache", trusting=False)
    back_up(repository, site)
    assert back_up(repository, site).summary["files_unmodified"] == 1


def test_a_clock_that_jumped_back_makes_files_be_read_not_trusted(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "m").write_bytes(b"before")
    repository = make_repository(trusting=False)
    clock = repository.clock
    assert isinstance(clock, ShiftedClock)
    back_up(repository, site)
    clock.shift = -timedelta(days=1)
    result = back_up(repository, site)
    assert result.summary["files_new"] == 1  # its own earlier snapshot lies in the future
    clock.shift = timedelta(hours=1)
    assert read_back(repository, back_up(repository, site))[b"/site/m"].data == b"before"


def test_access_times_are_new_in_every_snapshot_that_wants_them(tmp_path: Path, site: Path) -> None:
    repository = make_repository(cache_dir=tmp_path / "cache")
    mount = Mount(b"/site", FolderSource(os.fsencode(site), with_atime=True))
    mtime = (site / "m").stat().st_mtime_ns
    for atime in (10**18, 11 * 10**17):
        os.utime(site / "m", ns=(atime, mtime))
        saved = read_back(repository, back_up_mounts(repository, [mount]))
        assert saved[b"/site/m"].node.atime == atime


def age(folder: Path) -> None:
    """Let the change times get old enough for the scan cache."""
    newest = max(path.lstat().st_ctime for path in [folder, *folder.rglob("*")])
    time.sleep(max(0.0, newest + 2.1 - time.time()))


@pytest.mark.slow
def test_the_scan_cache_serves_the_unchanged_and_nothing_else(tmp_path: Path, site: Path) -> None:
    (site / "folder").mkdir()
    (site / "folder" / "file").write_bytes(b"below")
    age(site)
    repository = make_repository(cache_dir=tmp_path / "cache")
    first = back_up(repository, site)
    unchanged = back_up(repository, site)
    assert unchanged.tree_id == first.tree_id
    assert unchanged.summary["files_unmodified"] == 4
    assert unchanged.summary["data_added"] == 0

    (site / "folder" / "file").write_bytes(b"BELOW")
    changed = back_up(repository, site)
    assert read_back(repository, changed)[b"/site/folder/file"].data == b"BELOW"
    assert changed.summary["files_unmodified"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["an index file", "all index files"])
def test_a_lost_index_file_makes_the_next_run_store_again(
    tmp_path: Path, site: Path, lost: str
) -> None:
    age(site)
    store = MemoryStore()
    repository = make_repository(store, cache_dir=tmp_path / "cache")
    back_up(repository, site)
    first = repository.list_files("index")
    (site / "later").write_bytes(b"later")
    back_up(repository, site)
    for file_id in first if lost == "an index file" else repository.list_files("index"):
        store.delete(f"index/{file_id}")

    result = back_up(repository, site)

    saved = read_back(repository, result)
    assert {path for path, entry in saved.items() if entry.data} == {
        b"/site/a", b"/site/later", b"/site/m", b"/site/z"
    }  # fmt: skip


def test_a_damaged_previous_tree_is_no_obstacle(repository: Repository, site: Path) -> None:
    first = back_up(repository, site)
    store = repository.store
    assert isinstance(store, MemoryStore)
    index = repository.load_index()
    place = index.find(first.tree_id)
    assert place is not None
    from backup.format.pack import pack_key

    key = pack_key(place.pack)
    store.replace(key, bytes(store.size(key)))

    result = back_up(repository, site)

    assert result.summary["files_new"] == 3
    assert result.outcome == "ok"


# Streams and the order of things ------------------------------------------------------------------


def test_the_manifest_is_made_after_everything_else_was_read(
    repository: Repository, site: Path
) -> None:
    order: list[str] = []

    def dump() -> bytes:
        order.append("database")
        return b"rows " * 300_000

    def look(_path: bytes, _status: os.stat_result) -> bool:
        order.append("files")
        return False

    mounts = [
        Mount(b"/cong/databases/db.sqlite", TextSource(dump)),
        Mount(b"/cong/files/www", FolderSource(os.fsencode(site), is_excluded=look)),
        Mount(b"/cong/manifest.json", TextSource(lambda: ",".join(order).encode())),
    ]
    result = back_up_mounts(repository, mounts)

    saved = read_back(repository, result)
    assert saved[b"/cong/manifest.json"].data == b"database,files,files,files"
    assert saved[b"/cong/databases/db.sqlite"].data == b"rows " * 300_000
    assert [report.at for report in result.mounts] == [mount.at for mount in mounts]
    assert [report.files for report in result.mounts] == [1, 3, 1]
    assert result.mounts[0].ended_at <= result.mounts[1].started_at
    assert saved[b"/cong/files"].node.type == "dir"


@pytest.mark.parametrize(("command", "data"), [("exit 0", b""), ("printf xin", b"xin")])
def test_what_a_command_prints_becomes_a_file(
    repository: Repository, command: str, data: bytes
) -> None:
    source = StreamSource(lambda: open_command(["sh", "-c", command]))
    result = back_up_mounts(repository, [Mount(b"/dump.sql", source)])
    assert read_back(repository, result)[b"/dump.sql"].data == data


@pytest.mark.parametrize("command", ["printf half; exit 3", "printf half; kill -9 $$"])
def test_a_failed_command_makes_no_snapshot_and_what_was_stored_is_kept(
    repository: Repository, site: Path, command: str
) -> None:
    (site / "m").write_bytes(os.urandom(20 * MIB))
    mounts = [
        Mount(b"/site", FolderSource(os.fsencode(site))),
        Mount(b"/dump.sql", StreamSource(lambda: open_command(["sh", "-c", command]))),
    ]
    with pytest.raises(SourceError):
        back_up_mounts(repository, mounts)
    assert repository.load_snapshots() == []
    added = back_up(repository, site).summary["data_added"]
    assert isinstance(added, int)
    assert added < MIB


# Interruptions ------------------------------------------------------------------------------------


def stop_at(limit: int) -> CallingProgress:
    def act(total: int) -> None:
        if total >= limit:
            raise KeyboardInterrupt

    return CallingProgress(act)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupted_backup_goes_on_where_it_was(
    tmp_path: Path, site: Path, workers: int
) -> None:
    for number in range(6):
        (site / f"large{number}").write_bytes(os.urandom(8 * MIB))
    repository = make_repository(FolderStore(tmp_path / "repository"))
    with pytest.raises(KeyboardInterrupt):
        back_up(repository, site, progress=stop_at(40 * MIB), workers=workers)
    assert repository.load_snapshots() == []

    result = back_up(repository, site, workers=workers)

    added = result.summary["data_added"]
    assert isinstance(added, int)
    assert added < 30 * MIB
    assert read_back(repository, result)[b"/site/large5"].data == (site / "large5").read_bytes()


def test_a_long_stream_is_indexed_every_other_minute(tmp_path: Path) -> None:
    store = MemoryStore()
    repository = make_repository(store)
    clock = repository.clock
    assert isinstance(clock, ShiftedClock)
    site = tmp_path / "dump"
    site.write_bytes(os.urandom(120 * MIB))
    seen: list[int] = []

    def act(_total: int) -> None:
        clock.passed += timedelta(seconds=61)
        seen.append(len(repository.list_files("index")))

    back_up(repository, site, progress=CallingProgress(act))
    assert max(seen) >= 2, "nothing was indexed before the end"


_RUN = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from backup.repository.repository import Repository
from backup.stores.folder import FolderStore
from backup.commands.main import main
sys.exit(main(["-r", {repository!r}, "--password-file", {password!r}, "--cache-dir", {cache!r},
               "backup", {site!r}]))
"""


@pytest.fixture(scope="module")
def large_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of 360 MiB: 22 packs, so that a signal finds a backup at work."""
    folder = tmp_path_factory.mktemp("large") / "site"
    folder.mkdir()
    for count in range(90):
        (folder / f"large{count}").write_bytes(os.urandom(4 * MIB))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_process_stopped_by_a_signal_leaves_what_the_next_one_can_use(
    tmp_path: Path, large_site: Path, number: signal.Signals
) -> None:
    store = FolderStore(tmp_path / "repository")
    Repository.init(store, b"secret")
    (tmp_path / "password").write_text("secret")
    script = _RUN.format(
        root=str(ROOT),
        repository=str(tmp_path / "repository"),
        password=str(tmp_path / "password"),
        cache=str(tmp_path / "cache"),
        site=str(large_site),
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
    while sum(1 for _ in store.list("data")) < 6:
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.01)
    process.send_signal(number)
    code = process.wait(timeout=60)
    assert process.stderr is not None
    words = process.stderr.read().decode()
    process.stderr.close()

    repository = Repository.open(store, b"secret")
    assert repository.list_files("snapshots") == []
    assert "Traceback" not in words
    if number == signal.SIGKILL:
        assert code == -signal.SIGKILL
        assert len(repository.list_files("locks")) == 1
    else:
        assert code == 130
        assert repository.list_files("locks") == []
        assert len(repository.load_index()) > 50
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert repository.list_files("locks") == []
    stored = sum(info.size for info in store.list("data"))
    # What was stored before the signal is used again; only a kill leaves packs nobody knows of.
    assert stored < (540 if number == signal.SIGKILL else 400) * MIB


# The lock -----------------------------------------------------------------------------------------


def test_a_writer_whose_lock_was_removed_writes_neither_index_nor_snapshot(
    repository: Repository, site: Path
) -> None:
    store = repository.store

    def remove(_path: bytes, _status: os.stat_result) -> bool:
        for info in list(store.list("locks")):
            with suppress(ObjectNotFoundError):
                store.delete(info.key)
        return False

    with pytest.raises(RepositoryLockedError):
        back_up(repository, site, is_excluded=remove)
    assert list(store.list("snapshots")) == []
    assert list(store.list("index")) == []


def test_two_backups_at_once_do_not_disturb_each_other(tmp_path: Path, site: Path) -> None:
    store = FolderStore(tmp_path / "repository")
    one = make_repository(store)
    other = one.twin()
    failures: list[BaseException] = []

    def run(repository: Repository, host: str) -> None:
        try:
            request = BackupRequest(
                [Mount(b"/site", FolderSource(os.fsencode(site)))],
                hostname=host,
                paths=("/site",),
                time=repository.clock.now(),
                workers=0,
            )
            with hold_lock(repository) as lock:
                create_snapshot(repository, request, lock=lock)
        except BaseException as error:  # noqa: BLE001 -- told to the test's own thread
            failures.append(error)

    threads = [
        threading.Thread(target=run, args=(repository, host))
        for repository, host in ((one, "one"), (other, "other"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert {it.hostname for it in one.load_snapshots()} == {"one", "other"}
    assert len({it.tree for it in one.load_snapshots()}) == 1
