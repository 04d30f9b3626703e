"""Tell sentences, which a terminal wraps; elsewhere each stays on its line."""

import shutil
import textwrap

from ops.language.text import make_visible
from ops.terminal.output import Sentence, border, write_line

_WIDEST = 120
_INDENT = "    "


def write_indented(text: str, indent: str, hanging: str | None = None, *, style: str = "") -> None:
    """Tell one sentence, see `Sentence`; without `hanging` all its lines begin at one column."""
    hanging = " " * len(indent) if hanging is None else hanging
    told = Sentence(make_visible(text), make_visible(indent), make_visible(hanging), style)
    border().show(told)


def write_wrapped(text: str) -> None:
    """Tell a text on lines as wide as the terminal, or a page."""
    width = min(shutil.get_terminal_size((100, 25)).columns, _WIDEST)
    wrapper = textwrap.TextWrapper(
        width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
    )
    for line in wrapper.wrap(text):
        write_line(line)
