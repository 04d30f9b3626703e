"""AES-CTR for many short messages at once: the one ugly module, for speed.

Setting up a cipher costs several microseconds, more than encrypting a small file. So the counter
blocks of a whole batch are laid out side by side, encrypted by one call in ECB mode, and combined
with the padded messages by one vectorised XOR. Each message still has an IV of its own from the
operating system, and the result is byte for byte that of CTR mode.

Counter block number b of a message is its IV plus b, as one big-endian number of 128 bits.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import CipherContext

from backup.stores.base import Buffer

_BLOCK = 16
# A message has fewer than 2^32 bytes, so only above this can its low half overflow.
_NO_CARRY = (1 << 64) - (1 << 28) - 1
_Numbers = npt.NDArray[np.int64]


def combine(ecb: CipherContext, ivs: bytes, messages: Sequence[Buffer]) -> list[bytes]:
    """Encrypt or decrypt (in CTR mode both are the same) messages, in their order.

    Args:
        ecb: An encryptor in ECB mode under the messages' key.
        ivs: 16 bytes a message, joined.
        messages: Plaintexts or ciphertexts.
    """
    lengths = np.fromiter(map(len, messages), np.int64, len(messages))
    blocks = (lengths + (_BLOCK - 1)) // _BLOCK
    ends = np.cumsum(blocks)
    starts = ends - blocks
    total = int(ends[-1]) if len(messages) else 0
    keystream = np.frombuffer(ecb.update(_counters(ivs, blocks, starts, total)), np.uint64)
    padded = bytearray(total * _BLOCK)
    spans = list(zip((starts * _BLOCK).tolist(), (starts * _BLOCK + lengths).tolist(), strict=True))
    for (start, end), message in zip(spans, messages, strict=True):
        padded[start:end] = message
    words = np.frombuffer(padded, np.uint64)
    np.bitwise_xor(words, keystream, out=words)
    view = memoryview(padded)
    return [bytes(view[start:end]) for start, end in spans]


def _counters(ivs: bytes, blocks: _Numbers, starts: _Numbers, total: int) -> memoryview:
    halves = np.frombuffer(ivs, ">u8").reshape(-1, 2).astype(np.uint64)
    low = np.repeat(halves[:, 1] - starts.astype(np.uint64), blocks)  # modulo 2^64, as all this
    low += np.arange(total, dtype=np.uint64)
    high = halves[:, 0]
    counters = np.empty((total, 2), ">u8")
    counters[:, 0] = np.repeat(high, blocks)
    counters[:, 1] = low
    if np.any(halves[:, 1] > np.uint64(_NO_CARRY)):
        first_low = np.repeat(halves[:, 1], blocks)
        counters[:, 0] = np.repeat(high, blocks) + (low < first_low)
    return counters.data.cast("B")
