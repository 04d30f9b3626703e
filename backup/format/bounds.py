"""How much of what lies in a store is read or worked on before a key has proven anything.

Who can write into a store needs no key to put files there: one that never ends, a thousand that
cost a second each. The bounds lie far above what any writer makes, so that only such files meet
them, and opening a repository takes a known time and memory whatever lies there.
"""

from collections.abc import Mapping

from backup.errors import DamagedError, StoreError
from backup.stores.base import Store

# By the first part of a key, in bytes. Keys, locks and the config have some 500. An index file
# describes at most 50 000 blobs and then one whole pack, whose header can name 409 000 (restic:
# internal/repository/index, pack): 80 MB of JSON were it not compressed. restic's packs end at
# 128 MiB and one blob more.
LARGEST: Mapping[str, int] = {
    "config": 64 << 10,
    "keys": 64 << 10,
    "locks": 64 << 10,
    "snapshots": 16 << 20,
    "index": 128 << 20,
    "data": 512 << 20,
}
LARGEST_JSON = LARGEST["index"]
"""Bytes of an unpacked file once it is decompressed."""

# A snapshot every quarter of an hour for seven years; passwords are counted on two hands.
_MOST_FILES: Mapping[str, int] = {"keys": 1_000, "locks": 250_000, "snapshots": 250_000,
                                  "index": 250_000}  # fmt: skip

MOST_KEYS = 20
"""Key files on which a password is tried, as restic does (`cmd/restic/global.go`, maxKeys)."""

LARGEST_SCRYPT_MEMORY = 256 << 20
"""Bytes; restic asks for 60 MB at most, rustic for 128 MiB."""

LARGEST_SCRYPT_WORK = 1 << 23
"""N × r × p; some 2,5 s. restic calibrates to 0,5 s, which gives 2^21 on the fastest machines."""


def read_bounded(store: Store, key: str) -> bytes:
    """Read a whole object of a repository, unless it is larger than any of its kind can be.

    Raises:
        DamagedError: It is; no more than the bound was read.
        ObjectNotFoundError: No object has that key.
        StoreError: The store failed.
    """
    most = LARGEST[key.partition("/")[0]]
    content = store.read(key, 0, most + 1)
    if len(content) > most:
        raise DamagedError(
            "{key} has more than {most} bytes",
            why="no writer makes such a file there that large: it is damaged, or was planted",
            data="it was not used",
            next_step="look at {key} in {place}, and remove it if nobody knows it",
            key=key,
            most=most,
            place=store.location,
        )
    return content


def ensure_countable(kind: str, count: int, store: Store) -> None:
    """Refuse a folder of small files that holds more than any repository has.

    Raises:
        StoreError: It does.
    """
    most = _MOST_FILES.get(kind, count)
    if count > most:
        raise StoreError(
            "{place} has {count} files in {kind}, more than {most}",
            why="no repository has that many: somebody may have planted them",
            data="none of them was read",
            next_step="remove from {kind} what nobody knows",
            place=store.location,
            count=count,
            kind=kind,
            most=most,
        )
