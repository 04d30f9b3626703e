"""The console behind nginx, as the how-to writes it; and who is believed to say who somebody is."""

import http.client
import re
import socket
import ssl
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.console_office import (
    Browser,
    InProcess,
    served,
)
from tests.private_authority import Authority
from tests.private_server import await_start, end, find_free_ports, start, tie

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "the-console.md"
SNIPPET = re.compile(r"```nginx\n(.*?)```", re.DOTALL)
NAME = "giucong.example.vn"
AROUND = """
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {inside}
}}
"""


@pytest.fixture(scope="module")
def direct(office: InProcess) -> Iterator[Browser]:
    with served(office) as found:
        yield found


@pytest.fixture(scope="module")
def proxied(direct: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """nginx with the page's own lines; gives its port with TLS and the authority's file."""
    folder = tmp_path_factory.mktemp("nginx")
    authority = Authority(folder / "authority")
    certificate = authority.issue("web", days=9, hosts=[NAME])
    tls, plain = find_free_ports(2)
    found = SNIPPET.search(PAGE.read_text(encoding="utf-8"))
    assert found
    inside = textwrap.dedent(found[1])
    for written, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl"),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        ("http://127.0.0.1:8443", f"http://{direct.listen}"),
        ("/etc/ssl/giucong/fullchain.pem", str(certificate)),
        ("/etc/ssl/giucong/privkey.pem", str(certificate)),
    ):
        assert written in inside
        inside = inside.replace(written, here)
    configuration = folder / "nginx.conf"
    configuration.write_text(AROUND.format(folder=folder, inside=inside), encoding="utf-8")
    log = folder / "log"
    process = start([*tie(), "nginx", "-p", str(folder), "-c", str(configuration)], log)

    def is_up() -> bool:
        try:
            return ask(tls, str(authority.root), "GET", "/login")[0] == 200
        except OSError:
            return False

    try:
        await_start(process, is_up, log)
        yield tls, str(authority.root)
    finally:
        end(process)


def ask(
    port: int, root: str, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str]]:
    """Ask nginx from 127.0.0.2, as another machine would."""
    context = ssl.create_default_context(cafile=root)
    line = http.client.HTTPSConnection(
        NAME, port, timeout=60, context=context, source_address=("127.0.0.2", 0)
    )
    line._create_connection = _connect  # type: ignore[attr-defined]  # of http.client
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        line.request(method, path, body or None, given)
        answer = line.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        line.close()


def _connect(where: tuple[str, int], *rest: Any) -> socket.socket:
    """Connect to this machine, whatever the name."""
    return socket.create_connection(("127.0.0.1", where[1]), *rest)


def tried_from(office: InProcess) -> set[str]:
    """Give from which addresses somebody has tried to log in."""
    return set(office.counter.door._tries)


def test_who_comes_through_nginx_is_the_one_that_nginx_saw(
    office: InProcess, proxied: tuple[int, str]
) -> None:
    form = urlencode({"name": "nobody", "password": "x", "code": "x"}).encode()
    kind = "application/x-www-form-urlencoded"
    origin = f"https://{NAME}:{proxied[0]}"
    status, headers = ask(
        *proxied,
        "POST",
        "/login",
        form,
        Content_Type=kind,
        X_Forwarded_For="8.8.8.8",
        Origin=origin,
    )
    assert status == 403
    assert tried_from(office) == {"127.0.0.2"}
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers or "uvicorn" not in headers["server"]


def test_a_form_of_the_right_origin_passes_and_another_does_not(
    office: InProcess, proxied: tuple[int, str]
) -> None:
    estate, kind = office.estate, "application/x-www-form-urlencoded"
    right = {"name": "chau", "password": estate.password_of("chau"), "code": estate.code_of("chau")}
    form = urlencode(right).encode()
    wrong = ask(*proxied, "POST", "/login", form, Content_Type=kind, Origin="https://evil.example")
    assert wrong[0] == 403
    assert "set-cookie" not in wrong[1]
    origin = f"https://{NAME}:{proxied[0]}"
    status, headers = ask(*proxied, "POST", "/login", form, Content_Type=kind, Origin=origin)
    assert (status, headers["location"]) == (303, "/today")
    assert "Secure" in headers["set-cookie"]


def test_what_nginx_is_sent_in_two_ways_reaches_nobody(proxied: tuple[int, str]) -> None:
    ways: tuple[dict[str, Any], ...] = (
        {"Transfer_Encoding": "chunked", "Content_Length": "5"},
        {"X": "a" * 40_000},
    )
    for headers in ways:
        assert ask(*proxied, "POST", "/logout", b"0\r\n\r\n", **headers)[0] in {400, 411, 413, 414}
    assert ask(*proxied, "POST", "/act/x", b"", Content_Length="35000000")[0] == 413


def test_who_is_not_of_this_machines_own_address_is_not_believed(
    office: InProcess, direct: Browser
) -> None:
    """Straight to the console, past the proxy, from another address than its own."""
    host, _colon, port = direct.listen.rpartition(":")
    line = http.client.HTTPConnection(host, int(port), timeout=60, source_address=("127.0.0.3", 0))
    form = urlencode({"name": "nobody", "password": "x", "code": "x"})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": "9.9.9.9"}
    try:
        line.request("POST", "/login", form, headers)
        assert line.getresponse().status == 403
    finally:
        line.close()
    assert "127.0.0.3" in tried_from(office)
    assert "9.9.9.9" not in tried_from(office)


def test_without_a_proxy_that_is_named_nobody_says_who_asks(office: InProcess) -> None:
    """Also not this machine itself: whoever has an account here could write what they like."""
    office.counter.door._tries.clear()
    (port,) = find_free_ports(1)
    other = replace(office, estate=replace(office.estate, listen=f"127.0.0.1:{port}"))
    with served(other, proxy="", name="other.sock") as browser:
        form = {"name": "nobody", "password": "x", "code": "x"}
        assert browser.post("/login", form, X_Forwarded_For="9.9.9.8").status == 403
    assert tried_from(office) == {"127.0.0.1"}
