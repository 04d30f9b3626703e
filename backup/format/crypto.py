"""The envelope around everything stored: AES-256-CTR and Poly1305-AES.

Layout of a sealed message (restic repository format, "Encryption and MAC")::

    IV (16) ‖ AES-256-CTR(plaintext, counter block = IV) ‖ Poly1305-AES tag (16)

The tag covers the ciphertext only; its one-time key is ``r ‖ AES-128_k(IV)``. IVs come from the
operating system's generator, one per message, never from content and never from a generator that
a child process could share.
"""

import hmac
import os
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

from backup.errors import DamagedError
from backup.stores.base import Buffer

IV_LENGTH = 16
TAG_LENGTH = 16
OVERHEAD = IV_LENGTH + TAG_LENGTH
_ZERO_IV = bytes(IV_LENGTH)


class MasterKey(NamedTuple):
    """The repository's master key: 32 + 16 + 16 secret bytes."""

    encrypt: bytes
    mac_k: bytes
    mac_r: bytes

    def __repr__(self) -> str:
        return "MasterKey(…)"


def generate_master_key() -> MasterKey:
    """Make a new random master key."""
    return MasterKey(os.urandom(32), os.urandom(16), os.urandom(16))


def prove(key: MasterKey, purpose: str, text: bytes) -> str:
    """Give the proof that text kept beside a repository was written by who holds its key.

    Args:
        key: The repository's; random, so that the proof is of no help in guessing a password.
        purpose: What the text is; a proof of one thing proves nothing else.
        text: Any length.

    Returns:
        HMAC-SHA-256, 64 hexadecimal digits.
    """
    return hmac.digest(b"".join(key), purpose.encode() + b"\0" + text, "sha256").hex()


class Envelope:
    """Seals and opens messages under one master key. Not for use by two threads at once.

    The cipher contexts are made once; a new IV is set for each message, which costs a sixth of
    making a context.
    """

    def __init__(self, key: MasterKey) -> None:
        self._ctr = Cipher(algorithms.AES(key.encrypt), modes.CTR(_ZERO_IV)).encryptor()
        self._nonces = Cipher(algorithms.AES(key.mac_k), modes.ECB()).encryptor()  # noqa: S305 -- one block per IV, as the format asks
        self._mac_r = key.mac_r

    def seal(self, plaintext: Buffer) -> bytes:
        """Encrypt and authenticate one message; 32 bytes longer than it."""
        sealed = bytearray(len(plaintext) + OVERHEAD)
        self.seal_into(plaintext, memoryview(sealed))
        return bytes(sealed)

    def seal_into(self, plaintext: Buffer, room: memoryview) -> None:
        """Encrypt and authenticate one message into `room`, 32 bytes longer than it."""
        iv = os.urandom(IV_LENGTH)
        ciphertext = room[IV_LENGTH:-TAG_LENGTH]
        self._ctr.reset_nonce(iv)
        self._ctr.update_into(plaintext, ciphertext)
        room[:IV_LENGTH] = iv
        tag = Poly1305.generate_tag(self._mac_r + self._nonces.update(iv), ciphertext)
        room[-TAG_LENGTH:] = tag

    def open(self, sealed: Buffer) -> bytes:
        """Authenticate and decrypt one message.

        Raises:
            DamagedError: The message is too short or its tag does not match.
        """
        view = memoryview(sealed)
        if len(view) < OVERHEAD:
            raise DamagedError(
                "an encrypted message has {length} bytes, fewer than the {overhead} of its frame",
                length=len(view),
                overhead=OVERHEAD,
            )
        iv = bytes(view[:IV_LENGTH])
        ciphertext = view[IV_LENGTH:-TAG_LENGTH]
        one_time_key = self._mac_r + self._nonces.update(iv)
        try:
            Poly1305.verify_tag(one_time_key, ciphertext, bytes(view[-TAG_LENGTH:]))
        except InvalidSignature:
            raise DamagedError(
                "an encrypted message does not match its authentication tag"
            ) from None
        if iv == _ZERO_IV:
            raise DamagedError("an encrypted message has an all-zero IV")
        return self._apply_keystream(iv, ciphertext)

    def _apply_keystream(self, iv: bytes, message: Buffer) -> bytes:
        """Encrypt or decrypt: in CTR mode both are the same."""
        self._ctr.reset_nonce(iv)
        return self._ctr.update(message)
