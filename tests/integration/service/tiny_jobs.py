"""Kinds of jobs small enough to watch; a worker imports this module by its name."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ops.errors import OpsError
from ops.parts import give
from ops.schedule.kinds import JobKind, RunContext
from ops.schedule.ledger.job import JobResult
from ops.service.settings import TIME_IS_OVER


def note(context: RunContext) -> JobResult:
    """Add a line to a file: one line for one run."""
    line = f"{context.job} {context.run_id}\n".encode()
    descriptor = os.open(context.arguments["file"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, line)
    os.close(descriptor)
    return JobResult("ok", summary={"lines": 1})


def linger(context: RunContext) -> JobResult:
    """Start a child, tell both process ids, and stay."""
    return _stay(context, subprocess.Popen(["/bin/sleep", "60"]))


def stick(context: RunContext) -> JobResult:
    """Hear nothing any more, with a child in a session of its own, and stay."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, TIME_IS_OVER})
    return _stay(context, subprocess.Popen(["/bin/sleep", "600"], start_new_session=True))


def _stay(context: RunContext, child: subprocess.Popen[bytes]) -> JobResult:
    told = Path(context.arguments["file"])
    told.with_suffix(".part").write_text(f"{os.getpid()} {child.pid}")
    told.with_suffix(".part").rename(told)
    time.sleep(60)
    return JobResult("ok")


def refuse(_context: RunContext) -> JobResult:
    """Fail as a library does."""
    raise OpsError(
        "the store {name} is full", why="0 bytes are free", data="nothing was lost", name="near"
    )


def crash(_context: RunContext) -> JobResult:
    """Fail as a mistake does."""
    raise ValueError("postgresql://giucong:hunter2@db/x")


def leave(_context: RunContext) -> JobResult:
    """End the process from inside a runner."""
    sys.exit(0)


give("ledger-listeners")
for runner in (note, linger, stick, refuse, crash, leave):
    name = runner.__name__
    kind = JobKind(name=name, title=name, run=f"{__name__}:{name}", jobs=lambda _estate: ())
    give("job-kinds", kind)
