"""What people hand in is archived through the program: by a folder, a table, a bag."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from archive.metadata.events import Event, read_events
from archive.metadata.item import ITEM_FILE, Item, parse_item
from archive.ocfl.root import open_root
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.old_texts import write_old
from tests.unit.archive.handed_in.test_bag import make_bag
from tests.unit.archive.metadata.test_text import SENTENCES

SITE = "cong-xa"
# The harmless test file of EICAR, put together here so that no scanner takes this file away.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MORE = """
[archive]
url = "archive/root"
private = "archive/private"
[[classes]]
name = "news"
[[classes]]
name = "legal-document"
"""
TABLE = """\
Mã;Tiêu đề;Tác giả;Tệp;Loại;Ngày đăng;Nguồn;Căn cứ sử dụng;Địa chỉ nguồn;Số ký hiệu;Mức độ tiếp cận
1;Quyết định 12;Trần Văn C;vb/qd-12.txt;legal-document;31/12/2019;;;;12/QĐ-UBND;
2;Bài đăng lại;Lê D;bai.html;news;01/02/2020;Báo X;đăng lại;https://x.vn/1;;
3;Không rõ ai;;bai.html;news;;;;;;
4;Mất tệp;A;khong-co.txt;news;;;;;;
5;Loại lạ;A;bai.html;tin-la;;;;;;
6;Thiếu nguồn;A;bai.html;news;;Báo Y;;;;
7;Hồ sơ kín;A;kin.txt;news;;;;;;hạn chế
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return build_estate(tmp_path / "estate", MORE)


@pytest.fixture
def handed(tmp_path: Path) -> Path:
    folder = tmp_path / "nop"
    (folder / "vb").mkdir(parents=True)
    (folder / "vb/qd-12.txt").write_bytes(write_old(SENTENCES[0], "tcvn3"))
    (folder / "bai.html").write_text(f"<p>{SENTENCES[1]}</p>", encoding="utf-8")
    (folder / "kin.txt").write_text("chỉ cho người có quyền", encoding="utf-8")
    (folder / "items.csv").write_text(TABLE, encoding="utf-8-sig")
    return folder


def ingest(estate: Path, path: Path, *more: str) -> tuple[int, dict[str, Any]]:
    done = giucong(
        estate, "archive.ingest", "--site", SITE, "--from", str(path), "--json", *more
    )  # fmt: skip
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def archived(estate: Path, root: str = "root") -> dict[str, tuple[Item, list[Event]]]:
    found = {}
    for stored in open_root(estate.parent / "archive" / root).objects():
        item = parse_item(stored.read(ITEM_FILE))
        found[item.title] = (item, list(read_events(stored.read("events.jsonl"))))
    return found


def test_a_folder_with_a_sheet_is_taken_row_by_row(estate: Path, handed: Path) -> None:
    code, dry = ingest(estate, handed, "--dry-run")
    looked = dry["items"][0]
    assert (code, looked["kind"], looked["items"], len(looked["refused"])) == (3, "folder", 3, 4)
    assert not (estate.parent / "archive").exists()

    code, told = ingest(estate, handed)
    summary = told["items"][0]["summary"]
    assert (code, summary["new"], summary["refused_count"]) == (3, 3, 4)
    refused = dict(summary["refused"])
    assert set(refused) == {"items.csv:4", "items.csv:5", "items.csv:6", "items.csv:7"}
    assert "author_unknown" in refused["items.csv:4"]
    assert refused["items.csv:5"] == "khong-co.txt is missing"
    assert "tin-la" in refused["items.csv:6"]
    assert "source_url" in refused["items.csv:7"]

    found = archived(estate)
    assert set(found) == {"Quyết định 12", "Bài đăng lại"}
    document, events = found["Quyết định 12"]
    assert [it.encoding for it in document.parts] == ["tcvn3", "utf-8"]
    assert document.fields["number"] == "12/QĐ-UBND"
    assert document.published is not None
    assert document.retention.row == "van-ban"
    assert document.source.basis == "own"
    assert {(it.type, it.result) for it in events} >= {
        ("virus check", "not run"), ("normalization", "passed"), ("metadata check", "warning"),
    }  # fmt: skip
    assert found["Bài đăng lại"][0].source.url == "https://x.vn/1"
    assert set(archived(estate, "private")) == {"Hồ sơ kín"}

    _code, again = ingest(estate, handed)
    assert (again["items"][0]["summary"]["new"], again["items"][0]["summary"]["unchanged"]) == (
        0,
        3,
    )
    assert not list((estate.parent / "scratch").glob("handed-in*"))


def test_status_tells_what_is_not_checked_and_not_mapped(estate: Path, handed: Path) -> None:
    ingest(estate, handed)

    done = giucong(estate, "archive.status", "--json")
    figures = {
        it["class"]: it for it in json.loads(done.stdout)["items"] if it["place"] == "public"
    }
    assert (figures["news"]["unmapped"], figures["legal-document"]["unmapped"]) == (1, 0)
    assert (figures["news"]["unscanned"], figures["legal-document"]["unscanned"]) == (1, 1)

    text = giucong(estate, "archive.status").stdout
    assert "3 items were not looked through for malware" in text
    assert "have no retention row" in text


def test_a_folder_without_a_sheet_names_the_officer(estate: Path, tmp_path: Path) -> None:
    folder = tmp_path / "anh"
    (folder / "Lễ hội").mkdir(parents=True)
    (folder / "Lễ hội/một.txt").write_text("một", encoding="utf-8")
    (folder / "Lễ hội/hai.txt").write_text("hai", encoding="utf-8")
    (folder / "thư.txt").write_text("thư", encoding="utf-8")
    (folder / "link.txt").symlink_to("/etc/passwd")

    code, told = ingest(estate, folder, "--content-class", "news")

    assert (code, told["items"][0]["summary"]["new"]) == (3, 2)
    assert told["items"][0]["summary"]["refused"] == [
        ["link.txt", "link.txt: it is a link, or no plain file"]
    ]
    item, _events = archived(estate)["Lễ hội"]
    assert [it.name for it in item.parts] == ["hai.txt", "một.txt"]
    assert (item.creators[0].name, bool(item.creators[0].unknown_by)) == ("không rõ", True)


def test_a_bag_is_verified_and_a_broken_one_refused(estate: Path, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {"tin.txt": b"tin"})
    (bag / "bag-info.txt").write_text(
        "Source-Organization: Báo X\nContact-Name: Lê E\nExternal-Identifier: BX-7\n",
        encoding="utf-8",
    )

    code, _told = ingest(estate, bag)

    assert code == 0
    item, events = archived(estate)["BX-7"]
    assert (item.creators[0].name, item.source.name, item.source.basis) == (
        "Lê E", "Báo X", "exchange",
    )  # fmt: skip
    notes = [it.note for it in events if it.type == "fixity check"]
    assert notes == ["BagIt 1.0, manifests of sha512", "the sender's digests"]

    (bag / "data/tin.txt").write_bytes(b"tam")
    done = giucong(estate, "archive.ingest", "--site", SITE, "--from", str(bag))
    assert done.returncode == 1
    assert "data/tin.txt is not what its sha512 says" in done.stderr


def test_malware_is_refused_by_the_real_scanner(tmp_path: Path) -> None:
    estate = build_estate(
        tmp_path / "estate", MORE + '[security]\nclamav_database = "signatures"\n'
    )
    (estate.parent / "signatures").mkdir()
    own = f"{hashlib.md5(EICAR, usedforsecurity=False).hexdigest()}:{len(EICAR)}:Eicar-Test\n"
    (estate.parent / "signatures/own.hdb").write_text(own)
    folder = tmp_path / "nop"
    folder.mkdir()
    (folder / "good.txt").write_bytes(b"good")
    (folder / "bad.txt").write_bytes(EICAR)

    code, told = ingest(estate, folder)

    assert (code, told["items"][0]["summary"]["new"]) == (3, 1)
    ((key, why),) = told["items"][0]["summary"]["refused"]
    assert (key, why) == ("handed-in/bad.txt", "malware was found: body.txt: Eicar-Test.UNOFFICIAL")
    item, _events = archived(estate)["good"]
    assert item.parts[0].malware.startswith("clean · ClamAV")
    done = giucong(estate, "archive.status")
    assert "for malware" not in done.stdout
