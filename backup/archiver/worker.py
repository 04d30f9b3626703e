"""What a storing worker does: read small files and chunks of big ones, and store what is new.

The same loop runs in worker processes and, for stores that live in one process only, within the
caller (`backup.archiver.workers`).

Messages in:

- ``("files", number, [(folder, [(name, size), …]), …])``: small files, each one blob.
- ``("chunks", number, slot, [(start, end), …])``: pieces of the shared buffers.
- ``("window", number, (folder, name, device, inode), offset)``: a stretch of a big file, to be read
  and cut here.
- ``("flush",)``: make everything durable.

Messages out:

- ``("files", number, ids, odd)``: joined ids, zeros where there is none; `odd` maps a file's place
  to what differs from the expected (`backup.sources.local.read.OddFile`).
- ``("chunks", number, ids)``; for a window, after ``("cut", number, length, offset of the next
  window, xattrs, whether it is a hole)``, which answers nothing.
- ``("unread", number, error)``: a window could not be read; `error` is (errno, text), or None where
  another file has the name now.
- ``("pack", number of blobs, its entry in an index file)``.
- ``("flushed", blobs, plain bytes, packed bytes)``.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from backup.archiver.big_files import BigFile, ReplacedError, WindowReader
from backup.archiver.blob_saver import BlobStorer
from backup.archiver.known_blobs import Claims, KnownIds
from backup.format.compression import Compression
from backup.format.crypto import MasterKey
from backup.format.pack import ID_LENGTH, BlobType
from backup.repository.packer import pack_message
from backup.sources.local.read import read_files
from backup.stores.base import Store
from backup.workers.processes import Message

NO_ID = bytes(ID_LENGTH)


class StoringLoop:
    """Answers messages; see the module's text."""

    def __init__(  # noqa: PLR0913 -- its seams, all needed
        self,
        store: Store,
        key: MasterKey,
        *,
        compression: Compression,
        polynomial: int,
        known: KnownIds,
        claims: Claims,
        slots: Sequence[memoryview],
        send: Callable[[Message], None],
        background: bool,
        dry_run: bool,
        pack_size: int,
    ) -> None:
        self._send = send
        self._slots = slots
        self._windows = WindowReader(polynomial)
        self._storer = BlobStorer(
            store,
            key,
            BlobType.DATA,
            compression=compression,
            known=known,
            claims=claims,
            on_pack=lambda pack: send(pack_message(pack)),
            background=background,
            dry_run=dry_run,
            pack_size=pack_size,
        )

    def handle(self, message: Message) -> None:
        """Do what one message asks, and send the answer."""
        kind = message[0]
        if kind == "files":
            self._store_files(message[1], message[2])
        elif kind == "chunks":
            slot = self._slots[message[2]]
            self._store_chunks(message[1], [slot[start:end] for start, end in message[3]])
        elif kind == "window":
            self._store_window(message[1], BigFile(*message[2]), message[3])
        else:
            self._storer.flush()
            self._send(("flushed", *self._storer.totals))

    def close(self) -> None:
        """End the thread that writes packs."""
        self._storer.close()

    def _store_files(
        self, number: int, folders: Iterable[tuple[bytes, Sequence[tuple[bytes, int]]]]
    ) -> None:
        ids: list[bytes] = []
        odd: dict[int, Any] = {}
        blobs: list[tuple[bytes, bytes]] = []
        sha256 = hashlib.sha256
        for folder, files in folders:
            for data, oddity in read_files(folder, files):
                if oddity is not None:
                    odd[len(ids)] = tuple(oddity)
                if data:
                    blob_id = sha256(data).digest()
                    blobs.append((blob_id, data))
                    ids.append(blob_id)
                else:
                    ids.append(NO_ID)
        self._storer.store(blobs)
        self._send(("files", number, b"".join(ids), odd))

    def _store_window(self, number: int, file: BigFile, offset: int) -> None:
        try:
            chunks, following, xattrs = self._windows.read(file, offset)
        except ReplacedError:
            self._send(("unread", number, None))
            return
        except OSError as error:
            self._send(("unread", number, (error.errno or 0, error.strerror or str(error))))
            return
        is_hole = len(chunks) > 1 and chunks[0] is chunks[-1]
        self._send(("cut", number, sum(map(len, chunks)), following, xattrs, is_hole))
        self._store_chunks(number, chunks)

    def _store_chunks(self, number: int, chunks: Sequence[memoryview]) -> None:
        ids: list[bytes] = []
        for place, chunk in enumerate(chunks):
            if place and chunk is chunks[place - 1]:  # of a hole
                ids.append(ids[-1])
                continue
            ids.append(hashlib.sha256(chunk).digest())
            self._storer.store([(ids[-1], chunk)])
        self._send(("chunks", number, b"".join(ids)))
