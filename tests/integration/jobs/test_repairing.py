"""A damaged repository is repaired with the task that the check names."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from tests.integration.jobs.small_estate import build_used_estate, giucong

pytestmark = pytest.mark.slow

SITE = ("--site", "cong-xa")


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """An estate whose site is backed up once."""
    return build_used_estate(tmp_path / "estate")


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


def one_file(estate: Path, kind: str) -> Path:
    return next(
        it for it in (estate.parent / "stores/near/cong-xa" / kind).rglob("*") if it.is_file()
    )


def journaled(estate: Path) -> list[dict[str, object]]:
    with (
        open_catalog(f"sqlite:///{estate.parent}/state/giucong.db") as catalog,
        catalog.reading() as session,
    ):
        query = select(JournalRow.details).where(JournalRow.action == "backup.repair")
        return [json.loads(text) for text in session.execute(query).scalars()]


def test_a_damaged_index_is_made_anew_after_asking(estate: Path) -> None:
    damaged = one_file(estate, "index")
    flip(damaged, 10)
    looked = giucong(estate, "backup.repair", *SITE, "--dry-run")
    unasked = giucong(estate, "backup.repair", *SITE)
    assert looked.returncode == 0, looked.stderr
    assert f"index file {damaged.name} is damaged" in looked.stdout
    assert unasked.returncode == 2
    assert damaged.exists()
    assert journaled(estate) == []

    ended = giucong(estate, "backup.repair", *SITE, "--confirm", "cong-xa")
    again = giucong(estate, "backup.repair", *SITE)

    assert ended.returncode == 0, ended.stderr
    assert not damaged.exists()
    (details,) = journaled(estate)
    assert details["index_files_damaged"] == [damaged.name]
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert giucong(estate, "backup.check", *SITE, "--read-data").returncode == 0


def test_damage_that_was_found_stays_until_it_is_gone(estate: Path) -> None:
    pack = one_file(estate, "data")
    sound = pack.read_bytes()
    flip(pack, 10)
    found = [giucong(estate, "backup.check", *SITE, *it) for it in (("--read-data",), ())]
    state = giucong(estate, "backup.status")
    pack.write_bytes(sound)
    healed = [giucong(estate, "backup.check", *SITE) for _ in range(2)]

    assert [it.returncode for it in found] == [1, 1]
    assert "0 of 1 sites are well" in state.stdout
    assert [it.returncode for it in healed] == [0, 0]


def test_a_damaged_pack_is_taken_out_and_the_next_backup_heals(estate: Path) -> None:
    pack = one_file(estate, "data")
    flip(pack, 10)
    checked = giucong(estate, "backup.check", *SITE, "--read-data", "--json")
    findings = json.loads(checked.stdout)["items"][0]["params"]["first"]
    (named,) = {it["concerned"] for it in findings if it["concerned"].startswith("data/")}
    ended = giucong(estate, "backup.repair", *SITE, "--pack", named, "--confirm", "cong-xa")

    assert ended.returncode == 0, ended.stderr
    assert not pack.exists()
    assert giucong(estate, "backup.run", *SITE, "--full-read").returncode == 0
    assert giucong(estate, "backup.check", *SITE, "--read-data").returncode == 0


def test_what_is_no_id_is_wrong_use(estate: Path) -> None:
    ended = giucong(estate, "backup.repair", *SITE, "--pack", "3f9a")

    assert ended.returncode == 2
    assert '"3f9a" is no id of a pack' in ended.stderr
