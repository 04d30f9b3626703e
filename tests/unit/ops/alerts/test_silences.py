"""What a silence may be about, and what it covers."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.alerts.silences import Quiet, SilenceWish, check_wish, is_below
from ops.errors import WrongUseError
from tests.unit.ops.estate.conftest import Load

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("subject", "is_watched"),
    [
        ("host:this-machine", True),
        ("host:this-machine/disk:/var", True),
        ("host:", True),
        ("watch:line", True),
        ("store:near", True),
        ("forecast:store:near", True),
        ("hosts:web1", False),
        ("host", False),
        ("job:backup/thu-vien", False),
        ("device:no-such", False),
        ("store:no-such", False),
        ("forecast:host:no-such/disk:/", False),
        ("watch:no-such", False),
        ("host:this-machine/disk:/\x1b[31m", False),
    ],
)
def test_only_what_is_watched_can_be_silenced(load: Load, subject: str, is_watched: bool) -> None:
    wish = SilenceWish(subject=subject, reason="thay đĩa", until=NOW + HOUR)
    if is_watched:
        check_wish(wish, load(), NOW)
        return
    with pytest.raises(WrongUseError):
        check_wish(wish, load(), NOW)


def test_a_silence_about_a_host_covers_what_is_to_come_of_its_disks() -> None:
    quiet = Quiet(subject="host:web1", begins=NOW, until=NOW + HOUR)

    assert quiet.hushes("forecast:host:web1/disk:/var", "", "warning")
    assert not quiet.hushes("forecast:host:web10/disk:/var", "", "warning")
    assert is_below("forecast:host:web1/disk:/", "forecast:")
    assert not is_below("host:web1/disk:/", "forecast:host:web1")
