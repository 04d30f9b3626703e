"""An issued paper comes back: signed and unchanged, or a scan; everything else is refused."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.generic import NumberObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers

import ops.wiring  # noqa: F401 - who asks for parts needs them given
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.documents.files import list_kept, read_document
from ops.documents.records import Kept, list_documents
from ops.errors import WrongUseError
from ops.reports.issue import IssueWish, SignatureError, issue, verify
from ops.reports.papers.paper import Letterhead, Paper, Paragraph
from ops.reports.papers.pdf import write_pdf
from tests.a_year import write_estate

pytestmark = pytest.mark.slow
PAPER = Paper(
    kind="Báo cáo", about="Thử", letterhead=Letterhead(authority="", body="TT", place="ĐN",
    year=2026), blocks=(Paragraph("Số tiền 12.500.000 đồng."),),
)  # fmt: skip

_OTHERS = ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
           "encipher_only", "decipher_only")  # fmt: skip
USAGE = {"digital_signature": True, "content_commitment": True} | dict.fromkeys(_OTHERS, False)


@pytest.fixture(scope="module")
def unsigned() -> bytes:
    return write_pdf(PAPER)[0]


@pytest.fixture(scope="module")
def signed(unsigned: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nguyễn Văn A")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
        .add_extension(x509.KeyUsage(**USAGE), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("signer") / "a.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"a", key, certificate, None, serialization.NoEncryption()
        )
    )
    signer = signers.SimpleSigner.load_pkcs12(str(path))  # type: ignore[no-untyped-call] # pyHanko's
    assert signer is not None
    return sign(unsigned, signer)


def sign(pdf: bytes, signer: signers.SimpleSigner) -> bytes:
    out = io.BytesIO()
    signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False),
        signers.PdfSignatureMetadata(field_name="Ky"), signer=signer, output=out,
    )  # fmt: skip
    return out.getvalue()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    estate = write_estate(tmp_path, 1)
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate.path))
    return tmp_path


def hand_in(folder: Path, pdf: bytes, **changes: object) -> int:
    path = folder / "paper.pdf"
    path.write_bytes(pdf)
    values = {"kind": "annual", "number": "05/BC-TTCNTT", "day": date(2026, 12, 16), "year": 2026}
    return issue(IssueWish(file=str(path), **{**values, **changes}))  # type: ignore[arg-type] # flags by name


def kept(folder: Path) -> tuple[list[Kept], list[str]]:
    catalog = open_catalog(f"sqlite:///{folder}/var/giucong.db")
    try:
        with catalog.reading() as session:
            actions = [it.action for it in session.query(JournalRow).order_by("sequence")]
            return list_documents(session), actions
    finally:
        catalog.close()


def test_a_signed_paper_is_kept_and_journaled(
    office: Path, signed: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hand_in(office, signed, dry_run=True) == 0
    assert list_kept(office / "var") == []
    assert hand_in(office, signed) == 0
    assert hand_in(office, signed) == 0

    (document,), actions = kept(office)
    assert document.about == "report:annual:2026"
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
    assert hand_in(office, unsigned, is_scan=True) == 0
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


@pytest.mark.parametrize("junk", [b"%PDF-1.7 junk", b"%PDF-1.7\n" + b"<<" * 200_000])
def test_junk_is_refused_within_bounds(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk.pdf"
    path.write_bytes(junk)
    with pytest.raises(SignatureError):
        verify(path, read_document(path))


def test_a_number_that_is_none_is_refused(office: Path, unsigned: bytes) -> None:
    for number in ("", "../x", "a b", "x" * 80):
        with pytest.raises(WrongUseError):
            hand_in(office, unsigned, number=number, is_scan=True)


def test_the_verifier_prints_one_value(signed: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(signed)
    found = verify(path, read_document(path))

    assert set(json.loads(json.dumps(found))[0]) == {"signer", "issuer", "at"}
