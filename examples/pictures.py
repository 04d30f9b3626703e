"""Draws pictures for the example site: small PNG files, the same ones for the same seed."""

import random
import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WIDTH, _HEIGHT = 320, 200


def draw_picture(seed: int) -> bytes:
    """Draw one picture: a sky, a ridge of hills, and grain that does not compress.

    Args:
        seed: Chooses the picture.

    Returns:
        A PNG file of about 100 KiB (PNG specification, sections 5 and 11).
    """
    dice = random.Random(seed)  # noqa: S311 - a picture needs no secrecy
    ridge = _draw_ridge(dice)
    tint = [dice.randrange(40, 200) for _ in range(3)]
    rows = bytearray()
    for row in range(_HEIGHT):
        rows.append(0)  # filter type "none"
        grain = dice.randbytes(_WIDTH)
        for column in range(_WIDTH):
            shade = grain[column] % 48 + (60 if row > ridge[column] else 0)
            rows += bytes((channel + shade) % 256 for channel in tint)
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    return (
        _SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows)))
        + _chunk(b"IEND", b"")
    )


def _draw_ridge(dice: random.Random) -> list[int]:
    """Give the height of the hills for each column."""
    height = _HEIGHT // 2
    ridge = []
    for _ in range(_WIDTH):
        height = max(40, min(_HEIGHT - 20, height + dice.randrange(-3, 4)))
        ridge.append(height)
    return ridge


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
