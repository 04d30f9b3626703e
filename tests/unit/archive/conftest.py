"""Roots of these tests lie in memory: a batch waits for the whole disk, and others write there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive_roots import in_memory


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    with in_memory(tmp_path) as folder:
        yield folder
