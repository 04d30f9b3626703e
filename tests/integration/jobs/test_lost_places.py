"""A key or a store that is gone for a while: nothing is made anew in its place."""

from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_used_estate, giucong

pytestmark = pytest.mark.slow


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return build_used_estate(tmp_path / "estate")


@pytest.mark.parametrize("lost", ["", "state", "stores"])
def test_a_key_that_is_lost_is_not_replaced_by_a_new_one(estate: Path, lost: str) -> None:
    key = estate.parent / "keys/repository.key"
    key.unlink()
    if lost:
        (estate.parent / lost).rename(estate.parent / "away")
    tried = [giucong(estate, "backup.init", *words) for words in ((), ("--dry-run",))]

    for ended in tried:
        assert ended.returncode == 12, ended.stdout
        assert "put the key back" in ended.stderr
        assert "near/cong-xa" in ended.stderr
    assert not key.exists()


def test_an_unmounted_store_gets_no_new_repository(estate: Path) -> None:
    stores = estate.parent / "stores"
    away = estate.parent / "away"
    stores.rename(away)
    for words in ((), ("--dry-run",)):
        tried = giucong(estate, "backup.init", *words)
        assert tried.returncode == 10, tried.stdout
        assert "has lost the repository" in tried.stderr
    assert not list(stores.glob("*/*/config"))

    told = giucong(estate)
    assert (told.returncode, "the backups in near are gone" in told.stdout) == (1, True)
    assert "0 of 1 sites" in told.stdout

    anew = giucong(estate, "backup.init", "--anew", "near")
    assert (anew.returncode, "--confirm near" in anew.stderr) == (2, True)
    made = giucong(estate, "backup.init", "--anew", "near", "--confirm", "near")
    assert made.returncode == 0, made.stderr
    assert giucong(estate, "backup.run", "--site", "cong-xa").returncode == 0
    assert len(list(stores.glob("near/*/config"))) == 2
