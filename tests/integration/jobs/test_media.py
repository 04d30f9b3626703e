"""Backups on a removable medium, from the task to stock restic and back into an empty store."""

import json
import os
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import select

from backup.progress import SilentProgress
from ops.backups.media.copy_list import NAME as LIST
from ops.backups.media.copy_list import NAMESPACE
from ops.backups.media.export_medium import export_media
from ops.backups.media.label import NAME as LABEL
from ops.backups.media.mount_point import MediumGoneError, hold_medium
from ops.backups.tasks import ExportMedia
from ops.catalog.open import open_catalog
from ops.catalog.tables.copies import Medium
from ops.catalog.tables.core import JournalRow
from tests.integration.jobs.small_estate import build_used_estate, giucong

pytestmark = pytest.mark.slow

SPACE = {"c": NAMESPACE}


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return build_used_estate(tmp_path / "estate")


def _export(estate: Path, medium: Path, *words: str) -> subprocess.CompletedProcess[str]:
    medium.mkdir(exist_ok=True)
    return giucong(
        estate, "backup.export-media", "--to", str(medium), "--code", "GC-01", "--site", "cong-xa",
        "--allow-folder", *words,
    )  # fmt: skip


def _import(estate: Path, medium: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return giucong(estate, "backup.import-media", "--from", str(medium), *words)


def _label(medium: Path) -> dict[str, Any]:
    label: dict[str, Any] = json.loads((medium / LABEL).read_text(encoding="utf-8"))
    return label


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "locks"
    }


def test_a_medium_holds_the_same_bytes_a_label_a_way_back_and_the_list(
    estate: Path, tmp_path: Path
) -> None:
    medium = tmp_path / "medium"
    kept = ("--kept-at", "Két sắt tầng 2", "--holder", "Nguyễn Văn A", "--started", "2026-01-31")
    planned = _export(estate, medium, "--dry-run")
    empty = list(medium.iterdir())
    done = _export(estate, medium, *kept)
    label = _label(medium)
    (content,) = label["contents"]
    key = estate.parent / "keys" / "repository.key"
    restic = subprocess.run(
        ["restic", "-r", str(medium / "cong-xa"), "--password-file", str(key), "--no-cache",
         "check", "--read-data"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    guide = (medium / "HUONG-DAN-KHOI-PHUC.txt").read_text(encoding="utf-8")
    root = ET.fromstring((medium / LIST).read_bytes())  # noqa: S314 -- our own file
    places = [it.get("name") for it in root.findall("c:copy/c:place", SPACE)]

    status = giucong(estate, "backup.status").stdout
    assert "31/01/2029" in status
    assert "offline medium" in status
    assert (planned.returncode, empty) == (0, []), planned.stdout + planned.stderr
    assert "would write" in planned.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    assert _files(medium / "cong-xa") == _files(estate.parent / "stores" / "near" / "cong-xa")
    assert (label["code"], label["started_on"], label["renew_on"]) == (
        "GC-01", "2026-01-31", "2029-01-31",
    )  # fmt: skip
    assert (label["kept_at"], label["holder"]) == ("Két sắt tầng 2", "Nguyễn Văn A")
    assert (content["snapshot_count"], content["objects"]) == (1, len(_files(medium / "cong-xa")))
    assert restic.returncode == 0, restic.stderr
    assert "restic -r ./cong-xa" in guide
    assert "GC-01 (Két sắt tầng 2)" in guide
    assert places == ["near", "GC-01"]


def test_the_same_medium_is_brought_up_to_date_and_another_code_is_refused(
    estate: Path, tmp_path: Path
) -> None:
    medium = tmp_path / "medium"
    assert _export(estate, medium, "--started", "2026-01-31", "--kept-at", "Két").returncode == 0
    assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
    again = _export(estate, medium)
    words = ("backup.export-media", "--to", str(medium), "--allow-folder")
    other = giucong(estate, *words, "--code", "GC-02")
    unlabelled = _export(estate, tmp_path / "another")
    label = _label(medium)

    assert again.returncode == 0, again.stdout + again.stderr
    assert label["contents"][0]["snapshot_count"] == 2
    assert (label["started_on"], label["kept_at"]) == ("2026-01-31", "Két")
    assert other.returncode == unlabelled.returncode == 2
    assert "is GC-01, not GC-02" in other.stderr
    assert "another medium has the code GC-01" in unlabelled.stderr
    assert list((tmp_path / "another").iterdir()) == []


def test_a_medium_that_is_lost_is_taken_out_of_use(estate: Path, tmp_path: Path) -> None:
    assert _export(estate, tmp_path / "medium").returncode == 0
    words = ("backup.retire-media", "--code", "GC-01", "--reason", "Mất khi chuyển kho")
    planned = giucong(estate, *words, "--dry-run")
    unconfirmed = giucong(estate, *words)
    done = giucong(estate, *words, "--confirm", "GC-01")
    again = giucong(estate, *words, "--confirm", "GC-01")
    anew = _export(estate, tmp_path / "another")
    found = _export(estate, tmp_path / "medium")

    assert (planned.returncode, unconfirmed.returncode) == (0, 2)
    assert done.returncode == 0, done.stderr
    assert (again.returncode, "there is no medium" in again.stderr) == (2, True)
    assert anew.returncode == 2
    assert (found.returncode, "taken out of use" in found.stderr) == (2, True)


class Unmounting(SilentProgress):
    """Takes the medium away after so many files, as somebody does who pulls it out."""

    def __init__(self, medium: Path, after: int) -> None:
        self.medium, self.after, self.files = medium, after, 0

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        del amount, items
        self.files += 1
        if self.files == self.after:
            subprocess.run(["umount", "-l", str(self.medium)], check=True)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A medium of its own file system."""
    medium = tmp_path / "medium"
    medium.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(medium)], check=True)
    yield medium
    subprocess.run(["umount", "-l", str(medium)], check=False, capture_output=True)


@pytest.mark.parametrize("is_last", [False, True])
def test_a_medium_that_is_unmounted_meanwhile_is_not_written_below(
    estate: Path, tmp_path: Path, mounted: Path, monkeypatch: pytest.MonkeyPatch, *, is_last: bool
) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate))
    all_files = Unmounting(mounted, 0)
    (tmp_path / "first").mkdir()
    wish = ExportMedia(to=str(tmp_path / "first"), code="GC-02", site="cong-xa", allow_folder=True)
    assert export_media(wish, all_files) == 0
    progress = Unmounting(mounted, all_files.files if is_last else 2)
    with pytest.raises(MediumGoneError):
        export_media(ExportMedia(to=str(mounted), code="GC-01", site="cong-xa"), progress)

    assert progress.files == progress.after  # nothing more was written
    assert all_files.files > 2
    assert list(mounted.iterdir()) == []
    assert _verdict(estate) is None


def test_what_is_written_to_a_held_medium_never_lies_below_its_mount_point(mounted: Path) -> None:
    with hold_medium(mounted, allow_folder=False) as medium:
        subprocess.run(["umount", "-l", str(mounted)], check=True)
        (medium.root / "tệp").write_bytes(b"1")  # between two looks
        with pytest.raises(MediumGoneError):
            medium.ensure_there()

    assert list(mounted.iterdir()) == []


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The image of a disk that is mounted beside it, at `mounted`."""
    image, folder = tmp_path / "disk", tmp_path / "mounted"
    folder.mkdir()
    image.touch()
    os.truncate(image, 96 << 20)
    mkfs = ["mkfs.ext4", "-q", "-b", "4096", "-O", "^has_journal", str(image)]
    subprocess.run(mkfs, check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
    yield image
    subprocess.run(["umount", "-l", str(folder)], check=False)


def lose_half(disk: Path) -> None:
    """Have the device answer with EIO beyond its first 16 MiB."""
    os.truncate(disk, 16 << 20)
    found = subprocess.run(["losetup", "-j", str(disk)], capture_output=True, text=True, check=True)
    subprocess.run(["losetup", "-c", found.stdout.partition(":")[0]], check=True)


def test_a_medium_that_fails_in_the_middle_of_an_export_counts_no_more(
    estate: Path, disk: Path
) -> None:
    medium = disk.with_name("mounted")
    words = ("backup.export-media", "--to", str(medium), "--code", "GC-01", "--site", "cong-xa")
    assert giucong(estate, *words).returncode == 0
    before = _verdict(estate)
    (estate.parent / "www" / "lớn.bin").write_bytes(os.urandom(40 << 20))
    assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
    lose_half(disk)
    failed = giucong(estate, *words)
    red = giucong(estate)

    assert before == "ok"
    assert failed.returncode == 1
    assert "Input/output error" in failed.stderr
    assert "/proc/" not in failed.stderr
    assert _verdict(estate) == "failed"
    assert (red.returncode, "GC-01 did not read back" in red.stdout) == (1, True)


def test_a_medium_that_opens_with_what_has_leaked_is_red_until_it_is_written_anew(
    estate: Path, tmp_path: Path
) -> None:
    medium = tmp_path / "medium"
    assert _export(estate, medium, "--kept-at", "Két sắt").returncode == 0
    before = giucong(estate).stdout
    rotated = giucong(estate, "backup.key-rotate", "--leaked", "password", "--confirm", "near")
    red = giucong(estate)
    copies = giucong(estate, "backup.status").stdout
    anew = _export(estate, medium)
    after = giucong(estate)
    opened = subprocess.run(
        ["restic", "-r", str(medium / "cong-xa"), "--no-cache", "--no-lock", "--password-file",
         str(estate.parent / "keys" / "repository.key"), "snapshots"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "GC-01 opens only" not in before
    assert "GC-01 (Két sắt) opens only" in rotated.stdout, rotated.stderr
    assert (red.returncode, "GC-01 opens only" in red.stdout) == (1, True)
    assert "offline medium" not in copies
    assert anew.returncode == 0, anew.stdout + anew.stderr
    assert "GC-01 opens only" not in after.stdout
    assert opened.returncode == 0, opened.stderr


def test_a_medium_with_the_old_master_key_is_red(estate: Path, tmp_path: Path) -> None:
    assert _export(estate, tmp_path / "medium").returncode == 0
    rotated = giucong(
        estate, "backup.key-rotate", "--leaked", "master-key", "--site", "cong-xa", "--confirm",
        "cong-xa",
    )  # fmt: skip

    assert "GC-01" in rotated.stdout, rotated.stderr
    assert "opens only with a key that has leaked: cong-xa" in giucong(estate).stdout


def test_damage_that_a_dry_run_finds_is_recorded(estate: Path, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    assert _export(estate, medium).returncode == 0
    path = next(it for it in (medium / "cong-xa" / "data").rglob("*") if it.is_file())
    path.chmod(0o600)
    path.write_bytes(os.urandom(path.stat().st_size))

    done = _import(estate, medium, "--dry-run")

    assert done.returncode == 1
    assert "the damage is noted for the medium GC-01" in done.stdout
    assert _verdict(estate) == "failed"
    assert "GC-01" in giucong(estate).stdout


def _verdict(estate: Path) -> str | None:
    """Give how the medium read back last, as the catalog knows it; None where it knows none."""
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    with catalog, catalog.reading() as session:
        row = session.get(Medium, "GC-01")
        return row.verified if row else None


def test_a_folder_that_nothing_is_mounted_at_is_refused(estate: Path, tmp_path: Path) -> None:
    done = giucong(estate, "backup.export-media", "--to", str(tmp_path), "--code", "GC-01")
    assert done.returncode == 2
    assert "no medium is mounted at" in done.stderr


def test_a_lost_store_comes_back_from_the_medium(estate: Path, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    assert _export(estate, medium).returncode == 0
    store = estate.parent / "stores" / "near" / "cong-xa"
    there = _import(estate, medium)
    before = _files(store)
    shutil.rmtree(store)
    on_medium = _files(medium)
    planned = _import(estate, medium, "--dry-run")
    is_empty = not store.exists()
    done = _import(estate, medium)
    restored = giucong(
        estate, "backup.restore", "--site", "cong-xa", "--target", str(tmp_path / "out")
    )

    assert (there.returncode, "has this repository already" in there.stdout) == (0, True)
    assert (planned.returncode, is_empty) == (0, True), planned.stderr
    assert "would be taken into near" in planned.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    assert _files(store) == before
    assert _files(medium) == on_medium
    assert restored.returncode == 0, restored.stdout + restored.stderr


def test_another_repository_is_never_written_to(estate: Path, tmp_path: Path) -> None:
    medium = tmp_path / "medium"
    assert _export(estate, medium).returncode == 0
    store = estate.parent / "stores" / "near" / "cong-xa"
    shutil.rmtree(store)
    made = giucong(estate, "backup.init", "--anew", "near", "--confirm", "near")
    before = _files(store)
    done = _import(estate, medium)

    assert made.returncode == 0, made.stdout + made.stderr
    assert done.returncode == 2, done.stdout + done.stderr
    assert "is another repository" in done.stderr
    assert _files(store) == before


@pytest.mark.parametrize("kind", ["data", "snapshots", "config", "lost"])
def test_a_medium_that_is_not_as_its_label_says_gives_nothing(
    estate: Path, tmp_path: Path, kind: str
) -> None:
    medium = tmp_path / "medium"
    assert _export(estate, medium).returncode == 0
    folder = medium / "cong-xa"
    path = folder / "config"
    if kind != "config":
        name = "data" if kind == "lost" else kind
        path = next(it for it in (folder / name).rglob("*") if it.is_file())
    if kind == "lost":
        path.unlink()
    else:
        path.chmod(0o600)
        path.write_bytes(os.urandom(path.stat().st_size))
    shutil.rmtree(estate.parent / "stores" / "near" / "cong-xa")
    done = _import(estate, medium)

    assert done.returncode == 1
    assert "is not what its label says" in done.stderr
    assert not (estate.parent / "stores" / "near" / "cong-xa").exists()
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    with catalog.reading() as session:
        row = session.get(Medium, "GC-01")
        verified = row.verified if row else ""
        acts = list(
            session.execute(
                select(JournalRow.action).where(JournalRow.subject == "GC-01")
            ).scalars()
        )
    catalog.close()
    assert verified == "failed"
    assert acts == ["media.written", "media.read-back"]


def test_the_list_of_copies_is_printed_in_composed_vietnamese(estate: Path) -> None:
    done = giucong(estate, "backup.status", "--xml", language="vi")
    root = ET.fromstring(done.stdout)  # noqa: S314 -- our own output
    (copy,) = root.findall("c:copy", SPACE)

    assert root.get("count") == "1"
    assert root.findtext("c:organisation", "", SPACE) == "Trung tâm Công nghệ thông tin"
    assert copy.findtext("c:site", "", SPACE) == "Cổng xã Bình Minh"
    assert copy.findtext("c:method", "", SPACE) == "đầy đủ"
    encryption = copy.find("c:encryption", SPACE)
    keys = estate.parent / "stores" / "near" / "cong-xa" / "keys"
    assert encryption is not None
    assert encryption.get("keys") == " ".join(sorted(it.name for it in keys.iterdir()))
    assert unicodedata.is_normalized("NFC", done.stdout)
