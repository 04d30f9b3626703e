"""How much work something is, whatever else the machine does meanwhile."""

import time
from collections.abc import Callable


def takes_at_most(seconds: float, work: Callable[[], object]) -> bool:
    """Whether some work can be done in so many seconds of this process's own processor time.

    A virtual machine that stands still for a while counts that too, and the collector of garbage
    may come: who is too slow once gets two more chances.
    """
    for _chance in range(3):
        started = time.process_time()
        work()
        if time.process_time() - started <= seconds:
            return True
    return False
