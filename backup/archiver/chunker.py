"""Where big files are cut: FastCDC with a gear table seeded per repository.

Restic never checks boundaries. A public gear table would betray known files by the sizes of their
chunks, so the seed comes from the repository's own polynomial. The cut points are part of what a
repository deduplicates against: golden values in the tests guard upgrades of the cutter.
"""

import hashlib
from collections.abc import Iterator

from pyfastcdc import FastCDC
from pyfastcdc.cy import FastCDC as CompiledFastCDC

from backup.stores.base import Buffer

SMALLEST = 512 << 10
AVERAGE = 1 << 20
LARGEST = 8 << 20
assert FastCDC is CompiledFastCDC, "the pure Python cutter is far too slow to write with"  # noqa: S101 -- a wrong installation, not a wrong input


class Chunker:
    """Cuts buffers; boundaries depend only on the bytes since the last cut."""

    def __init__(self, polynomial: int) -> None:
        digest = hashlib.sha256(format(polynomial, "x").encode()).digest()
        seed = int.from_bytes(digest[:8], "big") >> 1  # the cutter doubles it within 64 bits
        self._cutter = FastCDC(AVERAGE, min_size=SMALLEST, max_size=LARGEST, seed=seed)

    def cut(self, data: Buffer, *, last: bool) -> Iterator[tuple[int, int]]:
        """Yield (start, end) of each chunk that is certain, in order.

        Unless this is the `last` buffer, what remains behind the final pair goes in front of the
        next buffer: a chunk there could still grow.
        """
        size = len(data)
        for chunk in self._cutter.cut_buf(memoryview(data)):
            end = chunk.offset + chunk.length
            if end == size and not last and chunk.length < LARGEST:
                return
            yield chunk.offset, end
