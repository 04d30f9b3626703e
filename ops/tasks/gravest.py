"""One exit code for several sites: the gravest."""

from collections.abc import Iterable

_ORDER = (130, 2, 1, 12, 10, 11, 4, 3, 0)


def gravest(codes: Iterable[int]) -> int:
    """Give the gravest of several exit codes, 0 for none; one of no known meaning counts as 1."""
    known = [code if code in _ORDER else 1 for code in codes]
    return min(known, key=_ORDER.index, default=0)
