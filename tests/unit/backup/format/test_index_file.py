"""When durable packs have waited long enough for an index file."""

import pytest

from backup.format.index_file import seconds_until_index


@pytest.mark.parametrize(
    ("now", "indexed_at", "left"),
    [
        (100.0, 100.0, 10.0),
        (107.5, 100.0, 2.5),
        (110.0, 100.0, 0.0),
        (170.0, 100.0, 0.0),
        # A twentieth of a long run may be lost: after 1000 seconds 50.
        (1100.0, 1100.0, 50.0),
        (1100.0, 1050.0, 0.0),
        (1100.0, 1051.0, 1.0),
    ],
)
def test_seconds_are_left_until_an_index_file_is_due(
    now: float, indexed_at: float, left: float
) -> None:
    assert seconds_until_index(now, began_at=100.0, indexed_at=indexed_at, interval=10.0) == left
