"""What the portal says is kept, again when it changes, and never thrown away."""

import hashlib
import json
import stat
import unicodedata
from pathlib import Path

from archive.metadata.item import Item, parse_item
from archive.ocfl.root import StorageRoot, StoredObject
from archive.search.index import open_index
from tests.integration.archive.commune import ALL, NEWS, PRIVATE, SITE, Commune
from tests.integration.archive.test_by_hand import EICAR


def versions(root: StorageRoot) -> dict[str, str]:
    return {it.inventory.id: it.inventory.head for it in root.objects()}


def holds(folder: Path, text: str) -> list[Path]:
    """Find the files below a folder in which a text stands."""
    wanted = text.encode()
    return [it for it in folder.rglob("*") if it.is_file() and wanted in it.read_bytes()]


def test_all_that_the_portal_says_is_archived_and_found(archived: Commune) -> None:
    found = archived.items("archive.search", "--text", "nuoc sach suoi da")
    (address,) = parse_item(archived.public.find(found[0]["id"]).read("item.json")).addresses
    shown = archived.good("archive.show", "--id", address)

    assert len(versions(archived.public)) == ALL - PRIVATE
    assert set(versions(archived.public).values()) == {"v1"}
    assert [it["title"] for it in found] == ["Đưa vào sử dụng trạm cấp nước sạch ấp Suối Đá"]
    assert "Trần Quốc Bảo" in shown
    assert len(archived.items("archive.list", "--content-class", "news")) == NEWS
    assert versions(archived.second) == versions(archived.public), "the plain copy has it, too"


def test_a_year_is_counted_for_its_report(archived: Commune) -> None:
    told = json.loads(archived.good("archive.status", "--counts", "--year", "2026", "--json"))
    asked = archived.ask("SELECT category, count(*) FROM articles GROUP BY category")
    classes = {it["class"]: it for it in told["items"]}
    columns = {it["column"]: it["items"] for it in told["columns"] if it["class"] == "news"}
    days = ["--since", "12/09/2026", "--until", "12/09/2026"]
    other = json.loads(archived.good("archive.status", "--counts", *days, "--json"))
    before = json.loads(archived.good("archive.status", "--counts", "--year", "2019", "--json"))
    ended = archived.run("archive.status", "--counts", "--year", "2026", "--since", "01/01/2026")
    shown = archived.good("archive.status", "--counts", "--year", "2026")

    assert columns == dict(asked)
    assert (classes["news"]["items"], classes["news"]["has_limit"]) == (NEWS, False)
    assert classes["legal-document"]["in_time"] == classes["legal-document"]["items"] == 2
    # Of three questions one was answered four days later; the limit of the others is long over.
    assert told["questions"] == {
        "received": 3, "in_time": 1, "late": 2, "waiting": 0, "undecided": 0
    }  # fmt: skip
    late = {it["key"]: it["due"] for it in told["late"]}
    assert late == {"mapping/hoi-dap/2": "2026-10-23T17:00:00Z",
                    "mapping/hoi-dap/3": "2026-11-10T17:00:00Z"}  # fmt: skip
    assert (other["since"], other["questions"]["received"]) == ("2026-09-12", 1)
    assert (before["items"], before["questions"]["received"]) == ([], 0)
    assert ended.returncode == 2
    assert "Nghị định 43/2011/NĐ-CP" in shown


def test_personal_parts_lie_in_the_private_root_alone(archived: Commune) -> None:
    names = [sender for (sender,) in archived.ask("SELECT sender FROM feedback")]
    places = [archived.public.path, archived.second.path, archived.folder / "state/archive"]
    elsewhere = [
        it for name in names for place in places for it in holds(place, name)
        if not it.name.startswith("private-index.db")
    ]  # fmt: skip

    assert len(names) == PRIVATE
    assert all(holds(archived.private.path, name) for name in names)
    assert elsewhere == []
    assert stat.S_IMODE(archived.private.path.stat().st_mode) == 0o700


def test_looking_at_private_parts_is_journaled(commune: Commune) -> None:
    found = commune.items("archive.list", "--private")
    commune.good("archive.show", "--id", found[0]["id"][-8:], "--private")
    ended = commune.run("archive.show", "--id", found[0]["id"])

    assert len(found) == PRIVATE
    assert ended.returncode == 2, "public tasks do not find it"
    assert commune.journaled("archive.access") == ["search", "show"]


def test_a_correction_is_a_version_a_deletion_an_event_a_hostile_row_refused_by_name(
    commune: Commune,
) -> None:
    before = versions(commune.public)
    commune.sql("UPDATE articles SET body = body || 'Đính chính.' WHERE id = 1")
    commune.sql("DELETE FROM articles WHERE id = 2")
    commune.sql("UPDATE documents SET file = '../../../../etc/passwd' WHERE id = 1")
    new = "INSERT INTO articles VALUES (?, ?, ?, '', 'Nội dung', '', '', ?, 0)"
    commune.sql(new, 90, "../../etc", "<script>alert(1)</script>\x1b[2J", "không phải ngày")
    names = ["thông-báo", unicodedata.normalize("NFD", "thông-báo"), "THÔNG-BÁO"]
    for number, name in enumerate(names, start=91):
        commune.sql(new, number, name, "Thông báo", "2026-11-01 08:00")
    first, again = commune.save_and_capture(), commune.capture()
    after = versions(commune.public)
    changed = [key for key, head in before.items() if after[key] != head]
    items = [parse_item(commune.public.find(key).read("item.json")) for key in changed]
    (gone,) = [it for it in items if it.withdrawn]
    kept = commune.public.find(gone.id)

    assert [first["summary"][it] for it in ("changed", "withdrawn", "new")] == [1, 1, 4]
    assert {after[key] for key in changed} == {"v2"}
    assert parse_item(kept.read("item.json", "v1")).withdrawn is None
    assert kept.read("body.txt") == kept.read("body.txt", "v1"), "its words stay"
    assert len(after) == len(before) + 4, "names that differ in normal form or case are apart"
    assert (first["outcome"], first["reason"]) == ("incomplete", "archive_refused")
    assert [key for key, _why in first["summary"]["refused"]] == ["mapping/van-ban/1"]
    assert after[next(iter(before))] in {"v1", "v2"}, "what was refused keeps its versions"
    assert "\x1b" not in commune.good("archive.list", "--limit", "100")
    assert holds(commune.public.path, "root:x:0") == []
    assert [again["summary"][it] for it in ("changed", "withdrawn", "new")] == [0, 0, 0]


def test_where_very_much_is_gone_a_person_decides(commune: Commune) -> None:
    commune.sql("DELETE FROM articles")
    commune.sql("DELETE FROM documents")
    commune.sql("DELETE FROM procedures WHERE id > 1")
    stopped = commune.save_and_capture()
    before = versions(commune.public)
    accepted = commune.capture("--accept-gone")

    assert (stopped["outcome"], stopped["reason"]) == ("incomplete", "archive_many_gone")
    assert set(before.values()) == {"v1"}, "nothing was believed"
    assert (accepted["outcome"], accepted["summary"]["withdrawn"]) == ("ok", 12)
    assert len(versions(commune.public)) == ALL - PRIVATE, "and nothing was deleted"


def test_what_a_killed_run_did_not_tell_the_index_the_next_one_does(commune: Commune) -> None:
    whole = commune.index_mark()
    index = open_index(commune.folder / "state/archive/index.db")
    with index._connection as connection:
        connection.execute("DELETE FROM items WHERE number % 2")
        connection.execute("DELETE FROM addresses WHERE number % 2")
    index.close()
    assert commune.index_mark() != whole
    found = commune.capture()

    assert (found["outcome"], found["summary"]["unchanged"]) == ("ok", ALL)
    assert commune.index_mark() == whole
    assert set(versions(commune.public).values()) == {"v1"}, "nothing is stored twice"


def test_any_copy_makes_the_same_index_row_for_row(commune: Commune) -> None:
    commune.sql("UPDATE articles SET body = body || 'Đính chính.' WHERE id = 1")
    commune.save_and_capture()
    commune.good("backup.run", "--site", "luu-tru")
    names = ("index.db", "private-index.db")
    live = [commune.index_rows(it) for it in names]
    index, restored = commune.folder / "state/archive", commune.folder / "restored"
    for path in index.iterdir():
        path.unlink()
    commune.good("archive.reindex")
    own = [commune.index_rows(it) for it in names]
    told = commune.good("archive.reindex", "--from", "second")
    second = commune.index_rows()
    commune.good("backup.restore", "--site", "luu-tru", "--target", str(restored))
    for folder in (commune.public.path, commune.second.path, commune.private.path):
        folder.rename(folder.with_name(f"{folder.name}-lost"))
    for name in names:
        (index / name).unlink()
    refused = commune.run("archive.reindex", "--from", str(commune.folder / "state"))
    commune.good("archive.reindex", "--from", str(restored))

    assert all(len(rows[it]) > 0 for rows in live for it in ("items", "words"))
    assert own == live
    assert second == live[0]
    assert "said something else" not in told
    assert [commune.index_rows(it) for it in names] == live
    assert refused.returncode == 2
    assert "restored archive" in refused.stderr


def test_a_database_saved_alone_or_live_is_read_newer_than_the_site(commune: Commune) -> None:
    commune.sql("UPDATE articles SET title = 'Sau bản cả trang' WHERE slug = 'nuoc-sach'")
    commune.good("backup.run", "--site", SITE, "--database", "db")
    alone = commune.capture()
    text = commune.estate.read_text(encoding="utf-8")
    mapping = 'connector = "mapping"'
    commune.estate.write_text(text.replace(mapping, f'{mapping}\n  from = "live"'), "utf-8")
    commune.sql("UPDATE articles SET title = 'Chưa sao lưu' WHERE slug = 'nuoc-sach'")
    live = commune.capture()
    found = commune.items("archive.search", "--text", "chua sao luu")

    assert (alone["summary"]["changed"], live["summary"]["changed"]) == (1, 1)
    assert [it["version"] for it in found] == ["v3"]


def test_a_withdrawn_question_takes_its_private_part_with_it(commune: Commune) -> None:
    commune.sql("DELETE FROM feedback WHERE id = 1")
    run = commune.save_and_capture()
    withdrawn = {
        root: [item.source_key for item in map(_item_of, place.objects()) if item.withdrawn]
        for root, place in (("public", commune.public), ("private", commune.private))
    }
    (gone,) = [it for it in commune.private.objects() if _item_of(it).withdrawn]

    assert run["summary"]["withdrawn"] == 2
    assert withdrawn == {
        "public": ["mapping/hoi-dap/1"], "private": ["mapping/hoi-dap/1/private"]
    }  # fmt: skip
    assert gone.read("private.json") == gone.read("private.json", "v1"), "and nothing is deleted"
    assert b'"withdrawal"' in gone.read("events.jsonl")
    assert commune.capture()["summary"]["withdrawn"] == 0


def test_a_petitioners_number_stands_nowhere_but_in_the_private_root(commune: Commune) -> None:
    number, words = "0912345678", "Trần Văn Đơn 0912345678"
    commune.sql("UPDATE feedback SET sender = ? WHERE id = 2", words)
    commune.save_and_capture()
    (found,) = commune.items("archive.search", "--text", number, "--private")
    commune.good("archive.show", "--id", found["id"], "--private")
    commune.good("archive.reindex")
    commune.good("archive.status", "--counts", "--year", "2026")
    commune.good("backup.run", "--site", "luu-tru")
    commune.good("backup.files", "--site", "luu-tru")
    for it in commune.items("archive.list", "--content-class", "feedback"):
        commune.good("archive.export", "--id", it["id"], "--out", str(commune.folder / it["id"]))
    index = commune.folder / "state/archive/private-index.db"
    places = {it.relative_to(commune.folder).parts[0] for it in holds(commune.folder, number)
              if not it.name.startswith(index.name)}  # fmt: skip

    assert places == {"archive-private", "sources"}, "the portal itself, and what is private"
    assert stat.S_IMODE(index.stat().st_mode) == 0o600
    assert commune.items("archive.search", "--text", number) == []


def test_an_item_whose_access_grade_is_raised_leaves_the_public_root(commune: Commune) -> None:
    mapping = commune.folder / "archive.toml"
    text = mapping.read_text(encoding="utf-8")
    mapping.write_text(text.replace('grade = "internal"', 'grade = "restricted"'), "utf-8")
    commune.capture()
    public = [it for it in map(_item_of, commune.public.objects()) if "hoi-dap" in it.source_key]

    assert all(it.withdrawn for it in public)
    assert len(public) == PRIVATE
    assert len(list(commune.private.objects())) == 2 * PRIVATE
    again = commune.capture()
    assert (again["summary"]["changed"], again["summary"]["withdrawn"]) == (0, 0)


def _item_of(stored: StoredObject) -> Item:
    return parse_item(stored.read("item.json"))


def test_an_article_is_kept_without_an_attachment_that_is_malware(commune: Commune) -> None:
    signature = f"{hashlib.md5(EICAR, usedforsecurity=False).hexdigest()}:{len(EICAR)}:Eicar-Test\n"
    (commune.folder / "signatures").mkdir()
    (commune.folder / "signatures/own.hdb").write_text(signature)
    estate = commune.estate.read_text(encoding="utf-8")
    commune.estate.write_text(
        f'{estate}\n[security]\nclamav_database = "signatures"\n', encoding="utf-8"
    )
    mapping = commune.folder / "archive.toml"
    text = mapping.read_text(encoding="utf-8").replace(
        "author, published_at FROM articles",
        "author, published_at, CASE id WHEN 1 THEN 'van-ban/nhiem.txt' ELSE '' END AS tep"
        " FROM articles",
    )
    mapping.write_text(
        text.replace('column = "{category}"', 'column = "{category}"\n'
                     'attachments = [{ file = "{tep}" }]', 1), "utf-8",
    )  # fmt: skip
    (commune.folder / "sources/www/van-ban/nhiem.txt").write_bytes(EICAR)
    run = commune.save_and_capture()
    (found,) = [it for it in map(_item_of, commune.public.objects())
                if it.source_key == "mapping/tin-tuc/1"]  # fmt: skip
    again = commune.capture()
    shown = commune.good("archive.show", "--id", found.id)
    commune.good("archive.export", "--id", found.id, "--out", str(commune.folder / "out"))
    before = commune.index_mark()
    commune.good("archive.reindex")

    assert (run["outcome"], run["reason"]) == ("incomplete", "archive_files_left_out")
    assert run["summary"]["left_out"] == [
        ["mapping/tin-tuc/1", "malware was found: att-01.txt: Eicar-Test.UNOFFICIAL"]
    ]
    assert [it.path for it in found.parts] == ["body.txt"]
    (refused,) = found.refused
    assert (refused.part.name, refused.part.size) == ("nhiem.txt", len(EICAR))
    assert (again["outcome"], again["summary"]["changed"]) == ("ok", 0)
    assert "not archived: nhiem.txt" in shown
    assert "nhiem.txt" in next((commune.folder / "out").glob("*.html")).read_text("utf-8")
    assert commune.index_mark() == before
    for place in ("archive", "archive-private", "archive-second", "out", "state"):
        assert holds(commune.folder / place, EICAR.decode()) == []
