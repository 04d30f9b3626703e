"""Regular files: look their content up, hand them out, and hear what became of them."""

from collections import deque
from collections.abc import Sequence

from backup.errors import DamagedError
from backup.format.tree import Node
from backup.restorer.batches import Batches
from backup.restorer.blob_places import find_pieces
from backup.restorer.blob_reader import BlobReader
from backup.restorer.content import Content
from backup.restorer.file_writer import FileWriter
from backup.restorer.finish import Spool
from backup.restorer.large_files import LargeFile, LargeFiles
from backup.restorer.metadata import Metadata, metadata_of, without_rights
from backup.restorer.orders import FileOrder, FilesOrder, Order, PartOrder, Piece, Remark, Work
from backup.restorer.overwrite import Step
from backup.restorer.progress import Tally
from backup.restorer.request import RestoreRequest
from backup.restorer.target_folders import Folders, join_path
from backup.restorer.workers import MUCH, OwnHands, Seats, make_hands

_WORKS: dict[Step, Work] = {
    Step.CREATE: "create",
    Step.REPLACE: "replace",
    Step.COMPARE: "compare",
    Step.REFRESH: "refresh",
}
# One look-up in the index costs as much as several files, so small folders share one.
_LOOKED_UP_TOGETHER = 256
_WRITING = ("create", "replace")


def _is_much(content: Content, request: RestoreRequest) -> bool:
    """Guess whether workers are needed, so that they load while the first trees are read."""
    whole = request.chooses_everything and not request.dry_run and request.subfolder in {b"", b"/"}
    return whole and content.size_bytes >= MUCH


class Files:
    """Restores regular files."""

    def __init__(
        self,
        content: Content,
        request: RestoreRequest,
        *,
        folders: Folders,
        tally: Tally,
        seats: Seats | None,
    ) -> None:
        def make_writer(reader: BlobReader) -> FileWriter:
            return FileWriter(reader, folders, sparse=request.sparse, dry_run=request.dry_run)

        self._request = request
        self._tally = tally
        self._content = content
        self._careful = make_writer(content.careful_reader())
        self._hands = make_hands(
            content,
            folders.root,
            request,
            alone=OwnHands(make_writer(content.reader()), self._hear),
            seats=seats,
            much=_is_much(content, request),
        )
        self._most_bytes = content.most_bytes
        self._batches = Batches(content.key_of, self._hands.submit, most_bytes=self._most_bytes)
        self._large = LargeFiles(folders, tally, sparse=request.sparse)
        self._pending: list[tuple[bytes, bool, Node, Step]] = []
        self._again: deque[tuple[bytes, bool, FileOrder]] = deque()
        self._written = Spool()

    def add(self, folder: bytes, files: Sequence[tuple[Node, Step]], *, inherits: bool) -> None:
        """Take the files of one folder with what was decided about each."""
        self._pending += [(folder, inherits, node, step) for node, step in files]
        if len(self._pending) >= _LOOKED_UP_TOGETHER:
            self._look_up()
            self._do_again()

    def _look_up(self) -> None:
        """Find the content of the files taken so far, of several folders at once."""
        pending, self._pending = self._pending, []
        found = find_pieces(self._content, [node for _, _, node, _ in pending])
        for (folder, inherits, node, step), pieces in zip(pending, found, strict=True):
            if isinstance(pieces, DamagedError):
                self._tally.fail(join_path(folder, node.name), pieces)
                continue
            metadata = metadata_of(node)
            self._hand_out(
                folder,
                node.name,
                _WORKS[step],
                node.size,
                without_rights(metadata) if self._request.lends_nothing else metadata,
                pieces,
                inherits=inherits,
            )

    def _hand_out(  # noqa: PLR0913 -- the fields of one file, called for each
        self,
        folder: bytes,
        name: bytes,
        work: Work,
        size: int,
        metadata: Metadata,
        pieces: tuple[Piece, ...],
        *,
        inherits: bool,
    ) -> None:
        if work in _WRITING:
            if self._request.dry_run:
                self._tally.restore(join_path(folder, name), size, existed=work == "replace")
                return
            if size > self._most_bytes and len(pieces) > 1:
                large = LargeFile(folder, name, size, metadata, pieces, inherits, work == "replace")
                self._hand_out_parts(large)
                return
        self._batches.add(folder, name, work, size, metadata, pieces, inherits=inherits)

    def _hand_out_parts(self, large: LargeFile) -> None:
        temporary = self._large.begin(large)
        if temporary is None:
            return
        parts = self._batches.split(large.folder, temporary, large.pieces)
        large.remaining = len(parts)
        for part in parts:
            self._hands.submit(part)

    def _do_again(self) -> None:
        """Replace the files that a comparison found wrong."""
        while self._again:
            folder, inherits, file = self._again.popleft()
            self._hand_out(
                folder,
                file.name,
                "replace",
                file.size,
                file.metadata,
                file.pieces,
                inherits=inherits,
            )

    def finish(self) -> None:
        """Return when all files are done."""
        self._look_up()
        self._settle()
        while self._again:
            self._do_again()
            self._settle()

    def _settle(self) -> None:
        self._batches.flush()
        self._hands.drain()

    def verify(self) -> None:
        """Read back everything that was written."""
        for folder, name, size, pieces in self._written:
            nothing = Metadata(0, 0, 0, 0, 0, ())
            self._batches.add(folder, name, "verify", size, nothing, pieces, inherits=False)
        self._settle()

    def dismiss(self) -> None:
        """Begin to end the workers: all files are done."""
        self._hands.dismiss()

    def close(self) -> None:
        """End the workers and remove what is not whole."""
        self._hands.close()
        self._large.close()
        self._written.close()

    # Answers -----------------------------------------------------------------------------------

    def _hear(self, order: Order, remarks: list[Remark]) -> None:
        """Take note of what became of an order. Submits nothing: it may be called by `submit`."""
        if isinstance(order, PartOrder):
            self._hear_part(order, remarks)
            return
        remarked = {remark.position: remark for remark in remarks}
        for position, file in enumerate(order.files):
            folder, _ = order.folders[file.folder]
            remark = remarked.get(position)
            if remark is not None and remark.outcome == "damaged":
                remark = self._write_carefully(order, file)
            if remark is None:
                self._count(folder, file)
            else:
                self._hear_remark(order, file, remark)

    def _write_carefully(self, order: FilesOrder, file: FileOrder) -> Remark | None:
        alone = FilesOrder("files", order.folders, order.packs, [file])
        remarks = self._careful.carry_out(alone)
        return remarks[0] if remarks else None

    def _hear_part(self, order: PartOrder, remarks: list[Remark]) -> None:
        if remarks and remarks[0].outcome == "damaged":
            remarks = self._careful.carry_out(order)
        large = self._large.part_done(order, remarks[0] if remarks else None)
        if large is not None:
            self._tally.restore(large.path, large.size, existed=large.existed)
            self._remember(large.folder, large.name, large.size, large.pieces)

    def _hear_remark(self, order: FilesOrder, file: FileOrder, remark: Remark) -> None:
        folder, inherits = order.folders[file.folder]
        path = join_path(folder, file.name)
        if remark.outcome == "refused":
            self._tally.refused(path, remark.text)
            self._count(folder, file)
        elif remark.outcome == "damaged":
            self._tally.fail(path, DamagedError("{cause}", cause=remark.text))
        elif remark.outcome == "failed":
            during = "verify" if file.work == "verify" else "restore"
            self._tally.fail_with(path, remark.number, remark.text, during)
        elif file.work == "verify":
            error = DamagedError(
                "it reads back differently from what was written",
                next_step="check the target's disk and this machine's memory, then restore again",
            )
            self._tally.fail(path, error, during="verify")
        else:
            self._again.append((folder, inherits, file))

    def _count(self, folder: bytes, file: FileOrder) -> None:
        path = join_path(folder, file.name)
        if file.work in _WRITING:
            self._tally.restore(path, file.size, existed=file.work == "replace")
            self._remember(folder, file.name, file.size, file.pieces)
        elif file.work == "verify":
            self._tally.verify(file.size)
        else:
            self._tally.skip(path, file.size)
            self._tally.unread += file.work == "refresh"

    def _remember(self, folder: bytes, name: bytes, size: int, pieces: tuple[Piece, ...]) -> None:
        if self._request.verify:
            self._written.add((folder, name, size, pieces))
