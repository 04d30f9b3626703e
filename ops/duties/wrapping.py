"""Long lines for a person at a terminal: indented, and wrapped to it."""

import shutil
import textwrap

from ops.present import write_line

_WIDEST = 120
_INDENT = "    "


def write_wrapped(text: str) -> None:
    """Write a text, indented and wrapped to the terminal."""
    width = min(shutil.get_terminal_size((100, 25)).columns, _WIDEST)
    wrapper = textwrap.TextWrapper(
        width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
    )
    for line in wrapper.wrap(text):
        write_line(line)
