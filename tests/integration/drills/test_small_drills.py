"""Drills of a small site: from paper, of one file by lot, and what is refused."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from backup.repository.repository import Repository
from backup.stores.folder import FolderStore
from ops.backups.keys.paper.shares import split_password
from tests.integration.drills.drilled_portal import damaged, find_largest_pack
from tests.integration.drills.static_site import StaticSite, make_static_site
from tests.integration.jobs.answering import answer
from tests.integration.jobs.small_estate import build_estate, giucong

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> StaticSite:
    return make_static_site(tmp_path_factory.mktemp("small"))


def test_a_drill_from_paper_reads_no_folder_of_keys(site: StaticSite, tmp_path: Path) -> None:
    keys = site.estate.parent / "keys"
    place = site.estate.parent / "stores" / "near" / "cong-xa"
    password = (keys / "repository.key").read_text().strip()
    key_id = Repository.open(FolderStore(place), password.encode()).key_id
    shares = []
    for number, words in enumerate(split_password(password, threshold=2, count=3).shares[:2]):
        path = tmp_path / f"share-{number}"
        path.write_text(" ".join(words))
        shares += ["--share", str(path)]
    paper = tmp_path / "key-file"
    shutil.copy(place / "keys" / key_id, paper)
    keys.rename(tmp_path / "keys")
    (place / "keys" / key_id).rename(tmp_path / "lost")
    try:
        code, drill = site.drill("--from-paper", *shares, "--key-file", str(paper))
    finally:
        (tmp_path / "keys").rename(keys)
        (tmp_path / "lost").rename(place / "keys" / key_id)

    assert (code, drill["outcome"], drill["from_paper"]) == (0, "ok", True)
    assert drill["phases"]["keys"]["facts"]["shares"] == 2
    assert drill["phases"]["keys"]["facts"]["key_files_opened"] == 1
    assert password not in json.dumps(drill)
    assert list(site.work.iterdir()) == []


def test_a_drill_from_paper_waits_for_the_shares_and_they_are_typed_when_it_goes_on(
    site: StaticSite,
) -> None:
    done = giucong(site.estate, "drill.run", "--site", "cong-xa", "--from-paper", "--json")
    (drill,) = json.loads(done.stdout)["items"]
    assert (done.returncode, drill["ended_at"]) == (3, None)
    assert drill["phases"]["keys"]["outcome"] is None
    password = (site.estate.parent / "keys" / "repository.key").read_text().strip()
    first, second, _third = split_password(password, threshold=2, count=3).shares
    mistyped = " ".join((*first[:-1], "academic" if first[-1] != "academic" else "acid"))

    resumed = answer(
        site.estate,
        ["runbook.resume", "--run", drill["run"]],
        [("mảnh khóa, 1", mistyped), ("mảnh khóa, 1", " ".join(first)),
         ("mảnh khóa, 2", " ".join(word[:4] for word in second))],
    )  # fmt: skip

    assert resumed.code == 0, resumed.told
    drill = site.newest()
    assert (drill.outcome, drill.reason_code) == ("ok", "")
    assert drill.phases["keys"].facts["shares"] == 2
    kept = b"".join(it.read_bytes() for it in site.estate.parent.glob("state/giucong.db*"))
    for secret in (" ".join(first), " ".join(second), " ".join(first[:6]), password):
        assert secret not in resumed.told
        assert secret.encode() not in kept
    assert list(site.work.iterdir()) == []


def test_one_file_by_lot_can_be_drawn_again_and_is_wiped(site: StaticSite) -> None:
    done = giucong(site.estate, "drill.run", "--file", "--json")
    (drill,) = json.loads(done.stdout)["items"]

    fetched = drill["phases"]["fetch"]["facts"]
    assert (done.returncode, drill["outcome"], drill["scope"]) == (0, "ok", "file")
    assert (fetched["equal_files"], fetched["chosen_from"]) == (1, 23)
    assert drill["params"] == {"path": fetched["path"]}
    assert len(fetched["hash_list"]) == 64
    assert list(site.work.iterdir()) == []


def test_one_file_of_a_damaged_backup_fails_and_is_named(site: StaticSite) -> None:
    place = site.estate.parent / "stores" / "near" / "cong-xa"
    with damaged([find_largest_pack(place)], every=64):
        done = giucong(site.estate, "drill.run", "--file", "--json")

    (drill,) = json.loads(done.stdout)["items"]
    assert (done.returncode, drill["outcome"], drill["reason_code"]) == (
        1, "failed", "drill_differs",
    )  # fmt: skip
    assert drill["params"]["path"].startswith("/cong-xa/")
    assert drill["params"]["what"] == "missing"


def test_the_plan_says_copy_room_and_isolation_and_does_nothing(site: StaticSite) -> None:
    before = len(site.list())
    done = giucong(site.estate, "drill.run", "--site", "cong-xa", "--dry-run", "--json")

    (plan,) = json.loads(done.stdout)["items"]
    assert done.returncode == 0
    assert len(plan["snapshot"]) == 64
    assert (plan["store"], plan["engine"], plan["problem"]) == ("near", "ours", None)
    assert plan["isolation"]["way"] in {"root", "user"}
    assert len(site.list()) == before


def test_a_copy_from_after_the_incident_is_not_chosen(site: StaticSite) -> None:
    code, drill = site.drill("--incident-at", "2026-01-01 00:00")

    assert (code, drill["outcome"]) == (1, "failed")  # many hours to recover, too
    codes = [it["code"] for it in drill["minutes"]["shortcomings"]]
    assert "drill_copy_too_young" in codes


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--from", "archive"], "this estate has no archive"),
        (["--with", "tar"], "use one of: ours, restic"),
        (["--file", "--with", "restic"], "one file is drilled with our engine"),
        (["--incident-at", "2999-01-01 00:00"], "the incident cannot lie in the future"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    site: StaticSite, flags: list[str], told: str
) -> None:
    before = len(site.list())
    done = giucong(site.estate, "drill.run", "--site", "cong-xa", *flags)

    assert done.returncode == 2
    assert told in done.stderr
    assert len(site.list()) == before


def test_another_machine_is_named_and_nothing_is_done(site: StaticSite) -> None:
    text = site.estate.read_text(encoding="utf-8")
    site.estate.write_text(text + '\n[drill]\nhost = "dien-tap"\n', encoding="utf-8")
    try:
        done = giucong(site.estate, "drill.run", "--site", "cong-xa")
    finally:
        site.estate.write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert 'drills are run on the machine "dien-tap"' in done.stderr


def test_a_site_beyond_the_limit_is_incomplete(site: StaticSite) -> None:
    big = site.estate.parent / "www" / "big"
    with big.open("wb") as file:
        os.truncate(file.fileno(), 1_200_000_000)
    text = site.estate.read_text(encoding="utf-8")
    site.estate.write_text(text + "\n[drill]\nmax_size_gb = 1\n", encoding="utf-8")
    try:
        assert giucong(site.estate, "backup.run", "--site", "cong-xa").returncode == 0
        code, drill = site.drill()
    finally:
        site.estate.write_text(text, encoding="utf-8")
        big.unlink()
    assert (code, drill["outcome"], drill["reason_code"]) == (3, "incomplete", "drill_too_large")
    assert drill["phases"]["fetch"]["outcome"] == "skipped"


def test_one_file_of_each_of_many_sites_in_one_process(tmp_path: Path) -> None:
    """For the figure: `DRILL_SITES=40 pytest -s … -k many`."""
    count = int(os.environ.get("DRILL_SITES", "3"))
    estate = build_estate(tmp_path / "estate")
    head, _mark, body = estate.read_text(encoding="utf-8").partition("[[sites]]")
    sites = [body.replace("cong-xa", f"cong-{number}") for number in range(count)]
    estate.write_text(head + "".join(f"[[sites]]{it}" for it in sites), encoding="utf-8")
    assert giucong(estate, "backup.init").returncode == 0
    assert giucong(estate, "backup.run-all").returncode == 0

    begun = time.monotonic()
    done = giucong(estate, "drill.run", "--file", "--json")
    took = time.monotonic() - begun

    drills = json.loads(done.stdout)["items"]
    assert done.returncode == 0
    assert [it["outcome"] for it in drills] == ["ok"] * count
    assert len({it["params"]["path"].partition("/files/")[2] for it in drills}) > 1
    print(f"\n{count} sites, one file each: {took:.1f} s, {took / count:.2f} s a site")
    assert took < max(30, 3 * count)
