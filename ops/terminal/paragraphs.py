"""Write indented sentences that wrap where a terminal ends; elsewhere each stays on its line.

A command between backticks is never broken: it is copied from the screen.

Long lines for a person at a terminal: indented, and wrapped to it.
"""

import re
import shutil
import textwrap

from ops.language.text import make_visible
from ops.terminal.output import is_terminal, write_line

LONGEST_LINE = 100
_COMMAND = re.compile(r"`[^`]*`")
_HARD_BLANK = "\u00a0"


def write_indented(text: str, indent: str, hanging: str | None = None, *, style: str = "") -> None:
    """Write one sentence.

    Args:
        text: May hold commands between backticks.
        indent: What the first line begins with.
        hanging: What the lines after it begin with; as many blanks as `indent` unless given.
        style: How it stands out on a terminal, in rich's words; empty for plain.
    """
    if not is_terminal():
        write_line(indent + text)
        return
    width = min(shutil.get_terminal_size().columns, LONGEST_LINE)
    for line in wrap(text, width, indent, " " * len(indent) if hanging is None else hanging):
        write_styled(line, style)


def write_styled(line: str, style: str) -> None:
    """Write one line that stands out on a terminal and is plain elsewhere."""
    if not style or not is_terminal():
        write_line(line)
        return
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(make_visible(line), style=style, markup=False)


def wrap(text: str, width: int, indent: str, hanging: str) -> list[str]:
    """Break a sentence into lines of at most `width` columns, commands left whole."""
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", _HARD_BLANK), text)
    lines = textwrap.wrap(
        kept,
        max(width, 20),
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_HARD_BLANK, " ") for line in lines]


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
