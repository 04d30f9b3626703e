"""The operators' tasks for fabric's own program, from wherever it was installed."""

import sys
from pathlib import Path

sys.dont_write_bytecode = False  # fabric turns it on, and every start would compile us again

from backup.workers.core_dumps import forbid_core_dumps  # noqa: E402 - after the line above
from ops.cli.collections import load_tasks  # noqa: E402 - after the line above
from ops.cli.program import dress_fab  # noqa: E402 - after the line above

forbid_core_dumps()
dress_fab(Path(__file__))
namespace = load_tasks()
