"""What a restore is asked for, and what it answers."""

from dataclasses import dataclass
from typing import Literal, Protocol

from backup.errors import BackupError

Overwrite = Literal["always", "if-changed", "if-newer", "never"]
# More errors than this are counted, and told to the progress, but not kept.
MOST_ERRORS_KEPT = 1000
# More removed entries than this are counted, but not named.
MOST_REMOVED_NAMED = 20


class PathFilter(Protocol):
    """Patterns over paths inside the snapshot, such as `backup.patterns.patterns.Patterns`."""

    def match(self, path: bytes) -> bool:
        """Whether the path, or a folder above it, is matched."""
        ...

    def child_match(self, path: bytes) -> bool:
        """Whether something below the folder at `path` could be matched."""
        ...

    @property
    def literals(self) -> tuple[bytes, ...] | None:
        """Bytes of which some stand in every name that is matched by itself; None for unknown."""
        ...


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What to restore, and where to.

    Attributes:
        target: Folder that gets the snapshot's content; made if it is missing.
        subfolder: Folder inside the snapshot whose content is restored (`ID:subfolder`).
        include: Only what this matches; None for everything. Paths begin with ``/`` and start at
            `subfolder`.
        exclude: Nothing that this matches.
        overwrite: What happens to an entry that is there already. "always": it becomes what the
            snapshot holds; a file whose bytes are right already is read but not written again.
            "if-changed": the same, but size and modification time are trusted. "if-newer": only
            where the snapshot's entry is newer. "never": it stays.
        delete: Remove entries that the snapshot does not have, in every folder that is restored
            and as far as `include` and `exclude` choose them.
        verify: Read every restored file back and compare it with its hashes.
        dry_run: Read only; say what would be done.
        sparse: Make holes of aligned runs of zero bytes.
        closes_top: Let nobody else into the folders right below the target, whatever their mode
            was: a made-up one that is open to all would show what databases hold.
        lends_nothing: Leave out what lends rights to who runs or opens a file: setuid and setgid,
            attributes in `security.`, devices. For content of somebody who may have made it up.
        workers: How many processes write; None for two a core, 0 for this one alone.
        expected_bytes: What the snapshot says it holds, to show how far it is; 0 where unknown.
    """

    target: bytes
    subfolder: bytes = b"/"
    include: PathFilter | None = None
    exclude: PathFilter | None = None
    overwrite: Overwrite = "always"
    delete: bool = False
    verify: bool = False
    dry_run: bool = False
    sparse: bool = False
    closes_top: bool = False
    lends_nothing: bool = False
    workers: int | None = None
    expected_bytes: int = 0

    def chooses(self, path: bytes) -> bool:
        """Whether the entry at `path` is to be restored."""
        if self.include is not None and not self.include.match(path):
            return False
        return self.exclude is None or not self.exclude.match(path)

    def may_choose_below(self, path: bytes) -> bool:
        """Whether something below the folder at `path` could be chosen."""
        if self.exclude is not None and self.exclude.match(path):
            return False
        return self.include is None or self.include.match(path) or self.include.child_match(path)

    @property
    def literals(self) -> tuple[bytes, ...] | None:
        """Bytes of which some stand in every name chosen by itself; None where that is unknown."""
        if self.include is None or self.delete:  # what is there and not chosen counts too
            return None
        return self.include.literals

    @property
    def chooses_everything(self) -> bool:
        """Whether there is nothing to choose by."""
        return self.include is None and self.exclude is None


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """One entry that was not restored as the snapshot has it.

    Attributes:
        path: Path inside the snapshot, from `subfolder` on.
        error: What happened.
    """

    path: bytes
    error: BackupError


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What was done; in a dry run, what would have been.

    Attributes:
        entries: Entries chosen, of every type.
        restored: Of these, how many were written.
        skipped: How many were right already or were to be left as they are.
        deleted: Entries removed by `delete`; a folder with its content counts once.
        verified: Files read back and found right.
        size_bytes: Content of all chosen files.
        restored_bytes: Content written.
        skipped_bytes: Content of skipped files.
        error_count: Entries that failed.
        failures: The first thousand of them, in the order they were met.
        removed: Paths of the first twenty entries removed by `delete`.
        unread: Files that were left with whatever they hold: nobody compared their content.
        denied: Of those that failed, how many the system denies to this user (EPERM, EACCES).
    """

    entries: int
    restored: int
    skipped: int
    deleted: int
    verified: int
    size_bytes: int
    restored_bytes: int
    skipped_bytes: int
    error_count: int
    failures: tuple[ItemFailure, ...]
    removed: tuple[bytes, ...] = ()
    unread: int = 0
    denied: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether everything that was chosen is there, right in every byte."""
        return self.error_count == 0

    @property
    def exit_code(self) -> int:
        """0, or 1 if anything failed, as restic has it."""
        return 0 if self.is_complete else 1
