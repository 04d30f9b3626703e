"""The table of controls: read once, held against its model; what is in force on a day for a level.

The estate adds rows of its own with `[security] controls = ["controls.local.toml"]`: one with the
name and first day of a shipped row takes its place, as with duties.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ops.duties.table.load import DutiesError, read_table
from ops.duties.table.models import Basis
from ops.errors import Problem
from ops.estate.model.calendar import Bilingual
from ops.estate.model.estate import Estate
from ops.estate.model.values import Day, Name, Part, Positive
from ops.security.host_facts import HostLimits

SHIPPED = Path(__file__).with_name("controls.toml")
_DAYS = {"days": 1, "weeks": 7, "months": 31}

ToolName = Literal[
    "updates",
    "reboot",
    "ports",
    "keys",
    "sudoers",
    "accounts",
    "logs",
    "clock",
    "lynis",
    "ssh",
    "tls",
    "unicode",
]


class Rhythm(Part):
    """How often a look is taken."""

    count: Positive = Field(examples=[1])
    unit: Literal["days", "weeks", "months"] = Field(examples=["months"])

    @property
    def days(self) -> int:
        """Give days that it never exceeds."""
        return self.count * _DAYS[self.unit]


class Figures(Part):
    """What looks are held against; see `ops.security.host_facts.HostLimits`.

    Attributes:
        update_days: A security update may wait for so long; until then it is found and told.
        remote_log: Whether logs are sent elsewhere, too.
    """

    idle_days: Positive | None = None
    log_days: Positive | None = None
    silent_hours: Positive | None = None
    clock_seconds: Positive | None = None
    update_days: Positive | None = None
    remote_log: Literal[0, 1] = 0


class Control(Part):
    """One control as it is valid for some time.

    Attributes:
        name: For life; rows of one name follow each other in time.
        title: What has to be in place, in the Center's own words.
        basis: Where it comes from.
        figure: Whether numbers come from the basis or were set by the Center.
        valid_from, valid_until: First and last day; without a last one until the next row.
        levels: Security levels that it concerns; empty for all, and for what has none.
        tools: The looks that prove it.
        every: How often each is taken.
        worst: The gravest finding that may be open without the control being broken.
        limits: Figures of the looks.
    """

    name: Name = Field(examples=["patched"])
    title: Bilingual
    basis: tuple[Basis, ...] = Field(min_length=1)
    figure: Literal["law", "own"] = Field(default="law", examples=["own"])
    valid_from: Day = Field(examples=["2026-08-01"])
    valid_until: Day | None = Field(default=None, examples=["2027-12-31"])
    levels: tuple[Annotated[int, Field(strict=True, ge=1, le=5)], ...] = Field(
        default=(), examples=[[3, 4, 5]]
    )
    tools: tuple[ToolName, ...] = Field(min_length=1, examples=[["updates"]])
    every: Rhythm = Field(examples=[{"count": 1, "unit": "months"}])
    worst: Literal["none", "low", "medium"] = Field(default="none", examples=["low"])
    limits: Figures = Field(default=Figures(), examples=[{"idle_days": 45}])

    def concerns(self, level: int | None) -> bool:
        """Say whether it is asked of something of a level; None is without one."""
        return not self.levels or level in self.levels


class ControlTable(Part):
    """A table of controls.

    Attributes:
        schema_version: Of its form.
        acceptance_days: A finding is accepted for so long at most; None leaves it as it is.
        controls: The rows.
    """

    schema_version: Literal[1] = Field(alias="schema", examples=[1])
    acceptance_days: Positive | None = Field(default=None, examples=[180])
    controls: tuple[Control, ...] = ()


class ControlSet(Part):
    """The controls of an estate.

    Attributes:
        acceptance_days: A finding is accepted for so long at most.
        rows: Every row, rows of one name in the order of time.
    """

    acceptance_days: Positive
    rows: tuple[Control, ...]

    def on(self, day: date) -> tuple[Control, ...]:
        """Give the rows that are valid on a day."""
        return tuple(
            it
            for it in self.rows
            if it.valid_from <= day and (it.valid_until is None or day <= it.valid_until)
        )


class ControlsError(DutiesError):
    """Tables of controls have mistakes; holds every one of them."""


def load_controls(estate: Estate) -> ControlSet:
    """Give the controls of an estate.

    Raises:
        ControlsError: A table has mistakes; the error carries all of them.
    """
    return read_controls((SHIPPED, *estate.security.controls))


def read_controls(paths: Iterable[Path]) -> ControlSet:
    """Read tables of controls, later ones on top of earlier ones.

    Raises:
        ControlsError: A table has mistakes; the error carries all of them.
    """
    return _read(tuple((it, it.stat().st_mtime_ns if it.exists() else 0) for it in paths))


def check_controls(estate: Estate, _today: date) -> list[Problem]:
    """List what is wrong with the tables of controls, for `estate.check`."""
    try:
        load_controls(estate)
    except ControlsError as error:
        return list(error.problems)
    return []


@lru_cache(maxsize=4)
def _read(files: tuple[tuple[Path, int], ...]) -> ControlSet:
    problems: list[Problem] = []
    tables = [read_table(path, ControlTable, problems) for path, _changed in files]
    if problems:
        raise ControlsError(problems)
    read = [it for it in tables if it is not None]
    rows = {(it.name, it.valid_from): it for table in read for it in table.controls}
    days = [it.acceptance_days for it in read if it.acceptance_days is not None]
    return ControlSet(acceptance_days=days[-1], rows=tuple(_close(rows.values())))


def _close(rows: Iterable[Control]) -> Iterable[Control]:
    """End each row without a last day where the next one of its name begins."""
    ordered = sorted(rows, key=lambda it: it.valid_from)
    for row in ordered:
        later = [
            it.valid_from
            for it in ordered
            if it.name == row.name and it.valid_from > row.valid_from
        ]
        if row.valid_until is None and later:
            yield row.model_copy(update={"valid_until": min(later) - timedelta(days=1)})
        else:
            yield row


def rhythm_of(tool: str, levels: Iterable[int | None], controls: Iterable[Control]) -> int | None:
    """Give after how many days a look has to be taken again; None where no control asks for it."""
    wanted = list(levels)
    days = [
        it.every.days
        for it in controls
        if tool in it.tools and any(it.concerns(level) for level in wanted)
    ]
    return min(days, default=None)


def limits_of(levels: Iterable[int | None], controls: Iterable[Control]) -> HostLimits:
    """Give the strictest figures that hold for something of these levels; pure."""
    wanted = list(levels)
    found = [it.limits for it in controls if any(it.concerns(level) for level in wanted)]

    def strictest(name: str, *, most: bool = False) -> int | None:
        values = [it for it in (getattr(figures, name) for figures in found) if it is not None]
        return (max if most else min)(values) if values else None

    return HostLimits(
        idle_days=strictest("idle_days"),
        log_days=strictest("log_days", most=True),
        silent_hours=strictest("silent_hours"),
        clock_seconds=strictest("clock_seconds"),
        needs_remote_log=any(it.remote_log for it in found),
    )
