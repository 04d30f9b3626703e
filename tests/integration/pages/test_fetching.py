"""Pages are fetched from real servers that redirect, hang, break off and lie; nothing is raised."""

import gzip
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.backups.pages.fetch import FetchLimits, fetch_page, join_address
from ops.backups.pages.notes import tell_problem
from ops.backups.pages.noting import LEARNT_FROM, PagesOrder, note_pages, noting_beside
from tests.web_server import Page, say, web_server

HOME = "<title>Trang chủ</title><h1>Kính chào quý khách</h1>".encode()
SHORT = FetchLimits(seconds=1.0, size_bytes=100_000)


def lead_to(place: str, status: int = 302) -> Page:
    return say(b"", status, Location=place)


def drip(*, inside_headers: bool) -> Page:
    """Make a page that goes on and on, a byte at a time."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        if not inside_headers:
            request.end_headers()
        request.flush_headers()
        for _second in range(100):
            request.wfile.write(b"x")
            time.sleep(0.05)

    return answer


def break_off(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"<p>half")
    request.close_connection = True


def talk_nonsense(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"\x00\xff nonsense\r\n\r\n")
    request.close_connection = True


def test_pages_are_noted_with_status_title_length_and_text() -> None:
    pages = {
        "/": say(HOME),
        "/tin?id=1&ten=h%E1%BB%99i": say(gzip.compress(HOME), Content_Encoding="gzip"),
        "/li%C3%AAn-h%E1%BB%87": say(HOME),
        "/cu": lead_to("/cu/", 301),
        "/cu/": lead_to("../?"),
        "/?": say(HOME),
    }
    with web_server(pages) as url:
        noted = note_pages(url, ["/", "/tin?id=1&ten=hội", "liên-hệ", "/cu", f"{url}/"])

    assert [it.problem for it in noted] == [""] * 5
    assert {(it.status, it.title, it.length) for it in noted} == {(200, "Trang chủ", 19)}
    assert len({it.sha256 for it in noted}) == 1
    assert noted[3].redirects == (f"{url}/cu", f"{url}/cu/")
    assert noted[3].address in {f"{url}/", f"{url}/?"}


@pytest.mark.parametrize(
    ("page", "problem", "told"),
    [
        (say(b"no", 503), "status", "status 503"),
        (lead_to("/trang"), "redirects", "in a circle"),
        (lead_to("file:///etc/passwd"), "address", "no address of a page"),
        (drip(inside_headers=False), "timeout", "after 1 seconds"),
        (drip(inside_headers=True), "timeout", "after 1 seconds"),
        (break_off, "broken", "993 bytes are missing"),
        (talk_nonsense, "broken", "makes no sense"),
        (say(b"not packed", Content_Encoding="gzip"), "broken", "makes no sense"),
    ],
    ids=["failing", "circle", "elsewhere", "dripping", "drip-in-head", "broken-off", "nonsense",
         "not-packed"],
)  # fmt: skip
def test_what_a_server_does_wrong_is_told(
    page: Page, problem: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    limits = SHORT if problem == "timeout" else FetchLimits()
    with web_server({"/trang": page}) as url:
        (noted,) = note_pages(url, ["/trang"], limits=limits)

    assert noted.problem == problem
    assert told in tell_problem(noted.problem, noted.address, noted.detail)


def test_redirects_without_end_and_servers_that_are_not_there() -> None:
    endless = {f"/{n}": lead_to(f"/{n + 1}") for n in range(20)}
    with web_server(endless) as url:
        (around,) = note_pages(url, ["/0"])
    (gone,) = note_pages(url, ["/0"])
    nowhere = note_pages("", ["/0"], limits=SHORT) + note_pages("http://[", ["/"], limits=SHORT)

    assert (around.problem, len(around.redirects)) == ("redirects", 6)
    assert (gone.problem, gone.status) == ("unreachable", None)
    assert [it.problem for it in nowhere] == ["address", "address"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_of_a_huge_page_the_beginning_is_read(pack: Callable[[bytes], bytes]) -> None:
    headers: dict[str, Any] = {} if pack is bytes else {"Content_Encoding": "gzip"}
    page = say(pack(HOME + b"x " * 30_000_000), **headers)
    with web_server({"/": page}) as url:
        answer = fetch_page(url, FetchLimits(20.0, 1_000_000))
        (noted,) = note_pages(url, ["/"])

    assert (len(answer.body), answer.truncated) == (1_000_000, True)
    assert (noted.truncated, noted.title) == (True, "Trang chủ")
    assert 1_000_000 < noted.length < 2 * 1024 * 1024


def test_pages_that_hang_do_not_hold_up_the_rest() -> None:
    hang = drip(inside_headers=True)
    with web_server({"/a": hang, "/b": hang}) as url:
        noted = note_pages(url, ["/a", "/b", "/c"], limits=SHORT, all_seconds=1.95)

    assert [it.problem for it in noted] == ["timeout", "timeout", "late"]


def test_certificates_are_verified_and_a_private_authority_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path / "server.pem")
    with web_server({"/": say(HOME)}, certificate=certificate) as url:
        (stranger,) = note_pages(url, ["/"])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        (trusted,) = note_pages(url, ["/"])

    assert (stranger.problem, stranger.sha256) == ("certificate", "")
    assert (trusted.problem, trusted.title) == ("", "Trang chủ")


@pytest.mark.parametrize(
    ("url", "page", "address"),
    [
        ("https://a.vn", "/", "https://a.vn/"),
        ("https://a.vn/xa/", "/tin", "https://a.vn/xa/tin"),
        ("https://a.vn", "?p=1", "https://a.vn/?p=1"),
        ("https://a.vn", "http://b.vn/x", "http://b.vn/x"),
    ],
)
def test_pages_lie_below_the_site(url: str, page: str, address: str) -> None:
    assert join_address(url, page) == address


def make_certificate(path: Path) -> Path:
    """Make a certificate for 127.0.0.1 that is its own authority, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    kind = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    key_text = key.private_bytes(serialization.Encoding.PEM, kind, plain)
    path.write_bytes(key_text + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_what_chance_shows_alike_three_times_is_learnt_before_it_is_held_against_anything() -> None:
    stays = " ".join(f"điều {number}" for number in range(40))
    asked: list[str] = []

    def with_poll(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        poll = "Ý kiến của bạn về dịch vụ công" if len(asked) % 4 else "Bạn biết cổng qua kênh nào"
        say(f"<title>Tin</title><p>{stays}<p>{poll}".encode())(request)

    with web_server({"/": with_poll}) as url:
        with noting_beside(PagesOrder(url=url, pages=["/"])) as take:
            (first,) = take()
        assert (len(asked), first.looks) == (8, 8)
        assert first.moves == ((80, 8),)
        earlier = [replace(first, moves=())] * LEARNT_FROM
        with noting_beside(PagesOrder(url=url, pages=["/"], earlier=earlier)) as take:
            (later,) = take()
        assert (len(asked), later.looks) == (10, 2 + LEARNT_FROM)
