"""The key under which second factors are kept; `user.add` makes it with the first person."""

from pathlib import Path

from ops.errors import WrongUseError
from ops.estate.models import Estate
from ops.estate.references import resolve
from ops.jobs.repositories import make_key_file
from ops.people.sealing import CredentialsKey, derive_key


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

    Raises:
        WrongUseError: The estate names none.
        OpsError: It cannot be written.
    """
    scheme, _, rest = _reference(estate).partition(":")
    path = Path(rest)
    if scheme != "file" or path.exists():
        return None
    make_key_file(path, setting="[keys] credentials")
    return path


def _reference(estate: Estate) -> str:
    if estate.keys.credentials is None:
        raise WrongUseError(
            "the estate names no key for the second factors of its people",
            data="nothing was changed",
            next_step='write `credentials = "file:var/keys/credentials.key"` under `[keys]`;'
            " `{program} user.add` makes the file",
        )
    return estate.keys.credentials
