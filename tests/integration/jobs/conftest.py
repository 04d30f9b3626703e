"""What tests of jobs share: a relay of their own, and the catalog of a module's own `estate`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.catalog.open import Catalog, open_catalog
from tests.private_server import find_free_port


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """The port at which the estate's relay is looked for."""
    chosen = find_free_port()
    relay = f"mailto://127.0.0.1:{chosen}/?from=giucong@example.vn&mode=insecure"
    monkeypatch.setenv("GIUCONG_TEST_RELAY", relay)
    return chosen


@pytest.fixture
def catalog(estate: Path) -> Iterator[Catalog]:
    with open_catalog(f"sqlite:///{estate.parent / 'state/giucong.db'}") as opened:
        yield opened
