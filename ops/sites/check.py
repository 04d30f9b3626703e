"""Look for what is wrong with the estate file, for a person at a terminal."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from platform import python_version

from ops.access.role_changes import check_answering
from ops.backups.retention.minimums import check_lowered
from ops.duties.table.load import check_tables
from ops.errors import EstateError, Problem
from ops.estate.check import check_surroundings
from ops.estate.known_sites import check_vanished
from ops.estate.load.load import load_estate
from ops.estate.site_rules import check_required, list_not_available
from ops.language.text import _, fill, ngettext, program_name, render_problem
from ops.sites.tasks import CheckEstate
from ops.terminal.output import write_indented, write_json, write_line
from ops.version import software_version

_MOST_NAMED = 8


def check(wish: CheckEstate) -> int:
    """Write every problem of the estate; gives 1 where there is one that is no warning, else 0.

    Raises:
        EstateError: It cannot be read, and JSON was not asked for.
    """
    try:
        estate = load_estate()
    except EstateError as error:
        if not wish.json:
            raise
        return report_problems(error.path, error.problems, as_json=True)
    today = datetime.now(estate.zone).date()
    problems = [
        *check_surroundings(estate, today),
        *check_vanished(estate),
        *check_lowered(estate),
        *check_answering(estate),
        *check_tables(estate),
        *check_required(estate, today),
        *list_not_available(estate),
    ]
    return report_problems(estate.path, problems, as_json=wish.json)


def report_problems(path: Path, problems: Sequence[Problem], *, as_json: bool) -> int:
    """Write problems, what looked and a closing line to standard output, and give the exit code.

    Args:
        path: The main estate file.
        problems: What was found, in the order to show it.
        as_json: One JSON document instead of lines.
    """
    errors = sum(problem.severity == "error" for problem in problems)
    looked = {
        "version": software_version(),
        "python": python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    if as_json:
        write_json([_as_dict(p) for p in problems], path=path, ok=errors == 0, **looked)
        return 1 if errors else 0
    heads = {"error": _("error"), "warning": _("warning")}
    for alike in _group(problems):
        if len(alike) == 1:
            write_line(f"{heads[alike[0].severity]}: {render_problem(alike[0])}")
        else:
            _write_alike(heads[alike[0].severity], alike)
    write_line("Giữ Cổng {version}, Python {python}, SQLite {sqlite}".format(**looked))
    write_line(_closing_line(path, errors, len(problems) - errors))
    return 1 if errors else 0


def _group(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Put warnings that say the same of several places together, where the first of them stands."""
    groups: dict[object, list[Problem]] = {}
    for number, problem in enumerate(problems):
        told = (fill(problem.what, problem.params), fill(problem.fix, problem.params))
        groups.setdefault(told if problem.severity == "warning" else number, []).append(problem)
    return list(groups.values())


def _write_alike(head: str, alike: Sequence[Problem]) -> None:
    """Write what several places have in common, once."""
    first = alike[0]
    write_indented(f"{head} ({len(alike)}): {fill(first.what, first.params)}", "", "  ")
    more = len(alike) - _MOST_NAMED
    places = ", ".join(it.key for it in alike[:_MOST_NAMED])
    if more > 0:
        others = ngettext("and {count} other", "and {count} others", more).format(count=more)
        places = f"{places} {others}"
    write_indented(places, "    ")
    if first.fix:
        write_indented(f"→ {fill(first.fix, first.params)}", "    ", "      ")


def _closing_line(path: Path, errors: int, warnings: int) -> str:
    if errors:
        text = ngettext(
            "{path}: {count} problem; correct it, then run `{program} estate.check` again.",
            "{path}: {count} problems; correct them, then run `{program} estate.check` again.",
            errors,
        )
        return text.format(path=path, count=errors, program=program_name())
    if warnings:
        text = ngettext(
            "{path} can be used; {count} warning above.",
            "{path} can be used; {count} warnings above.",
            warnings,
        )
        return text.format(path=path, count=warnings)
    return _("{path} is in order.").format(path=path)


def _as_dict(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity,
        "file": problem.file,
        "key": problem.key,
        "what": fill(problem.what, problem.params),
        "fix": fill(problem.fix, problem.params),
    }
