"""The process of the office. Started by the service as `python -m ops.service.office_process`.

It imports what acts need, then parts: the office goes on as its child, and it stays behind to fork
acts (`ops.console.office.fork_server`). When the service stops, acts that only look are ended at
once, as by Ctrl-C; those that change something may end by themselves for some time.
"""

import os
import shutil
import socket
import sys
import threading
from pathlib import Path

from backup.workers.core_dumps import forbid_core_dumps
from backup.workers.memory import calm_collector
from ops.console.frames import socket_path
from ops.console.office.act_runs import ActRuns
from ops.console.office.counter import Counter
from ops.console.office.desk import EstateKeeper
from ops.console.office.fork_server import ForkServer, serve_forks, warm_up
from ops.console.office.server import listen, serve
from ops.console.page import all_pages
from ops.estate.model.own_site import results_folder
from ops.jobs.life import die_with_parent
from ops.service import terminal_door
from ops.service.act_process import do_act
from ops.service.beside import live_beside
from ops.terminal.elsewhere import SOCKET
from ops.terminal.task import all_tasks


def main() -> int:
    """Import, part, and be the one that forks; gives the exit code."""
    forbid_core_dumps()
    calm_collector()
    die_with_parent(int(sys.argv[1]))
    warm_up({it.act.partition(":")[0] for it in all_tasks().values() if isinstance(it.act, str)})
    all_pages()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent, office = os.getpid(), os.fork()
    if office == 0:
        ours.close()
        sys.argv[1] = str(parent)
        os._exit(live_beside("office", lambda stop: answer(stop, ForkServer(theirs))))
    theirs.close()
    return os.waitstatus_to_exitcode(
        serve_forks(ours, do_act, grace=terminal_door.STOP_SECONDS, office=office)
    )


def answer(stop: threading.Event, forks: ForkServer) -> None:
    """Answer console and terminals about the estate that the environment names."""
    keeper = EstateKeeper()
    estate, _catalog = keeper.get()
    acts = ActRuns(results_folder(estate), forks)
    path = socket_path(Path(estate.service.state))
    secrets = path.with_name("acts")
    shutil.rmtree(secrets, ignore_errors=True)  # of an office that was killed
    door = terminal_door.TerminalDoor(keeper, forks, results_folder(estate), secrets, stop)
    with listen(path) as listener, terminal_door.listen(path.with_name(SOCKET.name)) as terminals:
        typing = threading.Thread(target=door.serve, args=(terminals,), daemon=True)
        typing.start()
        counter = Counter(keeper, acts)
        serve(listener, counter.handlers(), stop, counter.whose)
        typing.join()
    acts.close()


if __name__ == "__main__":
    sys.exit(main())
