"""A folder read from a host makes the very tree that reading it here makes."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from backup.archiver.request import BackupResult, Mount
from backup.errors import SourceError
from backup.repository.repository import Repository
from backup.sources.remote import python_tree
from backup.sources.remote.busybox_tree import open_busybox_tree
from backup.sources.remote.gnu_tree import open_tool_tree
from backup.sources.remote.open import RemoteSource
from backup.sources.remote.python_tree import open_python_tree
from backup.sources.remote.tree import RemoteTree
from backup.sources.source import FolderSource
from provisioning.hosts import Host
from provisioning.local_host import LocalHost
from tests.backing_up import back_up, back_up_mounts, make_repository, read_back
from tests.remote_hosts import BareHost, CutHost, MeddlingHost
from tests.trees import Kinds, build_deep_folder, build_hostile_tree

Open = Callable[..., AbstractContextManager[RemoteTree]]
WAYS: list[Open] = [open_python_tree, open_tool_tree]
ALL_WAYS: list[Open] = [*WAYS, open_busybox_tree]


def back_up_there(
    repository: Repository, path: Path, host: Host | None = None, **changes: Any
) -> BackupResult:
    """Back a folder of a host up as ``/site``."""
    there: Host = host or LocalHost("web1")
    opened: Open = changes.pop("opened", open_python_tree)

    def open_tree() -> AbstractContextManager[RemoteTree]:
        return opened(there, os.fsencode(path), one_file_system=False)

    folder = FolderSource(os.fsencode(path), is_excluded=changes.pop("is_excluded", None))
    source = RemoteSource(there.name, folder, open_tree)
    return back_up_mounts(repository, [Mount(b"/site", source)], **changes)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile") / "tree"
    build_hostile_tree(root, Kinds(deep=False))  # no tar takes a path that long
    return root


@pytest.mark.parametrize("opened", WAYS)
def test_each_way_makes_the_very_tree(opened: Open, hostile: Path) -> None:
    here = back_up(make_repository(), hostile)
    there = back_up_there(make_repository(), hostile, opened=opened)

    assert there.outcome == here.outcome == "ok"
    assert there.tree_id == here.tree_id
    assert there.summary["files_new"] == here.summary["files_new"]


@pytest.mark.parametrize("opened", WAYS)
def test_what_has_not_changed_is_not_fetched_again(opened: Open, hostile: Path) -> None:
    repository = make_repository()
    first = back_up_there(repository, hostile, opened=opened)
    sent = 0

    def count(data: bytes) -> None:
        nonlocal sent
        sent += len(data)

    again = back_up_there(repository, hostile, MeddlingHost(count), opened=opened)

    assert again.tree_id == first.tree_id
    assert again.summary["files_new"] == again.summary["files_changed"] == 0
    assert sent < 200_000


@pytest.mark.parametrize("opened", WAYS)
def test_a_changed_file_alone_is_fetched(opened: Open, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "in").mkdir(parents=True)
    for name in ("a", "b"):
        (root / "in" / name).write_text(name * 10)
    repository = make_repository()
    back_up_there(repository, root, opened=opened)
    (root / "in" / "b").write_text("khác")

    result = back_up_there(repository, root, opened=opened)

    assert result.summary["files_changed"] == 1
    assert read_back(repository, result)[b"/site/in/b"].data == "khác".encode()
    assert result.tree_id == back_up(make_repository(), root).tree_id


@pytest.mark.parametrize("opened", WAYS)
def test_a_single_file_is_a_source_too(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "site").write_text("một tệp")

    here = back_up(make_repository(), tmp_path / "site")
    there = back_up_there(make_repository(), tmp_path / "site", opened=opened)
    assert there.tree_id == here.tree_id


def test_python_reads_paths_longer_than_a_system_call_takes(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    build_deep_folder(root)

    there = back_up_there(make_repository(), root)
    assert there.outcome == "ok"
    assert there.tree_id == back_up(make_repository(), root).tree_id


def test_what_is_left_out_here_is_left_out_there(hostile: Path) -> None:
    def is_excluded(path: bytes, _: os.stat_result) -> bool:
        return path.endswith((b"/names", b"/sparse"))

    here = back_up(make_repository(), hostile, is_excluded=is_excluded)
    there = back_up_there(make_repository(), hostile, is_excluded=is_excluded)
    assert there.tree_id == here.tree_id


@pytest.mark.parametrize("share", [0.001, 0.2, 0.5, 0.9, 0.999])
def test_a_line_that_is_cut_leaves_no_snapshot(hostile: Path, share: float) -> None:
    sent = 0

    def count(data: bytes) -> None:
        nonlocal sent
        sent += len(data)

    back_up_there(make_repository(), hostile, MeddlingHost(count))
    repository = make_repository()

    with pytest.raises(SourceError, match="web1"):
        back_up_there(repository, hostile, CutHost(int(sent * share)))
    assert repository.load_snapshots() == []


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        back_up_there(make_repository(), tmp_path / "nowhere")
    assert caught.value.params["reason"] == "No such file or directory"


def test_a_host_without_python_is_an_error(tmp_path: Path) -> None:
    source = RemoteSource(
        "web1",
        FolderSource(os.fsencode(tmp_path)),
        lambda: open_python_tree(
            LocalHost("web1"),
            os.fsencode(tmp_path),
            one_file_system=True,
            command=[b"false"],
        ),
    )
    with pytest.raises(SourceError):
        back_up_mounts(make_repository(), [Mount(b"/site", source)])


@pytest.mark.parametrize("change", ["grow", "shrink", "replace"])
def test_a_file_that_changes_while_it_is_sent_is_fetched_again(tmp_path: Path, change: str) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "log").write_bytes(os.urandom(3 << 20))
    changed: list[str] = []

    def meddle(data: bytes) -> None:
        if len(data) < 60_000 or changed:
            return
        changed.append(change)
        if change == "grow":
            with (root / "log").open("ab") as file:
                file.write(b"more")
        elif change == "shrink":
            os.truncate(root / "log", 10)
        else:
            (root / "new").write_bytes(b"another file")
            (root / "new").rename(root / "log")

    repository = make_repository()
    result = back_up_there(repository, root, MeddlingHost(meddle))

    assert changed
    assert result.outcome == "ok"
    if change != "replace":  # the old one, which was open, was sent whole
        assert read_back(repository, result)[b"/site/log"].data == (root / "log").read_bytes()
    again = back_up_there(repository, root)
    assert read_back(repository, again)[b"/site/log"].data == (root / "log").read_bytes()


def test_a_file_that_never_rests_is_kept_and_told(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "log").write_bytes(os.urandom(3 << 20))

    def meddle(data: bytes) -> None:
        if len(data) > 60_000:
            with (root / "log").open("ab") as file:
                file.write(b"more")

    repository = make_repository()
    result = back_up_there(repository, root, MeddlingHost(meddle))

    assert result.outcome == "incomplete"
    assert "changed while it was read" in result.errors[0].text
    assert b"/site/log" in read_back(repository, result)


def test_busybox_makes_the_same_tree_but_for_what_it_tells(hostile: Path, tmp_path: Path) -> None:
    here_repository, there_repository = make_repository(), make_repository()
    here = back_up(here_repository, hostile)
    host = BareHost(tmp_path / "bin")
    there = back_up_there(there_repository, hostile, host, opened=open_busybox_tree)

    expected = read_back(here_repository, here)
    found = read_back(there_repository, there)
    assert found.keys() == expected.keys()
    assert there.outcome == "ok"
    for path, entry in found.items():
        bare = expected[path].node._replace(xattrs=(), subtree=None)
        assert entry.node._replace(subtree=None) == bare
        assert entry.data == expected[path].data


def test_contents_are_fetched_at_each_pause_of_a_long_listing(
    hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = python_tree._PROGRAM.read_text()
    assert "PAUSE_ENTRIES = 50000" in text
    hurried = tmp_path / "hurried.py"
    hurried.write_text(text.replace("PAUSE_ENTRIES = 50000", "PAUSE_ENTRIES = 3"))
    monkeypatch.setattr(python_tree, "_PROGRAM", hurried)
    repository = make_repository()

    first = back_up_there(repository, hostile)
    second = back_up_there(repository, hostile)

    assert first.tree_id == second.tree_id == back_up(make_repository(), hostile).tree_id
    assert second.summary["files_unmodified"] == first.summary["files_new"]
