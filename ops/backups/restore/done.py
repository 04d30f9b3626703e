"""How far a restore has come."""

from dataclasses import dataclass, field
from pathlib import Path

from ops.errors import OpsError


class RestoreIncompleteError(OpsError):
    """Some of what was asked for is not back."""


@dataclass(slots=True)
class Done:
    """What a restore has done so far, for the journal.

    Attributes:
        failed: Entries that are not back.
        met: Entries that the snapshot has of what was asked for.
        put_back: Paths that are back, in order.
        under_way: Path that is being written; empty between two.
        kept: Damaged databases that were moved aside.
        left_there: By folder, the first of what the snapshot does not have and nobody removed.
        unset: How much of it only root could have given.
        owners_list: File by which root gives it; empty for none.
        removed: Entries that the snapshot does not have and `--delete` removed.
        denied: Of those that are not back, how many the system denies to who restores.
    """

    failed: int = 0
    met: int = 0
    put_back: list[str] = field(default_factory=list)
    under_way: str = ""
    kept: list[str] = field(default_factory=list)
    left_there: dict[str, list[str]] = field(default_factory=dict)
    unset: int = 0
    owners_list: str = ""
    removed: int = 0
    denied: int = 0

    def begin(self, path: Path | str) -> None:
        """From now on this one is half written."""
        self.under_way = str(path)

    def end(self) -> None:
        """What was under way is back."""
        self.put_back.append(self.under_way)
        self.under_way = ""
