"""Show how far long work is: a bar on a terminal, now and then a plain line elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backup.progress import Progress
from ops.language.causes import tell_error
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, make_visible, show_path
from ops.terminal.output import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

STAGES = (
    N_("back up"), N_("restore files"), N_("verify files"), N_("load snapshots"), N_("load index"),
    N_("check folders"), N_("read packs"), N_("read pack headers"), N_("remove snapshots"),
    N_("find used data"), N_("repack"), N_("write index"), N_("delete old index"),
    N_("delete packs"),
)  # fmt: skip
"""The stages of the engine, as its `Progress` names them; others are shown as they are."""

_LINE_EVERY_SECONDS = 10.0
_REDRAW_EVERY_SECONDS = 0.1
_MOST_ERRORS_SHOWN = 20


class PassOn:
    """A progress that tells another one everything; for those who only listen in."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner

    @property
    def wants_items(self) -> bool:
        """Whatever the other one wants."""
        return self._inner.wants_items

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Pass it on."""
        self._inner.start(stage, total, unit, items=items)

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Pass it on."""
        self._inner.advance(amount, items=items)

    def expect(self, total: int, *, items: int) -> None:
        """Pass it on."""
        self._inner.expect(total, items=items)

    def finish(self) -> None:
        """Pass it on."""
        self._inner.finish()

    def item(self, action: str, path: bytes, size: int) -> None:
        """Pass it on."""
        self._inner.item(action, path, size)

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Pass it on."""
        self._inner.item_error(path, during, error)

    def note(self, text: str) -> None:
        """Pass it on."""
        self._inner.note(text)


class LineProgress:
    """Writes a plain line to standard error every ten seconds of a stage; short ones are silent."""

    wants_items = False

    def __init__(self) -> None:
        self._stage, self._unit = "", ""
        self._total: int | None = None
        self._done = self._items = self._errors = 0
        self._told_at = 0.0

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Begin a stage."""
        del items
        self._stage, self._unit, self._total = stage, unit, total
        self._done = self._items = 0
        self._told_at = time.monotonic()

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Count, and write a line when it is time."""
        self._done += amount
        self._items += items
        now = time.monotonic()
        if now - self._told_at >= _LINE_EVERY_SECONDS:
            self._told_at = now
            self._write(f"{_(self._stage)}: {self.describe()}")

    def expect(self, total: int, *, items: int) -> None:
        """Correct the total."""
        del items
        self._total = total

    def describe(self) -> str:
        """Say how much of the stage is done."""
        if self._unit == "bytes":
            done, total = format_size(self._done), self._total and format_size(self._total)
        else:
            done, total = format_number(self._done), self._total and format_number(self._total)
        return f"{done} / {total}" if total else done

    def finish(self) -> None:
        """End the stage."""

    def item(self, action: str, path: bytes, size: int) -> None:
        """Ignore it; it is not asked for."""

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Write the first ones; the result counts them all."""
        del during
        self._errors += 1
        if self._errors <= _MOST_ERRORS_SHOWN:
            reason = tell_error(error)
            text = _("not read: {path}: {reason}").format(path=show_path(path), reason=reason)
            self._write(text)

    def note(self, text: str) -> None:
        """Write it."""
        self._write(_(text))

    def _write(self, text: str) -> None:
        sys.stderr.write(f"  {make_visible(text)}\n")
        sys.stderr.flush()


class BarProgress(LineProgress):
    """Draws one bar on the terminal and takes it away at the end."""

    def __init__(self, bars: "Bars") -> None:
        super().__init__()
        self._bars = bars
        self._task: TaskID | None = None
        self._drawn_at = 0.0

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Begin a stage, and so a bar."""
        super().start(stage, total, unit, items=items)
        self.finish()
        self._task = self._bars.add_task(_(stage), total=total, told="")

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Count, and draw again when it is time."""
        self._done += amount
        self._items += items
        now = time.monotonic()
        if self._task is not None and now - self._drawn_at >= _REDRAW_EVERY_SECONDS:
            self._drawn_at = now
            self._bars.update(self._task, completed=self._done, told=self.describe())

    def expect(self, total: int, *, items: int) -> None:
        """Correct the total."""
        super().expect(total, items=items)
        if self._task is not None:
            self._bars.update(self._task, total=total)

    def finish(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def _write(self, text: str) -> None:
        self._bars.console.print(
            f"  {make_visible(text)}", style="yellow", highlight=False, markup=False
        )


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Give a progress that fits where standard output goes."""
    if not is_terminal():
        yield LineProgress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True) as bars:
        yield BarProgress(bars)
