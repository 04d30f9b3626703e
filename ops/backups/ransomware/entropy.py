"""Does the beginning of a file look encrypted? Pure.

Encrypted bytes have no form: each value is as frequent as any other. So have compressed ones, but
files of compressed formats begin with a mark of their own.
"""

import math
from collections import Counter
from functools import cache

LONGEST = 4_096
"""Bytes of a file that are looked at."""

SHORTEST = 256
"""With fewer bytes nothing can be said."""

_SLACK = 0.25
_MARKS = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG",
    b"GIF8",
    b"RIFF",  # WebP, WAV, AVI
    b"PK\x03\x04",  # ZIP, and the office formats
    b"PK\x05\x06",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf\x27\x1c",
    b"\x28\xb5\x2f\xfd",  # Zstandard
    b"\x04\x22\x4d\x18",  # LZ4
    b"Rar!",
    b"%PDF",
    b"wOFF",
    b"wOF2",
    b"ID3",
    b"\xff\xfb",  # MP3
    b"OggS",
    b"fLaC",
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"FLV",
    b"\x00\x00\x01\x00",  # ICO
    b"SQLite format 3\x00",
    b"II*\x00",  # TIFF
    b"MM\x00*",
)
_MARK_AT_FOUR = (b"ftyp",)  # MP4, HEIC, AVIF


def looks_sealed(beginning: bytes) -> bool | None:
    """Say whether a file begins like encrypted data.

    Args:
        beginning: Its first bytes; at most `LONGEST` of them are looked at.

    Returns:
        None where there are too few bytes to say.
    """
    sample = beginning[:LONGEST]
    if len(sample) < SHORTEST:
        return None
    if sample.startswith(_MARKS) or sample[4:8] in _MARK_AT_FOUR:
        return False
    return entropy(sample) >= _entropy_of_noise(len(sample)) - _SLACK


def entropy(sample: bytes) -> float:
    """Give Shannon's entropy of the bytes, in bits a byte, from 0 to 8."""
    total = len(sample)
    return -sum(count / total * math.log2(count / total) for count in Counter(sample).values())


@cache
def _entropy_of_noise(length: int) -> float:
    """Give what so many random bytes show on average: a short sample cannot reach 8 bits.

    Each of the 256 values is met as often as a binomial law says; the sum is over how often.
    """
    chance = (255 / 256) ** length  # of a value that is not met at all
    found = 0.0
    for count in range(1, length + 1):
        chance *= (length - count + 1) / count / 255
        found += chance * count / length * math.log2(length / count)
    return 256 * found
