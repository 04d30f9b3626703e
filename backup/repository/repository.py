"""A repository: the keys, the config and the small files around the packs.

Init writes a key file, then ``config``: a crash in between leaves something that no command takes
for a repository, and that the next init with the same password completes. Nothing is overwritten.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from backup.clock import SYSTEM_CLOCK, Clock
from backup.errors import (
    BackupError,
    DamagedError,
    ObjectNotFoundError,
    RepositoryNotFoundError,
    UsageError,
    WrongPasswordError,
)
from backup.format.bounds import ensure_countable, read_bounded
from backup.format.compression import Decompressor, decode_unpacked, encode_unpacked
from backup.format.config import (
    VERSION,
    Config,
    decode_config,
    encode_config,
    generate_polynomial,
    is_id,
)
from backup.format.crypto import Envelope, MasterKey, generate_master_key
from backup.format.key_file import wrap_master_key
from backup.format.pack import TARGET_SIZE, BlobType, open_blob, pack_key
from backup.format.snapshot import Snapshot, decode_snapshot, encode_snapshot
from backup.repository.key_search import find_key
from backup.stores.base import Store
from backup.stores.object_lock import promises_of
from backup.workers.memory import give_back_memory

if TYPE_CHECKING:  # numpy behind it costs a tenth of a second, and an unchanged tree needs no index
    from backup.repository.index import Index, Location

__all__ = [
    "VERSION",
    "Config",
    "FileKind",
    "Repository",
    "add_key_file",
    "is_id",
    "open_blob",
    "pack_key",
]

FileKind = Literal["keys", "index", "snapshots", "locks"]
_INDEX_ATTEMPTS = 5


class Repository:
    """An opened repository. Not for use by two threads at once.

    Attributes:
        store: Where its files lie.
        config: Its parameters.
        key: The master key; secret.
        key_id: Id of the key file that opened it.
        clock: What time it is.
        cache: Folder of the local cache of this repository, or None.
        pack_size: Bytes with which a new pack is full.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        *,
        key: MasterKey,
        key_id: str,
        clock: Clock = SYSTEM_CLOCK,
        cache_dir: Path | None = None,
    ) -> None:
        self.store = store
        self.config = config
        self.key = key
        self.key_id = key_id
        self.clock = clock
        self.cache = None if cache_dir is None else cache_dir / config.id
        self.pack_size = TARGET_SIZE
        self._envelope = Envelope(key)
        self._decompressor = Decompressor()

    @classmethod
    def init(
        cls,
        store: Store,
        password: bytes,
        *,
        clock: Clock = SYSTEM_CLOCK,
        cache_dir: Path | None = None,
        polynomial: int | None = None,
    ) -> "Repository":
        """Make a new repository; `polynomial` may carry another one's chunker parameters.

        Raises:
            UsageError: Something is there already, or the password is empty.
            StoreError: The store failed.
        """
        if not password:
            raise UsageError("an empty password is not allowed")
        if any(_has_any(store, place) for place in ("config", "snapshots", "index", "data")):
            raise UsageError(
                "there is a repository at {place} already",
                data="nothing was changed",
                next_step="open it with its password, or choose another place",
                place=store.location,
            )
        config = Config(VERSION, os.urandom(32).hex(), polynomial or generate_polynomial())
        if _has_any(store, "keys"):
            key_id, master = _take_over_key(store, password)
        else:
            master = generate_master_key()
            key_id = add_key_file(store, master, password, clock=clock)
        store.write("config", Envelope(master).seal(encode_config(config)))
        return cls(store, config, key=master, key_id=key_id, clock=clock, cache_dir=cache_dir)

    @classmethod
    def open(
        cls,
        store: Store,
        password: bytes,
        *,
        clock: Clock = SYSTEM_CLOCK,
        cache_dir: Path | None = None,
        key_hint: str = "",
    ) -> "Repository":
        """Open a repository with one of its passwords.

        Args:
            store: Where it lies.
            password: Of one of its key files.
            clock: What time it is.
            cache_dir: Folder of local caches, or None.
            key_hint: Beginning of the id of the key file to try first.

        Raises:
            RepositoryNotFoundError: There is none.
            WrongPasswordError: No key file opens.
            UnsupportedFormatError: Another version than 2.
            StoreError: The store failed, or has more key files than are tried.
        """
        try:
            sealed = read_bounded(store, "config")
        except ObjectNotFoundError:
            raise RepositoryNotFoundError(
                "there is no repository at {place}",
                why="it has no file named config",
                data="nothing was read or written",
                next_step="check the address, or make one with init",
                place=store.location,
            ) from None
        key_id, master = find_key(store, password, key_hint)
        config = decode_config(Envelope(master).open(sealed))
        return cls(store, config, key=master, key_id=key_id, clock=clock, cache_dir=cache_dir)

    @property
    def id(self) -> str:
        """The repository's id, 64 hexadecimal digits."""
        return self.config.id

    def twin(self) -> "Repository":
        """Give the same repository for another thread; what encrypts and decodes is not shared."""
        twin = Repository(
            self.store, self.config, key=self.key, key_id=self.key_id, clock=self.clock
        )
        twin.cache = self.cache
        return twin

    def envelope(self) -> Envelope:
        """Make another envelope under the same key, e.g. for another thread."""
        return Envelope(self.key)

    # Small files -------------------------------------------------------------------------------

    def list_files(self, kind: FileKind) -> list[str]:
        """List ids of the files of one kind, ascending; foreign names are ignored.

        Each once, even if a store names one twice: retention counts them.
        """
        return sorted(self.list_sizes(kind))

    def list_sizes(self, kind: FileKind | Literal["data"]) -> dict[str, int]:
        """List the files of one kind, or the packs: id to bytes; other names do not count."""
        found = {info.key.rpartition("/")[2]: info.size for info in self.store.list(kind)}
        found = {name: size for name, size in found.items() if is_id(name)}
        ensure_countable(kind, len(found), self.store)
        return found

    def list_packs(self) -> dict[bytes, int]:
        """List the packs in the store: id to size in bytes."""
        return {bytes.fromhex(name): size for name, size in self.list_sizes("data").items()}

    def read_file(self, kind: FileKind, file_id: str) -> bytes:
        """Read, prove and decode one small file; tried twice, since a read can go wrong once.

        Raises:
            DamagedError: The bytes are not those the name promises.
            ObjectNotFoundError: There is no such file.
            StoreError: The store failed.
        """
        for _ in range(2):
            stored = read_bounded(self.store, f"{kind}/{file_id}")
            if hashlib.sha256(stored).hexdigest() == file_id:
                return decode_unpacked(self._envelope.open(stored))
        raise DamagedError(
            "{kind} file {id} is damaged",
            why="its bytes do not match its name",
            next_step="run check, then repair index or restore this file from a copy",
            kind=kind,
            id=file_id[:8],
        )

    def write_file(self, kind: FileKind, json_text: bytes) -> str:
        """Encode, seal, prove and store one small file; gives its id. Durable on return."""
        stored = self._envelope.seal(encode_unpacked(json_text))
        if decode_unpacked(self._envelope.open(stored)) != json_text:
            raise DamagedError(
                "a {kind} file did not decode to what was encoded",
                why="the memory, processor or a library of this machine is faulty",
                data="nothing was stored",
                kind=kind,
            )
        file_id = hashlib.sha256(stored).hexdigest()
        self.store.write(f"{kind}/{file_id}", stored)
        return file_id

    # Snapshots ---------------------------------------------------------------------------------

    def load_snapshots(self) -> list[Snapshot]:
        """Read all snapshots, oldest first.

        Raises:
            DamagedError: One of them is damaged; none is silently left out.
        """
        snapshots = [self.load_snapshot(file_id) for file_id in self.list_files("snapshots")]
        return sorted(snapshots, key=lambda snapshot: (snapshot.time, snapshot.id))

    def load_snapshot(self, snapshot_id: str) -> Snapshot:
        """Read one snapshot by its full id."""
        return decode_snapshot(snapshot_id, self.read_file("snapshots", snapshot_id))

    def save_snapshot(self, snapshot: Snapshot) -> str:
        """Store a snapshot whose packs and index are durable already; gives its id."""
        if (promises := promises_of(self.store)) is not None:
            from backup.repository.object_lock import renew_for

            renew_for(self, promises, [snapshot.tree])
        return self.write_file("snapshots", encode_snapshot(snapshot))

    # Index and blobs ---------------------------------------------------------------------------

    def load_index(self) -> "Index":
        """Read all index files.

        List snapshots first where both are needed: what they refer to is then indexed.
        """
        from backup.repository.index import IndexBuilder

        for _ in range(_INDEX_ATTEMPTS):
            builder = IndexBuilder()
            # A prune beside us may replace a listed file; its successors are then listed.
            with suppress(ObjectNotFoundError):
                for file_id in self.list_files("index"):
                    builder.add_file(file_id, self.read_file("index", file_id))
                index = builder.build()
                del builder
                give_back_memory()  # structs of all entries: three times what the index takes
                return index
        raise DamagedError(
            "the index of {place} cannot be read whole",
            why="listed index files keep vanishing",
            place=self.store.location,
        )

    def read_pack(self, pack_id: bytes, offset: int = 0, length: int | None = None) -> bytes:
        """Read bytes of a pack as they are stored."""
        return self.store.read(pack_key(pack_id), offset, length)

    def load_blob(self, index: "Index", blob_id: bytes, *, expected: BlobType) -> bytes:
        """Read and prove one blob; where it was stored twice, the second place is tried too.

        Raises:
            DamagedError: It is not in the index, or no place of it holds the right bytes.
            StoreError: The store failed.
        """
        places = [place for place in index.find_all(blob_id) if place.blob.type == expected]
        failure: BackupError | None = None
        for place in places:
            try:
                return self._load_from(place)
            except (DamagedError, ObjectNotFoundError) as error:
                failure = error
        raise DamagedError(
            "{kind} blob {id} cannot be read",
            why="it is not in the index" if failure is None else "{cause}",
            next_step="run check --read-data to see what else is damaged",
            kind=expected.word,
            id=blob_id.hex()[:8],
            cause=failure,
        ) from failure

    def _load_from(self, place: "Location") -> bytes:
        for _ in range(2):
            sealed = self.read_pack(place.pack, place.blob.offset, place.blob.length)
            try:
                return open_blob(place.blob, sealed, self._envelope, self._decompressor)
            except DamagedError as error:
                failure = error
        raise failure


def add_key_file(
    store: Store, master: MasterKey, password: bytes, *, clock: Clock = SYSTEM_CLOCK
) -> str:
    """Store one more key file for the same master key; gives its id."""
    text = wrap_master_key(master, password, created=clock.now())
    file_id = hashlib.sha256(text).hexdigest()
    store.write(f"keys/{file_id}", text)
    return file_id


def _has_any(store: Store, place: str) -> bool:
    if place == "config":
        try:
            store.size(place)
        except ObjectNotFoundError:
            return False
        return True
    return any(is_id(info.key.rpartition("/")[2]) for info in store.list(place))


def _take_over_key(store: Store, password: bytes) -> tuple[str, MasterKey]:
    """Go on with the key file that an interrupted init left."""
    try:
        return find_key(store, password)
    except WrongPasswordError as error:
        raise UsageError(
            "an earlier init at {place} was cut short, and was given another password",
            data="nothing was changed",
            next_step="give the same password again, or remove the folder keys there and try again",
            place=store.location,
        ) from error
