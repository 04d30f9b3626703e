"""The passwords of a repository: each has a key file that wraps the same master key.

Crash-safe order when a password is changed: store the new key file, prove that it opens, remove the
old one. Taking a password away does not change the master key: whoever has kept a copy of the old
key file can still read the repository.
"""

import hashlib
import json
from dataclasses import dataclass

from backup.errors import (
    BackupError,
    DamagedError,
    ObjectNotFoundError,
    UnsupportedFormatError,
    UsageError,
)
from backup.format.bounds import read_bounded
from backup.format.key_file import parse_key_file, unwrap_master_key, wrap_master_key
from backup.repository.ids import choose_id
from backup.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One password's key file.

    Attributes:
        id: Of the file.
        created: When, as written in it.
        username: Who made it.
        hostname: Where.
        is_current: Whether the repository was opened with it.
    """

    id: str
    created: str
    username: str
    hostname: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class KeyList:
    """The key files of a repository.

    Attributes:
        keys: Those that can be read, by id.
        errors: One for each that cannot.
    """

    keys: tuple[KeyInfo, ...]
    errors: tuple[BackupError, ...]


def list_keys(repository: Repository) -> KeyList:
    """Read all key files; damaged ones do not stand in the way of the others.

    Raises:
        StoreError: The store failed.
    """
    keys = []
    errors: list[BackupError] = []
    for file_id in repository.list_files("keys"):
        try:
            parsed = parse_key_file(read_bounded(repository.store, f"keys/{file_id}"))
        except ObjectNotFoundError:  # removed beside us since it was listed
            continue
        except (DamagedError, UnsupportedFormatError):
            errors.append(DamagedError("key file {id} cannot be read", id=file_id[:8]))
            continue
        is_current = file_id == repository.key_id
        keys.append(KeyInfo(file_id, parsed.created, parsed.username, parsed.hostname, is_current))
    return KeyList(tuple(keys), tuple(errors))


def add_key(
    repository: Repository, password: bytes, *, username: str = "", hostname: str = ""
) -> str:
    """Add a password; gives the id of its key file, which was proven to open.

    Args:
        repository: Open.
        password: The new one.
        username: Noted in the key file; empty for whoever runs this.
        hostname: Noted in the key file; empty for this machine.

    Raises:
        UsageError: The password is empty.
        DamagedError: The new key file does not give back the master key; it is not stored.
        StoreError: The store failed.
    """
    if not password:
        raise UsageError("an empty password is not allowed", data="nothing was changed")
    text = wrap_master_key(repository.key, password, created=repository.clock.now())
    if username or hostname:
        fields = json.loads(text)
        fields["username"] = username or fields["username"]
        fields["hostname"] = hostname or fields["hostname"]
        text = json.dumps(fields, separators=(",", ":")).encode()
    if unwrap_master_key(parse_key_file(text), password) != repository.key:
        raise DamagedError(
            "a new key file does not open with its own password",
            why="the memory, processor or a library of this machine is faulty",
            data="nothing was stored",
        )
    file_id = hashlib.sha256(text).hexdigest()
    repository.store.write(f"keys/{file_id}", text)
    return file_id


def remove_key(repository: Repository, prefix: str) -> str:
    """Take a password away by the beginning of its key file's id; gives the whole id.

    Raises:
        UsageError: It is the key that the repository was opened with.
        SnapshotNotFoundError: No key file, or several, begin like that.
        StoreError: The store failed.
    """
    file_id = choose_id(repository.list_files("keys"), prefix, "key")
    if file_id == repository.key_id:
        raise UsageError(
            "key {id} is the one in use now",
            why="without it nobody might be able to open the repository",
            data="nothing was changed",
            next_step="open the repository with another password, then remove this one",
            id=file_id[:8],
        )
    repository.store.delete(f"keys/{file_id}")
    return file_id


def change_password(
    repository: Repository, password: bytes, *, username: str = "", hostname: str = ""
) -> str:
    """Put a new password in the place of the one in use; gives the id of the new key file.

    Raises:
        UsageError: The password is empty.
        DamagedError: The new key file does not open; nothing was changed.
        StoreError: The store failed; both passwords may open the repository.
    """
    new_id = add_key(repository, password, username=username, hostname=hostname)
    old_id = repository.key_id
    if new_id != old_id:
        repository.store.delete(f"keys/{old_id}")
    return new_id
