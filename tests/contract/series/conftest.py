from collections.abc import Iterator

import pytest

from ops.monitor.series.store import SeriesStore, open_series
from tests.postgres_server import empty_catalog_url, postgres_server

__all__ = ["empty_catalog_url", "postgres_server"]


@pytest.fixture
def store(empty_catalog_url: str) -> Iterator[SeriesStore]:
    """Series without anything in them, on each database we promise to run on."""
    opened = open_series(empty_catalog_url)
    yield opened
    opened.close()
