"""Write what is red, whether data is safe, and what to type."""

from collections.abc import Sequence

from ops.estate.load import load_estate
from ops.present import (
    Cell,
    Tone,
    format_duration,
    format_moment,
    is_terminal,
    outcome_cell,
    write_json,
    write_line,
    write_table,
)
from ops.status.facts import Facts, SiteFacts, look
from ops.status.problems import Level, Problem, find_problems, is_late, summarize
from ops.text import LABELS, N_, _, fill

_MOST_LINES = 12


def show() -> int:
    """Write what `giucong` alone says: what is red, whether data is safe, what to type."""
    estate = load_estate()
    facts = look(estate)
    problems = find_problems(facts)
    write_line(f"{estate.organisation.name} · {format_moment(facts.now, facts.zone)}")
    write_line()
    for level in ("red", "yellow"):
        _write_problems([it for it in problems if it.level == level], level)
    write_line(summarize(facts, problems))
    return 1 if any(it.level == "red" for it in problems) else 0


def _write_problems(problems: Sequence[Problem], level: Level) -> None:
    heads = {"red": N_("needs somebody now"), "yellow": N_("can wait for the day")}
    styles = {"red": "bold red", "yellow": "yellow"}
    if not problems:
        return
    _write_styled(f"● {_(heads[level])}", styles[level])
    for problem in problems[:_MOST_LINES]:
        about = f"{problem.site}: " if problem.site else ""
        write_line(f"  {about}{problem.told.what}")
        parts = (
            ("why", problem.told.why),
            ("data", problem.told.data),
            ("next_step", problem.told.next_step),
        )
        for label, text in parts:
            if text:
                write_line(f"    {_(LABELS[label])}: {text}")
    if len(problems) > _MOST_LINES:
        count = len(problems) - _MOST_LINES
        write_line("  " + fill(N_("and {count} more: `{program} backup.status`"), {"count": count}))
    write_line()


def _write_styled(text: str, style: str) -> None:
    if not is_terminal():
        write_line(text)
        return
    from rich.console import Console

    Console(highlight=False).print(text, style=style, markup=False)


def show_sites(*, as_json: bool) -> int:
    """Write a row for each site; gives 0, or 1 where something is red."""
    estate = load_estate()
    facts = look(estate)
    problems = find_problems(facts)
    code = 1 if any(it.level == "red" for it in problems) else 0
    if as_json:
        write_json({"facts": facts, "problems": problems, "ok": code == 0})
        return code
    heads = [_("Site"), _("State"), _("Newest backup"), _("Age"), _("Target"), _("Snapshots"),
             _("Last check")]  # fmt: skip
    write_table(heads, [_site_row(site, facts, problems) for site in facts.sites], right=(5,))
    write_line()
    write_line(summarize(facts, problems))
    if problems:
        write_line(_("What to do about each: `giucong` alone says it."))
    return code


def _site_row(site: SiteFacts, facts: Facts, problems: Sequence[Problem]) -> Sequence[str | Cell]:
    levels = {it.level for it in problems if it.site == site.name}
    tone: Tone = "bad" if "red" in levels else "warning" if levels else "good"
    state = {"bad": _("red"), "warning": _("look at it"), "good": _("well")}[tone]
    if site.is_working:
        state += " · " + _("at work")
    newest = age = "–"
    if site.newest_at is not None:
        newest = format_moment(site.newest_at, facts.zone)
        age = format_duration(facts.now - site.newest_at)
    return (
        site.name,
        Cell(state, tone),
        newest,
        Cell(age, "bad" if is_late(site, facts.now) else "plain"),
        format_duration(site.rpo),
        str(site.snapshots),
        _check_cell(site, facts),
    )


def _check_cell(site: SiteFacts, facts: Facts) -> Cell:
    if site.last_check is None:
        return outcome_cell("not_checked")
    cell = outcome_cell(site.last_check.outcome)
    age = format_duration(facts.now - site.last_check.ended_at)
    return Cell(_("{outcome}, {age} ago").format(outcome=cell.text, age=age), cell.tone)
