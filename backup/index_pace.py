"""When durable packs have waited long enough for an index file. Pure: clocks are read elsewhere."""

# In a long run over a line the files would be many, so there a share of its time may be lost.
_SHARE = 1 / 20


def seconds_until_index(
    now: float, *, began_at: float, indexed_at: float, interval: float
) -> float:
    """Decide for how many seconds more durable packs may lie in no index file.

    Args:
        now: What the monotonic clock says.
        began_at: What it said when the run began.
        indexed_at: What it said when the last index file was written; at first as `began_at`.
        interval: Seconds between two of them in a short run.

    Returns:
        0.0 where an index file is due.
    """
    patience = max(interval, (now - began_at) * _SHARE)
    return max(0.0, indexed_at + patience - now)
