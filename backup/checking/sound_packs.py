"""The fast proof that a pack is sound; says yes or no, and nothing about what is wrong.

Nearly every pack is sound, and a pack may hold many thousand small blobs, so this path is made for
speed: the Poly1305 keys of all blobs come from one call, and one AES context is set to the nonce of
each blob instead of being built anew (3 of 9 µs a blob). What `Envelope.open` promises holds here
too: the tag is proven before anything is decrypted.
"""

import hashlib
from collections.abc import Callable, Iterator

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from backup.crypto import IV_LENGTH, OVERHEAD, TAG_LENGTH, Envelope, MasterKey
from backup.errors import DamagedError
from backup.frames import UNKNOWN_SIZE
from backup.packs import PackedBlob, decode_header, header_length

_LENGTH_FIELD = 4
_ZERO_IV = bytes(IV_LENGTH)

ReadRange = Callable[[int, int], bytes]


class SoundPacks:
    """Tells sound packs from others. Not for use by two threads at once."""

    def __init__(self, key: MasterKey, *, window_bytes: int) -> None:
        """Take the key.

        Args:
            key: The repository's.
            window_bytes: How much of a pack to hold at a time; a larger blob is held whole.
        """
        self._window_bytes = window_bytes
        self._envelope = Envelope(key)
        self._mac_r = key.mac_r
        self._nonces = Cipher(algorithms.AES(key.mac_k), modes.ECB()).encryptor()  # noqa: S305 -- one block per IV, as the format asks
        self._decryptor = Cipher(algorithms.AES(key.encrypt), modes.CTR(_ZERO_IV)).decryptor()
        self._zstd = zstandard.ZstdDecompressor()

    def is_sound(self, pack_id: bytes, header: bytes, read: ReadRange) -> bool:
        """Whether a pack is what its name and the index say, every blob included.

        Args:
            pack_id: SHA-256 that its bytes should have.
            header: The plaintext header that it should have.
            read: Reads bytes of it: from an offset so many. It is asked once for each byte, in
                order, and at the end for one more, which must not be there.
        """
        digest = hashlib.sha256()
        try:
            groups = list(_group(decode_header(header), self._window_bytes))
            for number, group in enumerate(groups, 1):
                start, end = group[0].offset, group[-1].offset + group[-1].length
                is_last = number == len(groups)
                rest = len(header) + OVERHEAD + _LENGTH_FIELD if is_last else 0
                piece = memoryview(read(start, end - start + rest + is_last))
                digest.update(piece)
                if not self._are_sound(piece[: end - start], group):
                    return False
                if is_last and not self._is_end(piece[end - start :], header):
                    return False
        except (DamagedError, InvalidSignature, zstandard.ZstdError):
            return False
        return bool(groups) and digest.digest() == pack_id

    def _is_end(self, end: memoryview, header: bytes) -> bool:
        sealed = end[:-_LENGTH_FIELD]
        return header_length(end) == len(sealed) and self._envelope.open(sealed) == header

    def _are_sound(self, piece: memoryview, blobs: list[PackedBlob]) -> bool:
        """Prove blobs that follow each other and fill `piece`."""
        first = blobs[0].offset
        if blobs[-1].offset + blobs[-1].length - first != len(piece):
            return False
        if min(blob.length for blob in blobs) < OVERHEAD:
            return False
        ivs = b"".join([piece[blob.offset - first :][:IV_LENGTH] for blob in blobs])
        nonces = self._nonces.update(ivs)
        mac_r, verify_tag, sha256 = self._mac_r, Poly1305.verify_tag, hashlib.sha256
        reset, decrypt = self._decryptor.reset_nonce, self._decryptor.update
        decompress, frame_size = self._zstd.decompress, zstandard.frame_content_size
        at = 0
        for blob_id, _, offset, length, plain_length in blobs:
            tag_at = offset - first + length - TAG_LENGTH
            ciphertext = piece[offset - first + IV_LENGTH : tag_at]
            tag = bytes(piece[tag_at : tag_at + TAG_LENGTH])
            verify_tag(mac_r + nonces[at : at + IV_LENGTH], ciphertext, tag)
            iv = ivs[at : at + IV_LENGTH]
            at += IV_LENGTH
            reset(iv)
            plaintext = decrypt(ciphertext)
            if plain_length:
                if frame_size(plaintext) not in {UNKNOWN_SIZE, plain_length}:
                    return False
                plaintext = decompress(plaintext, max_output_size=plain_length)
                if len(plaintext) != plain_length:
                    return False
            if sha256(plaintext).digest() != blob_id or iv == _ZERO_IV:
                return False
        return True


def _group(blobs: list[PackedBlob], most_bytes: int) -> Iterator[list[PackedBlob]]:
    """Cut a pack's blobs into runs of at most so many bytes, or of one larger blob."""
    start = 0
    for at in range(1, len(blobs)):
        if blobs[at].offset + blobs[at].length - blobs[start].offset > most_bytes:
            yield blobs[start:at]
            start = at
    if blobs:
        yield blobs[start:]
