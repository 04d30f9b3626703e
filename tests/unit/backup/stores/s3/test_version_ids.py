"""The time in a version's id: read where the server writes one, never guessed from another id."""

from datetime import UTC, datetime, timedelta

import pytest

from backup.stores.s3.version_ids import Version, when_born

BORN = datetime(2026, 11, 27, 15, 31, 20, tzinfo=UTC)
MOVED = BORN + timedelta(days=30)
# As SeaweedFS 4.48 writes it, and counted up as earlier releases did.
COUNTED_DOWN = "67140f57f65f81ed659a974048557c25"
COUNTED_UP = "18ebf0a809a07e12659a974048557c25"


def a_version(key: str, told: str, *, changed: datetime = MOVED) -> Version:
    return Version(key, told, changed, 1, "etag", is_marker=False, is_latest=True)


@pytest.mark.parametrize("told", [COUNTED_DOWN, COUNTED_UP])
def test_a_renewal_does_not_move_what_the_id_tells(told: str) -> None:
    assert [it.born_at for it in when_born([a_version("config", told)])] == [BORN]


@pytest.mark.parametrize(
    "other",
    [
        "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
        "b0a2b5d4-7a0c-4a11-9f2e-0c2f5a2f8d11",
        "f" * 32,
        "0" * 32,
    ],
)
def test_ids_of_another_kind_leave_all_of_a_page_as_the_server_tells_it(other: str) -> None:
    page = [a_version("a", COUNTED_DOWN), a_version("b", other)]
    assert [it.born_at for it in when_born(page)] == [MOVED, MOVED]


def test_nothing_is_born_after_it_was_last_changed() -> None:
    earlier = BORN - timedelta(hours=1)
    assert when_born([a_version("a", COUNTED_DOWN, changed=earlier)])[0].born_at == earlier


def test_what_was_there_before_versions_were_kept_does_not_spoil_the_rest() -> None:
    page = [a_version("a", COUNTED_DOWN), a_version("b", "null")]
    assert [it.born_at for it in when_born(page)] == [BORN, MOVED]
