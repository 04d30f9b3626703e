"""What somebody sees of the demo: a line for each step, and at the end where to look."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TextIO

from ops.language.formats import format_number
from ops.language.text import _
from ops.terminal.output import text_width

WIDE = 80
_TITLE, _FIGURES = 32, 31


@dataclass(slots=True)
class Screen:
    """The lines of the steps as they end, and what is left to wait for.

    Attributes:
        expected: Seconds that each step takes on two quiet cores, in order.
        is_verbose: Whether all that the tasks answer is shown as well.
        log: Takes all of it in any case.
    """

    expected: Sequence[float]
    is_verbose: bool
    log: TextIO
    _began: float = field(default_factory=time.monotonic)
    _step_began: float = field(default_factory=time.monotonic)
    _ended: int = 0

    def announce(self) -> None:
        """Say how long it will take, what is counted, and what the columns are."""
        about = _("The demo: {count} steps, about {seconds} seconds on two cores")
        print(about.format(count=len(self.expected), seconds=_rounded(sum(self.expected))))
        print(_("What `make` installs first is not counted. All answers: `make demo VERBOSE=1`"))
        row = _row("", _("Step"), _("What came of it"), _("secs"), _("left"))
        print(f"\n{_bold(row)}", flush=True)

    def wait_for(self, title: str) -> None:
        """Show what is under way, on a terminal."""
        if sys.stdout.isatty():
            line = _row(self._count(), title, "…", "", str(self._left()))
            print(f"\r{line[: WIDE - 1]}", end="", flush=True)

    def end_step(self, title: str, figures: str, told: str) -> None:
        """Show that a step has ended, and what is left.

        Args:
            title: What it does.
            figures: What came of it.
            told: All that it wrote.
        """
        now = time.monotonic()
        took, self._step_began = format_number(now - self._step_began, 1), now
        count = self._count()
        self._ended += 1
        left = str(self._left()) if self._ended < len(self.expected) else ""
        self._clear()
        head = f"── {count} · {title}\n"
        self.log.write(f"{head}{told}\n")
        self.log.flush()
        if self.is_verbose:
            print(f"\n{_bold(head.rstrip())}\n{told}", end="")
        print(_row(count, title, figures, took, left), flush=True)

    def fail(self, title: str, told: str) -> None:
        """Show all that a step wrote which failed."""
        self._clear()
        self.log.write(f"{told}\n")
        print(f"\n{_bold(f'── {self._count()} · {title}')}\n{told}", flush=True)

    def seconds(self) -> int:
        """Give how long it has been."""
        return round(time.monotonic() - self._began)

    def _count(self) -> str:
        return f"{self._ended + 1}/{len(self.expected)}"

    def _left(self) -> int:
        """Give about how many seconds are left, at the pace so far."""
        done, left = sum(self.expected[: self._ended]), sum(self.expected[self._ended :])
        before = self._step_began - self._began
        pace = min(max(before / done, 0.5), 5.0) if done else 1.0
        here = time.monotonic() - self._step_began
        return _rounded(max(left * pace - here, 1))

    def _clear(self) -> None:
        if sys.stdout.isatty():
            print("\r\033[K", end="")


def _row(count: str, title: str, figures: str, took: str, left: str) -> str:
    parts = (_padded(f"{count:>5}", 5), _padded(title, _TITLE), _padded(figures, _FIGURES))
    return f"{' '.join(parts)}{took:>6}{left:>4}".rstrip()


def _padded(text: str, width: int) -> str:
    return text + " " * (width - text_width(text))


def _rounded(seconds: float) -> int:
    """Round to what an estimate is good for."""
    step = 5 if seconds > 10 else 1  # noqa: PLR2004 - about ten seconds each one counts
    return max(round(seconds / step) * step, 1)


def _bold(text: str) -> str:
    may = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return f"\033[1m{text}\033[0m" if may else text


def write_rows(head: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print a headline, and under it names with what they stand for."""
    print(f"\n{_bold(head)}")
    width = max(text_width(name) for name, _value in rows)
    for name, value in rows:
        print(f"  {_padded(name, width)}  {value}".rstrip())
