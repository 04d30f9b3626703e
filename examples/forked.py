"""Runs work in processes forked from this one, which has imported all of it: each begins at once.

Whoever forks has nothing open that may not be shared: no other thread, no connection to a catalog.
"""

import gc
import os
import select
import sys
import traceback
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import NoReturn

from examples.failure import DemoFailedError
from ops.errors import OpsError
from ops.jobs.life import die_with_parent
from ops.language.text import render_error
from ops.parts import find
from ops.terminal.task import all_tasks


def import_all() -> None:
    """Import what every task does, once for all who are forked."""
    for task in all_tasks().values():
        if isinstance(task.act, str):
            find(task.act)
    gc.freeze()  # pages that a collection would write to are not shared any longer


class Forked:
    """Work under way in a process of its own, which ends with this one.

    Args:
        work: What is done; may give a text.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._told, self._given = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - `end` closes them
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._run(work, parent)
        self._handle = os.pidfd_open(self._pid)

    def has_ended(self, seconds: float | None = None) -> bool:
        """Wait that long, or for as long as it takes; say whether it has ended."""
        return bool(select.select([self._handle], [], [], seconds)[0])

    def end(self) -> tuple[str, str]:
        """Wait for the end; gives all it wrote, then the text that it came to.

        Raises:
            DemoFailedError: It failed; the text is all it wrote.
        """
        _pid, status = os.waitpid(self._pid, 0)
        os.close(self._handle)
        texts = []
        for file in (self._told, self._given):
            with file:
                file.seek(0)
                texts.append(file.read().decode("utf-8", "replace"))
        if status:
            raise DemoFailedError(texts[0].strip())
        return texts[0], texts[1]

    def _run(self, work: Callable[[], object], parent: int) -> NoReturn:
        """Do it, in the new process; nothing of the other one's is closed or tidied up here."""
        code = 1
        try:
            die_with_parent(parent)
            for stream in (1, 2):
                os.dup2(self._told.fileno(), stream)
            given = work()
            self._given.write(given.encode() if isinstance(given, str) else b"")
            self._given.flush()
            code = 0
        except DemoFailedError as error:
            print(error)
        except OpsError as error:
            print(render_error(error))
        except KeyboardInterrupt:
            pass
        except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def at_once(*works: Callable[[], object]) -> None:
    """Do several things at the same time, each in a process of its own.

    Raises:
        DemoFailedError: One failed; the others have ended before that is told.
    """
    failures = []
    for one in [Forked(it) for it in works]:
        try:
            one.end()
        except DemoFailedError as error:
            failures.append(str(error))
    if failures:
        raise DemoFailedError("\n".join(failures))
