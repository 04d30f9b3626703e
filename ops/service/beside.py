"""The life of a process beside the service (`ops.service.serve`): the office, the watch.

It is tied to the service's, and ends on SIGTERM.
"""

import logging
import signal
import sys
import threading
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from backup.workers.core_dumps import forbid_core_dumps
from backup.workers.memory import calm_collector
from ops.errors import OpsError
from ops.jobs.life import die_with_parent
from ops.service.log_lines import log_to_stderr

log = logging.getLogger(__name__)

FAILED = 1


def live_beside(name: str, work: Callable[[threading.Event], None]) -> int:
    """Work until the event is set; gives the exit code.

    Args:
        name: For the log, which says why it could not: `NAME-cannot-run`.
        work: What it does.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the whole terminal; the service passes it on
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    calm_collector()
    forbid_core_dumps()
    die_with_parent(int(sys.argv[1]))
    log_to_stderr()
    try:
        work(stop)
    except (OpsError, OSError, DBAPIError) as error:
        # the driver's text may hold where, and as whom
        told = str(error) if isinstance(error, OpsError) else type(error).__name__
        log.error(f"{name}-cannot-run", extra={"fields": {"error": told}})  # noqa: G004, TRY400 - the event's name; one line an event
        return FAILED
    return 0
