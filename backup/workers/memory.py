"""Memory of this process: Python's collector of garbage, and what the C library keeps for later."""

import ctypes
import gc

# New containers between two looks; Python's own figure is 700. A backup makes millions of values
# and hardly a cycle, and looking at all of them again and again takes a twentieth of its time.
_CALM = 200_000


def calm_collector() -> None:
    """Have this process look for cycles seldom, and never again at what there is now."""
    gc.freeze()
    gc.set_threshold(_CALM)


def give_back_memory() -> None:
    """Give the system what was freed; the C library keeps it otherwise, for as long as we live.

    For after a large piece of work that comes once. Does nothing where the C library is not GNU's.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
