"""The search for the key file that a password opens.

A password is tried on one key file after the other, each at the cost that the file itself asks for;
so files that ask for too much are passed over, and only so many are tried at all.
"""

import hashlib

from backup.errors import (
    BackupError,
    DamagedError,
    ObjectNotFoundError,
    StoreError,
    UnsupportedFormatError,
    WrongPasswordError,
)
from backup.format.bounds import MOST_KEYS, ensure_countable, read_bounded
from backup.format.config import is_id
from backup.format.crypto import MasterKey
from backup.format.key_file import KeyFile, parse_key_file, unwrap_master_key
from backup.stores.base import Store


def find_key(store: Store, password: bytes, hint: str = "") -> tuple[str, MasterKey]:
    """Find the key file that a password opens; gives its id and the master key.

    Args:
        store: Where the repository lies.
        password: The password.
        hint: Beginning of the id of the key file to try first.

    Raises:
        WrongPasswordError: None opens.
        DamagedError, UnsupportedFormatError: None can even be read; tells why of one.
        StoreError: The store failed, or has more key files than are tried.
    """
    names = _list_key_files(store)
    if hint:
        names.sort(key=lambda name: not name.startswith(hint))
    unreadable: BackupError | None = None
    tried = 0
    for name in names:
        try:
            key_file = _read_key_file(store, name)
            if tried == MOST_KEYS:
                raise _too_many_keys(store, len(names))
            master = unwrap_master_key(key_file, password)
        except (DamagedError, UnsupportedFormatError, ObjectNotFoundError) as error:
            unreadable = error  # another one may open
            continue
        tried += 1
        if master is not None:
            return name, master
    if unreadable is not None and not tried:
        raise unreadable
    raise WrongPasswordError(
        "wrong password for the repository at {place}",
        why="none of its key files opens with it",
        data="nothing was read or written",
        next_step="check --password-file or RESTIC_PASSWORD_FILE",
        place=store.location,
    )


def _too_many_keys(store: Store, count: int) -> StoreError:
    return StoreError(
        "{place} has {count} key files; {most} were tried, and none opens with this password",
        why="each costs up to some seconds; somebody may have planted them",
        data="nothing was read or written",
        next_step="remove from keys those that nobody made; or name yours: --key-hint ID",
        place=store.location,
        count=count,
        most=MOST_KEYS,
    )


def _list_key_files(store: Store) -> list[str]:
    names = [info.key.rpartition("/")[2] for info in store.list("keys")]
    ids = sorted(name for name in names if is_id(name))
    ensure_countable("keys", len(ids), store)
    return ids


def _read_key_file(store: Store, name: str) -> KeyFile:
    for _ in range(2):  # a read can go wrong once
        text = read_bounded(store, f"keys/{name}")
        if hashlib.sha256(text).hexdigest() == name:
            return parse_key_file(text)
    raise DamagedError(
        "key file {id} is damaged",
        why="its bytes do not match its name",
        data="nothing was read or written",
        next_step="use another password if there is one, or restore this file from a copy",
        id=name[:8],
    )
