"""A repository in the place of another one is not taken for it, although one key opens both."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ops.backups.repositories.open import RepositorySwappedError, open_repository
from ops.estate.load.load import load_estate
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    path = build_estate(tmp_path / "estate")
    for words in (("backup.init",), ("backup.run", "--site", "cong-xa")):
        ended = giucong(path, *words)
        assert ended.returncode == 0, ended.stderr
    return path


def test_exchanged_repositories_are_told_and_left_alone(estate: Path, tmp_path: Path) -> None:
    near = estate.parent / "stores/near"
    (near / "cong-xa").rename(tmp_path / "away")
    (near / "giucong").rename(near / "cong-xa")
    (tmp_path / "away").rename(near / "giucong")
    before = sorted(near.rglob("*"))
    checked = giucong(estate, "backup.check", "--site", "cong-xa")

    assert checked.returncode == 1, checked.stdout
    assert "has another repository in the place" in checked.stderr + checked.stdout
    assert sorted(near.rglob("*")) == before
    loaded = load_estate(estate)
    for site in ("cong-xa", "giucong"):
        with pytest.raises(RepositorySwappedError):
            open_repository(loaded, site)
        assert open_repository(loaded, site, any_id=True).id


def test_one_that_was_made_anew_on_purpose_counts_once_somebody_says_so(estate: Path) -> None:
    place = estate.parent / "stores/near/cong-xa"
    shutil.rmtree(place)
    key = estate.parent / "keys/repository.key"
    restic = ["restic", "-r", str(place), "--password-file", str(key), "init"]
    subprocess.run(restic, check=True, capture_output=True)
    words = ("backup.run", "backup.init")
    refused = [giucong(estate, it, "--site", "cong-xa") for it in words]
    said = giucong(estate, "backup.init", "--site", "cong-xa", "--anew", "near",
                   "--confirm", "near")  # fmt: skip
    done = giucong(estate, "backup.run", "--site", "cong-xa")

    assert [it.returncode for it in refused] == [1, 1]
    assert all("--anew near --confirm near" in it.stderr + it.stdout for it in refused)
    assert (said.returncode, done.returncode) == (0, 0), said.stderr + done.stderr
