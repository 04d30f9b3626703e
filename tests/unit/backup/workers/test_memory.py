"""What was freed goes back to the system, not only to the C library."""

import os
from pathlib import Path

from backup.workers.memory import give_back_memory

MIB = 1 << 20


def resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_freed_memory_goes_back_though_some_of_it_is_still_used() -> None:
    blocks = [bytes(4_000) for _ in range(16_000)]
    kept = blocks[::500]  # each keeps the C library from giving back what lies below
    del blocks
    before = resident()
    give_back_memory()
    assert before - resident() > 32 * MIB
    assert all(block == bytes(4_000) for block in kept)
