"""A worker whose window is over when SIGUSR1 says so, as its timer would: `… PARENT`."""

import signal
import sys

from ops.service import worker


class _Stop(worker._Stop):
    """What the worker makes, and the signal besides."""

    def __init__(self) -> None:
        super().__init__()
        signal.signal(signal.SIGUSR1, lambda _signal, _frame: self.end_window())


if __name__ == "__main__":
    vars(worker)["_Stop"] = _Stop
    sys.exit(worker.main())
