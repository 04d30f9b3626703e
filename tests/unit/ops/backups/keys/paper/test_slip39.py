"""A password becomes a master secret in one way only, and comes back whole."""

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.backups.keys.paper.shares import (
    ShareError,
    decode_password,
    encode_password,
    form_of,
)
from ops.errors import WrongUseError

LINES = st.text(
    st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=60
)


@given(LINES)
def test_any_line_comes_back(line: str) -> None:
    secret = encode_password(line)

    assert decode_password(secret) == line
    assert len(secret) >= 32
    assert len(secret) % 2 == 0
    assert (len(secret) == 32) == (form_of(line) == "base32")


@given(st.binary(min_size=32, max_size=32))
def test_a_key_of_our_own_making_is_its_32_bytes(raw: bytes) -> None:
    line = base64.b32encode(raw).decode().rstrip("=")

    assert encode_password(line) == raw
    assert decode_password(raw) == line


def test_a_line_that_only_looks_like_base32_is_text() -> None:
    line = base64.b32encode(secrets.token_bytes(31) + b"\0").decode().rstrip("=")[:-1] + "B"

    assert form_of(line) == "text"
    assert encode_password(line) == line.encode()


@pytest.mark.parametrize("line", ["", "two\nlines", "x" * 257])
def test_what_is_no_password_is_refused(line: str) -> None:
    with pytest.raises(WrongUseError):
        encode_password(line)


@pytest.mark.parametrize("secret", [b"\xff" * 34, b"\n" * 34])
def test_a_secret_that_is_no_password_is_refused(secret: bytes) -> None:
    with pytest.raises(ShareError, match="no repository password"):
        decode_password(secret)
