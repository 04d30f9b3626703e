"""The sandbox's first process, once it stands: it watches, and a child of its own does the work.

What comes from a site may keep whoever reads it busy without end: one regular expression holds up
all threads of a Python process until it is done. So who watches is a process that reads nothing of
the site's, and ends everything inside by ending.

1. A child is forked. It tells what it has found so far after each part of the work, as a line.
2. The first process looks, takes lines in, and reaps whoever inside has lost its parent.
3. It ends when the child has, when too much is taken of the machine, or when time is over.
"""

import os
import select
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from ops.sandbox.isolation.limits import LOOK_EVERY_SECONDS, find_breach
from ops.sandbox.plan import RehearsalPlan
from ops.sandbox.result import RehearsalResult, Remark, read_result, write_result

Tell = Callable[[RehearsalResult], None]
"""Tells what is known so far; the last word counts."""

_READ_BYTES = 1 << 16
_GRACE_SECONDS = 5.0
"""So long a child is waited for that has not noticed that its time is over."""


def guard(
    plan: RehearsalPlan, until: float, known: RehearsalResult, work: Callable[[Tell], None]
) -> RehearsalResult:
    """Have the work done and watched; gives what it has told last, and why it was ended.

    Args:
        plan: Says what may be taken.
        until: When time is over, as `time.monotonic` counts.
        known: What is known before it begins.
        work: Done in a process of its own.

    Raises:
        SystemExit: That process broke; it has said why on its standard error.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _work(writing, work)
    os.close(writing)
    pieces: list[bytes] = []
    while (remark := _find_end(plan, until)) is None:
        if not select.select([reading], [], [], LOOK_EVERY_SECONDS)[0]:
            continue
        data = os.read(reading, _READ_BYTES)
        if not data:
            _pid, status = os.waitpid(child, 0)
            if status != 0:
                raise SystemExit(1)
            return known
        pieces.append(data)
        if b"\n" in data:
            *lines, rest = b"".join(pieces).split(b"\n")
            known, pieces = read_result(lines[-1].decode()), [rest]
        _reap(child)
    return replace(known, remarks=(remark, *known.remarks))


def _work(writing: int, work: Callable[[Tell], None]) -> NoReturn:
    def tell(known: RehearsalResult) -> None:
        line.write(f"{write_result(known)}\n".encode())
        line.flush()

    status = 1
    try:
        with open(writing, "wb") as line:
            work(tell)
        status = 0
    except Exception:  # noqa: BLE001 -- the process ends here
        traceback.print_exc()
    finally:
        os._exit(status)  # what the first process was about to do is not the child's


def _find_end(plan: RehearsalPlan, until: float) -> Remark | None:
    if time.monotonic() > until + _GRACE_SECONDS:
        return Remark("failed", "too_late", {"seconds": plan.deadline_seconds})
    return find_breach(plan.bounds)


def _reap(child: int) -> None:
    """Let go of those that have ended and whose parents have; the child is waited for elsewhere."""
    with suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == child:
                return
            os.waitpid(ended.si_pid, 0)
