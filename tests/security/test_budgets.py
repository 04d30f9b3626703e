"""A site that sends without end fills no store, and its earlier backups stay as they are."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from backup.archiver.create import BackupRequest, Mount, create_snapshot
from backup.progress import SILENT
from backup.repository.locks import hold_lock
from backup.repository.repository import Repository
from backup.sources.source import FolderSource, StreamSource, open_command
from backup.stores.folder import FolderStore
from ops.backups.run.odd import GIGABYTE, Metered, TooMuchError, decide_budget
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import Run
from ops.estate.model.policies import Limits
from ops.estate.model.sites import FilesPart, Site
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.small_repository import SmallRepository

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MOST = 50_000_000
_PIECE = 1_000_000
ENDLESS = StreamSource(partial(open_command, ["/bin/cat", "/dev/zero"]))


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    yield opened
    opened.close()


def make_repository(folder: Path) -> Repository:
    made = SmallRepository(FolderStore(folder / "repository"))
    made.save_files({b"a": b"an earlier backup"})
    return made.repository


def sparse(folder: Path, size: int) -> FolderSource:
    folder.mkdir()
    with (folder / "huge").open("wb") as file:
        file.truncate(size)
    return FolderSource(os.fsencode(folder))


def solid(path: Path, size: int) -> None:
    """Write a file without holes: those are not read, and count for nothing."""
    with path.open("wb") as file:
        for _piece in range(size // _PIECE):
            file.write(bytes(_PIECE))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("kind", ["stream", "folder"])
def test_a_source_without_end_is_read_up_to_the_budget(
    tmp_path: Path, kind: str, workers: int
) -> None:
    repository = make_repository(tmp_path)
    before = {it.id for it in repository.load_snapshots()}
    (tmp_path / "www").mkdir()
    solid(tmp_path / "www" / "huge", 2 * MOST)
    folder = FolderSource(os.fsencode(tmp_path / "www"))
    source = ENDLESS if kind == "stream" else folder
    request = BackupRequest(
        [Mount(b"/a", source)], hostname="a", paths=("/a",), time=NOW, workers=workers
    )
    with hold_lock(repository) as lock, pytest.raises(TooMuchError) as caught:
        create_snapshot(repository, request, lock=lock, progress=Metered(SILENT, "a", MOST))

    assert "no snapshot was made" in str(caught.value.data)
    assert {it.id for it in repository.load_snapshots()} == before


def test_what_fits_is_read_whole(tmp_path: Path) -> None:
    repository = make_repository(tmp_path)
    request = BackupRequest(
        [Mount(b"/a", sparse(tmp_path / "www", 1_000_000))],
        hostname="a", paths=("/a",), time=NOW, workers=0,
    )  # fmt: skip
    with hold_lock(repository) as lock:
        progress = Metered(SILENT, "a", 1_000_000)
        result = create_snapshot(repository, request, lock=lock, progress=progress)

    assert result.outcome == "ok"


@pytest.mark.slow
def test_a_site_that_gives_too_much_is_told_and_its_earlier_backup_stays(tmp_path: Path) -> None:
    limits = 'unit = "xa"\nlimits = { gigabytes = 1 }\n'
    estate = build_estate(tmp_path / "estate")
    estate.write_text(estate.read_text().replace('unit = "xa"\n', limits))
    assert giucong(estate, "backup.init").returncode == 0
    good = giucong(estate, "backup.run", "--site", "cong-xa")
    solid(estate.parent / "www" / "huge", GIGABYTE + GIGABYTE // 10)
    told = giucong(estate, "backup.run", "--site", "cong-xa")
    listed = json.loads(giucong(estate, "backup.list", "--site", "cong-xa", "--json").stdout)[
        "items"
    ]
    checked = giucong(estate, "backup.check", "--site", "cong-xa")

    assert good.returncode == 0, good.stdout + good.stderr
    assert told.returncode == 1, told.stdout + told.stderr
    assert "more than the 1 GB" in told.stderr
    assert "`gigabytes` in `limits`" in " ".join(told.stderr.split())
    assert len(listed) == 1
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("sizes", "limits", "accepts", "most"),
    [
        ([], Limits(), False, 2000),
        ([10, 30, 20], Limits(), False, 170),
        ([10], Limits(gigabytes=7), False, 7),
        ([10], Limits(), True, 2000),
        ([900], Limits(), True, 3600),
    ],
)
def test_a_budget_follows_from_the_past_of_the_site(
    catalog: Catalog, sizes: list[int], limits: Limits, accepts: bool, most: int
) -> None:
    with catalog.writing() as session:
        session.add_all(run_of("a", size, hours) for hours, size in enumerate(sizes))
        session.add_all([run_of("b", 5000, 1), run_of("a", 5000, 1, outcome="failed")])
    files = (FilesPart(name="www", path="/var/www"),)
    site = Site.model_construct(name="a", limits=limits, files=files)

    assert decide_budget(catalog, site, accepts=accepts) == most * GIGABYTE


def run_of(site: str, size: int, hours: int, *, outcome: str = "ok") -> Run:
    return Run(
        id=new_id(), job=f"backup/{site}", kind="backup", site=site, host="h", pid=1,
        started_at=NOW + timedelta(hours=hours), ended_at=NOW + timedelta(hours=hours),
        outcome=outcome, reason="", params={}, summary={"processed_bytes": size * GIGABYTE},
    )  # fmt: skip
