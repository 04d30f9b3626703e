"""Documents: looked at, kept by what they hold, journaled, and saved with the service itself."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.catalog.open import open_catalog
from ops.documents.files import (
    MOST_BYTES,
    DocumentError,
    find_type,
    is_whole,
    keep,
    list_kept,
    place_of,
    read_document,
)
from ops.documents.records import Told, add_document, list_documents
from ops.errors import WrongUseError
from ops.journal import journal
from ops.journal.journal import Origin
from ops.recovery.content import list_files
from tests.unit.ops.estate.conftest import Load, load

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
        with pytest.raises(DocumentError):
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


def test_a_document_is_journaled_and_listed(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    content = read_document(tmp_path / "a.pdf")
    told = Told(title="Quyết định \u202egiao", name="a.pdf", number="12/QĐ", about="plan:2027")
    catalog = open_catalog(f"sqlite:///{tmp_path}/giucong.db")
    try:
        with catalog.writing() as session:
            kept, is_new = add_document(session, ORIGIN, content, told, now=NOW)
            again, is_new_again = add_document(session, ORIGIN, content, told, now=NOW)
        with catalog.reading() as session:
            found = list_documents(session, "plan:")
            head = journal.read_head(session.connection())
            assert list_documents(session, "asset:") == []
        with catalog.writing() as session, pytest.raises(WrongUseError):
            add_document(session, ORIGIN, content, Told(title=" ", name="a"), now=NOW)
    finally:
        catalog.close()

    assert (is_new, is_new_again, again.id) == (True, False, kept.id)
    assert [it.title for it in found] == ["Quyết định giao"]
    assert head.sequence == 1


def test_documents_are_saved_with_the_service(load: Load, tmp_path: Path) -> None:
    estate = load()
    (tmp_path / "a.pdf").write_bytes(PDF)
    path = keep(tmp_path / "var", read_document(tmp_path / "a.pdf"))
    (path.parent / "other").write_text("not ours")

    saved = {it.path: it for it in list_files(estate)}
    assert saved[path].to == str(path.relative_to(tmp_path))
    assert saved[path].at == f"files/estate/{saved[path].to}"
    assert path.parent / "other" not in saved
