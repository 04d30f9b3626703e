"""What a mirror lacks and what it has too much: decided from two listings, pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["snapshots", "index", "data", "keys"]
Listing = Mapping[str, int]
"""Objects of a repository: key to size in bytes; locks and the config left out."""

HeldBack = Literal["", "shrunk", "index_lost", "source_damaged"]

KINDS: tuple[Kind, ...] = ("snapshots", "index", "data", "keys")
"""In the order in which they are listed, and removed."""
ADDED: tuple[Kind, ...] = ("keys", "data", "index", "snapshots")
"""In the order in which they are written."""
_FEW = 3


@dataclass(frozen=True, slots=True)
class MirrorFacts:
    """What a plan is made from.

    Attributes:
        source, mirror: What each holds.
        needed: Keys of the packs that the source's index names.
        forgotten: Keys of packs that only index files of the mirror name.
        locked: Keys of snapshots that the source has not any more and that the mirror has promised
            to keep for now.
    """

    source: Listing
    mirror: Listing
    needed: frozenset[str]
    forgotten: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    """What is to be done.

    Attributes:
        add: Keys to write, in this order; those whose size is wrong at the mirror included.
        replace: Those of `add` that are there with another size, so damaged.
        remove: Keys to remove afterwards, in this order.
        held_back: Why nothing is removed although the source lacks something: `shrunk`,
            `index_lost` (packs lie there that no index of it names any more), `source_damaged`
            (packs are gone that its index names); empty where nothing is.
        lost: Keys of packs that neither of them has, though the source's index names them.
        add_bytes: Bytes to write.
        locked: Snapshots that would be removed but for the mirror's promise to keep them.
    """

    add: tuple[str, ...]
    replace: frozenset[str]
    remove: tuple[str, ...]
    held_back: HeldBack
    lost: tuple[str, ...]
    add_bytes: int
    locked: frozenset[str] = frozenset()


def plan_mirror(facts: MirrorFacts, *, allow_shrink: bool = False) -> MirrorPlan:
    """Decide what to add and what to remove; pure.

    Args:
        facts: Two listings, and what the indexes name.
        allow_shrink: Follow the source although it has lost most of its snapshots.
    """
    source, mirror = facts.source, facts.mirror
    replace = frozenset(key for key, size in source.items() if mirror.get(key, size) != size)
    add = _in_order((source.keys() - mirror.keys()) | replace, ADDED)
    extra = mirror.keys() - source.keys() - facts.needed - facts.locked
    if facts.locked:  # they may need everything else that lies there
        extra = {key for key in extra if kind_of(key) == "snapshots"}
    held_back = _find_doubt(facts, extra, allow_shrink=allow_shrink)
    return MirrorPlan(
        add=add,
        replace=replace,
        remove=() if held_back else _in_order(extra, KINDS),
        held_back=held_back,
        lost=tuple(sorted(facts.needed - source.keys() - mirror.keys())),
        add_bytes=sum(source[key] for key in add),
        locked=facts.locked,
    )


def _find_doubt(facts: MirrorFacts, extra: Collection[str], *, allow_shrink: bool) -> HeldBack:
    if not extra:
        return ""
    if facts.needed - facts.source.keys():
        return "source_damaged"
    if facts.forgotten & facts.source.keys():
        return "index_lost"
    here, there = _count(facts.source, "snapshots"), _count(facts.mirror, "snapshots")
    gone = sum(kind_of(key) == "snapshots" for key in extra)
    # Where many stay locked long after their source has gone, only what is left there tells.
    most = max(_FEW, (here if facts.locked else there) // 2)
    is_sudden = gone and (not here or gone > most)
    return "shrunk" if is_sudden and not allow_shrink else ""


def _count(listing: Listing, kind: Kind) -> int:
    return sum(kind_of(key) == kind for key in listing)


def kind_of(key: str) -> str:
    """Give the folder of a repository that a key lies in."""
    return key.partition("/")[0]


def _in_order(keys: Iterable[str], kinds: Sequence[Kind]) -> tuple[str, ...]:
    ranks = {str(kind): rank for rank, kind in enumerate(kinds)}
    return tuple(sorted(keys, key=lambda key: (ranks[kind_of(key)], key)))
