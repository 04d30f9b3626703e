"""The process of the watch. Started by the service as `python -m ops.service.watch_process`.

What it was asking hosts when it ends is not waited for.
"""

import os
import sys

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.estate.load.load import load_estate
from ops.monitor.watch import run_watch
from ops.service.beside import live_beside

if __name__ == "__main__":
    status = live_beside("watch", lambda stop: run_watch(load_estate(), stop))
    sys.stderr.flush()
    os._exit(status)  # threads that wait for a dead host would hold us up; all is written by now
