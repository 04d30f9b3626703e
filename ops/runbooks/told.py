"""Show what a command wrote so that no line of it can be taken for one of the runner's own."""

import shutil
import sys

from rich.cells import chop_cells

from ops.language.text import make_visible
from ops.terminal.output import is_terminal, write_line

MARK = "   │ "
"""Before each line of a command's output, and before none of the runner's."""


def write_told(text: str, *, whole: bool = False) -> None:
    """Write each line behind the mark; on a terminal each piece of one that it would break.

    Args:
        text: Some lines.
        whole: Leave that to the terminal.
    """
    for line in text.splitlines():
        for piece in _cut(line) if is_terminal() and not whole else [line]:
            write_line(f"{MARK}{piece}")
    sys.stdout.flush()


def _cut(line: str) -> list[str]:
    width = shutil.get_terminal_size().columns - len(MARK)
    return chop_cells(make_visible(line).expandtabs(), max(width, 1)) or [""]
