"""A mirror and a copy of a site beside its primary store, kept by the operator's program."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.backups.checks.packs import recall_readings
from ops.backups.run.follow_up import follow_backups
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.core import JournalRow, Occurrence
from ops.estate.load.load import load_estate
from ops.jobs.definitions import list_jobs
from ops.schedule.ledger.job import LedgerEvent
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = pytest.mark.slow

STORES = """
[[stores]]
name = "beside"
url = "stores/beside"
role = "mirror"
of = "near"
location = "phòng bên"
medium = "disk"
[[stores]]
name = "offsite"
url = "stores/offsite"
role = "copy"
of = "near"
location = "Biên Hòa"
medium = "object"
key = "file:keys/offsite.key"
  [stores.retention]
  keep_monthly = 60
"""


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build_estate(tmp_path_factory.mktemp("copies"), STORES)
    assert giucong(path, "backup.init").returncode == 0
    assert giucong(path, "backup.run", "--site", "cong-xa").returncode == 0
    done = giucong(path, "backup.copy")
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def _restic(estate: Path, store: str, key: str, *words: str) -> str:
    done = subprocess.run(
        ["restic", "--no-cache", "--json", *words],
        env={
            "PATH": os.environ["PATH"],
            "RESTIC_REPOSITORY": str(estate.parent / "stores" / store / "cong-xa"),
            "RESTIC_PASSWORD_FILE": str(estate.parent / "keys" / key),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _bytes(estate: Path, store: str) -> dict[str, bytes]:
    folder = estate.parent / "stores" / store / "cong-xa"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "locks"
    }


def test_the_mirror_holds_the_same_bytes_and_stock_restic_reads_them(estate: Path) -> None:
    assert _bytes(estate, "beside") == _bytes(estate, "near")
    _restic(estate, "beside", "repository.key", "check", "--read-data")


def test_the_copy_has_its_own_key_and_id_and_the_same_chunks(estate: Path) -> None:
    _restic(estate, "offsite", "offsite.key", "check", "--read-data")
    near = json.loads(_restic(estate, "near", "repository.key", "cat", "config"))
    copy = json.loads(_restic(estate, "offsite", "offsite.key", "cat", "config"))
    assert copy["id"] != near["id"]
    assert copy["chunker_polynomial"] == near["chunker_polynomial"]
    (snapshot,) = json.loads(_restic(estate, "offsite", "offsite.key", "snapshots"))
    (source,) = json.loads(_restic(estate, "near", "repository.key", "snapshots"))
    assert (snapshot["original"], snapshot["tree"]) == (source["id"], source["tree"])


def test_again_there_is_nothing_to_do_and_a_rehearsal_says_so(estate: Path) -> None:
    before = _bytes(estate, "offsite")
    dry = giucong(estate, "backup.copy", "--dry-run", "--site", "cong-xa")
    again = giucong(estate, "backup.copy", "--to", "offsite")
    assert "would copy 0 snapshots" in dry.stdout
    assert "would write 0 objects" in dry.stdout
    assert "0 snapshots copied" in again.stdout
    assert _bytes(estate, "offsite") == before


def test_the_primary_store_is_no_place_to_copy_to(estate: Path) -> None:
    done = giucong(estate, "backup.copy", "--to", "near")
    assert done.returncode == 2
    assert "nothing is copied to it" in done.stderr


def test_check_takes_every_store_with_its_own_key(estate: Path) -> None:
    done = giucong(estate, "backup.check", "--read-data", "--json")
    found = [(it["site"], it["store"], it["outcome"]) for it in json.loads(done.stdout)["items"]]
    assert done.returncode == 0
    assert found == [("cong-xa", place, "ok") for place in ("near", "offsite", "beside")]
    alone = giucong(estate, "backup.check", "--store", "offsite", "--json")
    assert [it["store"] for it in json.loads(alone.stdout)["items"]] == ["offsite"]


def test_status_says_where_the_copies_are_and_what_is_broken(estate: Path) -> None:
    giucong(estate, "backup.check", "--site", "cong-xa")
    done = giucong(estate, "backup.status", "--json")
    site, _own = json.loads(done.stdout)["items"]
    copies = {it["store"]: it for it in site["copies"]}
    assert list(copies) == ["near", "beside", "offsite"]
    assert copies["offsite"]["location"] == "Biên Hòa"
    assert all(it["newest_at"] and it["checked"] == "ok" for it in copies.values())
    assert all(it["protection"] == "not_protected" for it in copies.values())
    assert {it["part"]: it["outcome"] for it in site["rule"]} == {
        "copies": "ok", "media": "ok", "places": "ok", "locked": "failed", "errors": "ok",
    }  # fmt: skip
    told = giucong(estate, "backup.status").stdout
    assert "1 copy that cannot be overwritten: there are 0" in told


def test_each_pack_that_was_read_back_is_remembered_for_each_store(estate: Path) -> None:
    giucong(estate, "backup.check", "--read-data", "--site", "cong-xa")
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    for store in ("near", "beside", "offsite"):
        packs = {path.name for path in (estate.parent / "stores" / store).glob("cong-xa/data/*/*")}
        assert {it.hex() for it in recall_readings(catalog, "cong-xa", store)} == packs
    catalog.close()


def test_a_copy_forgets_and_prunes_by_itself_and_a_mirror_does_not(estate: Path) -> None:
    words = ("--site", "cong-xa", "--dry-run")
    assert giucong(estate, "backup.forget", "--store", "offsite", *words).returncode == 0
    assert giucong(estate, "backup.prune", "--store", "offsite", *words).returncode == 0
    refused = giucong(estate, "backup.forget", "--store", "beside", *words)
    assert refused.returncode == 2
    assert "near" in refused.stderr


def test_a_named_snapshot_is_not_sought_in_another_store_than_was_named(estate: Path) -> None:
    refused = giucong(
        estate, "backup.forget", "--site", "cong-xa", "--snapshot", "latest", "--store", "offsite",
        "--reason", "Lộ dữ liệu", "--confirm", "cong-xa",
    )  # fmt: skip
    assert refused.returncode == 2
    assert "offsite" in refused.stderr
    assert "near" in refused.stderr


def test_a_site_comes_back_from_a_copy_when_its_primary_store_is_gone(
    estate: Path, tmp_path: Path
) -> None:
    near = estate.parent / "stores" / "near"
    near.rename(near.with_name("burnt"))
    try:
        lost = giucong(estate, "backup.restore", "--site", "cong-xa", "--target", str(tmp_path))
        assert lost.returncode == 10
        assert "--store beside" in lost.stderr
        files = giucong(estate, "backup.files", "--site", "cong-xa", "--store", "offsite", "--all")
        assert "index.php" in files.stdout
        for store in ("beside", "offsite"):
            words = ("--site", "cong-xa", "--store", store, "--target", str(tmp_path / store))
            done = giucong(estate, "backup.restore", *words)
            assert done.returncode == 0, done.stderr
            restored = tmp_path / store / "cong-xa/files/www/index.php"
            assert restored.read_bytes() == (estate.parent / "www/index.php").read_bytes()
        (estate.parent / "www/index.php").write_text("ransom")
        place = ("--site", "cong-xa", "--store", "offsite", "--in-place", "--confirm", "cong-xa")
        done = giucong(estate, "backup.restore", *place)
        assert done.returncode == 0, done.stderr
        assert (estate.parent / "www/index.php").read_bytes() == restored.read_bytes()
    finally:
        near.with_name("burnt").rename(near)


def test_the_clock_knows_a_job_for_each_store(estate: Path) -> None:
    names = [job.name for job in list_jobs(load_estate(estate))]
    for name in ("copy/cong-xa/beside", "check/cong-xa/offsite", "witness/cong-xa/beside"):
        assert name in names
    assert "forget/cong-xa/offsite" in names
    assert "forget/giucong/offsite" in names
    assert "forget/cong-xa/beside" not in names
    assert not any(name.startswith("copy/giucong") for name in names)


def test_a_backup_asks_for_its_copies_once(
    estate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate))
    catalog = open_catalog(f"sqlite:///{tmp_path}/catalog.db")
    event = LedgerEvent(
        occasion="ended",
        job="backup/cong-xa",
        kind="backup",
        site="cong-xa",
        due_at=datetime.now(UTC),
        outcome="ok",
    )
    for _ in range(2):
        with catalog.writing() as session:
            follow_backups(session, [event])
    assert _waiting(catalog) == ["copy/cong-xa/beside", "copy/cong-xa/offsite"]
    catalog.close()


def _waiting(catalog: Catalog) -> list[str]:
    with catalog.reading() as session:
        return sorted(session.execute(select(Occurrence.job)).scalars())


def test_a_site_with_a_mirror_and_a_copy_can_be_wholly_well(estate: Path) -> None:
    tried = giucong(estate, "estate.test", "--site", "cong-xa")
    config = estate.parent / "stores/beside/cong-xa/config"
    config.rename(config.with_name("away"))
    try:
        lacking = giucong(estate, "estate.test", "--site", "cong-xa")
    finally:
        config.with_name("away").rename(config)

    assert tried.returncode == 0, tried.stdout
    assert lacking.returncode == 3
    assert "backup.copy --site cong-xa --to beside" in lacking.stdout
    assert "backup.init" not in lacking.stdout


def test_a_mirror_that_is_not_mounted_is_not_filled_anew(estate: Path) -> None:
    folder = estate.parent / "stores" / "beside"
    away = folder.with_name("unmounted")
    folder.rename(away)
    try:
        done = giucong(estate, "backup.copy", "--to", "beside")
        assert done.returncode == 10
        assert "may not be mounted" in done.stderr
        assert "backup.init --anew beside --confirm beside" in done.stderr
        lost = giucong(estate, "backup.check", "--site", "cong-xa")
        near = giucong(estate, "backup.check", "--site", "cong-xa", "--store", "primary")
        assert (lost.returncode, near.returncode) == (10, 0), near.stderr  # procedures go on
        told = giucong(estate, "backup.status")
        (site, *_own) = json.loads(giucong(estate, "backup.status", "--json").stdout)["items"]
        assert "cannot be read" in told.stdout
        assert "1 of 1 sites are well backed up" not in told.stdout
        assert {it["outcome"] for it in site["rule"] if it["part"] == "errors"} == {"failed"}
        assert not (folder / "cong-xa" / "config").exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        away.rename(folder)


def test_a_held_snapshot_that_vanishes_is_red_until_two_people_end_the_hold(estate: Path) -> None:
    for words in (("backup.run", "--site", "cong-xa"), ("backup.copy",)):
        assert giucong(estate, *words).returncode == 0
    listed = json.loads(giucong(estate, "backup.list", "--site", "cong-xa", "--json").stdout)[
        "items"
    ]
    held = listed[0]["id"]
    hold = ("backup.hold", "--site", "cong-xa", "--reason", "Thanh tra", "--reference", "05/QĐ-TTr")
    assert giucong(estate, *hold, "--snapshot", held[:10]).returncode == 0
    taken = estate.parent / "held"
    path = estate.parent / "stores/near/cong-xa/snapshots" / held
    path.rename(taken)
    try:
        check = giucong(estate, "backup.check", "--site", "cong-xa", "--store", "near")
        accept = ("backup.forget", "--site", "cong-xa", "--accept", "--reason", "xem rồi")
        assert giucong(estate, *accept).returncode == 0
        told = giucong(estate)
        forgotten = giucong(estate, "backup.forget", "--site", "cong-xa", "--confirm", "cong-xa")
    finally:
        taken.rename(path)
    again = giucong(estate, "backup.check", "--site", "cong-xa", "--store", "near")

    assert check.returncode == 1
    assert "1 snapshots that are held are gone from near" in check.stdout
    assert "1 snapshots that are held are gone from near" in told.stdout
    assert (told.returncode, forgotten.returncode) == (1, 1)
    assert "1 snapshots that are held are gone, not by this service" in forgotten.stdout
    assert again.returncode == 0, again.stdout


@pytest.mark.parametrize("store", ["near", "offsite"])
def test_what_no_mirror_can_mend_comes_from_a_copy_by_blob(estate: Path, store: str) -> None:
    for place in {store, "beside" if store == "near" else store}:
        folder = estate.parent / "stores" / place / "cong-xa"
        path = max((folder / "data").rglob("*"), key=lambda it: it.stat().st_size * it.is_file())
        path.chmod(0o600)
        path.write_bytes(b"?" * path.stat().st_size)
    words = ("backup.check", "--site", "cong-xa", "--store", store, "--read-data")
    first, again = giucong(estate, *words), giucong(estate, *words)

    assert (first.returncode, again.returncode) == (3, 0), first.stdout + again.stdout
    assert f"1 damaged packs in {store} were mended" in first.stdout
    catalog = open_catalog(f"sqlite:///{estate.parent}/state/giucong.db")
    with catalog.reading() as session:
        rows = session.execute(select(JournalRow).where(JournalRow.action == "backup.mend"))
        details = json.loads([it.details for it in rows.scalars()][-1])
    catalog.close()
    assert list(details["from"]) == ["offsite" if store == "near" else "near"]
    for task in (("backup.copy",), ("backup.check", "--site", "cong-xa", "--read-data")):
        done = giucong(estate, *task)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("store", ["near", "beside"])
def test_a_damaged_pack_is_mended_with_the_same_bytes(estate: Path, store: str) -> None:
    sound = _bytes(estate, store)
    name = next(it for it in sound if it.startswith("data/"))
    path = estate.parent / "stores" / store / "cong-xa" / name
    path.chmod(0o600)
    path.write_bytes(b"?" * len(sound[name]))
    words = ("backup.check", "--site", "cong-xa", "--store", store, "--read-data")
    first, red = giucong(estate, *words), giucong(estate)
    again, well = giucong(estate, *words), giucong(estate)

    assert (first.returncode, again.returncode) == (3, 0), first.stdout
    assert f"1 damaged packs in {store} were mended" in first.stdout
    assert "their disk may be failing" in red.stdout
    assert f"backup.check --site cong-xa --store {store} --read-data" in red.stdout
    assert "their disk may be failing" not in well.stdout
    assert _bytes(estate, store) == sound
