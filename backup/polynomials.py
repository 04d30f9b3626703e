"""The chunker polynomial a repository must carry: irreducible over GF(2), of degree 53.

Restic refuses to open a repository without one. We cut with FastCDC and use it only as the seed.
"""

import secrets

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
