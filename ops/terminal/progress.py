"""Show how far long work is: a bar on a terminal, now and then a plain line elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

from backup.progress import Progress, SilentProgress
from ops.errors import WrongUseError
from ops.language.causes import tell_error
from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import N_, _, make_visible, show_path
from ops.terminal.exit_codes import warn
from ops.terminal.output import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


STAGES = (
    N_("back up"), N_("restore files"), N_("verify files"), N_("load snapshots"), N_("load index"),
    N_("check folders"), N_("read packs"), N_("read pack headers"), N_("remove snapshots"),
    N_("find used data"), N_("repack"), N_("write index"), N_("delete old index"),
    N_("delete packs"), N_("archive items"), N_("update the copy"), N_("read the archive"),
    N_("capture pages"), N_("capture items"), N_("index items"), N_("count items"),
    N_("look at hosts and sites"),
    N_("copy rows"), N_("find data"), N_("look into snapshots"), N_("save index"),
)  # fmt: skip
"""The stages of the engine and the archive, as they name them; others are shown as they are."""

_STAYS = {
    "back up": N_(
        "interrupted: what is stored already stays, and the same command goes on from there; there"
        " is no snapshot of this run"
    ),
    "restore files": N_(
        "interrupted: the files that are restored already stay; the same command restores the rest"
    ),
    "copy": N_(
        "interrupted: what is copied already stays, and the same command goes on from there"
    ),
    "archive items": N_(
        "interrupted: what is archived already stays, and the same command goes on from there"
    ),
    "mirror": N_(
        "interrupted: what is copied already stays, and the same command goes on from there"
    ),
}
"""By stage: what becomes of it when a person stops it."""

_ETA_AFTER_SECONDS = 3.0
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


class Expecting(PassOn):
    """Says how much a stage will take where the library cannot: as much as the last time.

    Args:
        inner: Who is told.
        totals: By stage, in its unit; what is 0 or missing stays unknown.
    """

    def __init__(self, inner: Progress, totals: Mapping[str, int | None]) -> None:
        super().__init__(inner)
        self._totals = totals

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Pass it on, with what is expected."""
        super().start(stage, total or self._totals.get(stage) or None, unit, items=items)


class NamesInTheEnd(PassOn):
    """Passes on all but what failed: whoever has the result names that once, in its lines."""

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Keep it."""


class Counting(SilentProgress):
    """Counts, and shows it when it is time."""

    _every_seconds = 1.0

    def __init__(self) -> None:
        self.stage, self._unit = "", ""
        self._total: int | None = None
        self._done = self._items = self._errors = 0
        self._shown_at = self._began_at = 0.0

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Begin a stage."""
        del items
        self.stage, self._unit, self._total = stage, unit, total
        self._done = self._items = 0
        self._shown_at = self._began_at = time.monotonic()

    def advance(self, amount: int = 1, *, items: int = 0) -> None:
        """Count, and show it when it is time."""
        self._done += amount
        self._items += items
        self._show_in_time()

    def expect(self, total: int, *, items: int) -> None:
        """Correct the total."""
        del items
        self._total = total

    def _show_in_time(self) -> None:
        now = time.monotonic()
        if now - self._shown_at >= self._every_seconds:
            self._shown_at = now
            self._show()

    def _show(self) -> None:
        raise NotImplementedError


class LineProgress(Counting):
    """Writes a plain line to standard error every ten seconds of a stage; short ones are silent."""

    _every_seconds = 10.0

    def _show(self) -> None:
        self._write(f"{_(self.stage)}: {self.describe()}")

    def describe(self) -> str:
        """Say how much of the stage is done; of how much, and how long it takes still, if known."""
        show = format_size if self._unit == "bytes" else format_number
        done, total = show(self._done), self._total or 0
        if total < self._done or not total:  # more than was expected: nobody knows how much
            return done
        told = (
            f"{done} / {show(total)} · {_('{percent}%').format(percent=100 * self._done // total)}"
        )
        elapsed = time.monotonic() - self._began_at
        if not self._done or elapsed < _ETA_AFTER_SECONDS:
            return told
        left = timedelta(seconds=round(elapsed * (total - self._done) / self._done))
        return f"{told} · " + _("about {duration} left").format(duration=format_duration(left))

    def item_error(self, path: bytes, during: str, error: Exception) -> None:
        """Write the first ones; the result counts them all."""
        self._errors += 1
        if self._errors <= _MOST_ERRORS_SHOWN:
            reason = tell_error(error)
            is_written = during in {"restore", "verify"}
            text = (
                _("not restored: {path}: {reason}")
                if is_written
                else _("not read: {path}: {reason}")
            )
            self._write(text.format(path=show_path(path), reason=reason))

    def note(self, text: str) -> None:
        """Write it."""
        self._write(_(text))

    def _write(self, text: str) -> None:
        warn(f"  {text}")


class BarProgress(LineProgress):
    """Draws one bar on the terminal and takes it away at the end."""

    _every_seconds = 0.1

    def __init__(self, bars: "Bars") -> None:
        super().__init__()
        self._bars = bars
        self._task: TaskID | None = None

    def start(self, stage: str, total: int | None, unit: str, *, items: int | None = None) -> None:
        """Begin a stage, and so a bar."""
        super().start(stage, total, unit, items=items)
        self._shown_at = 0.0  # a bar is drawn at once
        self.finish()
        self._task = self._bars.add_task(_(stage), total=total, told="")

    def _show(self) -> None:
        if self._task is not None:
            total = self._total if self._done <= (self._total or 0) else None
            self._bars.update(self._task, completed=self._done, total=total, told=self.describe())

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


_on_screen: list["Bars"] = []


@contextmanager
def bar_away() -> Iterator[None]:
    """Take the bar off the terminal while somebody is asked: it is drawn over what stands there."""
    for bars in _on_screen:
        bars.stop()
    try:
        yield
    finally:
        for bars in _on_screen:
            bars.start()


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Give a progress that fits where standard output goes; who interrupts is told what stays."""
    with _drawn() as progress:
        try:
            yield progress
        except KeyboardInterrupt:
            stays = _STAYS.get(progress.stage)
            if stays:
                progress.note(stays)
            raise


_Wish = TypeVar("_Wish")


def showing_progress(act: Callable[[_Wish, Progress], int]) -> Callable[[_Wish], int]:
    """Make of what takes a wish and a progress an act, which takes the wish alone."""

    @wraps(act)
    def shown(wish: _Wish) -> int:
        with shown_progress() as progress:
            return act(wish, progress)

    return shown


@contextmanager
def _drawn() -> Iterator[LineProgress]:
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
        _on_screen.append(bars)
        try:
            yield BarProgress(bars)
        finally:
            _on_screen.remove(bars)


class NotConfirmedError(WrongUseError):
    """Nobody has said that this is meant."""


def need_confirmation(name: str, confirm: str, question: str) -> None:
    """Go on only when somebody has typed the thing's name.

    Args:
        name: What has to be typed.
        confirm: Value of `--confirm`; empty when it was not given.
        question: What will happen, in the reader's language.

    Raises:
        NotConfirmedError: Another name was given, or there is nobody to ask.
    """
    if not confirm and sys.stdin.isatty():
        asked = _("Type {name} to go on: ").format(name=name)
        with bar_away():
            sys.stderr.write(make_visible(f"{question}\n{asked}"))
            sys.stderr.flush()
            confirm = sys.stdin.readline().strip()
    if confirm != name:
        raise NotConfirmedError(
            'this needs to be confirmed: "{name}"',
            why='"{given}" was given' if confirm else "",
            next_step="look first with --dry-run, then add `--confirm {name}`",
            name=name,
            given=confirm,
        )
