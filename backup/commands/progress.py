"""How long work is shown: bars on a terminal, lines elsewhere.

With --json `backup.commands.progress_messages` tells it.
``RESTIC_PROGRESS_FPS`` sets how often lines or messages come; without it lines come only where a
stage begins and ends, messages ten times a second.
"""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from backup.commands.context import Context
from backup.commands.output import (
    Output,
    disarm,
    format_duration,
    format_size,
    show_path,
    show_text,
)
from backup.errors import BackupError

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from backup.archiver.scan import Scan

_JSON_INTERVAL = 0.1
_BAR_INTERVAL = 0.1
_FASTEST = 60.0
_SLOWEST = 1024  # bytes a second below which nobody can say how long it will take, as restic has it
# How many -v it takes to be told of every item.
_ITEMS_OF_BACKUP, _ITEMS_OF_RESTORE, _ITEMS_AS_TEXT = 1, 2, 2


def make_progress(context: Context) -> "QuietProgress":
    """Choose how to show work for this command line."""
    verbose = context.arguments.verbose
    interval = _interval(context.environment)
    if context.json:
        from backup.commands.progress_messages import JsonProgress

        is_backup = context.arguments.verb == "backup"
        return JsonProgress(
            context.output,
            interval=interval or _JSON_INTERVAL,
            is_backup=is_backup,
            wants_items=verbose >= (_ITEMS_OF_BACKUP if is_backup else _ITEMS_OF_RESTORE),
            wants_status=context.arguments.verb in {"backup", "restore"} and not context.quiet,
        )
    wants_items = verbose >= _ITEMS_AS_TEXT
    if context.quiet:
        return QuietProgress(context.output)
    if sys.stderr.isatty() and context.environment.get("TERM") != "dumb":
        return BarProgress(context.output, wants_items=wants_items)
    return LineProgress(context.output, interval=interval, wants_items=wants_items)


def _interval(environment: Mapping[str, str]) -> float | None:
    try:
        rate = float(environment.get("RESTIC_PROGRESS_FPS", ""))
    except ValueError:
        return None
    return 1 / min(rate, _FASTEST) if rate > 0 else None


class Counter:
    """The figures of one stage."""

    def __init__(self, stage: str, total: int | None, unit: str, items: int | None) -> None:
        self.stage = stage
        self.total = total
        self.unit = unit
        self.total_items = items
        self.done = 0
        self.items = 0
        self.started_at = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the stage began."""
        return time.monotonic() - self.started_at

    def fraction(self) -> float:
        """How much of the stage is done, from 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def remaining(self) -> int:
        """Seconds left if it goes on as it went; 0 where that cannot be said."""
        if not self.total or self.done <= _SLOWEST * self.elapsed:
            return 0
        return max(0, int(self.elapsed * (self.total - self.done) / self.done))

    def amount(self, number: int) -> str:
        """Say so much of the stage's unit."""
        return format_size(number) if self.unit == "bytes" else f"{number} {self.unit}"

    def line(self) -> str:
        """Say how far the stage is."""
        share = f"{self.fraction():.2%}  " if self.total else ""
        whole = f" / {self.amount(self.total)}" if self.total is not None else ""
        elapsed = format_duration(self.elapsed)
        return f"[{elapsed}] {self.stage}: {share}{self.amount(self.done)}{whole}"


class QuietProgress:
    """Shows errors of single items, and nothing else.

    Attributes:
        wants_items: See `Progress.wants_items`.
        wants_total: Whether it is worth a scan to know how much there is to do.
    """

    wants_items = False
    wants_total = False

    def __init__(self, output: Output) -> None:
        self._output = output
        self._stage = Counter("", None, "", None)
        self._scan: Scan | None = None

    def watch(self, scan: "Scan") -> None:
        """Take the total from there as soon as it is known."""
        self._scan = scan

    def _look_at_scan(self) -> None:
        if self._scan is not None and self._scan.amount is not None:
            amount, self._scan = self._scan.amount, None
            self.expect(amount.bytes, items=amount.files)

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """See `Progress.start`."""
        self._stage = Counter(stage, total, unit, items)

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """See `Progress.advance`."""

    def expect(self, total: int, *, items: int) -> None:
        """See `Progress.expect`."""
        self._stage.total, self._stage.total_items = total, items

    def finish(self) -> None:
        """See `Progress.finish`."""

    def item(self, action: str, path: bytes, size: int) -> None:
        """See `Progress.item`."""

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Print the path and what happened to it."""
        del during
        self._output.warn(f"error: {show_path(path)}: {show_text(describe(error))}")

    def note(self, text: str) -> None:
        """Print it, unless with --quiet."""
        self._output.note(text)


class LineProgress(QuietProgress):
    """One line where a stage ends, and more where an interval was asked for."""

    def __init__(self, output: Output, *, interval: float | None, wants_items: bool) -> None:
        super().__init__(output)
        self.wants_items = wants_items
        self._interval = interval
        self._next_at = 0.0

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Begin to count."""
        super().start(stage, total, unit, items=items)
        self._next_at = time.monotonic() + (self._interval or 0)

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Count, and print a line when it is time."""
        self._stage.done += amount
        self._stage.items += items
        if self._interval is not None and time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + self._interval
            self._output.note(self._stage.line())

    def finish(self) -> None:
        """Print how much was done."""
        self._output.note(self._stage.line())

    def item(self, action: str, path: bytes, size: int) -> None:
        """Print what was done with one item."""
        self._output.note(f"{action:<9} {show_path(path)} ({format_size(size)})")


class BarProgress(QuietProgress):
    """A bar on the terminal."""

    wants_total = True

    def __init__(self, output: Output, *, wants_items: bool) -> None:
        super().__init__(output)
        self.wants_items = wants_items
        self._bars: Bars | None = None
        self._next_at = 0.0

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Show a new bar."""
        super().start(stage, total, unit, items=items)
        self._bars = _make_bars(is_bytes=unit == "bytes")
        self._bars.add_task(stage, total=total)
        self._bars.start()

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Move the bar, not oftener than anybody can see."""
        self._stage.done += amount
        self._stage.items += items
        now = time.monotonic()
        if self._bars is not None and now >= self._next_at:
            self._next_at = now + _BAR_INTERVAL
            self._look_at_scan()
            self._bars.update(self._bars.task_ids[0], completed=self._stage.done)

    def expect(self, total: int, *, items: int) -> None:
        """Correct what the bar's end stands for."""
        super().expect(total, items=items)
        if self._bars is not None:
            self._bars.update(self._bars.task_ids[0], total=total)

    def finish(self) -> None:
        """Leave the bar as it is at the end."""
        if self._bars is not None:
            self._bars.update(self._bars.task_ids[0], completed=self._stage.done)
            self._bars.stop()
            self._bars = None

    def item(self, action: str, path: bytes, size: int) -> None:
        """Print what was done with one item, above the bar."""
        self._say(f"{action:<9} {show_path(path)} ({format_size(size)})")

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Print the error above the bar."""
        del during
        self._say(f"error: {show_path(path)}: {show_text(describe(error))}")

    def note(self, text: str) -> None:
        """Print the sentence above the bar."""
        self._say(text)

    def _say(self, text: str) -> None:
        if self._bars is None:
            self._output.warn(text)
        else:
            self._bars.console.print(disarm(text), markup=False, highlight=False)


def describe(error: Exception) -> str:
    """Say an item's error in one line."""
    if isinstance(error, BackupError):
        parts = [text for label, text in error.lines() if label in {"error", "why"}]
        return ": ".join(parts)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _make_bars(*, is_bytes: bool) -> "Bars":
    """Make rich's bars; imported only where there is a terminal to draw on."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    counted: ProgressColumn = (
        DownloadColumn(binary_units=True) if is_bytes else MofNCompleteColumn()
    )
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        counted,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        redirect_stdout=False,
        redirect_stderr=False,
    )
