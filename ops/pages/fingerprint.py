"""A text's fingerprint: equal for equal texts, and a sketch by which two can be likened; pure.

The sketch holds the smallest hashes of all runs of three words (a bottom-k sketch, Broder, "On the
resemblance and containment of documents", 1997). From two sketches the share of runs that both
texts have is estimated; for texts of up to `SKETCH_SIZE` different runs it is exact.
"""

import hashlib
from dataclasses import dataclass

SKETCH_SIZE = 128
"""Hashes kept; the estimate's standard deviation is below 5 % then."""

_WORDS = 3
_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of a text.

    Attributes:
        sha256: Of its UTF-8 bytes, in hexadecimal.
        sketch: The smallest hashes of its runs of words, ascending, 16 hexadecimal digits each, one
            after the other; empty for an empty text, and for what is no text.
    """

    sha256: str
    sketch: str = ""


def take_fingerprint(text: str) -> Fingerprint:
    """Take the fingerprint of a folded text."""
    words = text.split()
    runs = {" ".join(words[at : at + _WORDS]) for at in range(max(1, len(words) - _WORDS + 1))}
    hashes = sorted(_hash(run) for run in runs if run)[:SKETCH_SIZE]
    return Fingerprint(hashlib.sha256(text.encode()).hexdigest(), "".join(hashes))


def _hash(run: str) -> str:
    return hashlib.blake2b(run.encode(), digest_size=_HASH_BYTES).hexdigest()


def liken(one: Fingerprint, other: Fingerprint) -> float:
    """Give the share of their runs of words that two texts have in common, 0 to 1."""
    if one.sha256 == other.sha256:
        return 1.0
    first, second = _hashes(one), _hashes(other)
    smallest = sorted(first | second)[:SKETCH_SIZE]
    if not smallest:
        return 0.0
    return sum(it in first and it in second for it in smallest) / len(smallest)


def _hashes(fingerprint: Fingerprint) -> set[str]:
    width = 2 * _HASH_BYTES
    sketch = fingerprint.sketch
    return {sketch[at : at + width] for at in range(0, len(sketch), width)}
