"""A private certificate authority of the tests: its root, and certificates for any names."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """An authority that keeps its files in a folder; one that is there already goes on.

    Attributes:
        root: File of its certificate, which whoever trusts it names.
    """

    def __init__(self, folder: Path, name: str = "Authority of the tests") -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.root, key = folder / "root.pem", folder / "root.key"
        if key.exists():
            found = load_pem_private_key(key.read_bytes(), None)
            assert isinstance(found, ec.EllipticCurvePrivateKey)
            self._key = found
            return
        folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        key.touch(0o600)
        key.write_bytes(_write_key(self._key))
        builder = _begin(self._name, self._name, self._key.public_key(), days=3_650).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        own = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = builder.add_extension(own, critical=False)
        # Python 3.13 trusts no authority that does not say that it may sign (VERIFY_X509_STRICT).
        made = builder.add_extension(_SIGNS, critical=True).sign(self._key, hashes.SHA256())
        self.root.write_bytes(made.public_bytes(Encoding.PEM))

    def issue(self, name: str, *, days: float, hosts: Sequence[str] = ("localhost",)) -> Path:
        """Make a key and a certificate; give the file that holds both.

        Args:
            name: Of the file.
            days: How long it is valid from now; negative: until so many days ago.
            hosts: Whose certificate it is.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        names = x509.SubjectAlternativeName([x509.DNSName(it) for it in hosts])
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = _begin(self._name, subject, key.public_key(), days=days)
        builder = builder.add_extension(names, critical=False).add_extension(signer, critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        path = self._folder / f"{name}.pem"
        path.write_bytes(made.public_bytes(Encoding.PEM) + _write_key(key))
        return path


def _write_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _begin(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
    )
