"""The door of a site inside: visitors come in at the url's own port, by https where it says so.

The certificate is made for this rehearsal alone, by an authority that only the sandbox knows.
"""

import socket
import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_PIECE = 65_536
_HEAD_BYTES = 65_536
_SECONDS = 60.0
_VALID = timedelta(days=2)


def open_front(port: int, leads_to: int, *, tls: ssl.SSLContext | None = None) -> None:
    """Take visitors in, as long as the sandbox lives.

    Args:
        port: Where they come.
        leads_to: Port of the loopback where the site listens.
        tls: Certificate and key, for an https address.
    """
    listener = socket.create_server(("", port), backlog=64)

    def take_in() -> None:
        while True:
            visitor, _address = listener.accept()
            threading.Thread(target=_lead, args=(visitor, leads_to, tls), daemon=True).start()

    threading.Thread(target=take_in, daemon=True).start()


def _lead(visitor: socket.socket, leads_to: int, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError), visitor:
        visitor.settimeout(_SECONDS)
        line = visitor if tls is None else tls.wrap_socket(visitor, server_side=True)
        with line, socket.create_connection(("127.0.0.1", leads_to), _SECONDS) as site:
            head = _read_head(line)
            site.sendall(_say_how(head, is_encrypted=tls is not None))
            while piece := site.recv(_PIECE):
                line.sendall(piece)


def _read_head(line: socket.socket) -> bytes:
    """Read a request; pages are asked for without a body."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
        piece = line.recv(_PIECE)
        if not piece:
            break
        head += piece
    return head


def _say_how(head: bytes, *, is_encrypted: bool) -> bytes:
    request, end, rest = head.partition(b"\r\n")
    scheme = b"https" if is_encrypted else b"http"
    return request + end + b"X-Forwarded-Proto: " + scheme + b"\r\n" + rest


def make_tls(names: Iterable[str], folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for names and addresses; gives it, and the file of its authority."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "giucong drill")])
    authority = _sign(
        _begin(name, authority_key.public_key(), authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True),
        name,
        authority_key,
    )
    alternatives = x509.SubjectAlternativeName([_as_general(it) for it in names])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    site = _sign(
        _begin(x509.Name([]), key.public_key(), authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(alternatives, critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(usage, critical=False),
        name,
        authority_key,
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain, trusted = folder / "site.pem", folder / "authority.pem"
    chain.write_bytes(site.public_bytes(pem) + secret)
    chain.chmod(0o600)
    trusted.write_bytes(authority.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, trusted


def _begin(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, authority: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(subject_name=subject, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False
        )
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(
    builder: x509.CertificateBuilder, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    return builder.issuer_name(issuer).sign(key, hashes.SHA256())


def _as_general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode())
