"""Documents: looked at, kept by what they hold, journaled, and saved with the service itself."""

import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from ops.catalog.open import open_catalog
from ops.catalog.tables.register import Document
from ops.documents.cli import add
from ops.documents.records import (
    MOST_BYTES,
    Caption,
    add_document,
    find_type,
    get_whole,
    is_whole,
    keep,
    list_documents,
    list_kept,
    place_of,
    read_document,
)
from ops.documents.tasks import AddDocument
from ops.errors import OpsError, WrongUseError
from ops.journal import journal
from ops.journal.journal import Origin
from ops.language.formats import format_id
from ops.recovery.content import list_files
from tests.unit.ops.estate.conftest import SITE, Load, load

__all__ = ["load"]
NOW = datetime(2026, 12, 16, tzinfo=UTC)
PDF = b"%PDF-1.7\n" + b"x" * 100
ORIGIN = Origin(via="cli", person="nva")


def office(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in ("[Content_Types].xml", *names):
            packed.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PDF, "pdf"),
        (b"\x89PNG\r\n\x1a\nx", "png"),
        (b"\xff\xd8\xffx", "jpeg"),
        (office("xl/workbook.xml"), "xlsx"),
        (office("word/document.xml"), "docx"),
        (office("word/document.xml", "word/vbaProject.bin"), ""),
        (office("other.xml"), ""),
        (b"PK\x03\x04 broken", ""),
        (b"MZ program", ""),
        (b" %PDF-1.7", ""),
        (b"", ""),
    ],
)
def test_what_a_document_is_comes_from_its_bytes(data: bytes, kind: str) -> None:
    assert find_type(data) == kind


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    large, program = tmp_path / "large.pdf", tmp_path / "program.pdf"
    with large.open("wb") as file:
        file.write(b"%PDF-")
        file.truncate(MOST_BYTES + 1)
    program.write_bytes(b"MZ")
    for path in (large, program, tmp_path / "none.pdf", tmp_path):
        with pytest.raises(OpsError, match="cannot be kept as a document"):
            read_document(path)


def test_a_document_is_kept_once_under_its_hash(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    content = read_document(tmp_path / "a.pdf")
    path = keep(tmp_path / "var", content)
    keep(tmp_path / "var", content)

    assert path == place_of(tmp_path / "var", content.sha256)
    assert list_kept(tmp_path / "var") == [path]
    assert path.read_bytes() == PDF
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    path.write_bytes(b"changed")
    assert not is_whole(path)
    keep(tmp_path / "var", content)
    assert is_whole(path)


def test_only_the_bytes_of_a_scan_are_kept_whatever_it_is_called(tmp_path: Path) -> None:
    """Neither its path nor a link is kept; what would never end or hang is refused."""
    catalog = open_catalog(f"sqlite:///{tmp_path}/giucong.db")
    hostile = tmp_path / "quyết\u202eđịnh\n; rm -rf ~.pdf"
    (tmp_path / "real.pdf").write_bytes(PDF)
    hostile.symlink_to(tmp_path / "real.pdf")
    content = read_document(hostile)
    path = keep(tmp_path / "var", content)
    with catalog, catalog.writing() as session:
        told = Caption(title="\u200bx", name=hostile.name)
        kept, _is_new = add_document(session, ORIGIN, content, told, now=NOW)
        with pytest.raises(WrongUseError):
            add_document(session, ORIGIN, content, Caption(title="\u200b\u202e", name="a"), now=NOW)
        whole = get_whole(session, tmp_path / "var", kept.id.hex)
        (tmp_path / "real.pdf").write_bytes(b"other")
        assert get_whole(session, tmp_path / "var", kept.id.hex[:8]) == whole
        whole.number = "7/BB"
        assert get_whole(session, tmp_path / "var", " 7/BB ") == whole
        (tmp_path / "twin.pdf").write_bytes(PDF + b"\n")
        twin = read_document(tmp_path / "twin.pdf")
        keep(tmp_path / "var", twin)
        told = Caption(title="y", name="b.pdf", number="7/BB")
        other, _is_new = add_document(session, ORIGIN, twin, told, now=NOW)
        with pytest.raises(WrongUseError, match="several documents"):
            get_whole(session, tmp_path / "var", "7/BB")
        assert get_whole(session, tmp_path / "var", other.id.hex) == other
        path.write_bytes(b"changed")
        for wanted in (kept.id.hex, "ffffffff", "", "../../etc/passwd"):
            with pytest.raises(WrongUseError):
                get_whole(session, tmp_path / "var", wanted)

    assert (kept.name, kept.title) == ("quyếtđịnh; rm -rf ~.pdf", "x")
    assert not path.is_symlink()
    for name in ("/dev/zero", "/dev/null", "/dev/full"):
        with pytest.raises(OpsError, match="cannot be kept as a document"):
            read_document(Path(name))
    pipe = tmp_path / "pipe.pdf"
    os.mkfifo(pipe)
    with pytest.raises(OpsError, match="cannot be kept as a document"):
        read_document(pipe)


def test_a_document_is_journaled_and_listed(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    content = read_document(tmp_path / "a.pdf")
    told = Caption(title="Quyết định \u202egiao", name="a.pdf", number="12/QĐ", about="plan:2027")
    with open_catalog(f"sqlite:///{tmp_path}/giucong.db") as catalog:
        with catalog.writing() as session:
            kept, is_new = add_document(session, ORIGIN, content, told, now=NOW)
            again, is_new_again = add_document(session, ORIGIN, content, told, now=NOW)
        with catalog.reading() as session:
            found = list_documents(session, "plan:")
            head = journal.read_head(session.connection())
            assert list_documents(session, "asset:") == []
        with catalog.writing() as session, pytest.raises(WrongUseError):
            add_document(session, ORIGIN, content, Caption(title=" ", name="a"), now=NOW)

    assert (is_new, is_new_again, again.id) == (True, False, kept.id)
    assert [it.title for it in found] == ["Quyết định giao"]
    assert head.sequence == 1


def test_tables_and_texts_of_the_office_are_saved_with_the_service(
    load: Load,
) -> None:
    names = ("retention.toml", "prices.csv", "controls.toml", "ca.pem", "mapping.toml",
             "texts/annual.toml")  # fmt: skip
    estate = load(
        SITE + """
[[sites.databases]]
name = "db"
engine = "sqlite"
database = "www/live.db"
[sites.archive]
connector = "mapping"
mapping = "mapping.toml"
part = "db"
[archive]
url = "archive"
private = "private"
retention = ["retention.toml"]
[planning]
prices = "prices.csv"
[security]
controls = ["controls.toml"]
[monitor.probes]
authorities = "ca.pem"
[reports]
texts = "texts"
""",
        files=dict.fromkeys(names, ""),
    )  # fmt: skip

    assert {it.to for it in list_files(estate)} == {"estate.toml", *names}


def test_documents_are_saved_with_the_service(load: Load, tmp_path: Path) -> None:
    estate = load()
    (tmp_path / "a.pdf").write_bytes(PDF)
    path = keep(tmp_path / "var", read_document(tmp_path / "a.pdf"))
    (path.parent / "other").write_text("not ours")

    saved = {it.path: it for it in list_files(estate)}
    assert saved[path].to == str(path.relative_to(tmp_path))
    assert saved[path].at == f"files/estate/{saved[path].to}"
    assert path.parent / "other" not in saved


def test_a_day_that_is_none_is_told_as_it_was_typed(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(load(SITE).path))
    paper = tmp_path / "giay.pdf"
    paper.write_bytes(PDF)
    with pytest.raises(WrongUseError, match=r'^"31/02/2027" is not a date'):
        add(AddDocument(file=str(paper), title="Giấy", date="31/02/2027"))


@pytest.mark.parametrize("about", ["report:annual:2026", " Report:x", "re\u200bport:notice:a-1"])
def test_no_document_says_of_itself_that_it_was_issued(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about: str
) -> None:
    monkeypatch.setenv("GIUCONG_ESTATE", str(load(SITE).path))
    paper = tmp_path / "giay.pdf"
    paper.write_bytes(PDF)
    with pytest.raises(WrongUseError, match="papers that were issued") as caught:
        add(AddDocument(file=str(paper), title="Thực đơn", about=about))
    assert "report.issue --kind" in caught.value.next_step
    assert list_kept(tmp_path / "var") == []


def test_a_number_stands_for_no_other_document(tmp_path: Path) -> None:
    state = tmp_path / "var"

    def keep_one(session: Session, text: bytes, number: str) -> Document:
        path = tmp_path / "a.pdf"
        path.write_bytes(PDF + text)
        content = read_document(path)
        keep(state, content)
        told = Caption(title="x", name="a.pdf", number=number)
        return add_document(session, ORIGIN, content, told, now=NOW)[0]

    with open_catalog(f"sqlite:///{tmp_path}/giucong.db") as catalog, catalog.writing() as session:
        real = keep_one(session, b"1", "1/QĐ")
        shown = format_id(real.id)
        for like in (shown, shown.upper(), f"{shown[:4]}-{shown[4:]}", real.id.hex):
            with pytest.raises(WrongUseError, match="another document has the id"):
                keep_one(session, b"2", like)
        planted = keep_one(session, b"2", "20261201")
        planted.number = shown  # as one that was kept before this was refused
        session.flush()
        with pytest.raises(WrongUseError, match="number or id"):
            get_whole(session, state, shown)
        assert get_whole(session, state, real.id.hex) is real
        assert get_whole(session, state, "1/QĐ") is real
        planted.number = real.id.hex
        session.flush()
        assert get_whole(session, state, real.id.hex) is real
