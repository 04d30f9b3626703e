"""A site's chosen pages are noted when it is backed up; what fails there is a remark."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from ops.backups.pages.notes import read_note
from ops.backups.pages.noting import note_pages
from ops.backups.pages.verdict import compare_pages
from tests.integration.jobs.small_estate import build_estate, build_used_estate, giucong
from tests.moving_pages import Portal, answer_by_chance, write_text
from tests.web_server import say, web_server

HOME = "<title>Cổng xã Bình Minh</title><p>Thông báo lịch tiếp công dân</p>".encode()


def build(folder: Path, url: str, pages: list[str]) -> Path:
    estate = build_estate(folder)
    text = estate.read_text(encoding="utf-8")
    more = f'unit = "xa"\nurl = "{url}"\npages = {json.dumps(pages)}\n'
    estate.write_text(text.replace('unit = "xa"\n', more), encoding="utf-8")
    assert giucong(estate, "backup.init").returncode == 0
    return estate


def manifest_of(estate: Path, *choice: str) -> dict[str, Any]:
    repository = estate.parent / "stores" / "near" / "cong-xa"
    key = estate.parent / "keys" / "repository.key"
    dumped = subprocess.run(
        ["restic", "-r", repository, "--password-file", key, "--no-cache", "dump", *choice,
         "latest", "/cong-xa/manifest.json"],
        check=True, capture_output=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(dumped.stdout)
    return found


def test_pages_stand_in_the_manifest_and_are_compared_later(tmp_path: Path) -> None:
    with web_server({"/": say(HOME), "/hong": say(b"no", 500)}) as url:
        estate = build(tmp_path / "estate", url, ["/", "/hong"])
        tried = giucong(estate, "estate.test", "--site", "cong-xa", "--json")
        rehearsed = giucong(estate, "backup.run", "--site", "cong-xa", "--dry-run")
        run = giucong(estate, "backup.run", "--site", "cong-xa", language="vi")
        alone = giucong(estate, "backup.run", "--site", "cong-xa", "--database", "db", "--json")
    noted = [read_note(it) for it in manifest_of(estate, "--path", "/cong-xa")["pages"]]
    with web_server({"/": say(HOME + b"<p>s\xe1\xbb\xada")}) as url:
        found = note_pages(url, ["/", "/hong"])
    compared = compare_pages(noted, found)

    assert tried.returncode == 3, tried.stdout + tried.stderr
    assert [
        (it["outcome"], it["told"])
        for it in json.loads(tried.stdout)["items"]
        if "pages" in it["part"]
    ] == [
        ("ok", 'it answers: "Cổng xã Bình Minh", 28 characters to read, 100 % of them stay'),
        ("not_checked", "the server answered with status 500 (no)"),
    ]
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert "1 page noted" in rehearsed.stdout
    assert run.returncode == 0, run.stdout + run.stderr
    assert "đã ghi nhận 1 trang" in run.stdout
    assert "không ghi nhận được trang web /hong: máy chủ trả về mã 500 (no)" in run.stdout
    assert [(it.status, it.title) for it in noted] == [(200, "Cổng xã Bình Minh"), (500, "")]
    assert [it.verdict for it in compared] == ["changed", "not_checked"]
    assert 0.5 < compared[0].alike < 1
    assert json.loads(alone.stdout)["items"][0]["summary"]["pages"] == []


def test_a_site_without_pages_is_not_checked_and_stops_no_procedure(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate")
    told = giucong(estate, "backup.pages", "--site", "cong-xa")

    assert told.returncode == 3  # enough where a person says so
    assert "notes no pages" in told.stderr


def test_a_site_that_is_down_is_backed_up_all_the_same(tmp_path: Path) -> None:
    with web_server({}) as url:
        estate = build(tmp_path / "estate", url, ["/"])
    run = giucong(estate, "backup.run", "--site", "cong-xa", "--json")
    (page,) = manifest_of(estate)["pages"]

    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(run.stdout)["items"][0]["outcome"] == "ok"
    assert (page["problem"], page["status"], page["text"]) == ("unreachable", None, None)
    assert page["reason"].startswith("không truy cập được máy chủ")


def test_a_portal_that_is_never_twice_the_same_is_proved_by_what_stays(tmp_path: Path) -> None:
    """Both ways: by a real backup, a second one that learns from it, and `backup.pages`."""
    portal = Portal()
    about = say(f"<title>Giới thiệu</title>{write_text('giới thiệu', 200)}".encode())
    pages = {"/": portal.page(), "/moi": answer_by_chance, "/gioi-thieu": about}
    prove = ("backup.pages", "--site", "cong-xa", "--json")
    with web_server(pages) as url:
        estate = build(tmp_path / "estate", url, ["/", "/moi"])
        tried = giucong(estate, "estate.test", "--site", "cong-xa", "--json")
        first, second = (giucong(estate, "backup.run", "--site", "cong-xa") for _ in range(2))
        good = giucong(estate, *prove)
        whole, portal.content = portal.content, "Hacked by nobody"
        hacked = giucong(estate, *prove)
        portal.content = " ".join(whole.split()[:150])
        half = giucong(estate, *prove)
        portal.content, portal.extra = whole, write_text("thuốc", 400)
        spam = giucong(estate, *prove)
    home, _little = [read_note(it) for it in manifest_of(estate, "--path", "/cong-xa")["pages"]]

    (trial,) = [it for it in json.loads(tried.stdout)["items"] if "[/moi]" in it["part"]]
    assert trial["outcome"] == "not_checked"
    assert trial["next_step"] == "write better ones into `pages`: /gioi-thieu"
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "remark: the page /moi: only" in second.stdout
    assert "estate.test --site cong-xa` proposes pages that stay" in second.stdout
    assert home.looks == 8
    assert 0.7 < home.stays < 0.95
    verdicts = [
        [it["verdict"] for it in json.loads(done.stdout)["items"]]
        for done in (good, hacked, half, spam)
    ]
    assert verdicts[0] == ["same", "not_checked"]
    assert [it[0] for it in verdicts[1:]] == ["changed"] * 3
    assert good.returncode == 3


def test_what_a_site_has_lost_is_a_warning_until_somebody_accepts_it(tmp_path: Path) -> None:
    pages = {"/": say(HOME)}
    with web_server(pages) as url:
        estate = build(tmp_path / "estate", url, ["/"])
        site = estate.parent / "www"
        for name in ("themes", "tep"):
            (site / name).mkdir()
            (site / name / "a.css").write_text("p {}")
        change(site, "CREATE TABLE tin (a)", "INSERT INTO tin VALUES (1)")
        run = ("backup.run", "--site", "cong-xa", "--json")
        assert giucong(estate, *run).returncode == 0
        shutil.rmtree(site / "themes")
        change(site, "DROP TABLE tin", "DELETE FROM uploads WHERE rowid > 5")
        pages["/"] = say("lỗi hệ thống".encode(), 500)
        lost, again = (json.loads(giucong(estate, *run).stdout)["items"][0] for _ in range(2))
        told = giucong(estate, "backup.run", "--site", "cong-xa", language="vi")
        status = giucong(estate, "backup.status")
        accepted = giucong(estate, *run, "--accept-size")
        after = json.loads(giucong(estate, *run).stdout)["items"][0]

    assert [(it["what"], it["name"]) for it in lost["params"]["losses"]] == [
        ("table", "tin"), ("rows", "uploads"), ("folder", "themes"), ("page", "/"),
    ]  # fmt: skip
    assert (lost["outcome"], lost["reason"]) == ("ok", "suspicious")
    assert again["params"] == lost["params"]
    assert told.returncode == 0
    assert "bảng tin của cơ sở dữ liệu db không còn" in told.stdout
    assert "máy chủ trả về mã 500 (lỗi hệ thống)" in told.stdout
    assert "0 of 1 sites are well backed up" in status.stdout
    assert (accepted.returncode, after["reason"]) == (0, "")


def change(site: Path, *statements: str) -> None:
    with closing(sqlite3.connect(site / "data" / "live.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
