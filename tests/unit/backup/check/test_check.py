"""Check against repositories made wrong in one way each."""

from collections.abc import Callable

import pytest

from backup.check.check import CheckRequest, CheckResult, PackChoice, check_repository
from backup.check.findings import KINDS, Severity
from backup.format.pack import BlobType, FinishedPack, pack_key
from backup.format.tree import Node
from backup.quantities import PackPart
from backup.stores.faulty import Effect, Fault, FaultyStore
from tests.small_repository import SmallRepository, file_node, folder_node, id_of, tree_of

READ_ALL = CheckRequest(read_data="all")


def codes(result: CheckResult) -> list[str]:
    return [finding.code for finding in result.findings]


def flip(made: SmallRepository, key: str, at: int) -> None:
    content = bytearray(made.memory.read(key))
    content[at] ^= 0x10
    made.memory.replace(key, bytes(content))


def test_a_sound_repository_has_no_findings() -> None:
    made = SmallRepository()
    made.save_files({b"a": b"one", b"b": b"two", b"c": b""})

    structure = check_repository(made.repository)
    everything = check_repository(made.repository, READ_ALL)

    assert (structure.findings, structure.outcome) == ((), "ok")
    assert structure.data_outcome == "not_checked"
    assert not structure.is_every_pack_verified
    assert (everything.outcome, everything.data_outcome) == ("ok", "ok")
    assert everything.is_every_pack_verified
    assert everything.verified_packs == tuple(sorted(made.packs))
    assert everything.counts.bytes_read == sum(made.repository.list_packs().values())


def test_an_empty_repository_is_sound_and_its_data_not_checked() -> None:
    result = check_repository(SmallRepository().repository, READ_ALL)

    assert (result.findings, result.data_outcome) == ((), "not_checked")


def check_tree(*nodes: Node, **blobs: bytes) -> CheckResult:
    made = SmallRepository()
    tree = tree_of(nodes)
    made.add_pack([(BlobType.DATA, blob) for blob in (b"1", *blobs.values())])
    made.add_pack([(BlobType.TREE, tree)])
    made.save_index()
    made.save_snapshot(id_of(tree))
    return check_repository(made.repository)


@pytest.mark.parametrize(
    ("nodes", "code"),
    [
        ([file_node(b"b", b"1"), file_node(b"a", b"1")], "names_unsorted"),
        ([file_node(b"a", b"1"), file_node(b"a", b"1")], "names_duplicated"),
        ([file_node(b"a", b"1", content=None)], "content_null"),
        ([file_node(b"a", b"1", content=bytes(32))], "content_null"),
        ([file_node(b"a", b"1", size=2)], "size_wrong"),
        ([file_node(b"a", size=7)], "size_wrong"),
        ([file_node(b"a", b"not stored")], "blob_missing"),
        ([folder_node(b"a", id_of(b"not stored"))], "blob_missing"),
        ([folder_node(b"a", id_of(b"1"))], "blob_wrong_type"),
        ([folder_node(b"a", None)], "subtree_null"),
        ([folder_node(b"a", bytes(32))], "subtree_null"),
        ([file_node(b"a/b", b"1")], "name_impossible"),
        ([file_node(b"..", b"1")], "name_impossible"),
        ([file_node(b"a", type="irregular")], "type_unknown"),
    ],
)
def test_a_rule_of_trees_is_checked(nodes: list[Node], code: str) -> None:
    result = check_tree(*nodes)

    assert codes(result) == [code]
    assert result.findings[0].concerned.startswith("tree ")
    assert result.outcome == "failed"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"nodes":7}\n', "tree_malformed"),
        (b"garbage", "tree_malformed"),
        (b'{"nodes":[{"name":"a","type":"file","content":["ab"]}]}', "tree_malformed"),
        (
            (
                b'{"nodes":[{"name":"a","type":"fifo","mtime":"2026-01-01T00:00:00",'
                b'"ctime":"2026-01-01T00:00:00Z"}]}'
            ),
            "time_invalid",
        ),
    ],
)
def test_a_malformed_tree_is_named(text: bytes, code: str) -> None:
    made = SmallRepository()
    made.add_pack([(BlobType.TREE, text)])
    made.save_index()
    made.save_snapshot(id_of(text))

    result = check_repository(made.repository)

    assert code in codes(result)
    assert result.errors[0].concerned == f"tree {id_of(text).hex()}"


def test_a_file_with_the_bytes_of_a_tree_is_no_confusion() -> None:
    made = SmallRepository()
    empty = tree_of([])
    tree = tree_of([file_node(b"a", empty), folder_node(b"b", id_of(empty))])
    made.add_pack([(BlobType.DATA, empty)])
    made.add_pack([(BlobType.TREE, empty), (BlobType.TREE, tree)])
    made.save_index()
    made.save_snapshot(id_of(tree))

    assert check_repository(made.repository, READ_ALL).findings == ()


def truncate(made: SmallRepository, pack: FinishedPack) -> None:
    made.memory.replace(pack_key(pack.id), bytes(pack.data[:-1]))


def remove(made: SmallRepository, pack: FinishedPack) -> None:
    made.memory.delete(pack_key(pack.id))


def flip_header(made: SmallRepository, pack: FinishedPack) -> None:
    flip(made, pack_key(pack.id), len(pack.data) - 10)


def flip_first_blob(made: SmallRepository, pack: FinishedPack) -> None:
    flip(made, pack_key(pack.id), 20)


def flip_header_length(made: SmallRepository, pack: FinishedPack) -> None:
    flip(made, pack_key(pack.id), len(pack.data) - 4)


@pytest.mark.parametrize(
    ("damage", "without_data", "with_data"),
    [
        (remove, {"pack_missing"}, {"pack_missing"}),
        (
            truncate,
            {"pack_wrong_size"},
            {"pack_wrong_size", "pack_wrong_hash", "pack_header_damaged"},
        ),
        (flip_header, set(), {"pack_wrong_hash", "pack_header_damaged"}),
        (flip_header_length, set(), {"pack_wrong_hash", "pack_header_damaged"}),
        (flip_first_blob, set(), {"pack_wrong_hash", "blob_damaged"}),
    ],
)
def test_a_damaged_data_pack_is_named(
    damage: Callable[[SmallRepository, FinishedPack], None],
    without_data: set[str],
    with_data: set[str],
) -> None:
    made = SmallRepository()
    made.save_files({b"a": b"kept"})
    pack = made.add_pack([(BlobType.DATA, b"first"), (BlobType.DATA, b"second")])
    made.save_index(pack.id)
    damage(made, pack)

    structure = check_repository(made.repository)
    everything = check_repository(made.repository, READ_ALL)

    assert set(codes(structure)) == without_data
    assert set(codes(everything)) == with_data
    assert {finding.concerned for finding in everything.findings} == {pack_key(pack.id)}
    assert everything.damaged_packs == (pack.id,)
    assert pack.id not in everything.verified_packs
    assert everything.data_outcome == "failed"


def test_a_damaged_blob_is_named_by_its_id() -> None:
    made = SmallRepository()
    pack = made.add_pack([(BlobType.DATA, b"first"), (BlobType.DATA, b"second")])
    made.save_index()
    flip(made, pack_key(pack.id), pack.blobs[1].offset + 20)

    result = check_repository(made.repository, READ_ALL)

    named = [finding.params["id"] for finding in result.findings if finding.code == "blob_damaged"]
    assert named == [id_of(b"second").hex()]


def test_wrong_bytes_in_a_pack_that_is_otherwise_right_are_found() -> None:
    """Every seal and hash of the pack is right; only the blob is not what its id says."""
    made = SmallRepository()
    pack = made.add_pack([(BlobType.DATA, b"right")])
    wrong = pack.blobs[0]._replace(id=id_of(b"another"))
    made.packs = {pack.id: [wrong]}
    made.save_index()

    result = check_repository(made.repository, READ_ALL)

    assert set(codes(result)) == {"pack_header_differs", "blob_damaged"}


def test_uncompressed_blobs_are_read_back_too() -> None:
    made = SmallRepository()
    pack = made.add_pack([(BlobType.DATA, b"plain"), (BlobType.DATA, b"")], compress=False)
    made.save_index()

    result = check_repository(made.repository, READ_ALL)

    assert (result.findings, result.verified_packs) == ((), (pack.id,))


def test_an_index_with_gaps_is_found() -> None:
    made = SmallRepository()
    pack = made.add_pack([(BlobType.DATA, b"first"), (BlobType.DATA, b"second")])
    first, second = pack.blobs
    made.packs = {pack.id: [first, second._replace(offset=second.offset + 1)]}
    made.save_index()

    assert codes(check_repository(made.repository)) == ["pack_entries_overlap"]


def test_what_is_only_untidy_is_a_hint() -> None:
    made = SmallRepository()
    mixed = made.add_pack([(BlobType.DATA, b"1"), (BlobType.TREE, tree_of([]))])
    again = made.add_pack([(BlobType.DATA, b"1")])
    made.save_index(mixed.id, again.id)
    extra = made.add_pack([(BlobType.DATA, b"not indexed")])

    result = check_repository(made.repository)

    assert codes(result) == ["pack_unindexed", "packs_mixed", "blobs_duplicated"]
    assert result.findings[0].concerned == pack_key(extra.id)
    assert result.findings[2].params["count"] == 1
    assert (result.outcome, result.errors) == ("ok", [])


def test_a_missing_snapshot_root_names_the_snapshot() -> None:
    made = SmallRepository()
    snapshot = made.save_snapshot(id_of(b"nowhere"))

    (finding,) = check_repository(made.repository).findings

    assert (finding.code, finding.concerned) == ("blob_missing", f"snapshots/{snapshot}")


def test_a_damaged_small_file_is_named() -> None:
    made = SmallRepository()
    snapshot = made.save_files({b"a": b"one"})
    (index,) = made.repository.list_files("index")
    lock = made.repository.write_file("locks", b'{"time":"2026-11-24T00:00:00Z"}')
    made.memory.write(f"keys/{'ab' * 32}", b"{}")
    for key in (f"snapshots/{snapshot}", f"index/{index}", f"locks/{lock}", "config"):
        flip(made, key, 20)

    result = check_repository(made.repository)

    named = {(finding.code, finding.concerned) for finding in result.errors}
    assert named == {
        ("config_damaged", "config"),
        ("key_damaged", f"keys/{'ab' * 32}"),
        ("lock_unreadable", f"locks/{lock}"),
        ("snapshot_damaged", f"snapshots/{snapshot}"),
        ("index_damaged", f"index/{index}"),
    }


def test_a_damaged_index_file_leaves_the_others_readable() -> None:
    made = SmallRepository()
    made.save_files({b"a": b"one"})
    pack = made.add_pack([(BlobType.DATA, b"more")])
    flip(made, f"index/{made.save_index(pack.id)}", 20)

    result = check_repository(made.repository)

    assert codes(result) == ["index_damaged", "pack_unindexed"]
    assert (result.counts.index_files, result.counts.trees) == (1, 1)


def test_a_damaged_tree_is_named_with_its_cause() -> None:
    made = SmallRepository()
    tree = tree_of([file_node(b"a")])
    pack = made.add_pack([(BlobType.TREE, tree)])
    made.save_index()
    made.save_snapshot(id_of(tree))
    flip(made, pack_key(pack.id), 20)

    (finding,) = check_repository(made.repository).findings

    assert (finding.code, finding.concerned) == ("tree_unreadable", f"tree {id_of(tree).hex()}")


def test_only_the_chosen_packs_are_read_and_reported() -> None:
    made = SmallRepository()
    packs = [made.add_pack([(BlobType.DATA, bytes([number]))]).id for number in range(8)]
    made.save_index()
    chosen = PackChoice(frozenset(packs[:3]) | {b"x" * 32})

    by_choice = check_repository(made.repository, CheckRequest(read_data=chosen))
    by_part = [
        check_repository(made.repository, CheckRequest(read_data=PackPart(number, 4)))
        for number in range(1, 5)
    ]

    assert set(by_choice.verified_packs) == set(packs[:3])
    assert not by_choice.is_every_pack_verified
    assert sorted(pack for part in by_part for pack in part.verified_packs) == sorted(packs)


@pytest.mark.parametrize("effect", [Effect.FAIL_BEFORE, Effect.FLIP_BIT, Effect.SHORT_READ])
@pytest.mark.parametrize("request_", [CheckRequest(), READ_ALL])
def test_one_bad_read_of_a_pack_is_forgiven(effect: Effect, request_: CheckRequest) -> None:
    made = SmallRepository()
    made.save_files({b"a": b"one"})
    made.repository.store = recorder = FaultyStore(made.memory)
    check_repository(made.repository, request_)
    reads = sum(call.method == "read" and call.key[:5] == "data/" for call in recorder.calls)

    for at in range(1, reads + 1):
        fault = Fault(effect, at=at, method="read", prefix="data/", position=200)
        made.repository.store = FaultyStore(made.memory, [fault])

        assert check_repository(made.repository, request_).findings == ()
    assert reads >= (1 if request_ is not READ_ALL else 3)


def test_a_pack_that_cannot_be_read_is_not_good() -> None:
    made = SmallRepository()
    pack = made.add_pack([(BlobType.DATA, b"one")])
    made.save_index()
    fault = Fault(Effect.FAIL_BEFORE, method="read", prefix="data/", times=None)
    made.repository.store = FaultyStore(made.memory, [fault])

    result = check_repository(made.repository, READ_ALL)

    assert codes(result) == ["pack_unreadable"]
    assert (result.verified_packs, result.damaged_packs) == ((), (pack.id,))


def test_every_kind_of_finding_says_what_to_do() -> None:
    assert all(kind.next_step for kind in KINDS.values())
    assert {kind.severity for kind in KINDS.values()} == set(Severity)
