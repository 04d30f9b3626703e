"""An issued paper comes back: signed and unchanged, or a scan; everything else is refused."""

import io
import json
import zlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.access.session import at_bench
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.register import Document
from ops.documents.cli import add
from ops.documents.records import (
    Caption,
    add_document,
    keep,
    list_documents,
    list_kept,
    read_document,
)
from ops.documents.tasks import AddDocument
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.reports.cli import read_wish
from ops.reports.issue import SignatureError, issue, verify
from ops.reports.make import note_made
from ops.reports.papers.paper import Letterhead, Paper, Paragraph
from ops.reports.papers.pdf import write_pdf
from ops.reports.requests import AskedReport, list_requests, note_request
from ops.reports.tasks import Issue, Make
from tests.a_year import write_estate

pytestmark = pytest.mark.slow
PAPER = Paper(
    kind="Báo cáo", about="Thử", letterhead=Letterhead(authority="", body="TT", place="ĐN",
    year=2026), blocks=(Paragraph("Số tiền 12.500.000 đồng."),),
)  # fmt: skip

_PAGES = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Kids[2 0 R]>>endobj\n"
LOOP = (
    _PAGES
    + b"xref\n0 1\n0000000000 65535 f \ntrailer<</Size 3/Root 1 0 R/Prev %d>>\n" % len(_PAGES)
    + b"startxref\n%d\n%%%%EOF\n" % len(_PAGES)
)
_ZEROS = zlib.compress(zlib.compress(b"\0" * (1 << 28), 9), 9)
BOMB = (
    _PAGES
    + b"3 0 obj<</Type/XRef/W[1 4 2]/Size 4/Root 1 0 R/Filter[/FlateDecode/FlateDecode]/Length %d>>"
    % len(_ZEROS)
    + b"stream\n" + _ZEROS + b"\nendstream endobj\nstartxref\n%d\n%%%%EOF\n" % len(_PAGES)
)  # fmt: skip

_OTHERS = ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
           "encipher_only", "decipher_only")  # fmt: skip
USAGE = {"digital_signature": True, "content_commitment": True} | dict.fromkeys(_OTHERS, False)


@pytest.fixture(scope="module")
def unsigned() -> bytes:
    return write_pdf(PAPER)[0]


def a_signer(folder: Path, name: str, days: tuple[int, int] = (-1, 9)) -> signers.SimpleSigner:
    """Make somebody with a certificate of their own that is valid between these days from now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    since, until = (datetime.now(UTC) + timedelta(days=it) for it in days)
    certificate = (
        x509.CertificateBuilder().subject_name(named).issuer_name(named)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(since).not_valid_after(until)
        .add_extension(x509.KeyUsage(**USAGE), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "signer.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"a", key, certificate, None, serialization.NoEncryption()
        )
    )
    signer = signers.SimpleSigner.load_pkcs12(str(path))  # type: ignore[no-untyped-call] # pyHanko's
    assert isinstance(signer, signers.SimpleSigner)
    return signer


@pytest.fixture(scope="module")
def signed(unsigned: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return sign(unsigned, a_signer(tmp_path_factory.mktemp("signer"), "Nguyễn Văn A"))


def sign(pdf: bytes, signer: signers.SimpleSigner, field: str = "Ky") -> bytes:
    out = io.BytesIO()
    signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False),
        signers.PdfSignatureMetadata(field_name=field), signer=signer, output=out,
    )  # fmt: skip
    return out.getvalue()


def with_form(pdf: bytes) -> bytes:
    """Give it a field of a form that somebody can fill."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    name = generic.pdf_name
    field = writer.add_object(
        generic.DictionaryObject({
            name("/FT"): name("/Tx"), name("/T"): generic.pdf_string("tien"),
            name("/Type"): name("/Annot"), name("/Subtype"): name("/Widget"),
            name("/V"): generic.pdf_string("1"),
            name("/Rect"): generic.ArrayObject([NumberObject(it) for it in (0, 0, 500, 50)]),  # type: ignore[no-untyped-call] # pyHanko's
        })
    )  # fmt: skip
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Annots"] = generic.ArrayObject([field])
    writer.update_container(page)
    fields = generic.DictionaryObject({name("/Fields"): generic.ArrayObject([field])})  # type: ignore[no-untyped-call] # pyHanko's
    writer.root["/AcroForm"] = writer.add_object(fields)
    writer.update_root()  # type: ignore[no-untyped-call] # pyHanko's
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call] # pyHanko's
    return out.getvalue()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    estate = write_estate(tmp_path, 1)
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate.path))
    return tmp_path


def hand_in(folder: Path, pdf: bytes, **changes: object) -> int:
    path = folder / "paper.pdf"
    path.write_bytes(pdf)
    values = {"kind": "annual", "number": "05/BC-TTCNTT", "date": "16/12/2025", "year": 2025}
    return issue(Issue(file=str(path), **{**values, **changes}))  # type: ignore[arg-type] # flags by name


def kept(folder: Path) -> tuple[list[Document], list[str]]:
    with (
        open_catalog(f"sqlite:///{folder}/var/giucong.db") as catalog,
        catalog.reading() as session,
    ):
        actions = [it.action for it in session.query(JournalRow).order_by("sequence")]
        return list_documents(session), actions


def test_a_signed_paper_is_kept_and_journaled(
    office: Path, signed: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hand_in(office, signed, dry_run=True) == 0
    assert list_kept(office / "var") == []
    assert hand_in(office, signed) == 0
    assert hand_in(office, signed) == 0

    (document,), actions = kept(office)
    assert document.about == "report:annual:2025"
    assert document.number == "05/BC-TTCNTT"
    assert "Nguyễn Văn A" in str(document.signatures[0]["signer"])
    assert [it for it in actions if it.startswith(("document", "report"))] == [
        "document.added", "report.issued",
    ]  # fmt: skip
    assert len(list_kept(office / "var")) == 1
    assert "Nguyễn Văn A" in capsys.readouterr().out


def test_an_unsigned_paper_is_refused_but_a_scan_is_not(office: Path, unsigned: bytes) -> None:
    with pytest.raises(SignatureError, match="not taken"):
        hand_in(office, unsigned)
    assert list_kept(office / "var") == []
    assert hand_in(office, unsigned, scan=True) == 0
    (document,), _actions = kept(office)
    assert document.signatures == []


def test_a_paper_that_was_changed_is_refused(office: Path, signed: bytes) -> None:
    middle = signed.index(b"stream", 200) + 40
    changed = signed[:middle] + bytes([signed[middle] ^ 1]) + signed[middle + 1 :]
    with pytest.raises(SignatureError) as caught:
        hand_in(office, changed)
    assert "changed" in caught.value.why


def test_what_was_added_after_signing_is_refused(office: Path, signed: bytes) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(signed), strict=False)
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = NumberObject(180)  # type: ignore[no-untyped-call] # pyHanko's
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call] # pyHanko's
    with pytest.raises(SignatureError) as caught:
        hand_in(office, out.getvalue())
    assert "added" in caught.value.why


def test_a_form_that_was_filled_after_signing_is_refused(
    office: Path, unsigned: bytes, tmp_path: Path
) -> None:
    whole = sign(with_form(unsigned), a_signer(tmp_path, "A"))
    assert hand_in(office, whole, dry_run=True) == 0
    writer = IncrementalPdfFileWriter(io.BytesIO(whole), strict=False)
    field = next(
        found for it in writer.root["/AcroForm"]["/Fields"]
        if (found := it.get_object()).get("/T") == "tien"
    )  # fmt: skip
    field["/V"] = generic.pdf_string("999.000.000")
    writer.update_container(field)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call] # pyHanko's
    for changed in (out.getvalue(), whole + b"\n% more"):
        with pytest.raises(SignatureError) as caught:
            hand_in(office, changed)
        assert "added" in caught.value.why


def test_two_may_sign_one_after_the_other(office: Path, signed: bytes, tmp_path: Path) -> None:
    assert hand_in(office, sign(signed, a_signer(tmp_path, "Trần Thị B"), "Ky2")) == 0
    (document,), _actions = kept(office)
    names = [str(it["signer"]).rpartition(": ")[2] for it in document.signatures]
    assert names == ["Nguyễn Văn A", "Trần Thị B"]


@pytest.mark.parametrize("days", [(-400, -30), (30, 60)])
def test_a_certificate_that_was_not_valid_when_it_signed_is_refused(
    office: Path, unsigned: bytes, tmp_path: Path, days: tuple[int, int]
) -> None:
    with pytest.raises(SignatureError) as caught:
        hand_in(office, sign(unsigned, a_signer(tmp_path, "A", days)))
    assert "valid from" in caught.value.why


def test_a_signers_name_writes_no_line_of_its_own(
    office: Path, unsigned: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "\x1b[2JA\u202e\nkept as 1234"
    assert hand_in(office, sign(unsigned, a_signer(tmp_path, name)), dry_run=True) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert not any(it.startswith("kept") for it in printed.splitlines())


def test_a_paper_answers_its_request(office: Path, unsigned: bytes) -> None:
    estate = load_estate(office / "estate.toml")
    asked = AskedReport(kind="activity", requester="Văn phòng", due=date(2026, 12, 20))
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        now = datetime.now(UTC)
        called = note_request(session, bench.origin, asked, zone=estate.zone, now=now).called
    old = datetime.now(estate.zone).date() - timedelta(days=1)
    with pytest.raises(WrongUseError, match="answers no request"):
        hand_in(office, unsigned, scan=True, request=called, date=f"{old}")
    today = f"{datetime.now(estate.zone).date()}"
    for wrong in ("2026-999", "x"):
        with pytest.raises(WrongUseError, match="no request"):
            hand_in(office, unsigned, scan=True, request=wrong)
    assert list_kept(office / "var") == []
    assert hand_in(office, unsigned, scan=True, request=called, date=today, dry_run=True) == 0
    assert hand_in(office, unsigned, scan=True, request=called, date=today) == 0
    with at_bench(estate) as bench, bench.catalog.reading() as session:
        (request,) = list_requests(session)
    assert request.answer == "05/BC-TTCNTT"
    with pytest.raises(WrongUseError, match="answered"):
        hand_in(office, unsigned, scan=True, request=called, date=today)


@pytest.mark.parametrize(
    "wrong",
    [
        {"date": "01/01/2999"}, {"date": "01/01/2999", "year": 2998},
        {"date": "13/12/2025"}, {"date": "16/12/2025", "year": 2026},
        {"kind": "security", "date": "13/12/2025"},
    ],
)  # fmt: skip
def test_a_day_to_come_or_before_the_year_is_over_is_refused(
    office: Path, unsigned: bytes, wrong: dict[str, object]
) -> None:
    with pytest.raises(WrongUseError, match=r"has not come yet|reports on a time"):
        hand_in(office, unsigned, scan=True, **wrong)
    assert list_kept(office / "var") == []


def test_a_file_that_is_kept_is_taken_back_once_and_as_one_paper_alone(
    office: Path, unsigned: bytes
) -> None:
    path = office / "paper.pdf"
    path.write_bytes(unsigned)
    assert add(AddDocument(file=str(path), title="Bản quét")) == 0
    assert hand_in(office, unsigned, scan=True) == 0
    (document,), actions = kept(office)
    assert (document.about, document.number) == ("report:annual:2025", "05/BC-TTCNTT")
    assert actions.count("report.issued") == 1
    assert hand_in(office, unsigned, scan=True) == 0
    for other in ({"kind": "sites"}, {"number": "6/BC"}, {"date": "17/12/2025"}):
        with pytest.raises(WrongUseError, match="as another paper"):
            hand_in(office, unsigned, scan=True, **other)
    assert kept(office)[1].count("report.issued") == 1


def test_a_signed_paper_is_compared_with_what_was_made_here(
    office: Path, unsigned: bytes, signed: bytes, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GIUCONG_LANG", "en")

    def told() -> str:
        assert hand_in(office, signed, dry_run=True) == 0
        return capsys.readouterr().out

    def make(content: bytes) -> None:
        estate = load_estate(office / "estate.toml")
        wish = read_wish(Make(kind="annual", out="", year=2025), estate, datetime.now(UTC))
        with at_bench(estate) as bench, bench.catalog.writing() as session:
            note_made(session, bench.origin, wish, {"annual-2025.pdf": content})

    assert "not compared" in told()
    make(unsigned[:-1] + b" ")
    assert "another file" in told()
    make(unsigned)
    assert "made here" in told().replace("another file than those of its kind", "")
    assert "another file" not in told()
    assert hand_in(office, signed) == 0
    with at_bench(load_estate()) as bench, bench.catalog.reading() as session:
        (row,) = session.query(JournalRow).filter_by(action="report.issued")
    details = json.loads(row.details)
    assert details["made"] == "same"
    signed_at = datetime.fromisoformat(details["signed_at"])
    assert abs(signed_at - datetime.now(UTC)) < timedelta(hours=1)


def test_a_file_that_was_kept_before_proves_its_own_paper_alone(
    office: Path, unsigned: bytes
) -> None:
    path = office / "scan.pdf"
    path.write_bytes(unsigned)
    estate = load_estate(office / "estate.toml")
    with at_bench(estate) as bench, bench.catalog.writing() as session:
        content = read_document(path)
        keep(estate.service.state, content)
        told = Caption(title="Bản chụp", name="scan.pdf", number="05/BC-TTCNTT")
        add_document(session, bench.origin, content, told, now=datetime.now(UTC))
    with pytest.raises(WrongUseError, match="as another paper"):
        hand_in(office, unsigned, scan=True, number="06/BC-TTCNTT")
    assert "report.issued" not in kept(office)[1]
    assert hand_in(office, unsigned, scan=True) == hand_in(office, unsigned, scan=True) == 0
    assert kept(office)[1].count("report.issued") == 1


def test_a_paper_about_a_site_is_kept_with_its_name(office: Path, unsigned: bytes) -> None:
    for wrong in ({"kind": "site"}, {"site": "cong-chinh"}, {"kind": "site", "site": "none"}):
        with pytest.raises(WrongUseError):
            hand_in(office, unsigned, scan=True, **wrong)
    assert hand_in(office, unsigned, scan=True, kind="site", site="cong-chinh") == 0
    (document,), _actions = kept(office)
    assert document.about == "report:site:2025:cong-chinh"


def test_a_folder_that_cannot_be_written_is_told(
    office: Path, unsigned: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (office / "var").mkdir()
    (office / "var" / "documents").write_text("a file in its place")
    monkeypatch.setenv("GIUCONG_LANG", "en")
    with pytest.raises(OpsError, match="cannot be written"):
        hand_in(office, unsigned, scan=True)
    assert kept(office)[0] == []


@pytest.mark.parametrize("junk", [b"%PDF-1.7 junk", b"%PDF-1.7\n" + b"<<" * 200_000, LOOP, BOMB])
def test_junk_is_refused_within_bounds(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk.pdf"
    path.write_bytes(junk)
    with pytest.raises(SignatureError):
        verify(path, read_document(path))


def test_a_number_that_is_none_is_refused(office: Path, unsigned: bytes) -> None:
    for number in ("", "../x", "a b", "x" * 80):
        with pytest.raises(WrongUseError):
            hand_in(office, unsigned, number=number, scan=True)


def test_the_verifier_prints_one_value(signed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(signed)
    found = verify(path, read_document(path))

    assert set(json.loads(json.dumps(found))[0]) == {"signer", "issuer", "at"}
