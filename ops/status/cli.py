"""Write what is red, whether data is safe, and what to type."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from ops.access.identity import check_door
from ops.alerts.decisions import job_subject
from ops.alerts.overview import AlertView
from ops.backups.media.copy_list import print_copy_list
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_duration, format_moment
from ops.language.text import LABELS, N_, _, ngettext
from ops.monitor.alert_wording import (
    look_for_states,
    look_for_tries,
    tell_answers,
    tell_trying_again,
    tell_under,
)
from ops.outcomes import Explanation
from ops.status.facts import Facts, SiteFacts, look
from ops.status.problem import Level, Problem
from ops.status.problem_wording import explain_problem, summarize
from ops.status.problems import find_problems, is_late
from ops.status.problems_copies import write_copies, write_deliveries, write_media
from ops.status.tasks import Status
from ops.terminal.elsewhere import BARE
from ops.terminal.output import (
    Cell,
    Tone,
    verdict_cell,
    write_indented,
    write_json,
    write_line,
    write_table,
)

_MOST_IN_FULL = 12
_HOURS_TOLD = 48
_AT_WORK = "▸"


def show_bare() -> int:
    """Write what `giucong` alone says, to who may see all of it.

    Raises:
        NotAllowedError: The person's roles do not reach.
    """
    check_door(BARE, {})
    return show()


def show() -> int:
    """Write what `giucong` alone says: what is red, whether data is safe, what to type."""
    estate = load_estate()
    facts = look(estate)
    problems = find_problems(facts)
    more = _find_more(estate, facts)
    write_line(f"{estate.name_at(facts.now)} · {format_moment(facts.now, facts.zone)}")
    write_line()
    for level in ("red", "yellow"):
        _write_problems([it for it in problems if it.level == level], level, facts, more)
    write_indented(summarize(facts, problems), "")
    return 1 if any(it.level == "red" for it in problems) else 0


def _find_more(estate: Estate, facts: Facts) -> dict[str, list[str]]:
    """Give by subject what stands below a problem: what is red with it, and when it is retried."""
    states = look_for_states(estate)
    more = {it.subject: list(tell_under(it, states, facts.now)) for it in facts.alerts}
    for it in look_for_tries(estate):
        line = tell_trying_again(it, facts.now, facts.zone)
        more.setdefault(job_subject(it.job), []).append(line)
    return more


def _write_problems(
    problems: Sequence[Problem], level: Level, facts: Facts, more: Mapping[str, Sequence[str]]
) -> None:
    heads = {"red": N_("needs somebody now"), "yellow": N_("can wait for the day")}
    styles = {"red": "bold red", "yellow": "yellow"}
    if not problems:
        return
    write_indented(f"● {_(heads[level])} ({len(problems)})", "", style=styles[level])
    alerts = {alert.subject: alert for alert in facts.alerts}
    for problem in problems[:_MOST_IN_FULL]:
        _write_problem(problem, alerts.get(problem.subject), facts)
        for line in more.get(problem.subject, ()):
            write_indented(line, "    ", "      ")
    for problem in problems[_MOST_IN_FULL:]:
        write_indented(_in_short(problem, facts.zone), "  ", "    ")
    write_line()


def _write_problem(problem: Problem, alert: AlertView | None, facts: Facts) -> None:
    told = explain_problem(problem, facts.zone)
    write_indented(_headline(problem, told), "  ", "    ", style="bold")
    parts = (("why", told.why), ("data", told.data), ("next_step", told.next_step))
    for label, text in parts:
        if text:
            write_indented(f"{_(LABELS[label])}: {text}", "    ", "      ")
    if alert is not None:
        for line in tell_answers(alert, facts.now, facts.zone):
            write_indented(line, "    ", "      ")


def _headline(problem: Problem, told: Explanation) -> str:
    return f"{problem.site}: {told.what}" if problem.site else told.what


def _in_short(problem: Problem, zone: str) -> str:
    """Give one line: of many problems each is named, with what to type."""
    told = explain_problem(problem, zone)
    headline = _headline(problem, told)
    return f"{headline} → {told.next_step}" if told.next_step else headline


def _as_values(problem: Problem, zone: str) -> dict[str, Any]:
    """Give a problem with its sentences, in the reader's language."""
    values = {it.name: getattr(problem, it.name) for it in fields(problem)}
    del values["alert"], values["occasion"], values["is_red_by_day"]
    told = explain_problem(problem, zone)
    return {**values, "level": problem.level, "told": told}


def show_sites(wish: Status) -> int:
    """Write a row for each site; gives 0, or 1 where something is red."""
    if wish.xml:
        return print_copy_list()
    estate = load_estate()
    facts = look(estate)
    problems = find_problems(facts)
    code = 1 if any(it.level == "red" for it in problems) else 0
    if wish.json:
        whole = {it.name: getattr(facts, it.name) for it in fields(facts)}
        del whole["sites"], whole["own"]
        items, told = describe_sites(facts, problems)
        write_json(items, problems=told, ok=code == 0, **whole)
        return code
    heads = [_("Site"), _("State"), _("Newest backup"), _("Age"), _("Read in full"), _("Checked")]
    offset = format_moment(facts.now, facts.zone).split()[-1]
    title = _("Times are {offset}.").format(offset=offset)
    rows = [row for site in _all_sites(facts) for row in _site_rows(site, facts, problems)]
    write_table(heads, rows, title=title)
    if any(site.is_working for site in _all_sites(facts)):
        write_line(f"{_AT_WORK} {_('at work')}")
    write_line()
    write_copies(_all_sites(facts), facts)
    write_media(facts)
    write_deliveries(facts.sites)
    write_line()
    write_indented(summarize(facts, problems), "")
    if problems:
        write_line(_("What to do about each: `giucong` alone says it."))
    return code


def describe_sites(
    facts: Facts, problems: Sequence[Problem]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give each site with its state, and each problem with its sentences, as JSON values."""
    items = [{**asdict(it), "state": _level(it, problems)} for it in _all_sites(facts)]
    return items, [_as_values(it, facts.zone) for it in problems]


def _all_sites(facts: Facts) -> tuple[SiteFacts, ...]:
    return (*facts.sites, *(() if facts.own is None else (facts.own,)))


def _site_rows(
    site: SiteFacts, facts: Facts, problems: Sequence[Problem]
) -> Iterator[Sequence[str | Cell]]:
    """Yield the site's row, and one for each database that has runs of its own."""
    yield _site_row(site, facts, problems)
    for name, moment in site.databases.items():
        told = format_moment(moment, facts.zone).rpartition(" ")[0]
        yield f"  {name}", _("database alone"), told, format_age(facts.now - moment), "", ""


def _level(site: SiteFacts, problems: Sequence[Problem]) -> str:
    levels = {it.level for it in problems if it.concerns(site.name)}
    return "red" if "red" in levels else "yellow" if levels else "ok"


_STATES: Mapping[str, tuple[str, Tone]] = {
    "red": (N_("red"), "bad"),
    "yellow": (N_("look at it"), "warning"),
    "ok": (N_("well"), "good"),
}


def _site_row(site: SiteFacts, facts: Facts, problems: Sequence[Problem]) -> Sequence[str | Cell]:
    text, tone = _STATES[_level(site, problems)]
    state = _(text)
    if site.newest_at is None:
        state = _("no backup yet")
    if site.is_working:
        state += f" {_AT_WORK}"
    newest = age = "–"
    if site.newest_at is not None:
        newest = format_moment(site.newest_at, facts.zone).rpartition(" ")[0]
        age = format_age(facts.now - site.newest_at)
    return (
        site.name,
        Cell(state, tone),
        newest,
        Cell(age, "bad" if is_late(site, facts.now) else "plain"),
        "–" if site.full_at is None else _tell_ago(facts.now - site.full_at),
        _check_cell(site, facts),
    )


def _check_cell(site: SiteFacts, facts: Facts) -> Cell:
    if site.last_check is None:
        return verdict_cell("not_checked")
    cell = verdict_cell(site.last_check.outcome)
    age = format_age(facts.now - site.last_check.ended_at)
    text = _("{outcome}, {age} ago").format(outcome=cell.text, age=age)
    return Cell(text, cell.tone)


def _tell_ago(age: timedelta) -> str:
    return _("{age} ago").format(age=format_age(age))


def format_age(age: timedelta) -> str:
    """Give the one unit that says enough in a table: minutes, hours to two days, then days."""
    minutes = max(age // timedelta(minutes=1), 0)
    hours = minutes // 60
    if not hours:
        return format_duration(timedelta(minutes=minutes))
    if hours < _HOURS_TOLD:
        return ngettext("{count} hour", "{count} hours", hours).format(count=hours)
    days = hours // 24
    return ngettext("{count} day", "{count} days", days).format(count=days)
