"""What a backup says of how a site has changed since the one before: plain figures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFigures:
    """How the files of a site have changed between two snapshots; databases are not counted.

    Attributes:
        files: Files there were before.
        changed: Files with other content.
        removed: Files that are gone.
        added: Files that are new.
        renamed: Gone files that are there under a name with another, or one more, extension.
        new_bytes, new_packed_bytes: Content that only the newer snapshot has, and what it takes
            in the store.
        old_bytes, old_packed_bytes: The same for content that is gone or was written over.
        hardened: Changed or renamed files whose content was compressible and no longer is.
        samples: Changed and new files whose beginning was looked at.
        sealed: Those of them that begin like encrypted data.
        extension: The extension that most files got of those their folders did not know before;
            those that are usual on the web are left out.
        strange: How many got it.
    """

    files: int
    changed: int = 0
    removed: int = 0
    added: int = 0
    renamed: int = 0
    new_bytes: int = 0
    new_packed_bytes: int = 0
    old_bytes: int = 0
    old_packed_bytes: int = 0
    hardened: int = 0
    samples: int = 0
    sealed: int = 0
    extension: str = ""
    strange: int = 0

    @property
    def encrypted(self) -> int:
        """Give how many files seem to be encrypted, judged by the samples.

        No more than were there before and are not as they were: what is only new is no loss.
        """
        if not self.samples:
            return 0
        suspected = round((self.changed + self.added) * self.sealed / self.samples)
        return min(suspected, self.changed + self.removed)

    @property
    def relabelled(self) -> int:
        """Give how many files seem to have got a strange name."""
        return max(self.renamed, min(self.strange, self.removed))

    @property
    def lost(self) -> int:
        """Give how many files are gone, beyond those that others have taken the place of."""
        return max(self.removed - self.added, 0)

    def as_values(self) -> dict[str, Any]:
        """Give JSON values."""
        return asdict(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "ChangeFigures":
        """Read what `as_values` gave, of this or an earlier version."""
        known = {name: values[name] for name in cls.__slots__ if name in values}
        return cls(**{"files": 0, **known})
