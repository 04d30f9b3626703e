"""Passwords, time-based codes, recovery codes and pauses; what is kept of them, sealed or digested.

Passwords: argon2id with the library's defaults, the second set RFC 9106 recommends (64 MiB). Codes:
TOTP as in RFC 6238 with SHA-1, 30 seconds and 6 digits, what every authenticator app takes; one of
the step before or after is taken as well, for clocks that differ.

A TOTP secret has to be read again to check a code, so it cannot be hashed. It is sealed with
AES-256-GCM under a key that lies outside the catalog (`[keys] credentials`, made by `user.add` with
the first person): who copies the catalog alone, or a backup of it, can make no code. The version
and the person's name are authenticated with it, so that a sealed secret moved to another person's
row does not open.

Form of a sealed secret: base64 of one version byte (1), a nonce of 12 random bytes, and the
ciphertext with its tag of 16 bytes. Two keys of 256 bits are derived from the key file's text with
HKDF-SHA-256 (RFC 5869): one for sealing, one for the digests of recovery codes.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ops.durable_files import make_key_file
from ops.errors import OpsError, WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve

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


_VERSION = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class CredentialsKey:
    """The two derived keys; never shown."""

    sealing: bytes = field(repr=False)
    digesting: bytes = field(repr=False)


def derive_key(text: str) -> CredentialsKey:
    """Derive both keys from the content of the key file."""
    return CredentialsKey(_expand(text, b"giucong totp 1"), _expand(text, b"giucong recovery 1"))


def seal_secret(key: CredentialsKey, person: str, secret: str) -> str:
    """Seal a TOTP secret for one person; gives base64."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key.sealing).encrypt(nonce, secret.encode(), _VERSION + person.encode())
    return base64.b64encode(_VERSION + nonce + sealed).decode()


def open_secret(key: CredentialsKey, person: str, sealed: str) -> str:
    """Open what `seal_secret` gave.

    Raises:
        OpsError: The key is another one, or the row was changed.
    """
    try:
        content = base64.b64decode(sealed)
        nonce, body = content[1 : 1 + _NONCE_BYTES], content[1 + _NONCE_BYTES :]
        return AESGCM(key.sealing).decrypt(nonce, body, content[:1] + person.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise OpsError(
            'the second factor of "{person}" cannot be read',
            why="`[keys] credentials` names another key than the one it was sealed with,"
            " or the row was changed",
            data="nothing was changed",
            next_step="put the right key back, or make a new factor:"
            " `{program} user.reset-totp --person {person}`",
            person=person,
        ) from error


def digest_code(key: CredentialsKey, person: str, code: str) -> str:
    """Give the digest under which a recovery code is kept; blanks, hyphens, case do not matter."""
    bare = "".join(character for character in code.upper() if character.isalnum())
    return hmac.new(key.digesting, f"{person}\x1f{bare}".encode(), sha256).hexdigest()


def _expand(text: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose).derive(text.encode())


def load_credentials_key(estate: Estate) -> CredentialsKey:
    """Read the key.

    Raises:
        WrongUseError: The estate names none.
        SecretError: It is not there.
    """
    return derive_key(resolve(_reference(estate)).get_secret_value())


def make_missing_key(estate: Estate) -> Path | None:
    """Make the key file where it is named and not there yet; gives its path when it was made.

    Call this only while nobody has credentials: those that exist would not open under a new key.
    """
    scheme, _, rest = _reference(estate).partition(":")
    path = Path(rest)
    if scheme != "file" or path.exists():
        return None
    make_key_file(path, setting="[keys] credentials")
    return path


def check_key_is_named(estate: Estate) -> None:
    """Refuse an estate that names no key."""
    _reference(estate)


def _reference(estate: Estate) -> str:
    if estate.keys.credentials is None:
        raise WrongUseError(
            "the estate names no key for the second factors of its people",
            next_step='write `credentials = "file:var/keys/credentials.key"` under `[keys]`;'
            " `{program} user.add` makes the file",
        )
    return estate.keys.credentials
