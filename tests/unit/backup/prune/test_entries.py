import hashlib
from collections.abc import Iterable

import numpy as np
import pytest

from backup.format.index_file import encode_index
from backup.format.pack import BlobType, PackedBlob
from backup.prune.entries import Flags, blob_numbers, choose_copies, count_packs, select_blobs
from backup.prune.new_index import decide_removal, extend_index, write_index
from backup.repository.index import Index, IndexBuilder
from tests.small_repository import SmallRepository

DATA, TREE = BlobType


def index_of(**packs: Iterable[str | tuple[str, BlobType]]) -> Index:
    """Make an index: each pack holds blobs named by single letters, 100 bytes each."""
    builder = IndexBuilder()
    for name, content in packs.items():
        blobs = [(it, DATA) if isinstance(it, str) else it for it in content]
        builder.add_pack(
            digest(name),
            [
                PackedBlob(digest(letter), kind, 100 * at, 100, 500)
                for at, (letter, kind) in enumerate(blobs)
            ],
        )
    return builder.build()


def digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def mark(index: Index, letters: str) -> Flags:
    """Mark the first entry of each of these blobs."""
    marks = np.zeros(len(index), dtype=np.bool_)
    for letter in letters:
        marks[index.positions(digest(letter))] = True
    return marks


def packs_of(index: Index, marks: Flags) -> dict[str, list[str]]:
    """Say in which packs the marked entries of each blob lie, by the names of the packs."""
    names = {digest(chr(code)): chr(code) for code in range(ord("A"), ord("z"))}
    found: dict[str, list[str]] = {}
    for at in np.flatnonzero(marks):
        letter = names[index.ids()[at * 32 : at * 32 + 32]]
        found.setdefault(letter, []).append(names[index.pack_ids[int(index.pack_numbers()[at])]])
    return found


def whole(index: Index, *, but: str = "") -> Flags:
    return np.array([pack not in {digest(name) for name in but} for pack in index.pack_ids])


def chosen(index: Index, used: str, *, broken: str = "") -> dict[str, list[str]]:
    return packs_of(index, choose_copies(index, mark(index, used), whole(index, but=broken)))


def test_a_blob_that_lies_once_is_needed_there() -> None:
    assert chosen(index_of(A="ab", B="c"), "ac") == {"a": ["A"], "c": ["B"]}


def test_one_copy_stays_in_the_pack_that_stays_anyway() -> None:
    assert chosen(index_of(A="ax", B="abc"), "abc") == {"a": ["B"], "b": ["B"], "c": ["B"]}
    assert chosen(index_of(B="abc", A="ax"), "abcx") == {
        "a": ["B"], "b": ["B"], "c": ["B"], "x": ["A"],
    }  # fmt: skip


def test_a_copy_in_a_broken_pack_is_the_last_resort() -> None:
    index = index_of(A="abc", B="ax")

    assert chosen(index, "a", broken="A") == {"a": ["B"]}
    assert chosen(index, "a", broken="AB") == {"a": ["B"]}


def test_what_was_repacked_before_stays_repacked() -> None:
    """As after a prune that was stopped before it could remove the old pack."""
    assert chosen(index_of(A="abx", B="ab"), "ab") == {"a": ["B"], "b": ["B"]}


def test_a_tree_and_data_with_the_same_bytes_are_two_blobs() -> None:
    index = index_of(A=[("a", DATA)], B=[("a", TREE)])
    everything = np.ones(2, dtype=np.bool_)

    assert len(set(blob_numbers(index).tolist())) == 2
    assert packs_of(index, choose_copies(index, everything, whole(index))) == {"a": ["A", "B"]}


def test_packs_are_counted() -> None:
    index = index_of(A="abx", B=[("t", TREE), "y"], C="z")
    counts = count_packs(index, mark(index, "abt"), whole(index))

    assert counts.blobs.tolist() == [3, 2, 1]
    assert counts.needed_blobs.tolist() == [2, 1, 0]
    assert counts.needed_bytes.tolist() == [200, 100, 0]
    assert counts.unused_bytes.tolist() == [100, 100, 100]
    assert counts.sizes.tolist() == [36 + 3 * 141, 36 + 2 * 141, 36 + 141]
    assert counts.holds_trees.tolist() == [False, True, False]
    assert counts.is_mixed.tolist() == [False, True, False]


def test_an_empty_index_is_no_special_case() -> None:
    index = index_of()
    nothing = np.zeros(0, dtype=np.bool_)

    assert choose_copies(index, nothing, nothing).tolist() == []
    assert count_packs(index, nothing, nothing).blobs.tolist() == []
    assert list(select_blobs(index, nothing, [])) == []


def test_marked_blobs_of_some_packs_are_listed_by_offset() -> None:
    index = index_of(A="abc", B="de", C="f")
    found = {
        number: [blob.offset for blob in blobs]
        for number, blobs in select_blobs(index, mark(index, "acdf"), [1, 0])
    }

    assert found == {0: [0, 200], 1: [0]}


def test_marks_survive_when_the_index_grows() -> None:
    base = index_of(A="abc", B="de")
    marks = mark(base, "ce")
    grown, carried = extend_index(base, marks, index_of(C="afgh", A="abc"))

    assert packs_of(grown, carried) == {"c": ["A"], "e": ["B"]}
    assert len(grown) == 5 + 4
    assert {letter: len(grown.find_all(digest(letter))) for letter in "aeg"} == {
        "a": 2, "e": 1, "g": 1,
    }  # fmt: skip


def test_the_index_is_written_as_it_is_after_a_backup() -> None:
    repository = SmallRepository().repository
    index = index_of(A="abc", B=[("t", TREE)], C="")
    (file_id,) = write_index(repository, index, [0, 1, 2], progress=lambda _: None)
    packs = {
        index.pack_ids[number]: blobs
        for number, blobs in select_blobs(index, np.ones(len(index), dtype=np.bool_), [0, 1, 2])
    }

    assert repository.read_file("index", file_id) == encode_index({**packs, digest("C"): []})


def removal(
    index: Index, needed: str, candidates: str, broken: str = ""
) -> tuple[list[str], int, int]:
    names = {digest(name): name for name in "ABCD"}
    decided = decide_removal(
        index,
        mark(index, needed),
        candidates=~whole(index, but=candidates),
        is_whole=whole(index, but=broken),
    )
    going = [names[index.pack_ids[number]] for number in np.flatnonzero(decided.packs).tolist()]
    return going, len(decided.kept_back), len(decided.lost)


@pytest.mark.parametrize(
    ("packs", "needed", "candidates", "broken", "expected"),
    [
        ({"A": "ax", "B": "a"}, "a", "A", "", (["A"], 0, 0)),
        ({"A": "ax", "B": "b"}, "ab", "A", "", ([], 1, 0)),
        ({"A": "x", "B": "b"}, "b", "A", "", (["A"], 0, 0)),
        ({"A": "ax", "B": "a"}, "a", "A", "B", ([], 1, 0)),
        ({"A": "ax", "B": "a"}, "a", "A", "AB", (["A"], 0, 1)),
        ({"A": "ab", "B": "ac", "C": "d"}, "ad", "ABC", "A", (["A"], 2, 0)),
    ],
    ids=[
        "copied elsewhere",
        "the only place stays",
        "not needed",
        "the copy is broken",
        "nothing is whole",
        "the whole place stays",
    ],
)
def test_no_pack_goes_that_something_still_needs(
    packs: dict[str, str], needed: str, candidates: str, broken: str, expected: object
) -> None:
    assert removal(index_of(**packs), needed, candidates, broken) == expected
