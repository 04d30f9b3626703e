"""A plan as a value: all that its papers say, and what is frozen when it is handed in; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from ops.planning.item import OwnWork, PlanLine, line_from, line_values
from ops.planning.money import SecurityShare, Sums, security_share, sum_up
from ops.terminal.document import plain

FORM = 3
"""Version of the frozen form; the first had no annexes, the second no work without money."""

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is known of the year before.

    Attributes:
        section: `hardware`, `software`, `backup`, `security`, `service` or `plan`.
        label, value: What, and how much; in Vietnamese.
        source: Where it is from.
    """

    section: str
    label: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as it was drawn: its SVG, and what it shows."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Annexes:
    """What stands behind a plan when it is read, as its annexes say it.

    Attributes:
        assets: Rows: name, title, kind, place, bought, warranty, support, state, price.
        backups: Rows: data, how often, how long, where, targets, trial restores.
        duties: Rows: what is owed again and again of backups and drills, and the months of the
            plan's year in which it is due, as `1 4 7 10`.
        outlooks: Rows: what fills or ends, when, and how much it grows.
        service, capacity, drills: Charts of the year before; those of drills also of the plan's.
    """

    assets: Rows = ()
    backups: Rows = ()
    duties: Rows = ()
    outlooks: Rows = ()
    service: tuple[Drawing, ...] = ()
    capacity: tuple[Drawing, ...] = ()
    drills: tuple[Drawing, ...] = ()


NO_ANNEXES = Annexes()
_CHARTS = ("service", "capacity", "drills")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDocument:
    """A plan with everything that its papers say.

    Attributes:
        year, revision: Which.
        day: On which it was read.
        organisation: Name on that day.
        lines: All lines, rejected ones included, by number.
        last_year: Those of the plan before; empty where there was none.
        figures: What is known of the year before, by section.
        gaps: What could not be read.
        own_work: What is owed and costs nothing.
        security_percent, security_basis: Least share for security, and what asks for it; 0 and
            empty where nothing does on that day.
        security_base: The year's spending on digital transformation, in đồng, that the share is of;
            None where nobody has said it.
        prices: Digest of the table of prices; empty for none.
        annexes: What stands behind it.
        opinions: As `ops.planning.opinions` gives them.
        reason, replaces, before: Of a revision: why it is made, number and day of the decision in
            force, and the lines as that granted them and as they stand; empty for the first.
        decision: Number and day of the decision on this plan; empty until then. Then the papers
            are the plan as it was approved, and count what was granted.
        submission, submitted_on: Number and day of the Tờ trình; empty and None until it is handed
            in, and so in what is frozen.
    """

    year: int
    revision: int
    day: date
    organisation: str
    lines: tuple[PlanLine, ...]
    last_year: tuple[PlanLine, ...] = ()
    figures: tuple[Figure, ...] = ()
    gaps: tuple[str, ...] = ()
    own_work: tuple[OwnWork, ...] = ()
    security_percent: int = 15
    security_base: int | None = None
    security_basis: str = ""
    prices: str = ""
    annexes: Annexes = NO_ANNEXES
    opinions: Rows = ()
    reason: str = ""
    replaces: str = ""
    before: tuple[PlanLine, ...] = ()
    decision: str = ""
    submission: str = ""
    submitted_on: date | None = None

    @property
    def chosen(self) -> list[PlanLine]:
        """The lines that are in the plan, by number; once it is decided, those that are done."""
        return [it for it in self.lines if (it.is_alive if self.decision else it.is_in)]

    @property
    def unfinished(self) -> list[PlanLine]:
        """Those of them that were not accepted when the plan was read."""
        return [it for it in self.chosen if it.accepted_on is None]

    @property
    def lowered(self) -> list[PlanLine]:
        """The lines that got less than they asked for, or were put off."""
        return [it for it in self.lines if it.is_in and it.decision in {"cut", "deferred"}]

    @property
    def sums(self) -> Sums:
        """What they come to."""
        return sum_up(self.chosen)

    @property
    def security(self) -> SecurityShare:
        """How much of the money is for security."""
        return security_share(self.chosen, self.security_percent, self.security_base)

    @property
    def undecided(self) -> list[PlanLine]:
        """The lines of which nobody has decided whether they are recurrent spending."""
        return [it for it in self.chosen if it.item.is_recurrent is None]

    def of_section(self, section: str) -> list[Figure]:
        """Give what is known of one thing."""
        return [it for it in self.figures if it.section == section]

    def as_values(self) -> dict[str, Any]:
        """Give it as JSON values, as it is frozen."""
        shown = {
            it.name: plain(getattr(self, it.name))
            for it in fields(self)
            if it.name not in _OF_LINES
        }
        lines = {name: [line_values(it) for it in getattr(self, name)] for name in _OF_LINES}
        return {"form": FORM, **shown, **lines}


_OF_LINES = ("lines", "last_year", "before")


def document_from(values: Mapping[str, Any]) -> PlanDocument:
    """Give the document that `as_values` gave."""
    kept = {it.name: values[it.name] for it in fields(PlanDocument) if it.name in values}
    read: dict[str, Any] = {
        "day": date.fromisoformat(values["day"]),
        "lines": _lines(values["lines"]),
        "last_year": _lines(values["last_year"]),
        "before": _lines(values.get("before", ())),
        "figures": tuple(Figure(**it) for it in values["figures"]),
        "gaps": tuple(values["gaps"]),
        "own_work": tuple(OwnWork(**it) for it in values.get("own_work", ())),
        "annexes": _annexes(values.get("annexes", {})),
        "opinions": tuple(map(tuple, values.get("opinions", ()))),
    }
    return PlanDocument(**{**kept, **read})


def _annexes(values: Mapping[str, Any]) -> Annexes:
    read: dict[str, Any] = {
        name: tuple(Drawing(**it) if name in _CHARTS else tuple(it) for it in rows)
        for name, rows in values.items()
    }
    return Annexes(**read)


def _lines(values: Iterable[Mapping[str, Any]]) -> tuple[PlanLine, ...]:
    return tuple(line_from(it) for it in values)


def count_figures(counts: Mapping[str, int], names: Mapping[str, str]) -> str:
    """Say counts in one line, in the order of the names; what is not there is left out."""
    told: Sequence[str] = [f"{name}: {counts[it]}" for it, name in names.items() if counts.get(it)]
    return ", ".join(told) or "không có"
