"""The envelope around everything stored: AES-256-CTR and Poly1305-AES.

Layout of a sealed message (restic repository format, "Encryption and MAC")::

    IV (16) ‖ AES-256-CTR(plaintext, counter block = IV) ‖ Poly1305-AES tag (16)

The tag covers the ciphertext only; its one-time key is ``r ‖ AES-128_k(IV)``. IVs come from the
operating system's generator, one per message, never from content and never from a generator that
a child process could share.
"""

import hmac
import os
from collections.abc import Sequence
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
_LEAST_BATCH = 4
# Messages that are longer on average gain nothing from being encrypted in company.
_LONGEST_IN_BATCH = 2500


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


class Envelope:
    """Seals and opens messages under one master key. Not for use by two threads at once."""

    def __init__(self, key: MasterKey) -> None:
        self._aes = algorithms.AES(key.encrypt)
        self._nonces = Cipher(algorithms.AES(key.mac_k), modes.ECB()).encryptor()  # noqa: S305 -- one block per IV, as the format asks
        self._ecb = Cipher(self._aes, modes.ECB()).encryptor()  # noqa: S305 -- see `keystreams`
        self._mac_r = key.mac_r

    def seal(self, plaintext: Buffer) -> bytes:
        """Encrypt and authenticate one message; 32 bytes longer than it."""
        return b"".join(self.seal_parts(plaintext))

    def seal_parts(self, plaintext: Buffer) -> tuple[bytes, bytes, bytes]:
        """Like `seal`, giving IV, ciphertext and tag apart, so that big messages are not copied."""
        iv = os.urandom(IV_LENGTH)
        ciphertext = Cipher(self._aes, modes.CTR(iv)).encryptor().update(plaintext)
        one_time_key = self._mac_r + self._nonces.update(iv)
        return iv, ciphertext, Poly1305.generate_tag(one_time_key, ciphertext)

    def seal_many(self, plaintexts: Sequence[Buffer]) -> list[bytes]:
        """Seal several messages, in their order; much quicker than one by one for short ones."""
        ivs = os.urandom(IV_LENGTH * len(plaintexts))
        ciphertexts = self._combine_many(ivs, plaintexts)
        nonces = self._nonces.update(ivs)
        mac_r, tag = self._mac_r, Poly1305.generate_tag
        sealed = []
        at = 0
        for ciphertext in ciphertexts:
            end = at + IV_LENGTH
            parts = (ivs[at:end], ciphertext, tag(mac_r + nonces[at:end], ciphertext))
            sealed.append(b"".join(parts))
            at = end
        return sealed

    def _combine_many(self, ivs: bytes, messages: Sequence[Buffer]) -> list[bytes]:
        """Apply the CTR keystream of each IV to its message."""
        if len(messages) < _LEAST_BATCH or sum(map(len, messages)) > _LONGEST_IN_BATCH * len(
            messages
        ):
            return [
                Cipher(self._aes, modes.CTR(ivs[at : at + IV_LENGTH])).encryptor().update(message)
                for at, message in zip(range(0, len(ivs), IV_LENGTH), messages, strict=True)
            ]
        from backup.keystreams import combine

        return combine(self._ecb, ivs, messages)

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
            raise _mismatch() from None
        if hmac.compare_digest(iv, _ZERO_IV):
            raise DamagedError("an encrypted message has an all-zero IV")
        return Cipher(self._aes, modes.CTR(iv)).decryptor().update(ciphertext)

    def open_many(self, sealed: Sequence[Buffer]) -> list[bytes]:
        """Authenticate and decrypt several messages, in their order.

        Raises:
            DamagedError: One of them is too short or does not match its tag.
        """
        if len(sealed) < _LEAST_BATCH:
            return [self.open(message) for message in sealed]
        views = [memoryview(message) for message in sealed]
        if min(map(len, views)) < OVERHEAD:
            return [self.open(message) for message in sealed]  # raises, with the right words
        ivs = b"".join([view[:IV_LENGTH] for view in views])
        nonces = self._nonces.update(ivs)
        ciphertexts = [view[IV_LENGTH:-TAG_LENGTH] for view in views]
        mac_r, verify = self._mac_r, Poly1305.verify_tag
        try:
            for at, view, ciphertext in zip(
                range(0, len(ivs), IV_LENGTH), views, ciphertexts, strict=True
            ):
                key = mac_r + nonces[at : at + IV_LENGTH]
                verify(key, ciphertext, bytes(view[-TAG_LENGTH:]))
        except InvalidSignature:
            raise _mismatch() from None
        return self._combine_many(ivs, ciphertexts)


def _mismatch() -> DamagedError:
    return DamagedError("an encrypted message does not match its authentication tag")
