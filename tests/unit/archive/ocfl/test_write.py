"""What is written, and what is refused; that it survives kills is proved in tests/fault."""

import os
import threading
from pathlib import Path

import pytest

from archive.errors import (
    ArchiveBusyError,
    ArchiveError,
    ItemRefusedError,
    ObjectDamagedError,
)
from archive.ocfl import write
from archive.ocfl.inventory import INVENTORY
from archive.ocfl.root import open_root
from archive.ocfl.staging import STAGING
from archive.ocfl.validate_root import validate_root
from archive.ocfl.write import writing
from tests.archive_roots import (
    MOMENT,
    WRITER,
    contents,
    files_of,
    make_root,
    object_id,
    open_up,
    place_of,
    put,
)


def test_versions_are_read_back_and_share_what_did_not_change(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=2, versions=3)

    stored = open_root(root.path).find(object_id(1))

    assert stored.inventory.head == "v3"
    for version in (1, 2, 3):
        for path, expected in contents(1, version).items():
            assert stored.read(path, f"v{version}") == expected
    assert {it.name for it in (stored.path / "v2" / "c").iterdir()} == {"0", "1"}, "two changed"


def test_receipts_come_in_the_order_of_put_and_tell_what_is_new(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=2)
    before = files_of(root.path)

    assert [it.is_new for it in put(root, [1, 5, 0])] == [False, True, False]
    assert [it.object_id for it in put(root, [1, 6, 0])] == [object_id(it) for it in (1, 6, 0)]
    assert before.items() <= files_of(root.path).items()


@pytest.mark.parametrize(
    "names",
    [
        ["Body.html"], ["../x"], ["/x"], ["x/"], ["a//b"], ["a/./b"], ["x\n"], ["đ"], ["a" * 201],
        ["a", "a/b"], ["a/b", "a/b/c"],
    ],
)  # fmt: skip
def test_logical_paths_that_no_object_may_have_are_refused(
    tmp_path: Path, names: list[str]
) -> None:
    root = make_root(tmp_path / "root", objects=0)

    with writing(root) as batch, pytest.raises(ItemRefusedError):
        batch.put(
            object_id(1), dict.fromkeys(names, b"x"), message="", author=WRITER, created=MOMENT
        )

    assert validate_root(root.path).objects == 0
    assert not (root.path / STAGING).exists()


def test_a_path_below_one_that_is_kept_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=1)

    with writing(root) as batch, pytest.raises(ItemRefusedError):
        batch.put(
            object_id(0), {"item.json/x": b"x"}, kept=["item.json"], message="", author=WRITER,
            created=MOMENT,
        )  # fmt: skip


def test_an_object_that_could_not_be_read_again_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_root(tmp_path / "root", objects=0)
    monkeypatch.setattr(write, "LARGEST", 200)

    with pytest.raises(ItemRefusedError, match="too many"):
        put(root, [1])


def test_a_damaged_object_is_never_written_over(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=1)
    open_up(place_of(root, 0))
    (place_of(root, 0) / INVENTORY).unlink()
    before = files_of(root.path)

    with pytest.raises(ObjectDamagedError):
        put(root, [0], version=2)

    assert files_of(root.path) == before
    assert put(root, [1])


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=0)
    with writing(root) as batch:
        batch.put(object_id(1), contents(1), message="", author=WRITER, created=MOMENT)
        with pytest.raises(ArchiveBusyError), writing(root):
            pass
        batch.commit()

    assert open_root(root.path).find(object_id(1)).read("item.json")


def test_a_reader_beside_a_writer_always_has_a_whole_object(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=1)
    reads, errors, done = 0, [], threading.Event()

    def read() -> None:
        nonlocal reads
        while not done.is_set():
            try:
                stored = open_root(root.path).find(object_id(0))
                version = int(stored.inventory.head[1:])
                for path, expected in contents(0, version).items():
                    assert stored.read(path) == expected
                reads += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for version in range(2, 40):
        put(root, [0], version=version)
    done.set()
    reader.join()

    assert errors == []
    assert reads > 5


def test_what_is_given_as_a_file_is_copied(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=0)
    (tmp_path / "large.bin").write_bytes(os.urandom(3_000_000))
    with writing(root) as batch:
        batch.put(
            object_id(1), {"a": tmp_path / "large.bin", "b": tmp_path / "large.bin"}, message="",
            author=WRITER, created=MOMENT,
        )  # fmt: skip
        batch.commit()

    assert validate_root(root.path).is_valid
    target = (tmp_path / "back").open("w+b")
    with target:
        root.find(object_id(1)).copy("b", target)
    assert (tmp_path / "back").read_bytes() == (tmp_path / "large.bin").read_bytes()


# Hostile stages ----------------------------------------------------------------------------------


def stage(root: Path, intents: bytes) -> Path:
    folder = root / STAGING / "0123456789abcdef"
    (folder / "1" / "v1").mkdir(parents=True)
    (folder / "1" / "inventory.json").write_bytes(b"{}")
    (folder / "1.inventory.json").write_bytes(b"{}")
    (folder / "intents.json").write_bytes(intents)
    return folder


@pytest.mark.parametrize(
    "place",
    ["../outside", "/outside", "", ".", "extensions/x/y", "aa/bb/../../../outside", "aa/link/x",
     "li/nk/x", "0=ocfl_1.1"],
)  # fmt: skip
@pytest.mark.parametrize(
    "flags", ['"is_new":false', '"is_new":true,"replaces":true'], ids=["version", "replaces"]
)
def test_a_stage_that_asks_for_a_write_outside_is_refused(
    tmp_path: Path, place: str, flags: str
) -> None:
    root = make_root(tmp_path / "root", objects=1).path
    outside = tmp_path / "outside"
    (outside / "x" / "v1").mkdir(parents=True)
    (outside / "v1").mkdir()
    (root / "aa").mkdir()
    (root / "aa" / "bb").symlink_to(outside)
    folder = stage(root, f'[{{"stage":1,"object":"{place}","version":"v1",{flags}}}]'.encode())
    before = files_of(tmp_path)

    with pytest.raises(ArchiveError, match="outside the archive"), writing(open_root(root)):
        pass

    assert files_of(tmp_path) == before
    assert folder.is_dir()


def test_a_stage_whose_object_lies_behind_a_link_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=1).path
    outside = tmp_path / "outside"
    (outside / "x" / "v1").mkdir(parents=True)
    (root / "aa").mkdir()
    (root / "aa" / "bb").symlink_to(outside)
    stage(root, b'[{"stage":1,"object":"aa/bb/x","version":"v1","is_new":false}]')

    with pytest.raises(ArchiveError, match="outside the archive"), writing(open_root(root)):
        pass

    assert files_of(outside) == {}


@pytest.mark.parametrize(
    "intent", [b"", b"[{", b"[]", b"{}", b"\xff", b'[{"object":1}]', b"x" * 100_000]
)
def test_a_stage_without_a_usable_intent_is_undone(tmp_path: Path, intent: bytes) -> None:
    root = make_root(tmp_path / "root", objects=1)
    stage(root.path, intent)

    assert put(root, [2])
    assert validate_root(root.path).findings == ()


def test_links_and_pipes_among_the_stages_are_removed_and_not_followed(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=1)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    folder = stage(root.path, b"")
    (folder / "link").symlink_to(outside)
    (folder / "intents.json").unlink()
    os.mkfifo(folder / "intents.json")
    (root.path / STAGING / "link").symlink_to(outside)
    (root.path / STAGING / "file").write_bytes(b"")

    assert put(root, [2])

    assert (outside / "kept").read_bytes() == b"kept"
    assert validate_root(root.path).findings == ()


def test_a_staging_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root", objects=1)
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    (root.path / STAGING).symlink_to(outside)

    with pytest.raises(ArchiveError, match="outside the archive"), writing(root):
        pass

    assert (outside / "folder").is_dir()
