"""The door of a site inside: visitors come in at the url's own port, by https where it says so.

The certificate is made for this rehearsal alone, by an authority that only the sandbox knows.

The server is PHP's own, a plain server of files, or the site's own program; in front of it stands
what production's web server does: encryption, and rewriting unknown addresses to `index.php`.
"""

import os
import re
import shutil
import socket
import ssl
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ops.sandbox.isolation.accounts import Account, find_owner
from ops.sandbox.isolation.new_root import WORKSHOP
from ops.sandbox.isolation.system_calls import find_names, find_web_address
from ops.sandbox.plan import RehearsalPlan
from ops.sandbox.processes import Bench, MissingProgram, ProgramError, find_php

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


LOG = "site"
WEB_ACCOUNTS = ("www-data", "nginx", "apache", "http")
_BEHIND = 18_080  # where the site listens behind a front
_WORKERS = "3"
_BEFORE = Path(WORKSHOP) / "before.php"
_ROUTING = Path(WORKSHOP) / "router.php"
# What production's web server sees to: https is told, and an address that is no file is the site's.
_ENCRYPTED = "$_SERVER['HTTPS'] = 'on'; $_SERVER['SERVER_PORT'] = '443';\n"
_ROUTER = """\
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/';
$path = $_SERVER['DOCUMENT_ROOT'] . rawurldecode($path);
$base = $_SERVER['DOCUMENT_ROOT'] . $below;
if (is_file($path) || (is_dir($path) && (is_file("$path/index.php") || is_file("$path/index.html")))
    || preg_match('/\\.php(\\/|$)/', $path) || !is_file("$base/index.php")) {
    return false;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = "$below/index.php";
$_SERVER['SCRIPT_FILENAME'] = "$base/index.php";
chdir($base);
require $_SERVER['SCRIPT_FILENAME'];
"""
_PLAIN_PATH = re.compile(r"(?:/[\w~-][\w.~-]*)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a site listens, and where its visitors come.

    Attributes:
        host: Address that the site's own server binds to.
        port: The port it binds to.
        front: The url's port, where a front leads there; None without one.
        is_encrypted: Whether visitors come by https.
    """

    host: str
    port: int
    front: int | None
    is_encrypted: bool


def decide_door(plan: RehearsalPlan) -> Door:
    """Decide where the site listens: at the url's own port, or behind a front."""
    host, port, is_encrypted = find_web_address(plan.url)
    own = plan.serving.port if plan.serving.way == "command" else None
    if is_encrypted or (own is not None and own != port):
        return Door("127.0.0.1", own or _BEHIND, port, is_encrypted)
    return Door("[::]" if ":" in host else "0.0.0.0", port, None, is_encrypted=False)  # noqa: S104 -- the sandbox's own


def start_site(plan: RehearsalPlan, bench: Bench) -> MissingProgram | None:
    """Start the site and wait until it takes visitors in; gives the program that is missing."""
    door, serving = decide_door(plan), plan.serving
    folder = serving.folder or "/"
    owner = find_owner(folder, WEB_ACCOUNTS)
    if not Path(folder).is_dir():
        raise ProgramError(f"{folder}: no such folder")
    top, below = _find_root(folder, plan.url)
    if serving.way == "php":
        php = find_php()
        if isinstance(php, MissingProgram):
            return php
        _write_php(below, is_encrypted=door.is_encrypted)
        _serve_php(php, top, door, owner, bench)
    elif serving.way == "static":
        words = [sys.executable, "-I", "-m", "http.server", "--bind", door.host.strip("[]"),
                 "--directory", top, str(door.port)]  # fmt: skip
        bench.serve(words, owner, log=LOG)
    else:
        program = shutil.which(serving.command[0], path=f"{os.environ['PATH']}:{folder}")
        if program is None:
            return MissingProgram(serving.command[0], "")
        bench.serve([program, *serving.command[1:]], owner, log=LOG, folder=folder)
    bench.await_up(LOG, lambda: _takes_in(door.port))
    if door.front is not None:
        tls = None
        if door.is_encrypted:
            tls, trusted = make_tls(find_names(plan), Path(WORKSHOP))
            os.environ["SSL_CERT_FILE"] = str(trusted)  # for the pages we ask for
        open_front(door.front, door.port, tls=tls)
    return None


def _find_root(folder: str, url: str) -> tuple[str, str]:
    """Give the document root, and the url's path below which the site lies there.

    A site below a path of a host is often a folder of its own (`Alias`); it gets a root in which
    that path leads to it.
    """
    below = urlsplit(url).path.rstrip("/")
    if not _PLAIN_PATH.fullmatch(below):
        return folder, ""
    if Path(folder + below).is_dir():
        return folder, below
    root = Path(WORKSHOP) / "web"
    place = Path(f"{root}{below}")
    place.parent.mkdir(parents=True)
    place.symlink_to(folder)
    return str(root), below


def _write_php(below: str, *, is_encrypted: bool) -> None:
    told = _ENCRYPTED if is_encrypted else ""
    _BEFORE.write_text(f"<?php\n{told}", encoding="ascii")
    _ROUTING.write_text(f"<?php\n{told}$below = '{below}';\n{_ROUTER}", encoding="ascii")


def _serve_php(php: str, folder: str, door: Door, owner: Account, bench: Bench) -> None:
    words = [php, "-d", f"auto_prepend_file={_BEFORE}", "-d", "display_errors=0",
             "-d", "log_errors=1", "-d", "sendmail_path=/bin/true",
             "-S", f"{door.host}:{door.port}", "-t", folder, str(_ROUTING)]  # fmt: skip
    # One process a request would wait for ever for a page that asks for another page.
    bench.serve(words, owner, log=LOG, environment={"PHP_CLI_SERVER_WORKERS": _WORKERS})


def _takes_in(port: int) -> bool:
    for host in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((host, port), 1.0).close()
        except OSError:
            continue
        return True
    return False
