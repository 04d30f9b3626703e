"""A restore into a folder that somebody else was first to make, where everybody may make one."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.entering import SharedFolderError, StrangeLinkError, take_folder
from tests.installed_machine import only_root
from tests.integration.jobs.small_estate import build_estate, giucong

SOMEBODY = 4711
pytestmark = pytest.mark.slow


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder as /var/tmp is: for everybody, names are kept to who made them."""
    with tempfile.TemporaryDirectory(prefix="giucong-shared-") as folder:
        place = Path(folder) / "tmp"
        place.mkdir()
        Path(folder).chmod(0o755)
        place.chmod(0o1777)
        yield place


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An estate with a backup of its site."""
    file = build_estate(tmp_path_factory.mktemp("planted") / "estate")
    for words in (["backup.init"], ["backup.run", "--site", "cong-xa"]):
        done = giucong(file, *words)
        assert done.returncode == 0, done.stderr
    return file


def a_folder(target: Path) -> None:
    target.mkdir()
    os.chown(target, SOMEBODY, SOMEBODY)


def a_folder_above(target: Path) -> None:
    a_folder(target)
    (target / "in").mkdir()


def a_folder_for_all(target: Path) -> None:
    target.mkdir()
    target.chmod(0o777)


def a_link(target: Path) -> None:
    place = target.with_name("elsewhere")
    a_folder(place)
    target.symlink_to(place)
    os.chown(target, SOMEBODY, SOMEBODY, follow_symlinks=False)


def a_link_to_one_of_ours(target: Path) -> None:
    (target.parent.parent / "ours").mkdir()
    target.symlink_to(target.parent.parent / "ours")
    os.chown(target, SOMEBODY, SOMEBODY, follow_symlinks=False)


PLANTED = [a_folder, a_folder_above, a_folder_for_all, a_link, a_link_to_one_of_ours]


def written(place: Path) -> list[Path]:
    return [it for it in place.rglob("*") if it.is_file()]


@only_root
@pytest.mark.parametrize("plant", PLANTED)
def test_a_restore_writes_nothing_where_somebody_else_was_first(
    plant: Callable[[Path], None], shared: Path, estate: Path
) -> None:
    target = shared / "khoi-phuc"
    plant(target)
    into = target / "in" if plant is a_folder_above else target
    for more in (["--dry-run"], []):
        done = giucong(estate, "backup.restore", "--site", "cong-xa", "--target", str(into), *more)
        assert done.returncode == 1, done.stdout + done.stderr
        assert str(shared) in done.stderr
    assert written(shared.parent) == []


@only_root
def test_what_is_restored_is_for_us_alone(shared: Path, estate: Path) -> None:
    own = shared.parent / "own"
    own.mkdir(mode=0o755)
    for target in (shared / "above" / "khoi-phuc", own):
        done = giucong(estate, "backup.restore", "--site", "cong-xa", "--target", str(target))
        assert done.returncode == 0, done.stderr
        assert (target / "cong-xa/databases/db.sqlite").is_file()
        assert (target / "cong-xa/files/www/index.php").is_file()
        assert stat.S_IMODE((target / "cong-xa").stat().st_mode) == 0o700
    assert stat.S_IMODE((shared / "above").stat().st_mode) == 0o700


@only_root
@pytest.mark.parametrize("plant", [a_folder, a_folder_above, a_link])
def test_the_bare_engine_does_not_either(
    plant: Callable[[Path], None], shared: Path, estate: Path
) -> None:
    target = shared / "khoi-phuc"
    plant(target)
    into = target / "in" if plant is a_folder_above else target
    words = [sys.executable, "-m", "backup", "-r", "stores/near/cong-xa", "--password-file",
             "keys/repository.key", "restore", "latest", "--target", str(into)]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        words, cwd=estate.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout
    assert written(shared) == []


@only_root
def test_a_way_that_somebody_else_could_swap_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, SOMEBODY, SOMEBODY)
    for target in (home / "new", home / "a" / "b", home):
        with pytest.raises(SharedFolderError):
            take_folder(target)
    assert list(home.iterdir()) == []
    (home / "link").symlink_to(tmp_path)
    with pytest.raises(StrangeLinkError):
        take_folder(home / "link" / "x")


@only_root
def test_a_file_that_has_the_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SharedFolderError):
        take_folder(tmp_path / "file")


@only_root
def test_roots_own_folders_and_links_are_taken(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")

    take_folder(tmp_path / "link" / "a" / "b", dry_run=True)
    assert list((tmp_path / "disk").iterdir()) == []
    take_folder(tmp_path / "link" / "a" / "b")
    take_folder(tmp_path / "link" / "a" / "b")

    assert stat.S_IMODE((tmp_path / "disk/a").stat().st_mode) == 0o700
    shutil.rmtree(tmp_path / "disk")
