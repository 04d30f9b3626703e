"""The signing key: made once, for its owner alone, and never plain in a backup."""

import stat
import subprocess
from pathlib import Path

import pytest

from ops.audit.heads import (
    SigningKeyError,
    decrypt_key,
    encode_key,
    find_signing_key,
    make_signing_key,
    public_text,
)
from tests.unit.ops.estate.conftest import SMALL, Load

SIGNING = SMALL.replace("[[units]]", 'signing = "file:var/keys/signing.key"\n[[units]]', 1)


def test_it_is_made_once_and_for_its_owner_alone(load: Load, tmp_path: Path) -> None:
    estate = load(small=SIGNING)
    path = tmp_path / "var/keys/signing.key"
    before = find_signing_key(estate)
    key = make_signing_key(path)
    found = find_signing_key(estate)

    assert before is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert found is not None
    assert public_text(found) == public_text(key)
    with pytest.raises(SigningKeyError):
        make_signing_key(path)


def test_in_a_backup_it_opens_with_the_repository_password_only(tmp_path: Path) -> None:
    key = make_signing_key(tmp_path / "signing.key")
    sealed = encode_key(key, b"password")

    assert b"ENCRYPTED" in sealed
    assert decrypt_key(sealed, b"password") == (tmp_path / "signing.key").read_bytes()
    with pytest.raises(SigningKeyError):
        decrypt_key(sealed, b"another")


def test_openssl_opens_it_as_the_manifest_says(tmp_path: Path) -> None:
    key = make_signing_key(tmp_path / "signing.key")
    (tmp_path / "signing-key.pem").write_bytes(encode_key(key, b"password"))
    (tmp_path / "KEY").write_bytes(b"password\n")
    command = ["openssl", "pkey", "-in", "signing-key.pem", "-passin", "file:KEY"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)

    assert ended.stdout == (tmp_path / "signing.key").read_bytes()


def test_something_else_in_its_place_is_refused(load: Load, tmp_path: Path) -> None:
    (tmp_path / "var/keys").mkdir(parents=True)
    (tmp_path / "var/keys/signing.key").write_text("no key")
    with pytest.raises(SigningKeyError):
        find_signing_key(load(small=SIGNING))
