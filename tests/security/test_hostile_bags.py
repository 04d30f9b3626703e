"""Who hands in a bag has it refused in seconds and in little room, whatever its lists say."""

import tracemalloc
from pathlib import Path

import pytest

from archive.errors import HandedInError
from archive.handed_in.bag import MOST_TOLD, read_bag
from tests.effort import takes_at_most
from tests.unit.archive.handed_in.test_bag import make_bag

MIB = 1 << 20
SUM = "0" * 128


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bag(tmp_path / "bag", {"a.txt": b"x"})


def declare(folder: Path, version: str) -> None:
    text = f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n"
    (folder / "bagit.txt").write_text(text, encoding="utf-8")


def test_a_value_of_very_many_lines_is_put_together_in_one_go(folder: Path) -> None:
    lines = "External-Description: 𝄞\n" + " c\n" * (MIB // 3 - 10)
    (folder / "bag-info.txt").write_text(lines, encoding="utf-8")
    assert takes_at_most(3, lambda: read_bag(folder))

    bag = read_bag(folder)
    assert bag.errors == []
    assert bag.told("external-description").split() == ["𝄞", *["c"] * (MIB // 3 - 10)]


def test_what_is_told_of_a_bag_is_no_book(folder: Path) -> None:
    (folder / "bag-info.txt").write_text("a:\n" * MIB, encoding="utf-8")
    with pytest.raises(HandedInError) as caught:
        read_bag(folder)
    assert caught.value.reason == "bag-info.txt has more than 1048576 bytes"


@pytest.mark.parametrize("version", ["0.97", "1.0"])
@pytest.mark.parametrize(
    "line",
    [
        "x", f"{SUM}  ../x", f"{SUM}  bagit.txt", f"{SUM}  data/no", f"{SUM}  data/{{number}}",
        f"{SUM} *./data/a.txt", f"{SUM}  data/a.txt", f"{SUM}  data/A.TXT", f"{SUM}  data/%41",
    ],
)  # fmt: skip
def test_lists_of_bad_lines_take_no_room(folder: Path, version: str, line: str) -> None:
    declare(folder, version)
    count = MIB // (len(line) + 1)
    text = "\n".join(line.format(number=number) for number in range(count))
    (folder / "manifest-sha512.txt").write_text(text, encoding="utf-8")
    tracemalloc.start()
    try:
        bag = read_bag(folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert bag.errors
    assert max(len(bag.errors), len(bag.warnings)) <= MOST_TOLD
    assert peak < 8 * MIB


def test_a_path_of_marks_without_end_is_not_brought_to_its_normal_form(folder: Path) -> None:
    path = "a" + "\u0300\u0323" * (MIB // 8)
    (folder / "manifest-sha512.txt").write_text(f"{SUM}  data/{path}", encoding="utf-8")

    assert takes_at_most(1, lambda: read_bag(folder))
