"""The file ``config`` of a repository: its version, its id, its polynomial."""

import json
from typing import NamedTuple

from backup.errors import DamagedError, UnsupportedFormatError
from backup.polynomials import is_irreducible

VERSION = 2
_ID_DIGITS = 64
_HEX = frozenset("0123456789abcdef")


class Config(NamedTuple):
    """What ``config`` says.

    Attributes:
        version: Format version; we write 2.
        id: Random, 64 hexadecimal digits.
        polynomial: Irreducible, degree 53.
    """

    version: int
    id: str
    polynomial: int


def is_id(name: str) -> bool:
    """Whether a file's name is an id; other names are leftovers, and ignored."""
    return len(name) == _ID_DIGITS and _HEX.issuperset(name)


def encode_config(config: Config) -> bytes:
    """Write the file's content, compact JSON."""
    fields = {
        "version": config.version,
        "id": config.id,
        "chunker_polynomial": format(config.polynomial, "x"),
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def decode_config(text: bytes) -> Config:
    """Read the file's content.

    Raises:
        UnsupportedFormatError: It is of another version, or of a form we do not know.
        DamagedError: It holds what cannot be.
    """
    try:
        raw = json.loads(text)
        config = Config(int(raw["version"]), str(raw["id"]), int(raw["chunker_polynomial"], 16))
    except (KeyError, TypeError, ValueError) as error:
        raise UnsupportedFormatError("the repository's config is not of the known form") from error
    if config.version != VERSION:
        raise UnsupportedFormatError(
            "the repository has format version {version}; this engine knows version {known}",
            data="nothing was read or written",
            next_step="upgrade Giữ Cổng"
            if config.version > VERSION
            else "run: restic migrate upgrade_repo_v2",
            version=config.version,
            known=VERSION,
        )
    if not is_id(config.id) or not is_irreducible(config.polynomial):
        raise DamagedError("the repository's config holds an impossible value")
    return config
