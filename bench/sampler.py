"""Watch the memory of a process tree from a process of its own; started by `bench.measure`.

Speaks over pipes: prints a line when ready, reads the root's process id, samples until its input
ends, then prints one JSON object. Imports almost nothing, so that it starts quickly; after each
sample it rests thirty times as long as the sample took, at least 40 ms, so that it costs little.
"""

import json
import os
import select
import sys
import time
from contextlib import suppress
from pathlib import Path

REST = 0.04
REST_FACTOR = 30
PAGE = os.sysconf("SC_PAGE_SIZE")


def find_tree(root: int, known: set[int]) -> set[int]:
    """Return the root, its living descendants, and those of `known` that outlived a parent."""
    found: set[int] = set()
    waiting = [root, *known]
    while waiting:
        process = waiting.pop()
        if process in found:
            continue
        with suppress(OSError):
            for task in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208 - /proc, many times a second
                text = Path(f"/proc/{process}/task/{task}/children").read_text(encoding="ascii")
                waiting.extend(int(child) for child in text.split())
            found.add(process)
    return found


def memory_of(process: int) -> tuple[int, bool]:
    """Return bytes and whether they are PSS; RSS where the kernel keeps PSS from us.

    A process that set itself undumpable shows its PSS to root only. One that has ended has 0 bytes.
    """
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        for line in text.splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024, True
    except PermissionError:
        with suppress(OSError):
            pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
            return int(pages) * PAGE, False
    except OSError:
        pass
    return 0, True


def main() -> None:
    """Sample until the input ends."""
    print("ready", flush=True)
    root = int(sys.stdin.readline())
    peak, samples, is_pss = 0, 0, True
    known: set[int] = set()
    while True:
        began = time.perf_counter()
        known = find_tree(root, known)
        parts = [memory_of(process) for process in known]
        peak = max(peak, sum(size for size, _ in parts))
        is_pss = is_pss and all(exact for _, exact in parts)
        samples += 1
        rest = max(REST, REST_FACTOR * (time.perf_counter() - began))
        if select.select([sys.stdin], [], [], rest)[0]:
            break
    print(json.dumps({"peak": peak, "samples": samples, "is_pss": is_pss}), flush=True)


if __name__ == "__main__":
    main()
