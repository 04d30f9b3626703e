"""One act of the console: a process that runs one task for somebody, as the terminal does.

Started by the office as `python -m ops.service.act_process`. The order comes through
standard input, since it may hold a password; the task's document goes to standard output, what it
says meanwhile to standard error. A task asks nothing here, for there is nobody to ask.
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from backup.workers.core_dumps import forbid_core_dumps
from backup.workers.memory import calm_collector
from ops import wiring as _wiring  # noqa: F401 - lists who gives what to which seam
from ops.access.caller import Caller, acting_for
from ops.access.identity import check_door
from ops.access.prompts import typed_before
from ops.access.requester import proving_with
from ops.console.office.order import Order, parse_order
from ops.jobs.life import die_with_parent
from ops.language.text import speaking
from ops.secret_files import open_secret
from ops.terminal.document import write_document
from ops.terminal.task import PROOF_FLAG, find_task
from ops.terminal.waiting import note_task


def main() -> int:
    """Do the act that standard input describes."""
    calm_collector()
    forbid_core_dumps()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    die_with_parent(int(sys.argv[1]))
    order = parse_order(sys.stdin.buffer.read())
    os.environ["GIUCONG_LANG"] = order.language  # for what it starts
    with speaking(order.language), acting_for(Caller(order.person, order.login, order.address)):
        is_rehearsal = bool(order.values.get("dry_run"))
        return write_document(lambda: _run(order), dry_run=is_rehearsal)


def _run(order: Order) -> int | None:
    note_task(order.task)
    check_door(order.task, order.values)
    with (
        _proving(order) as (values, proof_file),
        proving_with(proof_file),
        typed_before(order.typed),
    ):
        return find_task(order.task).run(values)


@contextmanager
def _proving(order: Order) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Give the task's parameters, and the file that proves, where it is not one of them."""
    if order.proof is None or not order.proof_flag:
        yield order.values, ""
        return
    with open_secret("\n".join(order.proof)) as descriptor:
        name = f"/dev/fd/{descriptor}"
        if order.proof_flag == PROOF_FLAG:
            yield order.values, name
        else:
            yield {**order.values, order.proof_flag: name}, ""


if __name__ == "__main__":
    sys.exit(main())
