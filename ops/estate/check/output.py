"""Say what `estate.check` found."""

from collections.abc import Sequence
from pathlib import Path

from ops.errors import Problem
from ops.language.text import _, fill, ngettext, program_name, render_problem
from ops.terminal.output import write_json, write_line


def report_problems(path: Path, problems: Sequence[Problem], *, as_json: bool) -> int:
    """Write problems and a closing line to standard output, and give the exit code.

    Args:
        path: The main estate file.
        problems: What was found, in the order to show it.
        as_json: One JSON document instead of lines.
    """
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        write_json([_as_dict(p) for p in problems], path=path, ok=errors == 0)
        return 1 if errors else 0
    heads = {"error": _("error"), "warning": _("warning")}
    for problem in problems:
        write_line(f"{heads[problem.severity]}: {render_problem(problem)}")
    write_line(_closing_line(path, errors, len(problems) - errors))
    return 1 if errors else 0


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
