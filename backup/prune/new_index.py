"""Changing the index: taking in files that came since, and writing what is left of it.

Deciding, at the last moment, which packs may really go: pure.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backup.format.pack import ID_LENGTH, BlobType
from backup.prune.entries import Flags, Numbers, blob_numbers
from backup.repository.index import MOST_BLOBS_A_FILE, Columns, Index, IndexBuilder
from backup.repository.repository import Repository


def load_index_files(repository: Repository, file_ids: list[str]) -> Index:
    """Read some index files.

    Raises:
        DamagedError: One of them is damaged.
        ObjectNotFoundError: One of them is gone.
    """
    builder = IndexBuilder()
    for file_id in file_ids:
        builder.add_file(file_id, repository.read_file("index", file_id))
    return builder.build()


def extend_index(base: Index, marks: Flags, more: Index) -> tuple[Index, Flags]:
    """Join two indexes, and carry marks on the first one's entries over to the whole.

    A pack that both describe is taken from the first.
    """
    known = {pack_id: number for number, pack_id in enumerate(base.pack_ids)}
    added = [pack_id for pack_id in more.pack_ids if pack_id not in known]
    new_number = {pack_id: len(base.pack_ids) + at for at, pack_id in enumerate(added)}
    renumbered = np.array([new_number.get(it, -1) for it in more.pack_ids], dtype=np.int64)
    places = renumbered[more.pack_numbers()] if len(more) else np.zeros(0, dtype=np.int64)
    fresh = places >= 0
    ids = _id_array(base), _id_array(more)[fresh]
    columns = Columns(
        b"".join(part.tobytes() for part in ids),
        np.concatenate((base.pack_numbers(), places[fresh].astype(np.uint32))),
        np.concatenate((base.offsets(), more.offsets()[fresh])),
        np.concatenate((base.sizes(), more.sizes()[fresh])),
        np.concatenate((base.plain_sizes(), more.plain_sizes()[fresh])),
        np.concatenate((base.types(), more.types()[fresh])),
        [*base.pack_ids, *added],
    )
    # The order in which `Index` sorts its entries: by the first eight bytes, else as they come.
    keys = np.frombuffer(columns.ids, dtype=">u8")[:: ID_LENGTH // 8].astype(np.uint64)
    order = np.argsort(keys, kind="stable")
    carried = np.concatenate((marks, np.zeros(np.count_nonzero(fresh), dtype=np.bool_)))[order]
    return Index(columns, base.file_ids | more.file_ids), carried


def _id_array(index: Index) -> npt.NDArray[np.void]:
    return np.frombuffer(index.ids(), dtype=f"V{ID_LENGTH}")


def write_index(
    repository: Repository, index: Index, packs: list[int], *, progress: Callable[[int], None]
) -> list[str]:
    """Write index files that describe some packs of an index; gives their ids. All are durable.

    Args:
        repository: Where to.
        index: What is known of the packs.
        packs: Their numbers, ascending.
        progress: Told how many more packs are done.
    """
    written = []
    for group in _group(index, packs):
        text = f'{{"packs":[{",".join(_encode_packs(index, group))}]}}\n'
        written.append(repository.write_file("index", text.encode()))
        progress(len(group))
    return written


Entries = tuple[int, npt.NDArray[np.int64]]


def _group(index: Index, packs: list[int]) -> Iterator[list[Entries]]:
    """Divide packs into index files of about 50 000 blobs; a pack is never divided.

    Yields:
        For each file the packs' numbers, and the positions of each one's entries by offset.
    """
    order = np.lexsort((index.offsets(), index.pack_numbers()))
    bounds = np.searchsorted(index.pack_numbers()[order], np.arange(len(index.pack_ids) + 1))
    group: list[Entries] = []
    count = 0
    for number in packs:
        entries = order[bounds[number] : bounds[number + 1]]
        group.append((number, entries))
        count += len(entries)
        if count >= MOST_BLOBS_A_FILE:
            yield group
            group, count = [], 0
    if group:
        yield group


def _encode_packs(index: Index, packs: list[Entries]) -> Iterator[str]:
    """Write the JSON of each pack: the text of `encode_index`, without a tuple for each blob."""
    words = [blob_type.word for blob_type in BlobType]
    for number, entries in packs:
        ids = _id_array(index)[entries].tobytes().hex()
        rows = zip(
            range(0, len(ids), 2 * ID_LENGTH),
            index.types()[entries].tolist(),
            index.offsets()[entries].tolist(),
            index.sizes()[entries].tolist(),
            index.plain_sizes()[entries].tolist(),
            strict=True,
        )
        blobs = ",".join(
            [
                f'{{"id":"{ids[at : at + 2 * ID_LENGTH]}","type":"{words[kind]}",'
                f'"offset":{offset},"length":{length}'
                + (f',"uncompressed_length":{plain}}}' if plain else "}")
                for at, kind, offset, length, plain in rows
            ]
        )
        yield f'{{"id":"{index.pack_ids[number].hex()}","blobs":[{blobs}]}}'


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
