"""The file ``config`` of a repository: its version, its id, its polynomial.

The chunker polynomial a repository must carry: irreducible over GF(2), of degree 53.

Restic refuses to open a repository without one. We cut with FastCDC and use it only as the seed.
"""

import json
import secrets
from typing import NamedTuple

from backup.errors import DamagedError, UnsupportedFormatError

DEGREE = 53
_X = 0b10


def generate_polynomial() -> int:
    """Make a random irreducible polynomial; about one candidate in 27 is."""
    while True:
        candidate = secrets.randbits(DEGREE) | (1 << DEGREE) | 1
        if is_irreducible(candidate):
            return candidate


def is_irreducible(polynomial: int) -> bool:
    """Decide by Rabin's test; 53 is prime, so only x^2 - x needs the gcd."""
    if polynomial.bit_length() - 1 != DEGREE:
        return False
    power = _X
    for _ in range(DEGREE):
        power = _remainder(_square(power), polynomial)
    return power == _X and _gcd(polynomial, 0b110) == 1


def _square(value: int) -> int:
    return int(f"{value:b}".replace("", "0")[1:-1] or "0", 2)


def _remainder(value: int, divisor: int) -> int:
    degree = divisor.bit_length()
    while value.bit_length() >= degree:
        value ^= divisor << (value.bit_length() - degree)
    return value


def _gcd(left: int, right: int) -> int:
    while right:
        left, right = right, _remainder(left, right)
    return left


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
