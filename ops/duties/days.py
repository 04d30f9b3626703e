"""Read the days that people type."""

from datetime import date

from ops.errors import WrongUseError
from ops.estate.importing import read_day as try_day


def read_day(text: str) -> date:
    """Read `24/11/2026` or `2026-11-24`.

    Raises:
        WrongUseError: It is no date.
    """
    day = try_day(text)
    if day is None:
        raise WrongUseError(
            '"{text}" is not a date',
            data="nothing was changed",
            next_step="write it like 24/11/2026 or 2026-11-24",
            text=text,
        )
    return day
