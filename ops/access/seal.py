"""What is kept of a second factor: sealed TOTP secrets and digests of recovery codes.

A TOTP secret has to be read again to check a code, so it cannot be hashed. It is sealed with
AES-256-GCM under a key that lies outside the catalog (`[keys] credentials`): who copies the catalog
alone, or a backup of it, can make no code. The version and the person's name are authenticated with
it, so that a sealed secret moved to another person's row does not open.

Form of a sealed secret: base64 of one version byte (1), a nonce of 12 random bytes, and the
ciphertext with its tag of 16 bytes. Two keys of 256 bits are derived from the key file's text with
HKDF-SHA-256 (RFC 5869): one for sealing, one for the digests of recovery codes.

The key under which second factors are kept; `user.add` makes it with the first person.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ops.durable_files import make_key_file
from ops.errors import OpsError, WrongUseError
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve

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
