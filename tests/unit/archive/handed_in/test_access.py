"""Who hands something in by `sudo` hands in what they may read, and nothing else."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.capture.captured import Captured
from archive.errors import HandedInError
from archive.handed_in import listing
from archive.handed_in.access import Reader
from archive.handed_in.folder import receive
from archive.handed_in.listing import list_folder
from archive.handed_in.table import Desk, Refused
from ops.archives.by_hand import HandedFiles, caller
from ops.errors import WrongUseError
from tests.portal_rows import portal_of
from tests.unit.archive.handed_in.test_bag import make_bag

DESK = Desk(portal_of(), "news", frozenset({"news"}))
SOMEBODY = os.geteuid() + 4_321


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter: those of the tests are shut."""
    made = Path(tempfile.mkdtemp(prefix="giucong-nop-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def write(path: Path, mode: int, text: str = "tin") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("mode", "uid", "groups", "expected"),
    [
        (0o600, 0, (), False), (0o644, 0, (), True), (0o640, 0, (0,), True),
        (0o604, 0, (0,), False), (0o044, 1, (), False), (0o400, 1, (), True),
    ],
    ids=["closed", "open", "by its group", "its group is shut out", "its owner is", "owner"],
)  # fmt: skip
def test_a_mode_says_who_may_read(
    folder: Path, mode: int, uid: int, groups: tuple[int, ...], expected: bool
) -> None:
    found = write(folder / "a.txt", mode).stat()
    person = found.st_uid if uid else found.st_uid + 1
    reader = Reader(person, frozenset(found.st_gid + it for it in groups))

    assert reader.may(found) is expected


def test_what_the_caller_may_not_read_is_refused_by_name(folder: Path) -> None:
    write(folder / "a.txt", 0o644)
    write(folder / "secret.key", 0o600)
    write(folder / "kín" / "b.txt", 0o644)
    (folder / "kín").chmod(0o700)
    handed = receive(folder, DESK, Reader(SOMEBODY))
    found = list(handed.items)

    assert [it.item.title for it in found if isinstance(it, Captured)] == ["a"]
    assert sorted(it.error.reason for it in found if isinstance(it, Refused)) == [
        "kín: who hands it in may not read it", "secret.key: who hands it in may not read it",
    ]  # fmt: skip
    (folder / "kín").chmod(0o755)


def test_a_folder_of_which_the_way_is_shut_is_refused(folder: Path) -> None:
    write(folder / "shut" / "nop" / "a.txt", 0o644)
    write(folder / "shut" / "nop" / "bang.csv", 0o644, "title,text\nx,y\n")
    (folder / "shut").chmod(0o700)
    for path in (folder / "shut" / "nop", folder / "shut" / "nop" / "bang.csv"):
        with pytest.raises(HandedInError, match="cannot be taken") as told:
            list(receive(path, DESK, Reader(SOMEBODY)).items)
        assert "may not read it" in told.value.reason


def test_a_bag_with_a_file_that_the_caller_may_not_read_is_no_whole_bag(folder: Path) -> None:
    bag = make_bag(folder / "bag", {"a.txt": b"tin", "khoa.key": b"secret"})
    for path in (bag, bag / "data"):
        path.chmod(0o755)
    (bag / "data" / "khoa.key").chmod(0o600)

    with pytest.raises(HandedInError) as told:
        receive(bag, DESK, Reader(SOMEBODY))
    assert "khoa.key: who hands it in may not read it" in told.value.reason


def test_it_is_asked_again_on_the_open_file(folder: Path, tmp_path: Path) -> None:
    secret = write(folder / "service" / "repository.key", 0o644, "khóa")
    handed = folder / "nop"
    for name in ("changed.txt", "linked.txt", "below/swapped.txt"):
        write(handed / name, 0o644)
    write(folder / "service" / "swapped.txt", 0o644, "khóa")
    found = list_folder(handed, Reader(SOMEBODY))
    assert sorted(found.files) == ["below/swapped.txt", "changed.txt", "linked.txt"]
    (handed / "changed.txt").chmod(0o600)
    (handed / "linked.txt").unlink()
    (handed / "linked.txt").symlink_to(secret)
    shutil.rmtree(handed / "below")
    (handed / "below").symlink_to(folder / "service")
    files = HandedFiles(found, tmp_path)

    for name in found.files:
        with pytest.raises(HandedInError) as told:
            files.take(name, "a.txt")
        assert name in told.value.reason
    assert list(tmp_path.iterdir()) == []


def test_who_calls_is_who_sudo_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUDO_UID", "PKEXEC_UID", "DOAS_USER"):
        monkeypatch.delenv(name, raising=False)
    assert caller() == Reader()
    monkeypatch.setattr(os, "geteuid", lambda: 998)
    monkeypatch.setenv("SUDO_UID", "4321")
    assert caller() == Reader(4321)
    monkeypatch.setenv("PKEXEC_UID", "4322")
    with pytest.raises(WrongUseError, match="two accounts"):
        caller()


def test_a_file_too_large_and_too_many_files_are_refused_unread(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "phim.mp4").open("wb") as file:
        file.truncate(5 << 30)  # sparse: it takes no room
    found = list_folder(folder)
    monkeypatch.setattr(listing, "MOST_FILES", 3)
    for number in range(4):
        write(folder / f"{number}.txt", 0o644)

    assert found.files == {}
    assert "5368709120 bytes" in found.refused["phim.mp4"].reason
    with pytest.raises(HandedInError) as told:
        list_folder(folder)
    assert told.value.reason == "more than 3 files at once"
