"""The text of an index file (restic: "Indexing"), written without loading an index.

When durable packs have waited long enough for an index file. Pure: clocks are read elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence

from backup.format.pack import PackedBlob


def encode_pack(pack_id: bytes, blobs: Sequence[PackedBlob]) -> str:
    """Write the JSON of one pack and what it holds, in file order."""
    rows = ",".join(
        [
            f'{{"id":"{blob.id.hex()}","type":"{blob.type.word}","offset":{blob.offset},'
            f'"length":{blob.length}'
            + (
                f',"uncompressed_length":{blob.uncompressed_length}}}'
                if blob.uncompressed_length
                else "}"
            )
            for blob in blobs
        ]
    )
    return f'{{"id":"{pack_id.hex()}","blobs":[{rows}]}}'


def join_packs(packs: Iterable[str]) -> bytes:
    """Make an index file's content of the JSON of its packs, with the newline restic writes."""
    return f'{{"packs":[{",".join(packs)}]}}\n'.encode()


def encode_index(packs: Mapping[bytes, Sequence[PackedBlob]]) -> bytes:
    """Write an index file's JSON: what each pack holds, by the pack's id."""
    return join_packs(encode_pack(pack_id, blobs) for pack_id, blobs in packs.items())


# In a long run over a line the files would be many, so there a share of its time may be lost.
_SHARE = 1 / 20


def seconds_until_index(
    now: float, *, began_at: float, indexed_at: float, interval: float
) -> float:
    """Decide for how many seconds more durable packs may lie in no index file.

    Args:
        now: What the monotonic clock says.
        began_at: What it said when the run began.
        indexed_at: What it said when the last index file was written; at first as `began_at`.
        interval: Seconds between two of them in a short run.

    Returns:
        0.0 where an index file is due.
    """
    patience = max(interval, (now - began_at) * _SHARE)
    return max(0.0, indexed_at + patience - now)
