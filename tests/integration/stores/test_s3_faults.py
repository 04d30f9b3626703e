"""An S3 store over a line that fails as planned: nothing lost, and each failure told clearly."""

import hashlib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from backup.errors import (
    ObjectExistsError,
    ObjectNotFoundError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from backup.stores.base import ObjectInfo
from backup.stores.retry import RetryingStore
from backup.stores.s3.requests import Answer, S3Line
from backup.stores.s3.store import S3Store
from tests.faulty_line import FaultyLine, LineFault
from tests.s3_server import S3Server

pytestmark = pytest.mark.slow

DATA = hashlib.shake_128(b"pack").digest(700_000)


@pytest.fixture
def line(s3_server: S3Server) -> Iterator[FaultyLine]:
    with FaultyLine(s3_server.endpoint) as line:
        yield line


class Setup:
    """A store over the line, one that tries again over it, and one that takes the direct way."""

    def __init__(self, server: S3Server, line: FaultyLine, seconds: float) -> None:
        self.direct = server.new_store()
        settings = replace(
            self.direct.settings, endpoint=line.url, timeout=seconds, write_once=True
        )
        self.once = S3Store(settings)
        self.patient = RetryingStore(self.once, attempts=4, first_pause=timedelta(0))
        self.line = line


@pytest.fixture
def setup(request: pytest.FixtureRequest, s3_server: S3Server, line: FaultyLine) -> Setup:
    is_to_time_out = "hang" in request.node.name
    return Setup(s3_server, line, seconds=1.0 if is_to_time_out else 30.0)


PASSING = {
    "500": LineFault("status", status=500),
    "503": LineFault("status", status=503, code="SlowDown"),
    "429": LineFault("status", status=429, code="TooManyRequests"),
    "bytes changed on the way": LineFault("status", status=400, code="BadDigest"),
    "reset": LineFault("reset"),
    "hang": LineFault("hang", seconds=2),
    "half an upload": LineFault("half"),
    "the answer is lost": LineFault("lost answer"),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_write_survives_what_passes(setup: Setup, name: str) -> None:
    setup.line.faults = [replace(PASSING[name], times=2)]
    setup.patient.write("data/ab/pack", DATA)

    assert setup.direct.read("data/ab/pack") == DATA
    assert list(setup.direct.list("")) == [ObjectInfo("data/ab/pack", len(DATA))]
    assert setup.line.faults[0].times <= 1


@pytest.mark.parametrize("name", PASSING)
def test_a_single_write_says_that_it_may_pass(setup: Setup, name: str) -> None:
    setup.line.faults = [replace(PASSING[name])]
    with pytest.raises(StoreUnavailableError, match="cannot write data/ab/pack") as caught:
        setup.once.write("data/ab/pack", DATA)

    assert "untouched" in caught.value.data


@pytest.mark.parametrize("kind", ["reset", "cut answer", "hang"])
def test_a_read_survives_what_passes(setup: Setup, kind: str) -> None:
    setup.direct.write("data/ab/pack", DATA)
    setup.line.faults = [LineFault(kind, "GET", times=2, seconds=2)]  # type: ignore[arg-type]  # one of the kinds

    assert setup.patient.read("data/ab/pack", 5, 500_000) == DATA[5:500_005]


@pytest.mark.parametrize("kind", ["status", "cut answer", "hang"])
def test_a_listing_is_whole_or_fails(setup: Setup, kind: str) -> None:
    for number in range(7):
        setup.direct.write(f"data/ab/{number}", b"x")
    setup.line.faults = [LineFault(kind, "GET", times=2, seconds=2)]  # type: ignore[arg-type]  # one of the kinds

    assert len(list(setup.patient.list("data"))) == 7

    setup.line.faults = [LineFault(kind, "GET", times=9, seconds=2)]  # type: ignore[arg-type]  # one of the kinds
    with pytest.raises(StoreUnavailableError):
        list(setup.once.list("data"))


def test_a_slow_server_is_waited_for(setup: Setup) -> None:
    setup.line.faults = [LineFault("slow", seconds=0.6), LineFault("slow", "GET", seconds=0.6)]
    setup.once.write("data/ab/pack", DATA)

    assert setup.once.read("data/ab/pack") == DATA


def test_a_listing_of_many_pages_is_whole(setup: Setup) -> None:
    for number in range(5):
        setup.direct.write(f"data/ab/{number}", b"x")
    paged = S3Store(setup.once.settings, page=2)

    assert sorted(info.key for info in paged.list("")) == [f"data/ab/{n}" for n in range(5)]
    assert sum("list-type=2" in request for request in setup.line.requests) >= 3


@pytest.mark.parametrize(
    ("status", "code", "kind", "told"),
    [
        (403, "AccessDenied", StoreDeniedError, "refuses our credential (AccessDenied)"),
        (403, "InvalidAccessKeyId", StoreDeniedError, "refuses our credential"),
        (401, "Unauthorized", StoreDeniedError, "refuses our credential"),
        (403, "RequestTimeTooSkewed", StoreError, "the clocks differ"),
        (507, "XMinioStorageFull", StoreFullError, "no room is left"),
        (404, "NoSuchBucket", StoreError, "no such bucket"),
        (400, "InvalidRequest", StoreError, "answered 400 InvalidRequest"),
    ],
)
def test_what_does_not_pass_is_told_at_once(
    setup: Setup, status: int, code: str, kind: type[StoreError], told: str
) -> None:
    setup.line.faults = [LineFault("status", status=status, code=code, times=9)]
    with pytest.raises(kind) as caught:
        setup.patient.write("data/ab/pack", DATA)
    text = "\n".join(line for _, line in caught.value.lines())

    assert told in text
    assert setup.line.faults[0].times == 8
    assert "secret-of-the-tests" not in text


def test_a_credential_revoked_in_the_middle_leaves_what_was_stored(setup: Setup) -> None:
    setup.patient.write("data/ab/first", DATA)
    setup.line.faults = [LineFault("status", status=403, code="InvalidAccessKeyId", times=99)]
    with pytest.raises(StoreDeniedError):
        setup.patient.write("data/ab/second", DATA)
    setup.line.faults = []
    setup.patient.write("data/ab/second", DATA)

    assert {info.key for info in setup.direct.list("data")} == {"data/ab/first", "data/ab/second"}


class Unconditional(S3Line):
    """The way to a server that does not know the condition of a write."""

    def ask(self, *arguments: Any, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        kept = {name: text for name, text in (headers or {}).items() if name != "if-none-match"}
        return super().ask(*arguments, headers=kept, **more)


def test_a_server_that_ignores_the_condition_is_found_out(setup: Setup) -> None:
    store = S3Store(replace(setup.direct.settings, write_once=None))
    store.line = Unconditional(store.settings)
    store.write("locks/first", b"small")

    assert store.settings.write_once is False
    with pytest.raises(ObjectExistsError):
        store.write("locks/first", b"other")
    assert store.read("locks/first") == b"small"


def test_a_server_that_knows_no_condition_is_asked_before_each_write(setup: Setup) -> None:
    setup.line.faults = [LineFault("status", status=501, code="NotImplemented")]
    store = S3Store(replace(setup.once.settings, write_once=None))
    store.write("config", b"small")

    assert store.settings.write_once is False
    with pytest.raises(ObjectExistsError):
        store.write("config", b"other")


def test_a_region_that_is_not_the_buckets_is_named(setup: Setup) -> None:
    setup.line.faults = [
        LineFault("status", "GET", status=301, code="PermanentRedirect", region="vn-2")
    ]
    with pytest.raises(StoreError, match="cannot list") as caught:
        list(setup.once.list(""))

    assert "in the region vn-2" in "\n".join(line for _, line in caught.value.lines())


def test_a_refusal_in_the_middle_of_an_upload_is_heard(setup: Setup) -> None:
    setup.line.faults = [LineFault("early refusal", status=403, code="AccessDenied")]
    with pytest.raises(StoreDeniedError, match="cannot write"):
        setup.once.write("data/ab/pack", DATA * 20)


def test_a_connection_that_the_server_closed_is_not_used_again(setup: Setup) -> None:
    setup.once.write("config", b"one")
    setup.line.close_idle()

    assert setup.once.read("config") == b"one"


def test_a_proxy_of_the_environment_is_used(
    s3_server: S3Server, line: FaultyLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = s3_server.new_store().settings
    monkeypatch.setenv("HTTP_PROXY", line.url.replace("//", "//name:word@"))
    monkeypatch.setenv("http_proxy", line.url.replace("//", "//name:word@"))
    S3Store(settings).write("config", b"one")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    assert S3Store(settings).read("config") == b"one"
    assert (
        line.requests == [f"PUT {settings.endpoint}/{settings.bucket}/{settings.prefix}/config"] * 2
    )


def make_certificate(folder: Path) -> Path:
    """Make one for this machine that signs itself, its key behind it in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


def test_only_a_trusted_certificate_is_talked_to(s3_server: S3Server, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with FaultyLine(s3_server.endpoint, context=context) as line:
        settings = replace(s3_server.new_store().settings, endpoint=line.url)
        with pytest.raises(StoreError, match="cannot write config") as caught:
            S3Store(settings).write("config", b"one")
        assert "--cacert" in caught.value.next_step

        trusting = S3Store(replace(settings, cacert=str(certificate)))
        trusting.write("config", b"one")
        assert trusting.read("config") == b"one"


def test_a_wrong_secret_is_told_without_it(s3_server: S3Server) -> None:
    settings = replace(s3_server.new_store().settings, secret_key="wrong-secret")  # noqa: S106 -- wrong on purpose
    with pytest.raises(StoreDeniedError) as caught:
        list(S3Store(settings).list(""))
    text = "\n".join(line for _, line in caught.value.lines())

    assert "SignatureDoesNotMatch" in text
    assert "wrong-secret" not in text + repr(settings)


def test_a_bucket_that_is_not_there_is_no_empty_store(s3_server: S3Server) -> None:
    store = S3Store(replace(s3_server.new_store().settings, bucket="nothing"))
    with pytest.raises(StoreError, match="cannot list") as caught:
        list(store.list("snapshots"))

    assert not isinstance(caught.value, ObjectNotFoundError)
