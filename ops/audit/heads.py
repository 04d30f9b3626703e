"""Signed heads of the journal, one small file each, in the root of every store; never replaced.

`journal-heads/SEQUENCE-HASH.json` holds the number and hash of a row, when it was signed, the
public key and an Ed25519 signature over the text that `SignedHead.message` gives. Whoever changes
the journal on the service's machine cannot change those a store has kept.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from random import SystemRandom
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backup.errors import ObjectExistsError
from backup.stores.base import Store
from ops.audit.signing_key import is_signed_by, public_text
from ops.journal.journal import Head

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
