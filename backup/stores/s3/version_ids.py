"""When a version was born, told by its id where the server writes the time into it; pure.

Source of the format: SeaweedFS, `weed/s3api/s3api_version_id.go`: 32 hexadecimal digits, the first
16 of them nanoseconds since 1970, from release 4 on counted down from 2**63 - 1. What was born is
never younger than the time the server shows, and no other server's ids are taken for such: one that
cannot be so leaves all of a page as the server tells them.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_SEAWEED = re.compile(r"[0-9a-f]{32}")
_UNVERSIONED = "null"  # of what was written before a bucket kept versions
_TIME_DIGITS = 16
_LARGEST = (1 << 63) - 1
_COUNTED_DOWN = 1 << 62
_NANOSECONDS = 1_000_000_000
_OLDEST = datetime(2015, 1, 1, tzinfo=UTC)  # SeaweedFS' first year
_ROUNDED = timedelta(seconds=2)


class Version(NamedTuple):
    """One version of an object, or a marker that hides it.

    Attributes:
        key: The object's key.
        version: The server's id of the version.
        born_at: When, aware, to the second.
        size: Bytes; 0 for a marker.
        etag: The server's fingerprint of the bytes; empty for a marker.
        is_marker: Whether it only says that the object was deleted.
        is_latest: Whether it is what the bucket shows now.
    """

    key: str
    version: str
    born_at: datetime
    size: int
    etag: str
    is_marker: bool
    is_latest: bool


def when_born(versions: Sequence[Version]) -> list[Version]:
    """Give the versions of one page with the times their ids tell, if all of them do.

    Args:
        versions: As the server tells them, each `born_at` when it was last changed.
    """
    told = [it.born_at if it.version == _UNVERSIONED else read_time(it) for it in versions]
    return [
        version if time is None or None in told else version._replace(born_at=time)
        for version, time in zip(versions, told, strict=True)
    ]


def read_time(version: Version) -> datetime | None:
    """Read the time in a version's id, to the second; None where there cannot be one."""
    if not _SEAWEED.fullmatch(version.version):
        return None
    number = int(version.version[:_TIME_DIGITS], 16)
    if number > _COUNTED_DOWN:
        number = _LARGEST - number
    if number < 0:
        return None
    moment = datetime.fromtimestamp(number // _NANOSECONDS, UTC)
    return moment if _OLDEST <= moment <= version.born_at + _ROUNDED else None
