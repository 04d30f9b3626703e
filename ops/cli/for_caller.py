"""A task that a runbook runs for somebody at the console: `python -m ops.cli.for_caller N WORDS…`.

Who that is stands in the open file N, handed over by the act's process. It lends nothing: whoever
can start Python as the service's user has all of that user's rights anyway.
"""

import json
import os
import sys

from ops.access.caller import Caller, acting_for
from ops.cli.main import main


def run() -> None:
    """Run the task that the words name."""
    with os.fdopen(int(sys.argv.pop(1))) as file:
        caller = Caller(**json.load(file))
    sys.argv[0] = "giucong"
    with acting_for(caller):
        main()


if __name__ == "__main__":
    run()
