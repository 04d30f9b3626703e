"""Whom a store behind TLS must prove to be, and how we prove who we are."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.errors import UsageError
from backup.stores.options import StoreOptions
from backup.stores.s3.connections import Connections
from backup.stores.s3.settings import parse_settings
from tests.private_authority import Authority
from tests.web_server import say, web_server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def url(authority: Authority) -> Iterator[str]:
    certificate = authority.issue("server", days=9)
    pages = {"/": say(b"there")}
    with web_server(pages, certificate=certificate, clients_of=authority.root) as url:
        yield url.replace("127.0.0.1", "localhost")


def _ask(url: str, **options: object) -> int:
    settings = parse_settings(f"{url}/bucket", StoreOptions(**options))  # type: ignore[arg-type]  # of each flag its own
    connection = Connections(url, most=1, timeout=10, make_context=settings.tls).take()
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_store_may_ask_who_we_are(url: str, authority: Authority) -> None:
    own = str(authority.issue("own", days=9))

    assert _ask(url, cacert=str(authority.root), client_cert=own) == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _ask(url, cacert=str(authority.root))


def test_an_unknown_store_is_believed_only_where_that_was_asked(
    url: str, authority: Authority
) -> None:
    own = str(authority.issue("own", days=9))

    assert _ask(url, insecure_tls=True, client_cert=own) == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        _ask(url, client_cert=own)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "own.pem"
    if content:
        file.write_text(content)
    settings = parse_settings("https://h/b", StoreOptions(client_cert=str(file)))

    with pytest.raises(UsageError, match="cannot use the TLS certificate"):
        settings.tls()
