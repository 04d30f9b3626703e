"""What an act tells: lines and tables for people, rows for programs. Nothing is printed here.

Who runs an act sets the border that it crosses: one prints for people (`ops.terminal.printer`), one
keeps all of it as the act's result (`ops.terminal.document`).
"""

import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from ops.language.formats import format_number
from ops.language.text import N_, _, make_visible

if TYPE_CHECKING:
    from ops.terminal.printer import Printer

_WIDEST, _INDENT = 120, "    "
Tone = Literal["plain", "good", "stated", "warning", "bad", "faint"]
OUTCOMES: dict[str, tuple[str, Tone]] = {
    "ok": (N_("ok"), "good"),
    "incomplete": (N_("incomplete"), "warning"),
    "failed": (N_("failed"), "bad"),
    "not_checked": (N_("not checked"), "warning"),
    "missed": (N_("missed"), "bad"),
    "skipped": (N_("skipped"), "faint"),
}
VERDICTS: dict[str, tuple[str, Tone]] = {
    **OUTCOMES,
    "ok": (N_("passed"), "good"),
    "stated": (N_("stated, not proven"), "stated"),
    "failed": (N_("not passed"), "bad"),
}
"""What they are called of a drill, a check, a target or a duty: none of them is a run."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A table's cell with a tone; a bare string is a plain cell.

    `at` is the moment it tells of, `link` the page of the console that tells more of it.
    """

    text: str
    tone: Tone = "plain"
    at: str = ""
    link: str = ""


class Line(NamedTuple):
    """Cells one after the other, perhaps bold."""

    cells: Sequence[Cell]
    bold: bool = False


class Sentence(NamedTuple):
    """One sentence, its first line and those after it indented; `style` in rich's words.

    A terminal wraps it, but never a command between backticks: it is copied from the screen.
    """

    text: str
    indent: str
    hanging: str
    style: str


class Text(NamedTuple):
    """A text with newlines of its own; a program that reads it gets it as it is."""

    text: str


class Quoted(NamedTuple):
    """What a command wrote: no piece of it looks like what is told here, unless it is `whole`."""

    lines: Sequence[str]
    whole: bool


class Square(NamedTuple):
    """What a terminal, and nothing else, shows as a square to scan."""

    text: str


class Table(NamedTuple):
    """Rows below translated heads; `right` are the columns that hold figures."""

    columns: Sequence[str]
    rows: list[list[Cell]]
    title: str
    right: Sequence[int]


Block = Line | Sentence | Text | Quoted | Square | Table


BORDER: ContextVar["Printer | None"] = ContextVar("border", default=None)


def border() -> "Printer":
    """Give who is told what runs here."""
    if found := BORDER.get():
        return found
    raise RuntimeError("nobody is told: what runs here is no act")


def is_terminal() -> bool:
    """Tell whether a person looks at what is told as it comes."""
    return border().is_terminal()


def flush() -> None:
    """Have all that was told seen before somebody is asked."""
    border().flush()


def write_square(text: str) -> None:
    """Tell something as a square to scan, see `Square`."""
    border().show(Square(text))


def outcome_cell(outcome: str) -> Cell:
    """Give an outcome of the shared vocabulary in the reader's language, in its colour."""
    text, tone = OUTCOMES[outcome]
    return Cell(_(text), tone)


def verdict_cell(outcome: str) -> Cell:
    """Give what a drill, a check or a target came to in the reader's language, in its colour."""
    text, tone = VERDICTS[outcome]
    return Cell(_(text), tone)


def write_line(text: str = "", /, **params: object) -> None:
    """Tell one line; whole numbers among what fills it in are written as the reader does."""
    if params:
        shown = {name: format_number(it) if type(it) is int else it for name, it in params.items()}
        text = text.format(**shown)
    border().show(Line([Cell(make_visible(text))]))


def write_cells(cells: Sequence[Cell], *, bold: bool = False) -> None:
    """Tell cells one after the other on a line; on a terminal in their tones, perhaps bold."""
    border().show(Line([_visible(it) for it in cells], bold))


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


def write_text(text: str) -> None:
    """Tell a text, see `Text`."""
    border().show(Text(text))


def write_quoted(text: str, *, whole: bool = False) -> None:
    """Tell what a command wrote, see `Quoted`."""
    border().show(Quoted([make_visible(it) for it in text.splitlines()], whole))


def write_json(items: Iterable[object], **whole: object) -> None:
    """Give a task's result to programs; the shape stands in `ops.terminal.document`.

    Args:
        items: A row each: dataclasses or mappings.
        whole: What is true of all of them together.
    """
    border().give(items, whole)


def write_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    *,
    title: str = "",
    right: Sequence[int] = (),
) -> None:
    """Tell a table; `rows` are each as long as `columns`, the heads in the reader's language."""
    cells = [[_visible(Cell(it) if isinstance(it, str) else it) for it in row] for row in rows]
    heads = [make_visible(it) for it in columns]
    border().show(Table(heads, cells, make_visible(title), right))


def _visible(cell: Cell) -> Cell:
    return Cell(make_visible(cell.text), cell.tone)


def text_width(text: str) -> int:
    """Give the columns a text takes on screen: combining marks take none."""
    return sum(not unicodedata.combining(character) for character in text)
