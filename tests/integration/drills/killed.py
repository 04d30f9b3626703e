"""Run `drill.run` and die in one phase: `python -m tests.integration.drills.killed PHASE …`.

The phase has done its work, and is killed (SIGKILL) before it has written how it ended.
"""

import os
import signal
import sys
from typing import Any

from ops.cli.main import main
from ops.drills.phases import run


def die_in(phase: str) -> None:
    """Have the process killed at the end of a phase's work."""

    def die(*_arguments: object) -> Any:
        if phase != "conclude":
            bodies[phase](*_arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    bodies: dict[str, Any] = dict(run._BODIES)
    if phase == "conclude":
        vars(run)["conclude"] = die
    else:
        vars(run)["_BODIES"] = {**bodies, phase: die}


if __name__ == "__main__":
    die_in(sys.argv[1])
    sys.argv = ["giucong", *sys.argv[2:]]
    main()
