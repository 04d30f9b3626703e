"""A paper that somebody signed with a certificate of their own making is never taken for issued."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.sign import signers

from ops.documents.cli import show
from ops.documents.tasks import ListDocuments
from ops.errors import OpsError
from ops.reports.issue import SignatureError
from tests.unit.ops.reports.test_issue import USAGE, hand_in, kept, office, sign, unsigned

__all__ = ["office", "unsigned"]

pytestmark = pytest.mark.slow
LEADER = "Nguyễn Văn A"


class Authority:
    """An authority of certificates, in memory; the newest signer's file lies in its folder."""

    def __init__(self, folder: Path, name: str, days: tuple[int, int] = (-4000, 4000)) -> None:
        self.folder, self.key = folder, new_key()
        self.name = named(name)
        self.root = folder / "root.pem"
        certificate = (
            build(self.name, self.name, self.key, days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(x509.KeyUsage(**{**dict.fromkeys(USAGE, False), "crl_sign": True,
                                            "key_cert_sign": True}), critical=True)
            .sign(self.key, hashes.SHA256())
        )  # fmt: skip
        folder.mkdir(exist_ok=True)
        self.root.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def signer(
        self, name: str, *, usage: dict[str, bool] = USAGE, days: tuple[int, int] = (-1, 9)
    ) -> signers.SimpleSigner:
        """Issue a certificate to somebody; gives them with their key."""
        key = new_key()
        certificate = (
            build(named(name), self.name, key, days)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / "signer.p12"
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"a", key, certificate, None, serialization.NoEncryption()
            )
        )
        signer = signers.SimpleSigner.load_pkcs12(str(path))  # type: ignore[no-untyped-call] # pyHanko's
        assert isinstance(signer, signers.SimpleSigner)
        return signer


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def build(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, days: tuple[int, int]
) -> x509.CertificateBuilder:
    since, until = (datetime.now(UTC) + timedelta(days=it) for it in days)
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(since).not_valid_after(until)
    )  # fmt: skip


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority", "CA Chính phủ")


def trust(folder: Path, *roots: Path) -> None:
    estate = folder / "estate.toml"
    text = estate.read_text(encoding="utf-8")
    files = ", ".join(f'"{it}"' for it in roots)
    estate.write_text(f"{text}\n[reports]\ntrusted_roots = [{files}]\n", encoding="utf-8")


def test_a_signature_that_leads_to_a_root_of_the_estate_is_kept_with_that_root(
    office: Path, authority: Authority, unsigned: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    trust(office, authority.root)

    assert hand_in(office, sign(unsigned, authority.signer(LEADER))) == 0

    (document,), _actions = kept(office)
    assert "CA Chính phủ" in document.signatures[0]["root"]
    told = capsys.readouterr().out
    assert "leads to the trusted root" in told
    assert "not checked: whether it was revoked" in told
    assert show(ListDocuments()) == 0
    assert "who that is was not checked" not in capsys.readouterr().out


@pytest.mark.parametrize("how", ["of his own making", "of a namesake of the root"])
def test_a_forged_signature_is_refused_where_the_estate_has_roots(
    office: Path, authority: Authority, unsigned: bytes, how: str
) -> None:
    trust(office, authority.root)
    name = "CA Chính phủ" if "namesake" in how else LEADER
    forger = Authority(office / "forger", name)

    with pytest.raises(SignatureError) as caught:
        hand_in(office, sign(unsigned, forger.signer(LEADER)))

    assert "root" in caught.value.why
    assert kept(office)[0] == []


def test_one_forged_signature_among_two_is_refused(
    office: Path, authority: Authority, unsigned: bytes
) -> None:
    trust(office, authority.root)
    good = sign(unsigned, authority.signer("Trần Thị B"))

    with pytest.raises(SignatureError):
        hand_in(office, sign(good, Authority(office / "forger", "X").signer(LEADER), "Ky2"))


def test_who_holds_a_certificate_is_no_authority(
    office: Path, authority: Authority, unsigned: bytes
) -> None:
    trust(office, authority.root)
    holder = authority.signer("Người bất kỳ")
    forger = Authority(office / "forger", "Người bất kỳ")
    signer = forger.signer(LEADER)
    signer.cert_registry.register(holder.signing_cert)

    with pytest.raises(SignatureError):
        hand_in(office, sign(unsigned, signer))


def test_a_certificate_for_something_else_does_not_sign(
    office: Path, authority: Authority, unsigned: bytes
) -> None:
    trust(office, authority.root)
    usage = {**dict.fromkeys(USAGE, False), "key_encipherment": True}

    with pytest.raises((SignatureError, Exception)):  # pyHanko itself may refuse to sign
        hand_in(office, sign(unsigned, authority.signer(LEADER, usage=usage)))
    assert kept(office)[0] == []


def test_an_authority_that_had_ended_before_the_signature_is_refused(
    office: Path, unsigned: bytes
) -> None:
    ended = Authority(office / "ended", "CA cũ", (-4000, -30))
    trust(office, ended.root)

    with pytest.raises(SignatureError):
        hand_in(office, sign(unsigned, ended.signer(LEADER)))


def test_without_roots_it_is_shown_everywhere_as_not_checked(
    office: Path, unsigned: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hand_in(office, sign(unsigned, Authority(office / "forger", "X").signer(LEADER))) == 0
    assert "not checked: who that is" in capsys.readouterr().out
    assert hand_in(office, unsigned, scan=True, kind="site", site="cong-chinh") == 0
    capsys.readouterr()

    assert show(ListDocuments(about="report:annual")) == 0
    assert "who that is was not checked" in capsys.readouterr().out
    assert show(ListDocuments(about="report:site")) == 0
    assert "not checked" in capsys.readouterr().out


def test_a_root_that_cannot_be_read_checks_nothing_and_keeps_nothing(
    office: Path, authority: Authority, unsigned: bytes
) -> None:
    signed = sign(unsigned, authority.signer(LEADER))
    empty = office / "empty.pem"
    empty.write_bytes(b"")
    for number, root in enumerate((office / "none.pem", empty, Path("/dev/zero"))):
        text = (office / "estate.toml").read_text(encoding="utf-8").partition("\n[reports]")[0]
        (office / "estate.toml").write_text(text, encoding="utf-8")
        trust(office, authority.root, root)
        with pytest.raises(OpsError) as caught:
            hand_in(office, signed)
        assert str(root) in str(caught.value.params), number
    assert kept(office)[0] == []
