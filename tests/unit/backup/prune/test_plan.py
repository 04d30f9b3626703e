from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

from backup.format.pack import TARGET_SIZE
from backup.prune.entries import PackCounts
from backup.prune.facts import PruneRequest
from backup.prune.plan import decide_packs
from backup.quantities import UnusedLimit

MIB = 1 << 20
BIG = TARGET_SIZE + MIB
NO_UNUSED = PruneRequest(max_unused=UnusedLimit(size=0))
ANY_UNUSED = PruneRequest(max_unused=UnusedLimit())


class Pack(NamedTuple):
    """A pack in a few words; `needed` and `unused` are bytes, one blob a MiB or part of one."""

    needed: int = 0
    unused: int = 0
    trees: bool = False
    mixed: bool = False
    plain: int = 0


def count(*packs: Pack) -> PackCounts:
    def numbers(values: list[int]) -> "np.typing.NDArray[np.int64]":
        return np.array(values, dtype=np.int64)

    needed_blobs = [-(-pack.needed // MIB) for pack in packs]
    unused_blobs = [-(-pack.unused // MIB) for pack in packs]
    return PackCounts(
        blobs=numbers([sum(pair) for pair in zip(needed_blobs, unused_blobs, strict=True)]),
        needed_blobs=numbers(needed_blobs),
        needed_bytes=numbers([pack.needed for pack in packs]),
        unused_bytes=numbers([pack.unused for pack in packs]),
        sizes=numbers([pack.needed + pack.unused + 100 for pack in packs]),
        holds_trees=np.array([pack.trees or pack.mixed for pack in packs], dtype=np.bool_),
        is_mixed=np.array([pack.mixed for pack in packs], dtype=np.bool_),
        plain_blobs=numbers([0 if pack.trees else pack.plain for pack in packs]),
        plain_trees=numbers([pack.plain if pack.trees else 0 for pack in packs]),
        is_whole=np.ones(len(packs), dtype=np.bool_),
    )


CASES: list[tuple[str, list[Pack], PruneRequest, tuple[int, ...], tuple[int, ...]]] = [
    ("nothing needed goes", [Pack(unused=BIG), Pack(needed=BIG)], PruneRequest(), (0,), ()),
    ("only needed stays, small too", [Pack(needed=100)], NO_UNUSED, (), ()),
    ("a little unused may stay", [Pack(BIG, MIB // 2), Pack(BIG)], PruneRequest(), (), ()),
    ("more is repacked", [Pack(BIG, 2 * MIB), Pack(BIG)], PruneRequest(), (), (0,)),
    (
        "the worst first, until little enough is left",
        [Pack(BIG, MIB // 2), Pack(BIG, 3 * MIB), Pack(BIG, 4 * MIB)],
        PruneRequest(max_unused=UnusedLimit(size=2 * MIB)),
        (),
        (2, 1),
    ),
    (
        "unlimited leaves big packs alone",
        [Pack(BIG, BIG), Pack(unused=1)],
        ANY_UNUSED,
        (1,),
        (),
    ),
    ("a small one too", [Pack(1, 1)], ANY_UNUSED, (), ()),
    (
        "unless small ones are joined",
        [Pack(1, 1), Pack(BIG, 1)],
        replace(ANY_UNUSED, repack_small=True),
        (),
        (0,),
    ),
    ("trees are always tidied", [Pack(BIG, 1, trees=True), Pack(BIG, 1)], ANY_UNUSED, (), (0,)),
    ("and a mixed one", [Pack(BIG, mixed=True)], ANY_UNUSED, (), (0,)),
    ("and plain trees", [Pack(BIG, trees=True, plain=1)], ANY_UNUSED, (), (0,)),
    ("plain data is not", [Pack(BIG, plain=1)], ANY_UNUSED, (), ()),
    (
        "unless it is asked for",
        [Pack(BIG, plain=1)],
        replace(ANY_UNUSED, repack_uncompressed=True),
        (),
        (0,),
    ),
    (
        "the budget ends it, and what still fits is taken",
        [Pack(BIG, 3 * MIB), Pack(MIB, MIB)],
        replace(NO_UNUSED, max_repack_bytes=5 * MIB),
        (),
        (1,),
    ),
    (
        "no budget at all",
        [Pack(1, 1, trees=True), Pack(unused=5)],
        replace(NO_UNUSED, max_repack_bytes=0),
        (1,),
        (),
    ),
    (
        "trees only",
        [Pack(BIG, BIG), Pack(BIG, 1, trees=True)],
        replace(NO_UNUSED, repack_cacheable_only=True),
        (),
        (1,),
    ),
    ("ten small packs", [Pack(MIB)] * 10, PruneRequest(repack_small=True), (), tuple(range(10))),
    ("nine are too few", [Pack(MIB)] * 9, PruneRequest(repack_small=True), (), ()),
    (
        "below a size of one's own",
        [Pack(MIB)] * 10 + [Pack(3 * MIB)],
        PruneRequest(repack_smaller_than=2 * MIB),
        (),
        tuple(range(10)),
    ),
    ("no packs", [], PruneRequest(), (), ()),
]


@pytest.mark.parametrize(
    ("packs", "request_", "remove", "repack"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_each_pack_gets_its_fate(
    packs: list[Pack], request_: PruneRequest, remove: tuple[int, ...], repack: tuple[int, ...]
) -> None:
    decisions = decide_packs(count(*packs), request_)

    assert (decisions.remove, decisions.repack) == (remove, repack)
    assert sorted((*decisions.remove, *decisions.repack, *decisions.keep)) == list(
        range(len(packs))
    )


def test_five_percent_is_measured_against_all_that_is_left() -> None:
    five = UnusedLimit(percent=Fraction(5))

    assert five.allowed_bytes(95) == 5
    assert PruneRequest().max_unused == five
