"""A server that nobody reaches, told from one that is busy; what a person who waits sees of it."""

import errno
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from backup.errors import StoreUnavailableError, StoreUnreachedError
from backup.stores import open_store
from backup.stores.memory import MemoryStore
from backup.stores.options import StoreOptions
from backup.stores.retry import PATIENCE, RetryingStore
from backup.stores.unreached import reason_of, unavailable_by
from tests.private_server import find_free_port


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a person wait; gives why each pause was made."""
    found: list[str] = []
    monkeypatch.setattr(PATIENCE, "tell", lambda error, _seconds: found.append(error.why))
    monkeypatch.setattr(PATIENCE, "ends_early", True)
    return found


class Answering(MemoryStore):
    """Answers each call with the next of these errors, then as it should."""

    def __init__(self, *errors: type[StoreUnavailableError]) -> None:
        super().__init__({"data/old": b"old"})
        self.errors = list(errors)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        if self.errors:
            raise self.errors.pop(0)("cannot read", why="Connection refused")
        return super().read(key, offset, length)


def patient(*errors: type[StoreUnavailableError]) -> RetryingStore:
    return RetryingStore(Answering(*errors), attempts=4, first_pause=timedelta(0))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ECONNREFUSED, "Connection refused"), StoreUnreachedError),
        (socket.gaierror(-2, "Name or service not known"), StoreUnreachedError),
        (OSError(errno.ECONNRESET, "Connection reset by peer"), StoreUnavailableError),
        (EOFError(), StoreUnavailableError),
    ],
)
def test_what_nobody_answers_is_told_from_what_breaks(
    error: Exception, kind: type[StoreUnavailableError]
) -> None:
    wrapped = RuntimeError("of a library")
    wrapped.__cause__ = error

    assert unavailable_by(wrapped) is kind
    assert reason_of(wrapped) == (getattr(error, "strerror", None) or "of a library")


def test_who_waits_is_told_at_once_that_nobody_answers(told: list[str]) -> None:
    store = patient(StoreUnreachedError)
    with pytest.raises(StoreUnreachedError):
        store.read("data/old")

    assert told == []


def test_a_store_that_has_answered_before_may_restart(told: list[str]) -> None:
    store = patient()
    store.read("data/old")
    store.inner.errors = [StoreUnreachedError, StoreUnavailableError]  # type: ignore[attr-defined]  # the inner one is ours

    assert store.read("data/old") == b"old"
    assert told == ["Connection refused"] * 2


def test_where_nobody_waits_patience_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PATIENCE, "ends_early", False)

    assert patient(StoreUnreachedError, StoreUnreachedError).read("data/old") == b"old"


@pytest.mark.parametrize("url", ["sftp://x@127.0.0.1:{port}//b", "s3:http://127.0.0.1:{port}/b"])
def test_a_refused_store_fails_at_once_with_its_reason(
    url: str, told: list[str], tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate()
    form = (Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (tmp_path / "key").write_bytes(key.private_bytes(*form))
    files = {"sftp.identity": str(tmp_path / "key"), "sftp.known_hosts": str(tmp_path / "known")}
    options = StoreOptions(access_key="a", secret_key="b", extra=files)  # noqa: S106 - no secret
    store = open_store(url.format(port=find_free_port()), options)
    with pytest.raises(StoreUnreachedError) as caught:
        store.size("config")

    assert told == []
    assert any("Connection refused" in text for _label, text in caught.value.lines())
