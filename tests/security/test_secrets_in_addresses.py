"""A password that stands in an address as a parameter is refused in the estate, and never told."""

import pytest

from ops.catalog.open import open_catalog
from ops.errors import OpsError
from ops.estate.model.values import carries_password
from ops.language.text import fill
from ops.told_text import clean_text

SECRET = "bi-mat-cua-may-chu"  # noqa: S105 -- it opens nothing
PARAMETERS = ("sslpassword", "password", "PGPASSWORD", "token", "api_key", "X-Amz-Signature", "sig")


def address(parameter: str, separator: str = "&") -> str:
    return f"postgresql+psycopg://u@127.0.0.1:1/db?sslmode=disable{separator}{parameter}={SECRET}"


@pytest.mark.parametrize("separator", ["&", ";"])
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_an_address_whose_parameter_is_a_secret_is_no_literal_for_the_estate(
    parameter: str, separator: str
) -> None:
    assert carries_password(address(parameter, separator))
    assert not carries_password("postgresql+psycopg://u@h/db?sslmode=verify-full&require_auth=md5")


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_what_is_written_down_of_an_address_is_not_its_secret(parameter: str) -> None:
    told = clean_text(f"không mở được {address(parameter)}&connect_timeout=1 vì …")

    assert SECRET not in told
    assert told.endswith("=***&connect_timeout=1 vì …")


@pytest.mark.parametrize("parameter", ["sslpassword", "password"])
def test_a_catalog_that_cannot_be_reached_is_named_without_its_secrets(parameter: str) -> None:
    with pytest.raises(OpsError) as caught:
        open_catalog(address(parameter))

    assert "127.0.0.1:1/db" in fill(caught.value.what, caught.value.params)
    assert SECRET not in f"{caught.value} {caught.value.params}"
