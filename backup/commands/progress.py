"""How long work is shown: bars on a terminal, lines elsewhere, restic's messages with --json.

``RESTIC_PROGRESS_FPS`` sets how often lines or messages come; without it lines come only where a
stage begins and ends, messages ten times a second.
"""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backup.commands.context import Context
from backup.commands.output import (
    Output,
    decode_path,
    disarm,
    format_duration,
    format_size,
    show_path,
    show_text,
)
from backup.errors import BackupError
from backup.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

_JSON_INTERVAL = 0.1
_BAR_INTERVAL = 0.1
_FASTEST = 60.0
_ITEMS_AS_JSON, _ITEMS_AS_TEXT = 1, 2
_DONE_WORDS = {"backup": ("files_done", "bytes_done")}
_OTHER_DONE_WORDS = ("files_restored", "bytes_restored")


def make_progress(context: Context) -> Progress:
    """Choose how to show work for this command line."""
    verbose = context.arguments.verbose
    interval = _interval(context.environment)
    if context.json:
        done_words = _DONE_WORDS.get(context.arguments.verb, _OTHER_DONE_WORDS)
        return JsonProgress(
            context.output,
            interval=interval or _JSON_INTERVAL,
            done_words=done_words,
            wants_items=verbose >= _ITEMS_AS_JSON,
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


class _Counter:
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
        return time.monotonic() - self.started_at

    def fraction(self) -> float:
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def amount(self, number: int) -> str:
        return format_size(number) if self.unit == "bytes" else f"{number} {self.unit}"

    def line(self) -> str:
        share = f"{self.fraction():.2%}  " if self.total else ""
        whole = f" / {self.amount(self.total)}" if self.total is not None else ""
        elapsed = format_duration(self.elapsed)
        return f"[{elapsed}] {self.stage}: {share}{self.amount(self.done)}{whole}"


class QuietProgress:
    """Shows errors of single items, and nothing else."""

    wants_items = False

    def __init__(self, output: Output) -> None:
        self._output = output
        self._stage = _Counter("", None, "", None)

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """See `Progress.start`."""
        self._stage = _Counter(stage, total, unit, items)

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """See `Progress.advance`."""

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
            self._bars.update(self._bars.task_ids[0], completed=self._stage.done)

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


class JsonProgress(QuietProgress):
    """restic's messages: ``status`` and ``verbose_status`` on stdout, ``error`` on stderr."""

    def __init__(
        self,
        output: Output,
        *,
        interval: float,
        done_words: tuple[str, str],
        wants_items: bool,
        wants_status: bool,
    ) -> None:
        super().__init__(output)
        self.wants_items = wants_items
        self._interval = interval
        self._done_words = done_words
        self._wants_status = wants_status
        self._next_at = 0.0

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Count, and send a status when it is time."""
        self._stage.done += amount
        self._stage.items += items
        now = time.monotonic()
        if self._wants_status and now >= self._next_at:
            self._next_at = now + self._interval
            self._output.json(self._status())
            self._output.flush()

    def _status(self) -> dict[str, Any]:
        stage = self._stage
        status: dict[str, Any] = {"message_type": "status"}
        if int(stage.elapsed):
            status["seconds_elapsed"] = int(stage.elapsed)
        status["percent_done"] = stage.fraction()
        figures = {
            "total_files": stage.total_items,
            self._done_words[0]: stage.items,
            "total_bytes": stage.total if stage.unit == "bytes" else None,
            self._done_words[1]: stage.done if stage.unit == "bytes" else None,
        }
        return status | {key: number for key, number in figures.items() if number}

    def item(self, action: str, path: bytes, size: int) -> None:
        """Send what was done with one item."""
        name = "data_size" if "files_done" in self._done_words else "size"
        self._output.json(
            {
                "message_type": "verbose_status",
                "action": action,
                "item": decode_path(path),
                name: size,
            }
        )

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Send what happened to one item."""
        message = {
            "message_type": "error",
            "error": {"message": describe(error)},
            "during": during,
            "item": decode_path(path),
        }
        self._output.warn_json(message)

    def note(self, text: str) -> None:
        """Keep it to ourselves: restic has no such message."""


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
        TextColumn,
        TimeElapsedColumn,
    )

    counted: ProgressColumn = (
        DownloadColumn(binary_units=True) if is_bytes else MofNCompleteColumn()
    )
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        counted,
        TimeElapsedColumn(),
        console=Console(stderr=True),
        redirect_stdout=False,
        redirect_stderr=False,
    )
