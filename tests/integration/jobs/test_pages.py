"""A site's chosen pages are noted when it is backed up; what fails there is a remark."""

import json
import subprocess
from pathlib import Path
from typing import Any

from ops.backups.pages.fetch import note_pages
from ops.backups.pages.notes import compare_pages, read_note
from tests.integration.jobs.small_estate import build_estate, giucong
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
        ("ok", 'it answers: "Cổng xã Bình Minh", 28 characters to read'),
        ("not_checked", "the server answered with status 500"),
    ]
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert "1 page noted" in rehearsed.stdout
    assert run.returncode == 0, run.stdout + run.stderr
    assert "đã ghi nhận 1 trang" in run.stdout
    assert "không ghi nhận được trang /hong: máy chủ trả về mã 500" in run.stdout
    assert [(it.status, it.title) for it in noted] == [(200, "Cổng xã Bình Minh"), (500, "")]
    assert [it.verdict for it in compared] == ["changed", "not_checked"]
    assert 0.5 < compared[0].alike < 1
    assert json.loads(alone.stdout)["items"][0]["summary"]["pages"] == []


def test_a_site_that_is_down_is_backed_up_all_the_same(tmp_path: Path) -> None:
    with web_server({}) as url:
        estate = build(tmp_path / "estate", url, ["/"])
    run = giucong(estate, "backup.run", "--site", "cong-xa", "--json")
    (page,) = manifest_of(estate)["pages"]

    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(run.stdout)["items"][0]["outcome"] == "ok"
    assert (page["problem"], page["status"], page["text"]) == ("unreachable", None, None)
    assert page["reason"].startswith("máy chủ không trả lời")
