"""The process of the office. Started by the service as `python -m ops.service.office_process`.

Acts under way are ended with it, as by Ctrl-C.
"""

import sys
import threading
from pathlib import Path

from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.console.frames import socket_path
from ops.console.office.act_runs import ActRuns
from ops.console.office.counter import Counter
from ops.console.office.desk import Keeper
from ops.console.office.server import listen, serve
from ops.console.page import all_pages
from ops.estate.model.own_site import results_folder
from ops.service.beside import live_beside


def answer(stop: threading.Event) -> None:
    """Answer the console about the estate that the environment names."""
    keeper = Keeper()
    estate, _catalog = keeper.get()
    acts = ActRuns(results_folder(estate))
    all_pages()
    with listen(socket_path(Path(estate.service.state))) as listener:
        serve(listener, Counter(keeper, acts).handlers(), stop)
    acts.close()


if __name__ == "__main__":
    sys.exit(live_beside("office", answer))
