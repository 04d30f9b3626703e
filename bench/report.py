"""The comparison as tables: for the terminal and for docs/explanation/performance.md."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.figures import (
    LIMITS,
    MEMORY_LIMIT,
    SIZE_LIMIT,
    TAR_LIMIT,
    TARGETS,
    WORKS,
    Limit,
    Outcome,
    Target,
    judge_cost,
    judge_limit,
    judge_speed,
)
from bench.titles import AGAINST, TITLES

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
OTHERS = ("restic", "borg", "tar")
SPACE_HEAD = (
    *("ours MiB", "restic MiB", "ratio", "verdict"),
    *("repository MB", "restic MB", "ratio", "verdict"),
)
VERDICTS = {"hoped": "as hoped", "met": "met", "missed": "MISSED"}


@dataclass(frozen=True, slots=True)
class Grid:
    """One table, all cells text, the first column left-aligned.

    Attributes:
        title: Over it.
        head: Column titles.
        rows: As wide as the head.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def make_grids(outcomes: Sequence[Outcome]) -> list[Grid]:
    """Return the tables of time, of space, against tar and of limits; rows in WORKS' order."""
    known = sorted(outcomes, key=lambda outcome: WORKS.index(outcome.work))
    ordered = [outcome for outcome in known if outcome.work in TARGETS]
    return [
        Grid(
            "Time (median seconds of wall clock; ratio: median of restic / ours, round by round)",
            ("work", "ours", *OTHERS, "ratio", "at least", "hoped", "verdict", "CPU ours/restic"),
            [_time_row(outcome) for outcome in ordered],
        ),
        Grid(
            "Peak memory of all processes and repository size",
            ("work", *SPACE_HEAD),
            [_space_row(outcome) for outcome in ordered],
        ),
        Grid(
            "First backup against `tar c | zstd -3 -T2` (ours / tar)",
            ("work", "ratio", "at most", "hoped", "verdict"),
            [row for outcome in ordered if (row := _tar_row(outcome))],
        ),
        Grid(
            "Hosts, lines and the archive (ratio: median of ours / theirs, round by round)",
            ("work", "ours", "theirs", "unit", "against", "cost", "at most", "hoped", "verdict"),
            [_cost_row(outcome) for outcome in known if outcome.work in LIMITS],
        ),
    ]


def print_grids(console: Console, outcomes: Sequence[Outcome], machine: Mapping[str, str]) -> None:
    """Print the machine and the tables."""
    for label, value in machine.items():
        console.print(f"{label}: {value}", markup=False, highlight=False)
    for grid in filter(_has_rows, make_grids(outcomes)):
        table = Table(title=grid.title, title_justify="left")
        for number, name in enumerate(grid.head):
            table.add_column(name, justify="right" if number else "left")
        for row in grid.rows:
            table.add_row(*row)
        console.print(table)


def format_markdown(outcomes: Sequence[Outcome], machine: Mapping[str, str]) -> str:
    """Return the part of the page between the markers, without them."""
    parts = [f"- {label}: {value}" for label, value in machine.items()]
    for grid in filter(_has_rows, make_grids(outcomes)):
        parts += ["", f"**{grid.title}**", "", *_markdown_table(grid)]
    parts += ["", "**Data and rounds**", ""]
    for outcome in outcomes:
        rounds = max((len(runs) for runs in outcome.rounds.values()), default=0)
        parts.append(
            f"- {TITLES[outcome.work]}: {outcome.data}; {rounds} rounds, ended {outcome.when}, "
            f"load average before {outcome.load:.2f}"
        )
    return "\n".join(parts)


def replace_between_markers(page: str, content: str) -> str:
    """Return the page with the content between its markers.

    Raises:
        ValueError: The page lacks a marker.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def write_page(path: Path, outcomes: Sequence[Outcome], machine: Mapping[str, str]) -> None:
    """Put the tables into a page, which is made if missing.

    Raises:
        ValueError: The page lacks a marker.
    """
    page = f"# Performance\n\n{BEGIN}\n{END}\n"
    if path.exists():
        page = path.read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = format_markdown(outcomes, machine)
    path.write_text(replace_between_markers(page, content), encoding="utf-8")


def _has_rows(grid: Grid) -> bool:
    return bool(grid.rows)


def _time_row(outcome: Outcome) -> list[str]:
    target = TARGETS[outcome.work]
    ratio = outcome.speed_ratio("restic")
    verdict = VERDICTS[judge_speed(ratio, target)] if ratio is not None else "–"
    return [
        TITLES[outcome.work],
        *(_number(outcome.seconds(peer)) for peer in ("ours", *OTHERS)),
        _times(ratio),
        _times(target.at_least),
        _times(target.hoped),
        verdict,
        f"{_number(outcome.cpu_seconds('ours'), 1)}/{_number(outcome.cpu_seconds('restic'), 1)}",
    ]


def _space_row(outcome: Outcome) -> list[str]:
    memory, size = outcome.memory_ratio("restic"), outcome.size_ratio("restic")
    mark = "" if all(run.is_pss for runs in outcome.rounds.values() for run in runs) else " (RSS)"
    return [
        TITLES[outcome.work],
        _scaled(outcome.peak_bytes("ours"), 2**20) + mark,
        _scaled(outcome.peak_bytes("restic"), 2**20),
        _times(memory),
        _limit(memory, MEMORY_LIMIT),
        _scaled(outcome.sizes.get("ours"), 10**6),
        _scaled(outcome.sizes.get("restic"), 10**6),
        _number(size, 4),
        _limit(size, SIZE_LIMIT),
    ]


def _tar_row(outcome: Outcome) -> list[str]:
    """Return nothing where tar took no part."""
    faster = outcome.speed_ratio("tar")
    if faster is None:
        return []
    ratio = 1 / faster
    limits = (_times(TAR_LIMIT.at_least), _times(TAR_LIMIT.hoped))
    return [TITLES[outcome.work], _times(ratio), *limits, _limit(ratio, TAR_LIMIT)]


def _cost_row(outcome: Outcome) -> list[str]:
    limit = LIMITS[outcome.work]
    cost = outcome.cost(limit)
    shown = _number if limit.against is None else _times
    return [
        TITLES[outcome.work],
        *_compared(outcome, limit),
        AGAINST[limit.against],
        shown(cost),
        shown(limit.at_most),
        shown(limit.hoped),
        VERDICTS[judge_cost(cost, limit)] if cost is not None else "–",
    ]


def _compared(outcome: Outcome, limit: Limit) -> tuple[str, str, str]:
    """Return our median, theirs and the unit of both."""
    if limit.of == "bytes":
        sizes = [outcome.sent.get(peer) for peer in ("ours", limit.against or "")]
        ours, theirs = (_scaled(int(median(them)) if them else None, 10**6) for them in sizes)
        return ours, theirs, "MB"
    other = outcome.seconds(limit.against) if limit.against else None
    return _number(outcome.seconds("ours")), _number(other), "s"


def _markdown_table(grid: Grid) -> Iterable[str]:
    yield f"| {' | '.join(grid.head)} |"
    yield f"|---{'|---:' * (len(grid.head) - 1)}|"
    for row in grid.rows:
        yield f"| {' | '.join(row)} |"


def _limit(ratio: float | None, limit: Target) -> str:
    return VERDICTS[judge_limit(ratio, limit)] if ratio is not None else "–"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} ×"


def _scaled(value: int | None, unit: int) -> str:
    return "–" if value is None else f"{value / unit:.0f}"
