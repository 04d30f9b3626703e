"""One archived commune for all processes of a test run, copied for each test that changes it."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive_roots import in_memory
from tests.integration.archive.commune import Commune, build_commune


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a commune that nothing is archived of, and one that is; nobody changes them."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder /= "communes"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            build_commune(folder / "bare").copy_to(folder / "archived").archive()
            (folder / "ready").touch()
    return folder


@pytest.fixture(scope="session")
def archived(built: Path) -> Commune:
    """A commune that nobody changes."""
    return Commune(built / "archived")


@pytest.fixture
def commune(built: Path, tmp_path: Path) -> Iterator[Commune]:
    """A copy to change."""
    with in_memory(tmp_path) as folder:
        yield Commune(built / "archived").copy_to(folder / "estate")


@pytest.fixture
def bare(built: Path, tmp_path: Path) -> Iterator[Commune]:
    """A copy of the one that nothing is archived of."""
    with in_memory(tmp_path) as folder:
        yield Commune(built / "bare").copy_to(folder / "estate")
