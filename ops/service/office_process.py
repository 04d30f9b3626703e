"""The process of the office. Started by the service as `python -m ops.service.office_process`.

Its life is tied to the service's. It ends on SIGTERM; acts under way are ended as by Ctrl-C.
"""

import logging
import signal
import sys
import threading
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from backup.workers.core_dumps import forbid_core_dumps
from backup.workers.memory import calm_collector
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.console.frames import socket_path
from ops.console.office.act_runs import ActRuns
from ops.console.office.counter import Counter
from ops.console.office.desk import Keeper
from ops.console.office.server import listen, serve
from ops.console.page import all_pages
from ops.errors import OpsError
from ops.estate.model.own_site import results_folder
from ops.jobs.life import die_with_parent
from ops.service.log_lines import log_to_stderr

log = logging.getLogger(__name__)

FAILED = 1


def main() -> int:
    """Answer the console about the estate that the environment names."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the whole terminal; the service passes it on
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    calm_collector()
    forbid_core_dumps()
    die_with_parent(int(sys.argv[1]))
    log_to_stderr()
    try:
        keeper = Keeper()
        estate, _catalog = keeper.get()
        acts = ActRuns(results_folder(estate))
        all_pages()
        with listen(socket_path(Path(estate.service.state))) as listener:
            serve(listener, Counter(keeper, acts).handlers(), stop)
        acts.close()
    except (OpsError, OSError, DBAPIError) as error:
        told = str(error) if isinstance(error, OpsError) else type(error).__name__
        return _give_up(told)
    return 0


def _give_up(why: str) -> int:
    log.error("office-cannot-run", extra={"fields": {"error": why}})
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
