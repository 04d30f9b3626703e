"""Exit codes (docs/decisions/0005): those of outcomes, and the gravest of several sites."""

from collections.abc import Iterable, Mapping

INCOMPLETE = 3
"""Done, but not all of it."""

EXIT_CODES: Mapping[str, int] = {"ok": 0, "incomplete": INCOMPLETE, "failed": 1}
"""By outcome. What "not checked" means for the exit code is each task's own to say."""

_ORDER = (130, 2, 1, 12, 10, 11, 4, INCOMPLETE, 0)


def gravest(codes: Iterable[int]) -> int:
    """Give the gravest of several exit codes, 0 for none; one of no known meaning counts as 1."""
    known = [code if code in _ORDER else 1 for code in codes]
    return min(known, key=_ORDER.index, default=0)
