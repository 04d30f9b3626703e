"""Key files: one master key behind several passwords."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest

from backup.errors import DamagedError, UnsupportedFormatError, WrongPasswordError
from backup.format.crypto import Envelope, MasterKey, generate_master_key
from backup.format.key_file import (
    KeyFile,
    derive_password_key,
    parse_key_file,
    unwrap_master_key,
    wrap_master_key,
)
from backup.repository.repository import Repository
from backup.stores.memory import MemoryStore

WHEN = datetime(2026, 11, 24, 1, 3, tzinfo=UTC)
CHEAP = KeyFile("", "", "", n=2, r=1, p=1, salt=bytes(64), data=b"")


def cheap_key_file(master: MasterKey, password: bytes, **changes: object) -> bytes:
    """A key file that opens in no time, as stock restic might have written it."""
    parts = [base64.b64encode(part).decode() for part in master]
    plaintext = json.dumps({"mac": {"k": parts[1], "r": parts[2]}, "encrypt": parts[0]})
    sealed = Envelope(derive_password_key(password, CHEAP)).seal(plaintext.encode())
    fields = {
        "created": "2026-01-01T00:00:00Z", "username": "u", "hostname": "h", "kdf": "scrypt",
        "N": 2, "r": 1, "p": 1, "salt": base64.b64encode(bytes(64)).decode(),
        "data": base64.b64encode(sealed).decode(),
    }  # fmt: skip
    return json.dumps(fields | changes).encode()


def test_scrypt_is_that_of_rfc_7914() -> None:
    vector = KeyFile("", "", "", n=16, r=1, p=1, salt=b"", data=b"")
    assert b"".join(derive_password_key(b"", vector)).hex() == (
        "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
        "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
    )


def test_a_wrapped_key_opens_with_its_password_alone() -> None:
    master = generate_master_key()
    text = wrap_master_key(master, "mật khẩu".encode(), created=WHEN)
    key_file = parse_key_file(text)
    assert unwrap_master_key(key_file, "mật khẩu".encode()) == master
    assert unwrap_master_key(key_file, b"mat khau") is None
    assert key_file.created == "2026-11-24T01:03:00Z"
    assert len(key_file.salt) == 64
    assert (key_file.n, key_file.r, key_file.p) == (32768, 8, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{}", b"\xff",
        cheap_key_file(generate_master_key(), b"p", kdf="argon2"),
        cheap_key_file(generate_master_key(), b"p", N="many"),
        cheap_key_file(generate_master_key(), b"p", salt=None),
    ],
)  # fmt: skip
def test_anything_else_is_no_key_file(text: bytes) -> None:
    with pytest.raises(UnsupportedFormatError):
        parse_key_file(text)


@pytest.mark.parametrize(
    "changes",
    [{"N": 3}, {"N": 0}, {"N": -2}, {"r": 0}, {"r": -1}, {"p": -1}, {"N": 1 << 40}, {"r": 1 << 30}],
)
def test_impossible_costs_are_refused_before_they_cost_anything(changes: dict[str, int]) -> None:
    key_file = parse_key_file(cheap_key_file(generate_master_key(), b"p", **changes))
    with pytest.raises(UnsupportedFormatError):
        unwrap_master_key(key_file, b"p")


@pytest.mark.parametrize(
    "plaintext",
    [b"", b"{}", b'{"mac":{"k":"","r":""},"encrypt":""}', b'{"mac":[],"encrypt":1}'],
)
def test_a_master_key_of_another_form_is_refused(plaintext: bytes) -> None:
    sealed = Envelope(derive_password_key(b"p", CHEAP)).seal(plaintext)
    with pytest.raises(UnsupportedFormatError):
        unwrap_master_key(CHEAP._replace(data=sealed), b"p")


# The repository's own search ----------------------------------------------------------------------


def store_with(*key_files: bytes, names: tuple[str, ...] = ()) -> tuple[MemoryStore, MasterKey]:
    store = MemoryStore()
    master = generate_master_key()
    config = json.dumps(
        {"version": 2, "id": "ab" * 32, "chunker_polynomial": "3d8dcc0c2c005d"}
    ).encode()
    store.write("config", Envelope(master).seal(config))
    for text in (*key_files, cheap_key_file(master, b"right")):
        store.write(f"keys/{hashlib.sha256(text).hexdigest()}", text)
    for name in names:
        store.write(f"keys/{name}", b"junk")
    return store, master


def test_each_password_is_tried_on_each_key_file() -> None:
    store, master = store_with(cheap_key_file(generate_master_key(), b"other"))
    opened = Repository.open(store, b"right")
    assert opened.key == master
    with pytest.raises(WrongPasswordError):
        Repository.open(store, b"wrong")


@pytest.mark.parametrize("junk", [b"junk", b"{}", cheap_key_file(generate_master_key(), b"a", N=3)])
def test_a_key_file_of_another_form_locks_nobody_out(junk: bytes) -> None:
    store, master = store_with(junk)
    assert Repository.open(store, b"right").key == master
    with pytest.raises(WrongPasswordError):
        Repository.open(store, b"wrong")


def test_a_damaged_key_file_locks_nobody_out() -> None:
    store, master = store_with(names=("0" * 64, "not-an-id"))
    assert Repository.open(store, b"right").key == master


def test_a_lone_damaged_key_file_is_not_called_a_wrong_password() -> None:
    store, _ = store_with()
    (key,) = [info.key for info in store.list("keys")]
    store.replace(key, store.read(key)[:-1])
    with pytest.raises(DamagedError, match="key file"):
        Repository.open(store, b"right")
