"""The process of the watch. Started by the service as `python -m ops.service.watch_process`.

Its life is tied to the service's. It ends on SIGTERM; what it was asking hosts meanwhile is not
waited for.
"""

import logging
import os
import signal
import sys
import threading

from sqlalchemy.exc import DBAPIError

from backup.workers.core_dumps import forbid_core_dumps
from backup.workers.memory import calm_collector
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.jobs.life import die_with_parent
from ops.monitor.watch.run import run_watch
from ops.service.log_lines import log_to_stderr

log = logging.getLogger(__name__)

FAILED = 1


def main() -> int:
    """Watch the estate that the environment names."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the whole terminal; the service passes it on
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    calm_collector()
    forbid_core_dumps()
    die_with_parent(int(sys.argv[1]))
    log_to_stderr()
    try:
        run_watch(load_estate(), stop)
    except OpsError as error:
        return _give_up(str(error))
    except (OSError, DBAPIError) as error:
        return _give_up(type(error).__name__)  # the driver's text may hold where, and as whom
    return 0


def _give_up(why: str) -> int:
    log.error("watch-cannot-run", extra={"fields": {"error": why}})
    return FAILED


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # threads that wait for a dead host would hold us up; all is written by now
