"""Passwords, time-based codes, recovery codes and pauses; pure but for chance.

Passwords: argon2id with the library's defaults, the second set RFC 9106 recommends (64 MiB).
Codes: TOTP as in RFC 6238 with SHA-1, 30 seconds and 6 digits, what every authenticator app takes.
A code of the step before or after is taken as well, for clocks that differ.
"""

import base64
import hmac
import secrets
from datetime import datetime, timedelta

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ops.errors import WrongUseError

STEP_SECONDS = 30
SHORTEST_PASSWORD = 12
_STEPS_AROUND = 1
_CODES = 10
_CODE_BYTES = 10  # 80 bits: 16 characters of base32
_FREE_FAILURES = 3
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """Hash a password for storing."""
    return _HASHER.hash(password)


def is_password_right(stored: str, password: str) -> bool:
    """Compare a password with its stored hash."""
    try:
        return _HASHER.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


def check_new_password(password: str, person: str) -> None:
    """Refuse a new password that is too easy to guess."""
    if len(password) < SHORTEST_PASSWORD:
        raise WrongUseError(
            "the password is too short: {length} characters",
            next_step="take {shortest} or more, e.g. four words that nobody connects with you",
            length=len(password),
            shortest=SHORTEST_PASSWORD,
        )
    if person in password.lower() or len(set(password)) <= SHORTEST_PASSWORD // 3:
        raise WrongUseError(
            "the password is too easy to guess",
            why="it holds the person's name, or few different characters",
            next_step="take another one, e.g. four words that nobody connects with you",
        )


def make_totp_secret() -> str:
    """Make a random secret of 160 bits in base32, the length RFC 4226 recommends."""
    return pyotp.random_base32(32)


def totp_address(secret: str, person: str, organisation: str) -> str:
    """Give the `otpauth://` address that authenticator apps read."""
    return pyotp.TOTP(secret).provisioning_uri(name=person, issuer_name=organisation)


def step_of(moment: datetime) -> int:
    """Give the time step a moment lies in."""
    return int(moment.timestamp()) // STEP_SECONDS


def find_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """Find the time step that a code belongs to.

    Args:
        secret: In base32.
        code: As typed.
        now: The moment of the check.
        last_step: The newest step a code was accepted for; that one and earlier ones are refused,
            so that a code seen over somebody's shoulder is worth nothing.

    Returns:
        The step to remember; None when the code is wrong, too old, or was used.
    """
    bare = "".join(code.split())
    current, totp = step_of(now), pyotp.TOTP(secret)
    for step in range(current - _STEPS_AROUND, current + _STEPS_AROUND + 1):
        matches = hmac.compare_digest(totp.generate_otp(step).encode(), bare.encode())
        if matches and step > last_step:
            return step
    return None


def make_recovery_codes() -> list[str]:
    """Make ten codes of 80 random bits: `ABCD-EFGH-IJKL-MNOP`."""
    return [_make_code() for _number in range(_CODES)]


def looks_like_totp(code: str) -> bool:
    """Tell a time-based code, six digits, from a recovery code."""
    bare = "".join(code.split())
    return len(bare) == 6 and bare.isdecimal()  # noqa: PLR2004 - digits of a code


def pause_after(failures: int) -> timedelta:
    """Give how long nobody may try after so many failures in a row: nothing, then doubling."""
    beyond = failures - _FREE_FAILURES
    if beyond < 0:
        return timedelta(0)
    doubled = _FIRST_PAUSE * (1 << min(beyond, 10))
    return min(doubled, _LONGEST_PAUSE)


def _make_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
