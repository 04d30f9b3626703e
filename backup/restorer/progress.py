"""Counting what a restore does, and telling whoever watches."""

import errno

from backup.errors import BackupError
from backup.progress import Progress
from backup.restorer.request import (
    MOST_ERRORS_KEPT,
    MOST_REMOVED_NAMED,
    ItemFailure,
    RestoreResult,
)

# Errors after which nothing more can be written at all.
_HOPELESS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_DENIED = frozenset({errno.EPERM, errno.EACCES})


class Tally:
    """Counts of one restore. Paths are relative, as `backup.restorer.target_folders` has them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._failures: list[ItemFailure] = []
        self._noted: set[str] = set()
        self.failed: set[bytes] = set()
        self.denied: set[bytes] = set()
        self.entries = 0
        self.restored = 0
        self.skipped = 0
        self.deleted = 0
        self.verified = 0
        self.size_bytes = 0
        self.restored_bytes = 0
        self.skipped_bytes = 0
        self.error_count = 0
        self.unread = 0
        self._denied = 0
        self._removed: list[bytes] = []

    def chosen(self, size: int = 0) -> None:
        """Count an entry that is to be restored."""
        self.entries += 1
        self.size_bytes += size

    def restore(self, path: bytes, size: int, *, existed: bool = False) -> None:
        """Count an entry that was written; `existed` where a file's content was another one."""
        self.restored += 1
        self.restored_bytes += size
        self._tell("updated" if existed else "restored", path, size)

    def skip(self, path: bytes, size: int = 0) -> None:
        """Count an entry that was left or was right already."""
        self.skipped += 1
        self.skipped_bytes += size
        self._tell("unchanged", path, size)

    def _tell(self, action: str, path: bytes, size: int) -> None:
        self._progress.advance(size, items=1)
        if self._progress.wants_items:
            self._progress.item(action, b"/" + path, size)

    def verify(self, size: int) -> None:
        """Count a file that was read back and found right."""
        self.verified += 1
        self._progress.advance(size, items=1)

    def delete(self, path: bytes) -> None:
        """Count an entry that was removed."""
        self.deleted += 1
        if len(self._removed) < MOST_REMOVED_NAMED:
            self._removed.append(b"/" + path)
        if self._progress.wants_items:
            self._progress.item("deleted", b"/" + path, 0)

    def fail(self, path: bytes, error: BackupError, during: str = "restore") -> None:
        """Count an entry that failed."""
        self.failed.add(path)
        self.error_count += 1
        self._denied += path in self.denied
        if len(self._failures) < MOST_ERRORS_KEPT:
            self._failures.append(ItemFailure(b"/" + path, error))
        self._progress.item_error(b"/" + path, during, error)

    def fail_with(self, path: bytes, number: int, cause: str, during: str = "restore") -> None:
        """Count an entry that the operating system refused.

        Raises:
            BackupError: Nothing more can be written at all.
        """
        if number in _HOPELESS:
            raise BackupError(
                "cannot write {path} to the target",
                why="{cause}",
                data="the repository was only read; what was restored so far stays in the target",
                next_step="make room or choose another target, then run the same command again",
                path=(b"/" + path).decode("utf-8", "backslashreplace"),
                cause=cause,
            )
        if number in _DENIED:
            self.denied.add(path)
        self.fail(path, BackupError("{cause}", cause=cause), during)

    def refused(self, path: bytes, names: str) -> None:
        """Note attributes that the target cannot hold, once each."""
        for name in names.split(" "):
            if name not in self._noted:
                self._noted.add(name)
                shown = (b"/" + path).decode("utf-8", "backslashreplace")
                told = f"the target or this user cannot have the attribute {name}, e.g. of {shown}"
                self._progress.note(printable(told))

    def result(self) -> RestoreResult:
        """Give the sums."""
        return RestoreResult(
            entries=self.entries,
            restored=self.restored,
            skipped=self.skipped,
            deleted=self.deleted,
            verified=self.verified,
            size_bytes=self.size_bytes,
            restored_bytes=self.restored_bytes,
            skipped_bytes=self.skipped_bytes,
            error_count=self.error_count,
            failures=tuple(self._failures),
            removed=tuple(self._removed),
            unread=self.unread,
            denied=self._denied,
        )


def printable(text: str) -> str:
    """Escape what is no character for people; names come from who knows where."""
    return "".join(it if it.isprintable() else ascii(it)[1:-1] for it in text)


def os_text(error: OSError) -> str:
    """Give an error's text without paths."""
    return error.strerror or str(error)
