"""Restore: all that a tree holds comes back, nothing wrong is written, nothing outside is hurt."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from backup.errors import BackupError
from backup.patterns.patterns import compile_patterns
from backup.repository.index import Index
from backup.repository.repository import Repository
from backup.restorer.restore import RestoreRequest, restore_snapshot
from backup.restorer.workers import Seats, start_early
from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from tests.restic_oracle import PASSWORD, OracleRepository, create_oracle_repository
from tests.trees import Kinds, build_hostile_tree, build_sparse_file, describe_tree, differences

pytestmark = pytest.mark.usefixtures("both_ways")


def _back_up(folder: Path, *paths: Path | str, cwd: Path | None = None) -> OracleRepository:
    oracle = create_oracle_repository(folder)
    done = oracle.run("backup", "-q", *map(str, paths), cwd=cwd)
    assert done.returncode == 0, done.stderr
    return oracle


def _open(folder: Path) -> tuple[Repository, bytes]:
    repository = Repository.open(FolderStore(folder), PASSWORD.encode())
    return repository, repository.load_snapshots()[-1].tree


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_hostile_tree_of_restic_comes_back_identical(
    tmp_path: Path, workers: int, sparse: bool
) -> None:
    build_hostile_tree(tmp_path / "tree", Kinds(sockets=False, deep=False))
    before = describe_tree(tmp_path / "tree", with_root=True)
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")

    request = RestoreRequest(
        os.fsencode(tmp_path / "out"), workers=workers, sparse=sparse, verify=True
    )
    result = restore_snapshot(repository, tree, request)

    assert result.failures == ()
    assert result.entries == result.restored == len(before)
    assert result.verified == sum(
        1
        for path, row in before.items()
        if row["type"] == stat.S_IFREG and row.get("same_as", path) == path
    )
    assert differences(before, describe_tree(tmp_path / "out" / "tree", with_root=True)) == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tree"]


def test_workers_that_were_started_early_write_the_same(tmp_path: Path) -> None:
    build_hostile_tree(tmp_path / "tree", Kinds(sockets=False, deep=False))
    before = describe_tree(tmp_path / "tree", with_root=True)
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")

    with closing(Seats([("local", {"location": str(tmp_path / "repo")})] * 2)) as seats:
        result = restore_snapshot(
            repository, tree, RestoreRequest(os.fsencode(tmp_path / "out")), seats=seats
        )

    assert result.failures == ()
    assert result.entries == result.restored == len(before)
    assert differences(before, describe_tree(tmp_path / "out" / "tree", with_root=True)) == []


def test_workers_are_started_early_for_large_repositories_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(os.urandom(1 << 20))
    _back_up(tmp_path / "repo", "file", cwd=tmp_path)
    store = FolderStore(tmp_path / "repo")

    assert start_early(store) is None
    assert start_early(FolderStore(tmp_path / "nothing")) is None
    monkeypatch.setattr("backup.restorer.workers.MUCH", 1 << 20)
    assert start_early(MemoryStore({"data/00/00": bytes(2 << 20)})) is None
    seats = start_early(store)
    assert seats is not None
    seats.close()
    seats.close()


def test_a_target_that_another_folder_replaced_is_not_written_by_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"content")
    _back_up(tmp_path / "repo", "file", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")

    with closing(Seats([("local", {"location": str(tmp_path / "repo")})])) as seats:
        target = tmp_path / "out"
        target.mkdir()
        request = RestoreRequest(os.fsencode(target))
        load_index = repository.load_index

        def load_and_replace() -> Index:
            target.rename(tmp_path / "aside")
            target.mkdir()
            return load_index()

        monkeypatch.setattr(repository, "load_index", load_and_replace)
        with pytest.raises(BackupError, match="cannot restore into"):
            restore_snapshot(repository, tree, request, seats=seats)

    assert list((tmp_path / "out").iterdir()) == []


def test_a_second_restore_changes_nothing_and_heals_what_was_changed(tmp_path: Path) -> None:
    build_hostile_tree(tmp_path / "tree", Kinds(sockets=False, deep=False))
    before = describe_tree(tmp_path / "tree", with_root=True)
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")
    out = tmp_path / "out" / "tree"
    request = RestoreRequest(os.fsencode(tmp_path / "out"), workers=2)
    restore_snapshot(repository, tree, request)
    inode = (out / "files" / "small").stat().st_ino
    # The same length and time, so that only reading finds it.
    large = (out / "files" / "large").stat()
    with (out / "files" / "large").open("r+b") as file:
        file.seek(12_000_000)
        file.write(b"changed")
    os.utime(out / "files" / "large", ns=(large.st_atime_ns, large.st_mtime_ns))
    (out / "modes" / "file-0755").chmod(0o600)
    os.setxattr(out / "files" / "twin", "user.stray", b"1")
    (out / "links" / "dangling").unlink()
    (out / "links" / "dangling").write_text("a file in its place")

    result = restore_snapshot(repository, tree, request)

    assert result.failures == ()
    assert differences(before, describe_tree(out, with_root=True)) == []
    assert (out / "files" / "small").stat().st_ino == inode


def test_what_is_in_the_way_gives_way(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "file").write_text("inside")
    (source / "file").write_text("content")
    (source / "link").symlink_to("file")
    before = describe_tree(source, with_root=True)
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")
    out = tmp_path / "out" / "tree"
    out.mkdir(parents=True)
    (out / "folder").write_text("a file where a folder goes")
    (out / "file").mkdir()
    (out / "link").write_text("a file where a link goes")

    result = restore_snapshot(repository, tree, RestoreRequest(os.fsencode(tmp_path / "out")))

    assert result.failures == ()
    assert differences(before, describe_tree(out, with_root=True)) == []


def test_a_full_folder_gives_way_to_a_file_only_where_deleting_was_asked(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    source.mkdir()
    (source / "file").write_text("content")
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")
    full = tmp_path / "out" / "tree" / "file"
    full.mkdir(parents=True)
    (full / "precious").write_text("precious")
    request = RestoreRequest(os.fsencode(tmp_path / "out"))

    result = restore_snapshot(repository, tree, request)

    assert [failure.path for failure in result.failures] == [b"/tree/file"]
    assert result.exit_code == 1
    assert (full / "precious").read_text() == "precious"

    request = RestoreRequest(os.fsencode(tmp_path / "out"), delete=True)
    assert restore_snapshot(repository, tree, request).failures == ()
    assert full.read_text() == "content"


# Links that lead out of the target ---------------------------------------------------------------


def test_a_prepared_target_cannot_lead_outside(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    (source / "folder" / "inner").mkdir(parents=True)
    (source / "folder" / "file").write_text("from the snapshot")
    (source / "folder" / "inner" / "file").write_text("from the snapshot")
    (source / "plain").write_text("from the snapshot")
    before = describe_tree(source, with_root=True)
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("untouched")
    (outside / "plain").write_text("from the snapshot")  # the very bytes that are restored
    untouched = describe_tree(outside, with_root=True)
    out = tmp_path / "out" / "tree"
    out.mkdir(parents=True)
    (out / "folder").symlink_to(outside)
    (out / "plain").symlink_to(outside / "plain")

    result = restore_snapshot(
        repository, tree, RestoreRequest(os.fsencode(tmp_path / "out"), delete=True)
    )

    assert result.failures == ()
    assert differences(untouched, describe_tree(outside, with_root=True)) == []
    assert differences(before, describe_tree(out, with_root=True)) == []


def test_a_link_in_the_way_that_must_stay_blocks_its_folder_alone(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "file").write_text("from the snapshot")
    (source / "other").write_text("from the snapshot")
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "out" / "tree"
    out.mkdir(parents=True)
    (out / "folder").symlink_to(outside)

    request = RestoreRequest(os.fsencode(tmp_path / "out"), overwrite="never")
    result = restore_snapshot(repository, tree, request)

    assert [failure.path for failure in result.failures] == [b"/tree/folder"]
    assert list(outside.iterdir()) == []
    assert (out / "folder").is_symlink()
    assert (out / "other").read_text() == "from the snapshot"


def test_a_file_with_another_name_outside_is_not_changed_in_place(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    source.mkdir()
    (source / "file").write_text("new content")
    (source / "file").chmod(0o640)
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")
    out = tmp_path / "out" / "tree"
    out.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.write_text("new content")  # even where its bytes are right already
    outside.chmod(0o604)
    os.link(outside, out / "file")

    result = restore_snapshot(repository, tree, RestoreRequest(os.fsencode(tmp_path / "out")))

    assert result.failures == ()
    assert stat.S_IMODE((out / "file").stat().st_mode) == 0o640
    assert stat.S_IMODE(outside.stat().st_mode) == 0o604


def test_a_default_access_list_of_the_target_is_not_handed_down(tmp_path: Path) -> None:
    from tests.trees import NAMED_USER_ACL

    source = tmp_path / "tree"
    (source / "folder").mkdir(parents=True)
    (source / "folder" / "file").write_text("content")
    (source / "folder" / "file").chmod(0o600)
    before = describe_tree(source, with_root=True)
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")
    (tmp_path / "out").mkdir()
    os.setxattr(tmp_path / "out", "system.posix_acl_default", NAMED_USER_ACL)

    result = restore_snapshot(repository, tree, RestoreRequest(os.fsencode(tmp_path / "out")))

    assert result.failures == ()
    assert differences(before, describe_tree(tmp_path / "out" / "tree", with_root=True)) == []


# Choosing, overwriting, deleting -----------------------------------------------------------------


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of a small portal; tests only read it."""
    root = tmp_path_factory.mktemp("portal")
    source = root / "www"
    for path in ("index.php", "media/a.jpg", "media/b.txt", "cache/x.tmp", "deep/er/c.txt"):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(path)
        os.utime(source / path, ns=(10**18, 10**18))
    _back_up(root / "repo", "www", cwd=root)
    return root / "repo"


def _names(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*")}


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["b.*", "c.txt"], [], {"www", "www/media", "www/media/b.txt", "www/deep", "www/deep/er",
                                "www/deep/er/c.txt"}),
        (["/www/media"], [], {"www", "www/media", "www/media/a.jpg", "www/media/b.txt"}),
        (["/www/media"], ["*.jpg"], {"www", "www/media", "www/media/b.txt"}),
        ([], ["/www/media", "er", "*.tmp"], {"www", "www/index.php", "www/cache", "www/deep"}),
        (["/nothing"], [], set()),
    ],
)  # fmt: skip
def test_patterns_choose(
    tmp_path: Path, portal: Path, include: list[str], exclude: list[str], expected: set[str]
) -> None:
    repository, tree = _open(portal)
    request = RestoreRequest(
        os.fsencode(tmp_path / "out"),
        include=compile_patterns(include) if include else None,
        exclude=compile_patterns(exclude) if exclude else None,
        workers=0,
    )

    result = restore_snapshot(repository, tree, request)

    assert result.failures == ()
    assert _names(tmp_path / "out") == expected


def test_a_subfolder_becomes_the_target(tmp_path: Path, portal: Path) -> None:
    repository, tree = _open(portal)
    request = RestoreRequest(
        os.fsencode(tmp_path / "out"),
        subfolder=b"/www/deep",
        include=compile_patterns(["/er/c.txt"]),
        workers=0,
    )

    restore_snapshot(repository, tree, request)

    assert _names(tmp_path / "out") == {"er", "er/c.txt"}


@pytest.mark.parametrize(
    ("overwrite", "expected"),
    [
        ("always", {"older": "snapshot", "newer": "snapshot", "same-stamp": "snapshot"}),
        ("if-changed", {"older": "snapshot", "newer": "snapshot", "same-stamp": "tampered"}),
        ("if-newer", {"older": "snapshot", "newer": "tampered", "same-stamp": "tampered"}),
        ("never", {"older": "tampered", "newer": "tampered", "same-stamp": "tampered"}),
    ],
)
def test_overwrite_decides_about_files_that_are_there(
    tmp_path: Path, overwrite: str, expected: dict[str, str]
) -> None:
    source = tmp_path / "www"
    source.mkdir()
    for name in expected:
        (source / name).write_text("snapshot")
        os.utime(source / name, ns=(10**18, 10**18))
    _back_up(tmp_path / "repo", "www", cwd=tmp_path)
    out = tmp_path / "out" / "www"
    out.mkdir(parents=True)
    for name, when in (("older", 10**18 - 1), ("newer", 10**18 + 1), ("same-stamp", 10**18)):
        (out / name).write_text("tampered")
        os.utime(out / name, ns=(when, when))

    repository, tree = _open(tmp_path / "repo")
    request = RestoreRequest(os.fsencode(tmp_path / "out"), overwrite=overwrite, workers=0)  # type: ignore[arg-type]  # the table's column
    result = restore_snapshot(repository, tree, request)

    assert result.failures == ()
    assert {name: (out / name).read_text() for name in expected} == expected


@pytest.mark.parametrize(
    ("exclude", "kept"),
    [([], set()), (["*.keep"], {"www/own.keep", "www/media/own.keep"})],
)
def test_delete_removes_what_the_snapshot_does_not_have(
    tmp_path: Path, portal: Path, exclude: list[str], kept: set[str]
) -> None:
    repository, tree = _open(portal)
    out = tmp_path / "out"
    plain = RestoreRequest(os.fsencode(out), workers=0)
    restore_snapshot(repository, tree, plain)
    original = _names(out)
    (out / "www" / "stray").mkdir()
    (out / "www" / "stray" / "file").write_text("stray")
    (out / "www" / "stray" / "link").symlink_to(portal)
    (out / "www" / "own.keep").write_text("own")
    (out / "www" / "media" / "own.keep").write_text("own")

    restore_snapshot(repository, tree, plain)
    assert original < _names(out)

    request = RestoreRequest(
        os.fsencode(out),
        delete=True,
        exclude=compile_patterns(exclude) if exclude else None,
        workers=0,
    )
    result = restore_snapshot(repository, tree, request)

    assert result.failures == ()
    assert _names(out) == original | kept
    assert result.deleted == 3 - len(kept)
    assert (portal / "config").exists()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_dry_run_touches_nothing(tmp_path: Path, portal: Path, workers: int) -> None:
    repository, tree = _open(portal)
    out = tmp_path / "out"
    absent = restore_snapshot(
        repository, tree, RestoreRequest(os.fsencode(out), dry_run=True, workers=workers)
    )
    assert not out.exists()
    restore_snapshot(repository, tree, RestoreRequest(os.fsencode(out), workers=0))
    (out / "www" / "index.php").write_text("tampered!")
    (out / "www" / "stray").write_text("stray")
    (out / "www" / "media" / "a.jpg").unlink()
    before = describe_tree(out)

    request = RestoreRequest(os.fsencode(out), dry_run=True, delete=True, workers=0)
    result = restore_snapshot(repository, tree, request)

    assert differences(before, describe_tree(out)) == []
    assert absent.restored == absent.entries
    assert result.deleted == 1
    assert result.restored_bytes == len("index.php") + len("media/a.jpg")


def test_zeros_become_holes_only_where_asked(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    source.mkdir()
    build_sparse_file(source / "sparse")
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    repository, tree = _open(tmp_path / "repo")

    used = {}
    for sparse in (False, True):
        out = tmp_path / f"out-{sparse}"
        request = RestoreRequest(os.fsencode(out), sparse=sparse, workers=0)
        assert restore_snapshot(repository, tree, request).failures == ()
        used[sparse] = (out / "tree" / "sparse").stat().st_blocks * 512

    assert used[False] >= 12 << 20
    assert used[True] <= 64 << 10


@contextmanager
def _without_privileges() -> Iterator[None]:
    """Be an ordinary user for a while; one that is already stays what it is."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        os.setegid(12_345)
        os.seteuid(12_345)
    try:
        yield
    finally:
        if uid == 0:
            os.seteuid(uid)
            os.setegid(gid)


def test_a_user_gets_all_but_owners(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    source.mkdir()
    (source / "file").write_text("content")
    (source / "file").chmod(0o4750)
    (source / "read-only").mkdir()
    (source / "read-only" / "inside").write_text("inside")
    (source / "read-only" / "inside").chmod(0o444)
    os.setxattr(source / "read-only" / "inside", "user.note", b"kept")
    (source / "read-only").chmod(0o555)
    before = describe_tree(source)
    _back_up(tmp_path / "repo", "tree", cwd=tmp_path)
    memory = {
        str(path.relative_to(tmp_path / "repo")): path.read_bytes()
        for path in (tmp_path / "repo").rglob("*")
        if path.is_file()
    }
    repository = Repository.open(MemoryStore(memory), PASSWORD.encode())
    tree = repository.load_snapshots()[-1].tree

    # The folders above tmp_path are root's alone.
    with TemporaryDirectory() as target:
        Path(target).chmod(0o777)
        with _without_privileges():
            user, group = os.geteuid(), os.getegid()
            request = RestoreRequest(os.fsencode(target), workers=0, verify=True)
            result = restore_snapshot(repository, tree, request)
        after = describe_tree(Path(target) / "tree")

    for row in before.values():
        row.update(uid=user, gid=group)
    before[b"file"]["mode"] = 0o750  # it would run as whoever restores
    assert result.failures == ()
    assert differences(before, after) == []
