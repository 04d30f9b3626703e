"""Tables that offices fill in: right rows are items, wrong ones are refused by their line."""

import os
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive.capture.captured import Captured, FileRef, Portal
from archive.errors import HandedInError
from archive.handed_in.folder import receive
from archive.handed_in.listing import list_folder
from archive.handed_in.table import Desk, Refused
from archive.metadata.item import Grade, lacks_of

PORTAL = Portal(
    site="cong-xa", title="Cổng xã Bình Minh", url="https://x.vn", officer="Nguyễn Văn A",
    moment=datetime(2026, 11, 27, tzinfo=UTC), issuers=["UBND xã Bình Minh"],
)  # fmt: skip
DESK = Desk(PORTAL, classes=frozenset({"news", "legal-document"}))


def hand_in(folder: Path, table: str, desk: Desk = DESK) -> dict[str, Captured | HandedInError]:
    (folder / "items.csv").write_text(table, encoding="utf-8")
    found: dict[str, Captured | HandedInError] = {}
    for it in receive(folder / "items.csv", desk).items:
        if isinstance(it, Refused):
            found[it.place] = it.error
        else:
            assert not list(lacks_of(it.item))
            found[it.item.source_key] = it
    return found


def reason(found: Captured | HandedInError) -> str:
    assert isinstance(found, HandedInError)
    return found.reason


def test_a_table_alone_holds_texts_over_several_lines(tmp_path: Path) -> None:
    table = (
        "key,title,author,text,published,grade,keywords\n"
        '7,"Tin, một",Lê A; Trần B,"dòng một\ndòng hai",01/02/2019 08:30,2,a; b\n'
        "8,,Lê A,x,,,\n"
        "9,Ba,Lê A,x,32/01/2019,,\n"
        "7,Bốn,Lê A,x,,,\n"
        "10,Năm,Lê A,x,,nhà,\n"
        "11,Sáu\n"
    )
    found = hand_in(tmp_path, table)

    item = found.pop("handed-in/7")
    assert isinstance(item, Captured)
    assert item.contents == {"body.txt": "dòng một\ndòng hai".encode()}
    assert [it.name for it in item.item.creators] == ["Lê A", "Trần B"]
    assert item.item.published == datetime(2019, 2, 1, 1, 30, tzinfo=UTC)
    assert (item.item.grade, item.item.keywords) == (Grade.INTERNAL, ("a", "b"))
    assert {place: reason(it) for place, it in found.items()} == {
        "items.csv:4": "it has no title",
        "items.csv:5": '"32/01/2019" in the column published is no day; write 31/12/2026',
        "items.csv:6": "its key is empty, too long, or there already",
        "items.csv:7": 'there is no access grade "nhà"',
        "items.csv:8": "it has 2 cells, the table has 7 columns",
    }


def test_reuse_needs_a_source_and_what_is_own_does_not(tmp_path: Path) -> None:
    table = (
        "key\ttitle\tauthor\ttext\tsource\tbasis\tpermission\tauthor_unknown\n"
        "1\tA\tL\tx\tBáo X\t\t\t\n"
        "2\tA\tL\tx\tBáo X\t\tVăn bản 5/VP\t\n"
        "3\tA\tL\tx\tUBND xã Bình Minh\t\t\t\n"
        "4\tA\tL\tx\t\tđăng lại\tgiấy phép\t\n"
        "5\tA\t\tx\t\t\t\tbài không ghi tên\n"
    )
    found = hand_in(tmp_path, table)

    assert "what is reused" in reason(found["items.csv:2"])
    assert "what is reused" in reason(found["items.csv:5"])
    two, three, five = (found[f"handed-in/{it}"] for it in (2, 3, 5))
    assert isinstance(two, Captured)
    assert isinstance(three, Captured)
    assert isinstance(five, Captured)
    assert (two.item.source.basis, three.item.source.basis) == ("reprint", "own")
    assert five.item.creators[0].unknown_by == "Nguyễn Văn A"


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "a/../../secret", "..\\secret", "link", "up/secret", "~/x"]
)
def test_a_path_that_leads_out_of_the_folder_finds_nothing(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("mật")
    folder = tmp_path / "nop"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to(tmp_path)

    found = hand_in(folder, f"key,title,author,file\n1,A,L,{path}\n")

    assert set(found) == {"items.csv:2"}
    assert "missing" in reason(found["items.csv:2"]) or "link" in reason(found["items.csv:2"])


def test_a_name_in_another_normal_form_is_found_and_twins_are_refused(tmp_path: Path) -> None:
    nfd = unicodedata.normalize("NFD", "tờ trình.txt")
    (tmp_path / nfd).write_text("x")
    table = "key,title,author,file\n1,A,L,tờ trình.txt\n"

    (item,) = hand_in(tmp_path, table).values()
    assert isinstance(item, Captured)
    assert item.contents == {"body.txt": FileRef("tờ trình.txt")}
    assert item.item.parts[0].name == "tờ trình.txt"

    (tmp_path / "tờ trình.txt").write_text("y")
    (tmp_path / "A.txt").write_text("y")
    (tmp_path / "a.txt").write_text("y")
    listing = list_folder(tmp_path)
    assert set(listing.refused) == {nfd, "tờ trình.txt", "A.txt", "a.txt"}
    assert set(listing.files) == {"items.csv"}
    (error,) = hand_in(tmp_path, table).values()
    assert "Unicode" in reason(error)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (b"key,titel\n1,A\n", 'nobody knows the column "titel"'),
        (b"key,author\n1,A\n", "has the column `title`"),
        (b"title,title\nA,A\n", "no column twice"),
        ("title\nBài".encode("utf-16"), "no CSV in UTF-8"),
        (b'title\n"A', "no CSV in UTF-8"),
        (b"title\n" + b"a" * (9 << 20), "no CSV in UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_whole(tmp_path: Path, table: bytes, why: str) -> None:
    (tmp_path / "t.csv").write_bytes(table)

    with pytest.raises(HandedInError) as told:
        list(receive(tmp_path / "t.csv", DESK).items)

    assert why in told.value.reason


def test_hostile_names_are_refused_and_the_rest_is_taken(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("x")
    (tmp_path / "a\nb.txt").write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_text("x")
    os.mkfifo(tmp_path / "pipe")

    listing = list_folder(tmp_path)

    assert set(listing.files) == {"good.txt"}
    assert len(listing.refused) == 3


@pytest.mark.parametrize(
    "page", ["docs/how-to/hand-things-in.md", "docs/vi/how-to/hand-things-in.md"]
)
def test_the_page_shows_a_table_that_is_right(tmp_path: Path, page: str) -> None:
    text = Path(page).read_text(encoding="utf-8")
    (tmp_path / "vb").mkdir()
    for name in ("vb/qd-12.pdf", "vb/qd-12.docx", "bai.html"):
        (tmp_path / name).write_bytes(b"x")

    found = hand_in(
        tmp_path, text.partition("```csv")[2].partition("```")[0].replace("\n   ", "\n").strip()
    )

    assert all(isinstance(it, Captured) for it in found.values())
    assert len(found) == 2
