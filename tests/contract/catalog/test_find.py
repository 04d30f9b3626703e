"""A row is found by as much of its id as no other has, and never the wrong one."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from ops.catalog.columns import find_by_id
from ops.catalog.open import Catalog
from ops.catalog.tables.retention import Hold
from ops.errors import WrongUseError

ONE, OTHER = (
    UUID("0192f0aa-0000-7000-8000-00001234abcd"),
    UUID("0192f0aa-1111-7000-8000-00005678abcd"),
)


@pytest.fixture(autouse=True)
def _holds(catalog: Catalog) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    with catalog.writing() as session:
        for number in (ONE, OTHER):
            session.add(
                Hold(id=number, site="cong-xa", snapshot="", reason="x", reference="1/QĐ",
                     placed_at=now, placed_by="nva", released_by="", release_reason="")
            )  # fmt: skip


@pytest.mark.parametrize("typed", [str(ONE), ONE.hex, "0192f0aa-0000", "1234ABCD", " 00001234abcd",
                                   "1234", "1234a"])  # fmt: skip
def test_a_beginning_or_an_end_or_a_beginning_of_what_is_shown_is_enough(
    catalog: Catalog, typed: str
) -> None:
    with catalog.reading() as session:
        found = find_by_id(session, Hold, typed)
    assert found is not None
    assert found.id == ONE


@pytest.mark.parametrize(
    "typed", ["", "bcd", "abcd%", "0192f0ab", "1235", "234a", f"{ONE}0", "lỗi"]
)
def test_what_fits_none_or_is_too_little_finds_nothing(catalog: Catalog, typed: str) -> None:
    with catalog.reading() as session:
        assert find_by_id(session, Hold, typed) is None


@pytest.mark.parametrize("typed", ["0192f0aa", "abcd"])
def test_what_fits_several_is_refused_with_their_names(catalog: Catalog, typed: str) -> None:
    with catalog.reading() as session, pytest.raises(WrongUseError) as told:
        find_by_id(session, Hold, typed)
    assert {"1234abcd", "5678abcd"} == set(str(told.value.params["ids"]).split(", "))
