"""A moment may be typed as it stands on the screen, or as programs write it."""

import pytest

from ops.errors import WrongUseError
from ops.estate.choose import choose_stores, read_moment
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from tests.integration.jobs.small_estate import build_estate


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return load_estate(build_estate(tmp_path_factory.mktemp("moments") / "estate"))


@pytest.mark.parametrize(
    "typed",
    [
        "26/11/2026 21:20",
        " 26/11/2026 21:20 +07:00",
        "26/11/2026 21:20:00",
        "2026-11-26 21:20",
        "2026-11-26T14:20+00:00",
        "26/11/2026 14:20 +00:00",
    ],
)
def test_the_same_moment_however_it_is_written(estate: Estate, typed: str) -> None:
    assert read_moment(typed, estate).isoformat() in {
        "2026-11-26T21:20:00+07:00",
        "2026-11-26T14:20:00+00:00",
    }


@pytest.mark.parametrize(
    "typed", ["31/02/2026", "11/26/2026 21:20", "26/11/26", "hôm qua", "", "01/01/0001 00:00"]
)
def test_what_is_no_moment_is_refused(estate: Estate, typed: str) -> None:
    with pytest.raises(WrongUseError, match="is not a moment"):
        read_moment(typed, estate)


def test_a_procedure_names_the_primary_store_without_its_name(estate: Estate) -> None:
    named = estate.model_copy(
        update={"stores": tuple(it.model_copy(update={"name": "primary"}) for it in estate.stores)}
    )

    assert choose_stores(estate, "primary") == (estate.primary_store,)
    assert choose_stores(named, "primary") == (named.store("primary"),)
