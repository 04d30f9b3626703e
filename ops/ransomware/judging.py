"""Is this change unlike the site's own past, in the way that ransomware changes a site? Pure.

Four measures are shares of the files that were there before: files that seem encrypted, files that
have lost their compressibility, files with strange names, files that are gone. Much that is new is
no measure: a large upload adds, and takes nothing away. Much that has changed is none either: an
upgrade rewrites thousands of files, but they compress as before and begin with what they are.

Each measure is held against a bound. With too few good backups before, it is the estate's own,
wide one. Afterwards it is learnt: the median of the past shares and six spreads, where a spread is
the median distance from the median, made comparable to a standard deviation; never below a floor,
and never so high that the loss of nearly all files would pass. A handful of files never counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ops.ransomware.figures import ChangeFigures

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
