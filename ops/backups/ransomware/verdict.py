"""Is this change unlike the site's own past, in the way that ransomware changes a site? Pure.

Four measures are shares of the files that were there before: files that seem encrypted, files that
have lost their compressibility, files with strange names, files that are gone. Much that is new is
no measure: a large upload adds, and takes nothing away. Much that has changed is none either: an
upgrade rewrites thousands of files, but they compress as before and begin with what they are.

Each measure is held against a bound. With too few good backups before, it is the estate's own,
wide one. Afterwards it is learnt: the median of the past shares and six spreads, where a spread is
the median distance from the median, made comparable to a standard deviation; never below a floor,
and never so high that the loss of nearly all files would pass. A handful of files never counts.

What a backup says of how a site has changed since the one before: plain figures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
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


LEARNT_FROM = 30
"""Good backups that are looked back on."""

FEWEST_FILES = 8
"""Fewer files than this are never an alarm."""

ENCRYPTED = "encrypted"
HARDENED = "hardened"
RELABELLED = "relabelled"
LOST = "lost"

_SPREADS = 6.0
_NORMAL = 1.4826  # median distance to standard deviation, for a normal distribution
_HIGHEST = 0.9
_FLOORS: Mapping[str, float] = {ENCRYPTED: 0.02, HARDENED: 0.1, RELABELLED: 0.1, LOST: 0.4}
_COUNTS: Mapping[str, Callable[[ChangeFigures], int]] = {
    ENCRYPTED: lambda it: it.encrypted,
    HARDENED: lambda it: it.hardened,
    RELABELLED: lambda it: it.relabelled,
    LOST: lambda it: it.lost,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the estate allows until enough is known of a site: shares from 0 to 1.

    Attributes:
        encrypted, hardened, relabelled, lost: By measure.
        needed: Good backups that must have gone before until a bound is learnt.
    """

    encrypted: float = 0.1
    hardened: float = 0.2
    relabelled: float = 0.4
    lost: float = 0.7
    needed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One measure beyond its bound.

    Attributes:
        measure: Which.
        files: How many files.
        share: Of those that were there before, from 0 to 1.
        bound: The highest share that would have been taken for usual.
        runs: Good backups it was learnt from; 0 for the estate's own bound.
    """

    measure: str
    files: int
    share: float
    bound: float
    runs: int


def judge_change(
    figures: ChangeFigures, history: Sequence[ChangeFigures], bounds: Bounds
) -> list[Signal]:
    """Give every measure that lies beyond its bound; the most telling first.

    Args:
        figures: Of the backup to judge.
        history: Of the good backups before it; the newest `LEARNT_FROM` are enough.
        bounds: The estate's own.
    """
    found = []
    for measure, count in _COUNTS.items():
        files = count(figures)
        share = _share(files, figures)
        past = [_share(count(it), it) for it in history]
        is_learnt = len(past) >= bounds.needed
        bound = _learn(past, _FLOORS[measure]) if is_learnt else float(getattr(bounds, measure))
        if files >= FEWEST_FILES and share > bound:
            runs = len(past) if is_learnt else 0
            found.append(Signal(
                measure=measure, files=files, share=round(share, 4), bound=round(bound, 4),
                runs=runs,
            ))  # fmt: skip
    return found


def _share(files: int, figures: ChangeFigures) -> float:
    return min(files / max(figures.files, 1), 1.0)


def _learn(past: Sequence[float], floor: float) -> float:
    middle = median(past)
    spread = _NORMAL * median(abs(share - middle) for share in past)
    return min(max(middle + _SPREADS * spread, floor), _HIGHEST)
