"""A secret in a backup: only the password opens it, and `openssl` alone is enough."""

import subprocess
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.recovery.content import open_secret, seal_secret


@pytest.mark.parametrize("plain", [b"", b"JBSWY3DP\n", b"x" * 4096])
def test_what_was_sealed_opens_again(plain: bytes) -> None:
    assert open_secret(seal_secret(plain, b"password"), b"password") == plain


def test_openssl_opens_it_as_the_manifest_says(tmp_path: Path) -> None:
    (tmp_path / "credentials.key.enc").write_bytes(seal_secret(b"JBSWY3DP\n", b"password"))
    (tmp_path / "KEY").write_bytes(b"password\n")
    command = "openssl enc -d -aes-256-cbc -pbkdf2 -in credentials.key.enc -pass file:KEY"
    ended = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=True)

    assert ended.stdout == b"JBSWY3DP\n"


@pytest.mark.parametrize("sealed", [b"", b"plain", b"Salted__12345678", b"Salted__1234567890"])
def test_something_else_is_refused(sealed: bytes) -> None:
    with pytest.raises(OpsError):
        open_secret(sealed, b"password")
