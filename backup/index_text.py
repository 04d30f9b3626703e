"""The text of an index file (restic: "Indexing"), written without loading an index."""

from collections.abc import Iterable, Mapping, Sequence

from backup.packs import PackedBlob


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
