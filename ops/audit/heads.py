"""The journal's head: the key that signs it, what is signed, and what each store has kept of it.

A head is `journal-heads/SEQUENCE-HASH.json`: number and hash of a row, when it was signed, the
public key, and an Ed25519 signature over the text that `SignedHead.message` gives. Whoever changes
the journal on the service's machine cannot change those that a store has kept.

The key (Ed25519, PKCS #8 in PEM, which `openssl pkey` reads) is made on first use where `[keys]
signing` names a file that is not there yet. In a backup it is encrypted under the repository
password, once more than everything else.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from backup.errors import ObjectExistsError
from backup.stores.base import Store
from ops.canonical import digest_of
from ops.durable_files import put_new
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.journal.journal import Head


class SigningKeyError(OpsError):
    """The signing key cannot be made or read."""


def find_signing_key(estate: Estate) -> Ed25519PrivateKey | None:
    """Give the key; None where the estate names none, or its file is not there yet.

    Raises:
        SecretError, SigningKeyError: It cannot be read.
    """
    reference = estate.keys.signing
    path = signing_file(estate)
    if reference is None or (path is not None and not path.exists()):
        return None
    if path is not None and path.stat().st_size == 0:
        raise _unreadable(reference)
    return _read_key(resolve(reference).get_secret_value().encode(), None, reference)


def signing_file(estate: Estate) -> Path | None:
    """Give the file that the reference names; None where it names something else or nothing."""
    scheme, _, rest = (estate.keys.signing or "").partition(":")
    return Path(rest) if scheme == "file" else None


def make_signing_key(path: Path) -> Ed25519PrivateKey:
    """Make a key and keep it in a file of its owner alone; a file that is there stays."""
    key = Ed25519PrivateKey.generate()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_new(path, encode_key(key), 0o600)
    except OSError as error:
        raise SigningKeyError(
            "the signing key cannot be written to {path}",
            why="{reason}",
            data="the journal is as it was",
            next_step="name a folder that this user can write in `[keys] signing`",
            path=path,
            reason=error.strerror or type(error).__name__,
        ) from error
    return key


def encode_key(key: Ed25519PrivateKey, password: bytes | None = None) -> bytes:
    """Give the key as PEM, encrypted where a password is given."""
    encryption: KeySerializationEncryption = (
        BestAvailableEncryption(password) if password else NoEncryption()
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def decrypt_key(pem: bytes, password: bytes) -> bytes:
    """Give the PEM of a backup without its encryption.

    Raises:
        SigningKeyError: The password does not open it.
    """
    return encode_key(_read_key(pem, password, "signing-key.pem"))


def public_text(key: Ed25519PrivateKey) -> str:
    """Give the public key's 32 bytes in hexadecimal."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def is_signed_by(public: str, signature: str, message: bytes) -> bool:
    """Tell whether a signature is that of the public key; both in hexadecimal."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _read_key(pem: bytes, password: bytes | None, reference: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(reference) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(reference)
    return key


def _unreadable(reference: str) -> SigningKeyError:
    return SigningKeyError(
        "the signing key {reference} cannot be used",
        why="it is no Ed25519 key in PEM, or another password opens it",
        data="the journal is as it was",
        next_step="put the right file back; `{program} service.recover` has it in the backup",
        reference=reference,
    )


_ATTESTATION = "giucong-journal-attestation 1"
_SEAL = "attested"


def attest(key: Ed25519PrivateKey, before: Head, details: Mapping[str, Any]) -> dict[str, Any]:
    """Give the details with the signature for a row that follows `before` at once.

    Who can write to the catalog can append rows that are chained as they should be. A row that
    explains a difference between journal and stores (what a recovery lost, what two people
    accepted, a new key) therefore holds a signature by the signing key over its details and the row
    before it, and counts only with that.
    """
    signature = key.sign(_message(before, details)).hex()
    return {**details, _SEAL: {"key": public_text(key), "signature": signature}}


def attester_of(details: Mapping[str, Any], before: Head) -> str:
    """Give the public key that signed these details for their place; empty for none."""
    seal = details.get(_SEAL)
    if not isinstance(seal, Mapping):
        return ""
    key, signature = str(seal.get("key", "")), str(seal.get("signature", ""))
    plain = {name: value for name, value in details.items() if name != _SEAL}
    return key if is_signed_by(key, signature, _message(before, plain)) else ""


def _message(before: Head, details: Mapping[str, Any]) -> bytes:
    return f"{_ATTESTATION}\n{before.sequence}\n{before.hash}\n{digest_of(details)}\n".encode()


FOLDER = "journal-heads"
_FORMAT = "giucong-journal-head"
_VERSION = 1
_NAME = re.compile(rf"{FOLDER}/(\d{{12,}})-([0-9a-f]{{16}})\.json")
_DRAWN = 20
_LARGEST = 1 << 16  # bytes; a head has some 400, and who can write there needs no key


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A row that the journal ended with once, and who signs for it.

    Attributes:
        sequence, hash: As in the row.
        at: When it was signed, ISO 8601 in UTC.
        key: Public key, 32 bytes in hexadecimal.
        signature: 64 bytes in hexadecimal.
    """

    sequence: int
    hash: str
    at: str
    key: str
    signature: str

    @property
    def message(self) -> bytes:
        """What is signed."""
        return f"{_FORMAT} {_VERSION}\n{self.sequence}\n{self.hash}\n{self.at}\n".encode()

    @property
    def name(self) -> str:
        """Its key in a store; sorts as the rows do."""
        return f"{FOLDER}/{self.sequence:012}-{self.hash[:16]}.json"

    @property
    def is_sound(self) -> bool:
        """Whether the signature is that of the key it names."""
        return is_signed_by(self.key, self.signature, self.message)

    def is_of(self, text: str) -> bool:
        """Tell whether it is the head of a row with this hash."""
        return self.hash == text


@dataclass(frozen=True, slots=True)
class UnreadHead:
    """A head of which only the name is known: the row's number and the start of its hash."""

    sequence: int
    start: str

    def is_of(self, text: str) -> bool:
        """Tell whether it may be the head of a row with this hash."""
        return bool(text) and text.startswith(self.start)


def row_of(name: str) -> str:
    """Give the digits of the row in a head's name."""
    return name.rpartition("/")[2].partition("-")[0]


def sign_head(key: Ed25519PrivateKey, head: Head, at: datetime) -> SignedHead:
    """Sign for the journal's newest row."""
    moment = at.astimezone(UTC).isoformat(timespec="seconds")
    blank = SignedHead(head.sequence, head.hash, moment, public_text(key), "")
    signature = key.sign(blank.message).hex()
    return SignedHead(head.sequence, head.hash, moment, blank.key, signature)


def put_head(store: Store, head: SignedHead) -> None:
    """Write a head into a store; one that is there already stays."""
    document = {"format": _FORMAT, "version": _VERSION, **asdict(head)}
    try:
        store.write(head.name, (json.dumps(document, indent=1) + "\n").encode())
    except ObjectExistsError:
        return


@dataclass(frozen=True, slots=True)
class StoreHeads:
    """What one store has kept.

    Attributes:
        heads: Those that were read, oldest first.
        unread: The others, oldest first.
        unreadable: Names of files that are no heads.
        names: Names of all files, read or not.
    """

    heads: Sequence[SignedHead] = ()
    unread: Sequence[UnreadHead] = ()
    unreadable: Sequence[str] = ()
    names: Sequence[str] = ()


def read_heads(store: Store, newest: int | None = None) -> StoreHeads:
    """Read what a store has kept.

    Args:
        store: Its root.
        newest: Read so many of the newest, the oldest, and some that nobody can foresee; of the
            others only the names. None for all.

    Raises:
        StoreError: The store failed.
    """
    heads, unread, unreadable = [], [], []
    names = sorted(info.key for info in store.list(FOLDER))
    chosen = set(names if newest is None else _choose(names, newest))
    for name in names:
        try:
            if name in chosen:
                heads.append(_parse(json.loads(store.read(name, 0, _LARGEST))))
            else:
                unread.append(_parse_name(name))
        except (ValueError, KeyError, TypeError, RecursionError):
            unreadable.append(name)
    return StoreHeads(heads, unread, unreadable, names)


def _choose(names: Sequence[str], newest: int) -> list[str]:
    older = names[:-newest]
    drawn = SystemRandom().sample(older, min(_DRAWN, len(older)))
    return [*older[:1], *drawn, *names[-newest:]]


def _parse_name(name: str) -> UnreadHead:
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(name)
    return UnreadHead(int(found[1]), found[2])


def _parse(document: Mapping[str, Any]) -> SignedHead:
    if document["format"] != _FORMAT or document["version"] != _VERSION:
        raise ValueError(document["format"])
    return SignedHead(
        sequence=int(document["sequence"]),
        hash=str(document["hash"]),
        at=str(document["at"]),
        key=str(document["key"]),
        signature=str(document["signature"]),
    )
