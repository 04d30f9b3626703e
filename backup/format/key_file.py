"""Key files: the master key wrapped by a password (restic: "Keys, Encryption and MAC").

``keys/<sha256 of the file>`` is plain JSON with the scrypt parameters and an envelope, sealed
under the password's key, around the master key. Several files may wrap the same master key.
"""

import base64
import getpass
import hashlib
import json
import os
import socket
from datetime import datetime
from typing import NamedTuple

from backup.errors import DamagedError, UnsupportedFormatError
from backup.format.bounds import LARGEST_SCRYPT_MEMORY, LARGEST_SCRYPT_WORK
from backup.format.crypto import Envelope, MasterKey
from backup.format.times import format_local_time

SALT_LENGTH = 64
# restic calibrates to at most 500 ms and 60 MB; on today's machines that gives these values.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 32768, 8, 1


class KeyFile(NamedTuple):
    """A parsed key file.

    Attributes:
        created: When it was made, as written.
        username: Who made it.
        hostname: Where.
        n: scrypt cost.
        r: scrypt block size.
        p: scrypt parallelisation.
        salt: 64 random bytes.
        data: The sealed master key.
    """

    created: str
    username: str
    hostname: str
    n: int
    r: int
    p: int
    salt: bytes
    data: bytes


def derive_password_key(password: bytes, key_file: KeyFile) -> MasterKey:
    """Run scrypt: 64 bytes, of which 32 encrypt and 16 + 16 authenticate.

    Raises:
        UnsupportedFormatError: The parameters ask for more memory or work than any writer's, or
            are invalid.
    """
    needed = 128 * key_file.r * (key_file.n + key_file.p + 2) + (1 << 20)
    work = key_file.n * key_file.r * key_file.p
    if needed > LARGEST_SCRYPT_MEMORY or work > LARGEST_SCRYPT_WORK:
        raise UnsupportedFormatError(
            "a key file asks for {bytes} bytes of memory and {times} times the usual work",
            bytes=needed,
            times=work // (SCRYPT_N * SCRYPT_R * SCRYPT_P),
        )
    try:
        raw = hashlib.scrypt(
            password,
            salt=key_file.salt,
            n=key_file.n,
            r=key_file.r,
            p=key_file.p,
            maxmem=needed,
            dklen=64,
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise UnsupportedFormatError("a key file has invalid scrypt parameters") from error
    return MasterKey(raw[:32], raw[32:48], raw[48:])


def wrap_master_key(master: MasterKey, password: bytes, *, created: datetime) -> bytes:
    """Make the bytes of a new key file for `password`."""
    blank = KeyFile(
        created=format_local_time(created),
        username=current_username(),
        hostname=socket.gethostname(),
        n=SCRYPT_N,
        r=SCRYPT_R,
        p=SCRYPT_P,
        salt=os.urandom(SALT_LENGTH),
        data=b"",
    )
    sealed = Envelope(derive_password_key(password, blank)).seal(_encode_master(master))
    return _encode_key_file(blank._replace(data=sealed))


def unwrap_master_key(key_file: KeyFile, password: bytes) -> MasterKey | None:
    """Give the master key, or None where the password does not open this file.

    Raises:
        UnsupportedFormatError: The parameters or the wrapped key are of an unknown form.
    """
    try:
        plaintext = Envelope(derive_password_key(password, key_file)).open(key_file.data)
    except DamagedError:
        return None
    return _decode_master(plaintext)


def parse_key_file(text: bytes) -> KeyFile:
    """Read a key file's JSON.

    Raises:
        UnsupportedFormatError: It is not JSON of the known form, or not scrypt.
    """
    try:
        raw = json.loads(text)
        if raw["kdf"] != "scrypt":
            raise UnsupportedFormatError("a key file uses {kdf!r}, not scrypt", kdf=raw["kdf"])
        return KeyFile(
            created=str(raw.get("created", "")),
            username=str(raw.get("username", "")),
            hostname=str(raw.get("hostname", "")),
            n=int(raw["N"]),
            r=int(raw["r"]),
            p=int(raw["p"]),
            salt=base64.b64decode(raw["salt"]),
            data=base64.b64decode(raw["data"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UnsupportedFormatError("a key file is not of the known form") from error


def current_username() -> str:
    """Name of the user who runs this process, or the number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without an entry in the user database
        return str(os.getuid())


def _encode_key_file(key_file: KeyFile) -> bytes:
    return json.dumps(
        {
            "created": key_file.created,
            "username": key_file.username,
            "hostname": key_file.hostname,
            "kdf": "scrypt",
            "N": key_file.n,
            "r": key_file.r,
            "p": key_file.p,
            "salt": base64.b64encode(key_file.salt).decode(),
            "data": base64.b64encode(key_file.data).decode(),
        },
        separators=(",", ":"),
    ).encode()


def _encode_master(master: MasterKey) -> bytes:
    encoded = [base64.b64encode(part).decode() for part in master]
    return json.dumps(
        {"mac": {"k": encoded[1], "r": encoded[2]}, "encrypt": encoded[0]}, separators=(",", ":")
    ).encode()


def _decode_master(plaintext: bytes) -> MasterKey:
    try:
        raw = json.loads(plaintext)
        master = MasterKey(
            base64.b64decode(raw["encrypt"]),
            base64.b64decode(raw["mac"]["k"]),
            base64.b64decode(raw["mac"]["r"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnsupportedFormatError("a key file holds a master key of an unknown form") from error
    if [len(part) for part in master] != [32, 16, 16]:
        raise UnsupportedFormatError("a key file holds a master key of the wrong length")
    return master
