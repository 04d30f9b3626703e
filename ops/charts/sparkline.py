"""A line of blocks for the terminal."""

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
NOTHING = "·"


def draw_sparkline(values: Sequence[float | None], *, low: float | None = None) -> str:
    """Give a block a value, the largest highest; a dot where nothing was measured; pure.

    Args:
        values: In order.
        low: What the lowest block means; left out: the smallest value.
    """
    known = [it for it in values if it is not None]
    if not known:
        return NOTHING * len(values)
    floor = min(known) if low is None else min(low, *known)
    span = max(known) - floor
    return "".join(_block(it, floor, span) for it in values)


def _block(value: float | None, floor: float, span: float) -> str:
    if value is None:
        return NOTHING
    if span == 0:
        return BLOCKS[0]
    return BLOCKS[min(len(BLOCKS) - 1, int((value - floor) / span * len(BLOCKS)))]
