"""Draws pictures for the example site: small PNG files, the same ones for the same seed."""

import random
import struct
import zlib
from operator import add

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WIDTH, _HEIGHT = 320, 200
_GRAIN = bytes(it % 48 for it in range(256))


def draw_picture(seed: int) -> bytes:
    """Draw one picture: a sky, a ridge of hills, and grain that does not compress.

    Args:
        seed: Chooses the picture.

    Returns:
        A PNG file of about 100 KiB (PNG specification, sections 5 and 11).
    """
    dice = random.Random(seed)  # noqa: S311 - a picture needs no secrecy
    ridge = _draw_ridge(dice)
    tints = [bytes((it + tint) % 256 for it in range(256)) for tint in _draw_tint(dice)]
    rows = bytearray()
    for row in range(_HEIGHT):
        grain = dice.randbytes(_WIDTH).translate(_GRAIN)
        hills = bytes(60 if row > it else 0 for it in ridge)
        shade = bytes(map(add, grain, hills))
        pixels = bytearray(_WIDTH * 3)
        for channel, table in enumerate(tints):
            pixels[channel::3] = shade.translate(table)
        rows += b"\0" + pixels  # filter type "none"
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    return (
        _SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows)))
        + _chunk(b"IEND", b"")
    )


def _draw_tint(dice: random.Random) -> list[int]:
    """Give the colour of the sky, a number for each channel."""
    return [dice.randrange(40, 200) for _ in range(3)]


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
