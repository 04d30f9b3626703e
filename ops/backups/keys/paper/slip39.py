"""A repository password as the master secret of SLIP-39, and back.

SLIP-39 splits a whole, even number of at least 16 bytes. A password is one line of text. Two forms,
told apart by their length alone:

- *base32*: the line is what Giữ Cổng itself makes, 52 characters of base32 (RFC 4648, capitals, no
  padding) that stand for 32 bytes. These 32 bytes are the secret; a share has 33 words.
- *text*: any other line. Its UTF-8 bytes, filled up at the end with line feeds (0x0A) to an even
  number of at least 34 bytes, are the secret. A password holds no line feed, so taking them off
  gives the line back.

Source: https://github.com/satoshilabs/slips/blob/master/slip-0039.md
"""

import base64
import binascii
from typing import Literal

from ops.errors import OpsError, WrongUseError

Form = Literal["base32", "text"]

_BASE32_BYTES = 32
_BASE32_CHARACTERS = 52
_PADDING = "===="
_LEAST_TEXT_BYTES = 34
_MOST_TEXT_BYTES = 256
_FILL = b"\n"


class SecretFormError(OpsError):
    """The shares give something that is no repository password."""


def form_of(password: str) -> Form:
    """Tell in which form a password is split."""
    return "text" if _from_base32(password) is None else "base32"


def encode_password(password: str) -> bytes:
    """Give the master secret of a password.

    Args:
        password: One line, without its line feed.

    Raises:
        WrongUseError: It is empty, longer than 256 bytes, or more than one line.
    """
    raw = _from_base32(password)
    if raw is not None:
        return raw
    text = password.encode()
    if not text or len(text) > _MOST_TEXT_BYTES or _FILL in text:
        raise WrongUseError(
            "this password cannot be split: it has to be one line of 1 to {most} bytes",
            data="nothing was written",
            next_step="add a random one to the repository: `{program} backup.key-add`",
            most=_MOST_TEXT_BYTES,
        )
    length = max(_LEAST_TEXT_BYTES, len(text) + len(text) % 2)
    return text.ljust(length, _FILL)


def decode_password(secret: bytes) -> str:
    """Give the password back.

    Raises:
        SecretFormError: It is not text; the shares are of something else.
    """
    if len(secret) == _BASE32_BYTES:
        return base64.b32encode(secret).decode().rstrip("=")
    try:
        password = secret.rstrip(_FILL).decode()
    except UnicodeDecodeError:
        password = ""
    if not password:
        raise SecretFormError(
            "the shares fit together, but what they hold is no repository password",
            why="they were made by another program, or with a passphrase",
            data="nothing was written",
            next_step="look for the shares that Giữ Cổng printed",
        )
    return password


def _from_base32(password: str) -> bytes | None:
    """Give the 32 bytes of a line that is exactly what they are written as."""
    if len(password) != _BASE32_CHARACTERS:
        return None
    try:
        raw = base64.b32decode(password + _PADDING)
    except (binascii.Error, ValueError):
        return None
    is_exact = base64.b32encode(raw).decode().rstrip("=") == password
    return raw if is_exact else None
