"""Python's collector of cyclic garbage, told to keep out of the way."""

import gc

# New containers between two looks; Python's own figure is 700. A backup makes millions of values
# and hardly a cycle, and looking at all of them again and again takes a twentieth of its time.
_CALM = 200_000


def calm_collector() -> None:
    """Have this process look for cycles seldom, and never again at what there is now."""
    gc.freeze()
    gc.set_threshold(_CALM)
