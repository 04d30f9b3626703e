"""Deciding, at the last moment, which packs may really go: pure."""

from dataclasses import dataclass

import numpy as np

from backup.index import Index
from backup.packs import BlobType
from backup.pruning.entries import Flags, Numbers, blob_numbers


@dataclass(frozen=True, slots=True)
class Removal:
    """What may go.

    Attributes:
        packs: For each pack of the index, whether it may go.
        kept_back: Numbers of candidates that stay because something needs them after all.
        lost: Entries of needed blobs that lie in no whole pack; while there is one, none may go.
    """

    packs: Flags
    kept_back: Numbers
    lost: Numbers


def decide_removal(index: Index, needed: Flags, *, candidates: Flags, is_whole: Flags) -> Removal:
    """Drop candidates until every needed blob lies in a whole pack that stays.

    Args:
        index: All that is indexed now.
        needed: Marks at least one entry of each blob that any snapshot needs.
        candidates: For each pack, whether it is planned to go.
        is_whole: For each pack, whether the store has it in the right size.
    """
    numbers = blob_numbers(index)
    packs = index.pack_numbers()
    size = len(BlobType) * len(index)
    open_blobs = np.zeros(size, dtype=np.bool_)
    open_blobs[numbers[needed]] = True
    open_blobs[numbers[(~candidates & is_whole)[packs]]] = False
    rescuers = np.flatnonzero(open_blobs[numbers] & (candidates & is_whole)[packs])
    kept_back = np.unique(packs[rescuers]).astype(np.int64)
    may_go = candidates.copy()
    may_go[kept_back] = False
    open_blobs[numbers[rescuers]] = False
    return Removal(may_go, kept_back, np.flatnonzero(open_blobs[numbers] & needed))
