"""Labels, dates of renewal, inventories and the list of copies of removable media."""

import os
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from backup.copies.mirror import MirrorResult
from backup.copies.mirror_plan import MirrorPlan
from backup.errors import StoreReadOnlyError
from backup.stores.memory import MemoryStore
from ops.alerts.notice_wording import NoticeRow, word_notice
from ops.backups.copies.rule_32110 import CopyFacts, judge_copies
from ops.backups.media.copy_list import NAMESPACE, CopyEntry, write_copy_list
from ops.backups.media.export_medium import conclude
from ops.backups.media.label import (
    Held,
    Label,
    LabelError,
    MediumContent,
    decode_label,
    encode_label,
    replace_contents,
)
from ops.backups.media.label_proof import Inventory, ReadOnlyStore, take_inventory
from ops.backups.media.mount_point import check_code, check_place
from ops.backups.media.records import MediumFacts, copies_on_media, draft_renewal
from ops.duties.evidence.judge import Renewal, plan_renewal
from ops.duties.table.load import SHIPPED_DUTIES, SHIPPED_HOLIDAYS, read_calendar, read_duties
from ops.errors import WrongUseError
from ops.outcomes import explain
from ops.status.problem_wording import explain_problem
from ops.status.problems import find_in_medium

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
DAY = timedelta(days=1)
CONTENT = MediumContent(
    site="a", repository="1" * 64, snapshots=(Held("2" * 64, NOW - 2 * DAY),),
    newest_at=NOW - 2 * DAY, objects=7, size_bytes=9_000, digest="3" * 64,
)  # fmt: skip
LABEL = Label(
    code="GC-01", organisation="Trung tâm", kind="disk", started_on=date(2024, 2, 29),
    renew_on=date(2027, 2, 28), kept_at="Két sắt", holder="Nguyễn Văn A", written_by="nva",
    written_at=NOW, contents=(CONTENT,),
)  # fmt: skip
FACTS = MediumFacts(
    code="GC-01", kind="disk", kept_at="Két sắt", holder="nva", started_on=date(2024, 2, 29),
    renew_on=date(2027, 2, 28), stage="", basis=("TT 02/2019/TT-BNV Điều 10",), written_at=NOW,
    verified="ok", verified_at=NOW, contents=(CONTENT,),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")


def test_a_label_comes_back_as_it_was_written() -> None:
    assert decode_label(encode_label(LABEL), "x") == LABEL
    fresh = replace_contents(LABEL, {"b": replace(CONTENT, site="b")})
    assert [it.site for it in fresh.contents] == ["a", "b"]


def test_a_labels_texts_are_composed() -> None:
    parted = unicodedata.normalize("NFD", "Nguyễn Văn A")
    data = encode_label(replace(LABEL, holder=parted))
    assert decode_label(data, "x").holder == "Nguyễn Văn A"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"schema": 2}'])
def test_what_is_no_label_is_refused(data: bytes) -> None:
    with pytest.raises(LabelError):
        decode_label(data, "x")


def test_a_medium_is_renewed_by_the_duty_and_told_by_its_lead() -> None:
    calendar = read_calendar((SHIPPED_HOLIDAYS,))
    duties = read_duties((SHIPPED_DUTIES,)).duties
    renewal = plan_renewal(duties, date(2024, 2, 29), NOW.date(), calendar)
    assert renewal == Renewal(
        date(2027, 2, 28),
        date(2026, 11, 30),
        ("Điều 10 và các Phụ lục V–VII Thông tư số 02/2019/TT-BNV",),
    )
    assert plan_renewal((), date(2024, 2, 29), NOW.date(), calendar) is None
    assert plan_renewal(duties, date(2024, 2, 29), date(2025, 1, 1), calendar) is None


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        (date(2026, 11, 29), ""),
        (date(2026, 11, 30), "near"),
        (date(2027, 2, 28), "near"),
        (date(2027, 3, 1), "over"),
    ],
)
def test_the_day_of_renewal_is_near_and_then_over(today: date, stage: str) -> None:
    assert Renewal(date(2027, 2, 28), date(2026, 11, 30)).stage(today) == stage


def test_an_inventory_tells_wrong_lacking_and_foreign_files(tmp_path: Path) -> None:
    for kind, content in (("data/aa", b"pack"), ("index", b"index"), ("snapshots", b"s")):
        (tmp_path / kind).mkdir(parents=True)
        (tmp_path / kind / sha256(content).hexdigest()).write_bytes(content)
    (tmp_path / "config").write_bytes(b"sealed")
    whole = take_inventory(tmp_path)
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / ("0" * 64)).write_bytes(b"a lock")
    with_a_lock = take_inventory(tmp_path)
    (tmp_path / "config").write_bytes(b"Sealed")
    other_config = take_inventory(tmp_path)
    path = tmp_path / "index" / sha256(b"index").hexdigest()
    path.write_bytes(b"wrong")
    damaged = take_inventory(tmp_path)

    assert (whole.objects, whole.size_bytes, whole.damaged) == (4, 16, ())
    assert with_a_lock == whole
    assert other_config.digest != whole.digest
    assert damaged.damaged == (f"index/{path.name}",)


def test_a_medium_that_is_only_read_keeps_locks_aside() -> None:
    inner = MemoryStore()
    inner.write("config", b"c")
    store = ReadOnlyStore(inner)
    store.write("locks/a", b"mine")
    assert [it.key for it in store.list("locks")] == ["locks/a"]
    assert store.read("locks/a") == b"mine"
    assert [it.key for it in store.list("")] == ["config"]
    assert [it.key for it in inner.list("")] == ["config"]
    store.delete("locks/a")
    with pytest.raises(StoreReadOnlyError):
        store.write("data/aa/b", b"x")
    with pytest.raises(StoreReadOnlyError):
        store.delete("config")


def test_a_folder_that_is_no_mount_point_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="no medium is mounted"):
        check_place(str(tmp_path), allow_folder=False)
    with pytest.raises(WrongUseError, match="there is no folder"):
        check_place(str(tmp_path / "x"), allow_folder=True)
    assert check_place("/proc", allow_folder=False) == Path("/proc")
    assert check_place(os.fspath(tmp_path), allow_folder=True) == tmp_path


def test_a_code_names_one_medium(tmp_path: Path) -> None:
    check_code(LABEL, "GC-01", ["GC-01"], ["GC-01"], tmp_path)
    check_code(LABEL, "GC-01", [], [], tmp_path)
    check_code(None, "GC-02", ["GC-01"], ["GC-01"], tmp_path)
    for label, code in ((LABEL, "GC-02"), (None, "GC-01")):
        with pytest.raises(WrongUseError):
            check_code(label, code, ["GC-01"], ["GC-01"], tmp_path)
    with pytest.raises(WrongUseError, match="taken out of use"):
        check_code(LABEL, "GC-01", ["GC-01"], [], tmp_path)


def test_a_medium_counts_as_a_copy_as_long_as_it_need_not_be_read_back() -> None:
    near = CopyFacts(
        store="near", role="primary", location="Trung tâm", medium="object", newest_at=NOW,
        checked="ok", checked_at=NOW,
    )  # fmt: skip

    def broken(now: datetime) -> set[str]:
        fresh = replace(near, newest_at=now, checked_at=now)
        copies = [fresh, *copies_on_media([FACTS], "a")]
        judged = judge_copies(copies, now=now, rpo=DAY, reread=30 * DAY)
        return {it.part for it in judged if it.outcome != "ok"}

    assert broken(NOW) == set()
    assert broken(NOW + 27 * DAY) == set()
    assert broken(NOW + 29 * DAY) == {"copies", "media", "places", "locked"}
    assert copies_on_media([FACTS], "b") == []
    nowhere = copies_on_media([replace(FACTS, kept_at="")], "a")
    judged = judge_copies([near, *nowhere], now=NOW, rpo=DAY, reread=30 * DAY)
    assert {it.part for it in judged if it.outcome != "ok"} == {"places"}
    assert copies_on_media([replace(FACTS, verified="failed")], "a") == []


def test_status_tells_of_old_and_of_damaged_media() -> None:
    assert list(find_in_medium(FACTS)) == []
    (near,) = find_in_medium(replace(FACTS, stage="near"))
    (over,) = find_in_medium(replace(FACTS, stage="over"))
    (damaged,) = find_in_medium(replace(FACTS, verified="failed"))
    assert [it.level for it in (near, over, damaged)] == ["yellow", "red", "red"]
    near_told, over_told = (explain_problem(it, "Asia/Ho_Chi_Minh") for it in (near, over))
    assert near_told.what == "the medium GC-01 is to be renewed by 28/02/2027"
    assert over_told.what == "the medium GC-01 should have been renewed by 28/02/2027"
    assert over_told.why == "basis: TT 02/2019/TT-BNV Điều 10"


def test_a_notice_comes_once_for_each_stage_and_says_who_keeps_the_medium() -> None:
    near, over = (draft_renewal(replace(FACTS, stage=it)) for it in ("near", "over"))
    told = NoticeRow("warning", near.code, near.params, "", "", NOW)
    message = word_notice(told, organisation="Trung tâm", zone="Asia/Ho_Chi_Minh")

    assert near.subject_key != over.subject_key
    assert near.subject_key == draft_renewal(replace(FACTS, stage="near")).subject_key
    assert "the medium GC-01 is to be renewed by 28/02/2027" in message.title
    assert "it is kept at: Két sắt; by: nva" in message.body
    assert "backup.export-media" in message.body


COPY = CopyEntry(
    site="cong-xa", title="Cổng xã", snapshot="2" * 64, version=3, taken_at=NOW,
    holds=("/cong-xa", "/<&>"), method="full", outcome="ok", size_bytes=4_096, place="GC-01",
    location="Két sắt", medium="disk", is_offline=True, started_on=date(2026, 1, 31),
    renew_on=date(2029, 1, 31), holder="Nguyễn Văn A", digest="3" * 64, repository="1" * 64,
    keys=("5a", "6b"),
    checked="ok", checked_at=NOW, scanned="clean", scanned_at=NOW, scanned_with="ClamAV 1.4; x",
)  # fmt: skip


def test_the_list_of_copies_holds_every_field() -> None:
    root = ET.fromstring(write_copy_list([COPY], "Trung tâm", NOW))  # noqa: S314 -- made here
    told = {
        (it.tag.removeprefix(f"{{{NAMESPACE}}}"), it.text if it.text and it.text.strip() else "",
         tuple(sorted(it.attrib.items())))
        for it in root.iter()
    }  # fmt: skip
    at = NOW.isoformat()
    assert told == {
        ("copyList", "", (
            ("count", "1"), ("made", at), ("{http://www.w3.org/XML/1998/namespace}lang", "vi"),
        )),
        ("title", "Danh mục bản sao lưu", ()),
        ("organisation", "Trung tâm", ()),
        ("copy", "", (("id", "2" * 64), ("version", "3"))),
        ("site", "Cổng xã", (("name", "cong-xa"),)),
        ("takenAt", at, ()),
        ("holds", "/cong-xa", ()),
        ("holds", "/<&>", ()),
        ("method", "đầy đủ", (("code", "full"),)),
        ("outcome", "bình thường", (("code", "ok"),)),
        ("sizeBytes", "4096", ()),
        ("place", "", (("medium", "disk"), ("name", "GC-01"), ("offline", "true"))),
        ("location", "Két sắt", ()),
        ("repository", "1" * 64, ()),
        ("startedOn", "2026-01-31", ()),
        ("renewOn", "2029-01-31", ()),
        ("holder", "Nguyễn Văn A", ()),
        ("digest", "3" * 64, (("algorithm", "SHA-256"),)),
        ("encryption", "AES-256-CTR + Poly1305-AES (restic 2)", (("keys", "5a 6b"),)),
        ("check", "bình thường", (("at", at), ("code", "ok"))),
        ("malwareScan", "sạch", (("at", at), ("code", "clean"), ("tool", "ClamAV 1.4; x"))),
    }  # fmt: skip


def test_the_list_is_composed_whatever_the_names_are() -> None:
    parted = replace(COPY, title=unicodedata.normalize("NFD", "Cổng\x00 xã\ufffe"))
    text = write_copy_list([parted], "Trung tâm", NOW).decode()
    assert unicodedata.is_normalized("NFC", text)
    assert "Cổng  xã<" in text
    ET.fromstring(text.encode())  # noqa: S314 -- made here


def test_what_did_not_read_back_has_failed_and_is_explained() -> None:
    plan = MirrorPlan((), frozenset(), (), "shrunk", (), 0)
    mirrored = MirrorResult(plan, 0)
    inventory = Inventory(7, 9_000, "3" * 64, ("data/aa/x",))
    failed = conclude(mirrored, CONTENT, inventory)
    kept = conclude(mirrored, CONTENT, replace(inventory, damaged=()))

    assert (failed.outcome, kept.outcome) == ("failed", "incomplete")
    told = explain(failed.reason, failed.params, site="a")
    assert told.what == ("1 files do not read back from the medium as they were written: data/aa/x")
    assert "--site a" in explain(kept.reason, kept.params, site="a").next_step
