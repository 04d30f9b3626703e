from collections.abc import Iterator

import pytest

from ops.catalog.opening import Catalog, open_catalog
from tests.postgres_server import (
    catalog_url,
    empty_catalog_url,
    postgres_catalog,
    postgres_server,
    sqlite_catalog,
)

__all__ = [
    "catalog_url",
    "empty_catalog_url",
    "postgres_catalog",
    "postgres_server",
    "sqlite_catalog",
]


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    opened = open_catalog(catalog_url)
    yield opened
    opened.close()
