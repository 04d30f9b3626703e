"""What the service itself opens, root has named: a path that somebody types is none of it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed_machine import OPERATOR, SERVICE, only_root
from tests.installed_service import InstalledService
from tests.integration.service.installed_estate import installed

pytestmark = pytest.mark.slow
PLACES = """
[[places]]
name = "usb"
path = "{folder}/usb"
"""
CODE = ("--code", "GC-1", "--site", "cong-xa", "--allow-folder")


@pytest.fixture(scope="module")
def service() -> Iterator[InstalledService]:
    with installed(PLACES) as running:
        usb = running.estate.parent / "usb"
        usb.mkdir()
        os.chown(usb, SERVICE, SERVICE)
        yield running


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which the service, too, may write."""
    with tempfile.TemporaryDirectory(prefix="giucong-typed-") as place:
        folder = Path(place)
        folder.chmod(0o1777)
        yield folder


@only_root
@pytest.mark.parametrize("typed", ["usb", "{usb}", "{usb}/nam-2026"])
def test_a_medium_lies_at_a_place_of_the_estate(service: InstalledService, typed: str) -> None:
    usb = service.estate.parent / "usb"
    for it in usb.iterdir():
        shutil.rmtree(it) if it.is_dir() else it.unlink()
    (usb / "nam-2026").mkdir()
    os.chown(usb / "nam-2026", SERVICE, SERVICE)
    place = typed.format(usb=usb)
    code = f"GC-{len(typed)}"
    done = service.run("nva", "backup.export-media", "--to", place, *CODE[2:], "--code", code)
    assert done.returncode in {0, 3}, done.stderr
    there = usb / "nam-2026" if typed.endswith("2026") else usb
    assert (there / "cong-xa" / "config").is_file()
    read = service.run("nva", "backup.import-media", "--from", place, "--dry-run")
    assert read.returncode == 0, read.stderr


@only_root
def test_no_other_folder_is_opened_for_who_types_it(
    service: InstalledService, open_folder: Path
) -> None:
    usb = service.estate.parent / "usb"
    (usb / "loi-ra").symlink_to(open_folder)
    os.chown(open_folder, OPERATOR, OPERATOR)
    try:
        for typed in (open_folder, usb / "loi-ra", usb / ".." / "var", "khong-co", usb.parent):
            refused = service.run("nva", "backup.export-media", "--to", str(typed), *CODE)
            assert refused.returncode == 2, refused.stdout
            assert "is no place that the estate names" in refused.stderr
            assert "[[places]]" in refused.stderr
            read = service.run("nva", "backup.import-media", "--from", str(typed))
            assert read.returncode == 2
    finally:
        (usb / "loi-ra").unlink()
    assert list(open_folder.iterdir()) == []


@only_root
def test_a_repository_is_named_by_store_and_site(
    service: InstalledService, open_folder: Path
) -> None:
    path = service.estate.parent / "var/stores/near"
    (open_folder / "share").touch(0o600)
    os.chown(open_folder / "share", OPERATOR, OPERATOR)
    share = ("--share", str(open_folder / "share"), "--dry-run")
    refused = service.run("nva", "backup.key-combine", "--repo", "/etc", *share)
    assert refused.returncode == 2
    assert "/etc is in no store of the estate" in refused.stderr
    for typed in ("near/cong-xa", f"{path}/cong-xa"):
        tried = service.run("nva", "backup.key-combine", "--repo", typed, *share)
        assert tried.returncode == 2
        assert "is in no store" not in tried.stderr


@only_root
def test_the_catalog_moves_only_where_the_service_stands(service: InstalledService) -> None:
    for login in ("nva", "root"):
        refused = service.run(login, "catalog.move", "--to", "file:/etc/shadow", "--dry-run")
        assert refused.returncode in {1, 2}
        assert "shadow" not in refused.stderr
    assert "systemctl stop giucong" in refused.stderr
