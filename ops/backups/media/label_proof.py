"""What a medium itself says: its repository read back and digested, its label proven and signed.

The digest of a repository is the SHA-256, in hexadecimal, over one line for each of its files in
the order of their keys: key, size in decimal and SHA-256 of the content, parted by a blank and
ended by a line feed. Locks and what is no part of a repository are left out. Each file is dropped
from the machine's cache before it is read, so that what is digested is what the medium holds.

Who finds or borrows a medium can edit its label, but has no repository's master key. One proof
under a key that opens is enough, since it is over the whole label. Labels of earlier versions bear
none: they are told, believed where the catalog or their repositories bear them out, and signed when
they are next written.
"""

import hmac
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from backup.copies.mirror_plan import KINDS
from backup.errors import BackupError, StoreReadOnlyError
from backup.format.config import is_id
from backup.format.crypto import MasterKey, prove
from backup.repository.repository import Repository
from backup.stores.base import Buffer, ObjectInfo, Store
from backup.stores.folder import FolderStore
from backup.stores.memory import MemoryStore
from ops.backups.media.label import NAME, Label, LabelError, content_from, encode_label
from ops.backups.media.mount_point import repository_on
from ops.catalog.tables.copies import Medium
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.estate.model.values import is_name

CONFIG = "config"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was read.

    Attributes:
        objects: How many files.
        size_bytes: Their bytes.
        digest: As above.
        damaged: Keys of files whose content does not have the hash they are named by, or that
            cannot be read.
    """

    objects: int
    size_bytes: int
    digest: str
    damaged: tuple[str, ...]


def take_inventory(folder: Path) -> Inventory:
    """Read every file of a repository.

    Args:
        folder: Where it lies.
    """
    total, size_bytes, count = sha256(), 0, 0
    damaged = []
    for key in sorted(list_keys(folder)):
        try:
            size, found = _read(folder / key)
        except OSError:
            damaged.append(key)
            continue
        if key != CONFIG and found != key.rpartition("/")[2]:
            damaged.append(key)
        total.update(f"{key} {size} {found}\n".encode())
        size_bytes += size
        count += 1
    return Inventory(count, size_bytes, total.hexdigest(), tuple(damaged))


def list_keys(folder: Path) -> Iterator[str]:
    """Give the keys of a repository's files, in no particular order."""
    if (folder / CONFIG).is_file():
        yield CONFIG
    for kind in KINDS:
        for path in (folder / kind).rglob("*"):
            if is_id(path.name) and path.is_file():
                yield path.relative_to(folder).as_posix()


def _read(path: Path) -> tuple[int, str]:
    """Give a file's size and SHA-256, read from the medium and not from memory."""
    size, found = 0, sha256()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := os.read(descriptor, _PIECE):
            found.update(piece)
            size += len(piece)
    finally:
        os.close(descriptor)
    return size, found.hexdigest()


_LOCKS = "locks"


class ReadOnlyStore:
    """Reads another store, and keeps the locks that reading takes to itself."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._locks = MemoryStore()

    @property
    def location(self) -> str:
        """Where it is."""
        return self._inner.location

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """List objects; of locks only those that were taken here."""
        if _is_lock(prefix):
            yield from self._locks.list(prefix)
            return
        for info in self._inner.list(prefix):
            if not _is_lock(info.key):
                yield info

    def size(self, key: str) -> int:
        """Give the length of one object in bytes."""
        return self._place(key).size(key)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Read an object or a part of it."""
        return self._place(key).read(key, offset, length)

    def write(self, key: str, data: Buffer) -> None:
        """Keep a lock.

        Raises:
            StoreReadOnlyError: It is no lock.
        """
        self._refuse(key)
        self._locks.write(key, data)

    def delete(self, key: str) -> None:
        """Drop a lock.

        Raises:
            StoreReadOnlyError: It is no lock.
        """
        self._refuse(key)
        self._locks.delete(key)

    def _place(self, key: str) -> Store:
        return self._locks if _is_lock(key) else self._inner

    def _refuse(self, key: str) -> None:
        if not _is_lock(key):
            raise StoreReadOnlyError(
                "{key} is not written to {place}",
                why="the medium is only read",
                data="nothing was changed there",
                key=key,
                place=self.location,
            )


def _is_lock(key: str) -> bool:
    return key.partition("/")[0] == _LOCKS


_PURPOSE = "giucong-medium-label 1"


def open_on_medium(estate: Estate, folder: Path, site: str) -> Repository:
    """Open a site's repository on a medium, which is only read.

    Raises:
        LabelError: It leads out of the medium.
        BackupError: There is none, or the key is not its own.
        SecretError: The key cannot be read.
    """
    password = resolve(estate.keys.repository).get_secret_value().encode()
    place = ReadOnlyStore(FolderStore(repository_on(folder, site)))
    return Repository.open(place, password, cache_dir=None)


def prove_label(estate: Estate, folder: Path, label: Label) -> Repository | None:
    """Give a repository on the medium whose key proves the label; None where none can.

    Raises:
        LabelError: Somebody has changed the label.
        SecretError: The key cannot be read.
    """
    text = _text(label)
    for site, proof in label.proofs.items():
        repository = _find(estate, folder, site)
        if repository is None:
            continue
        if hmac.compare_digest(prove(repository.key, _PURPOSE, text), proof):
            return repository
        raise LabelError(
            "the label of the medium {code} was changed after this service had written it",
            why="it does not bear out its proof under the key of {site}",
            data="nothing was changed; the repositories on it can still be opened by themselves",
            next_step="put the label back from a copy; else give the medium a new code, after"
            " `{program} backup.retire-media --code {code}` and removing {place}",
            code=label.code,
            site=site,
            place=folder / NAME,
        )
    return None


def find_openable(estate: Estate, folder: Path, label: Label) -> Mapping[str, Repository]:
    """Give the repositories on a medium, by site, that are those its label names and open."""
    found = {it.site: (it, _find(estate, folder, it.site)) for it in label.contents}
    return {
        site: repository
        for site, (content, repository) in found.items()
        if repository is not None and repository.id == content.repository
    }


def doubt_label(label: Label, known: Medium | None) -> Label:
    """Give what is believed of a label without a proof: what the catalog knows counts; pure.

    Args:
        label: As it was read.
        known: What the catalog remembers of the medium; None where it has never heard of it.
    """
    if known is None:
        return label
    contents = tuple(content_from(it) for it in known.contents)
    return replace(
        label,
        kind=known.kind,
        started_on=known.started_on,
        kept_at=known.kept_at,
        holder=known.holder,
        contents=contents,
    )


def sign_label(label: Label, keys: Mapping[str, MasterKey]) -> Label:
    """Give the label with a proof under each of these keys, by site; of other sites none stays."""
    text = _text(label)
    proofs = {site: prove(key, _PURPOSE, text) for site, key in sorted(keys.items())}
    return replace(label, proofs=proofs)


def _find(estate: Estate, folder: Path, site: str) -> Repository | None:
    with suppress(BackupError):
        return open_on_medium(estate, folder, site) if is_name(site) else None
    return None


def _text(label: Label) -> bytes:
    return encode_label(replace(label, proofs={}))
