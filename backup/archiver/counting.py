"""Counting what a walk meets, as restic counts it, and telling of each file and folder.

What counts is the whole node: a file that was read again and is the same in every field counts as
unmodified, a folder with another date as changed. What could not be read does not count.
"""

import stat
from collections.abc import Callable, Iterable

from backup.archiver.walk_state import Counts, Folder, FolderHead
from backup.format.tree import Node, encode_node
from backup.progress import Progress


class Counting:
    """Counts for one source.

    Attributes:
        counts: The sums.
    """

    def __init__(self, progress: Progress, *, root: bytes, at: bytes) -> None:
        """Start at zero.

        Args:
            progress: Told of bytes, files and, where it wants them, items.
            root: The source's absolute path.
            at: Its place in the snapshot, by which items are told.
        """
        self.counts = Counts()
        self._progress = progress
        self._root = root.rstrip(b"/")
        self._at = at.rstrip(b"/")

    def take_kept(self, folder: Folder) -> None:
        """Count the files of a folder that keep their nodes; no others are known yet."""
        kept = [at for at, outcome in enumerate(folder.outcomes) if isinstance(outcome, str)]
        self._take_unmodified(folder, kept)

    def take_remembered(self, folder: Folder) -> None:
        """Count what a folder holds whose tree the scan cache knows."""
        stats, outcomes = folder.stats, folder.outcomes
        self._take_unmodified(
            folder, [at for at, status in enumerate(stats) if stat.S_ISREG(status.st_mode)]
        )
        folders = [at for at, outcome in enumerate(outcomes) if isinstance(outcome, bytes)]
        self.counts.dirs_unmodified += len(folders)
        self._tell_unchanged(folder, folders, ending=b"/")

    def _take_unmodified(self, folder: Folder, files: list[int]) -> None:
        counts, stats = self.counts, folder.stats
        size = sum([stats[at].st_size for at in files])
        counts.files_unmodified += len(files)
        counts.total_files_processed += len(files)
        counts.total_bytes_processed += size
        self._progress.advance(size, items=len(files))
        self._tell_unchanged(folder, files)

    def _tell_unchanged(self, folder: Folder, places: Iterable[int], ending: bytes = b"") -> None:
        if self._progress.wants_items:
            for place in places:
                self._progress.item("unchanged", self._shown(folder, place) + ending, 0)

    def _shown(self, folder: Folder, place: int) -> bytes:
        """Give an entry's path in the snapshot."""
        if folder.parent is None:  # the source itself, which may have another name there
            return self._at
        return self._at + folder.path_of(place)[len(self._root) :]

    def take_file(
        self, folder: Folder, place: int, encode: Callable[[], str], *, size: int, told: int
    ) -> None:
        """Count a file that was read.

        Args:
            folder: Where it is.
            place: Which it is.
            encode: Writes its node.
            size: Bytes read.
            told: How many of them the progress knows of.
        """
        change = folder.compare(place, encode)
        self.counts.count("files", change)
        self.counts.total_files_processed += 1
        self.counts.total_bytes_processed += size
        self._progress.advance(size - told, items=1)
        if self._progress.wants_items:
            new = 0 if change == "unchanged" else size
            self._progress.item(change, self._shown(folder, place), new)

    def take_folder(self, folder: Folder, place: int) -> None:
        """Count a subfolder whose node is whole."""
        node = folder.outcomes[place]
        assert isinstance(node, Node | FolderHead)  # noqa: S101 -- it was settled
        change = folder.compare(
            place, node.encode if isinstance(node, FolderHead) else lambda: encode_node(node)
        )
        self.counts.count("dirs", change)
        if self._progress.wants_items:
            self._progress.item(change, self._shown(folder, place) + b"/", 0)
