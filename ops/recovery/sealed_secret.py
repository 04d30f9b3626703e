"""A secret in a backup, sealed once more under the repository password, as `openssl enc` does it.

`Salted__`, eight bytes of salt, then AES-256-CBC with PKCS #7 padding; key and IV are 48 bytes of
PBKDF2 with SHA-256 and 10 000 rounds. `openssl enc -d -aes-256-cbc -pbkdf2 -in FILE -pass file:KEY`
opens it. The repository proves that nobody has changed it, so the form need not.
Source: https://docs.openssl.org/3.0/man1/openssl-enc/ (`-pbkdf2`, default `-iter` and digest).
"""

import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from ops.errors import OpsError

_MAGIC = b"Salted__"
_SALT_BYTES = 8
_ROUNDS = 10_000
_BLOCK_BITS = 128


def seal_secret(plain: bytes, password: bytes) -> bytes:
    """Encrypt a secret."""
    salt = os.urandom(_SALT_BYTES)
    padder = PKCS7(_BLOCK_BITS).padder()
    encryptor = _cipher(password, salt).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return _MAGIC + salt + encryptor.update(padded) + encryptor.finalize()


def open_secret(sealed: bytes, password: bytes) -> bytes:
    """Decrypt a secret.

    Raises:
        OpsError: It is of another form, or sealed under another password.
    """
    start = len(_MAGIC) + _SALT_BYTES
    if not sealed.startswith(_MAGIC):
        raise _wrong()
    try:
        decryptor = _cipher(password, sealed[len(_MAGIC) : start]).decryptor()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        padded = decryptor.update(sealed[start:]) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise _wrong() from error


def _wrong() -> OpsError:
    return OpsError(
        "a sealed secret in the backup does not open with this key",
        why="it was sealed under another one",
        data="nothing was changed",
        next_step="recover from the store whose key this is",
    )


def _cipher(password: bytes, salt: bytes) -> Cipher[modes.CBC]:
    derived = PBKDF2HMAC(SHA256(), 48, salt, _ROUNDS).derive(password)
    return Cipher(algorithms.AES(derived[:32]), modes.CBC(derived[32:]))
