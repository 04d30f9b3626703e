"""Keep the memory of a process, with the keys in it, out of core dumps and other processes' reach.

The kernel forgets it when a program is executed, so each of our processes says it for itself.
"""

import ctypes
import resource

_PR_SET_DUMPABLE = 4  # source: linux/prctl.h


def forbid_core_dumps() -> None:
    """Have the kernel write no image of this process, nor show its memory to others of its user.

    The limit is for what this process starts: programs that know nothing of the first.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
