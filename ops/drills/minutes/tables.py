"""The tables in shown minutes: rows of cells from the minutes' codes and figures."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ops.drills.minutes.minutes import Minutes
from ops.drills.minutes.verdict import ARCHIVE_PARTS, RTO_PARTS
from ops.drills.phases import TITLES
from ops.duties.wording import tell_who
from ops.language.formats import format_date, format_duration, format_number
from ops.language.text import N_, _
from ops.outcomes import explain
from ops.terminal.output import Cell, outcome_cell, verdict_cell

Row = Sequence[str | Cell]

PARTS: Mapping[str, str] = {
    "detect": N_("notice the loss"),
    "decide": N_("decide, choose the copy"),
    "keys": N_("get the keys"),
    "data": N_("fetch the data"),
    "scan": N_("look for malware"),
    "restore": N_("restore: load the databases"),
    "verify": N_("verify: hashes, rows, pages"),
    "switch": N_("switch over: start the site"),
    "other": N_("set up the sandbox, and what lies between"),
}
_PAGES: Mapping[str, tuple[str, str]] = {
    "same": (N_("the same"), "ok"),
    "changed": (N_("changed"), "failed"),
    "missing": (N_("does not come"), "failed"),
    "not_checked": (N_("not checked"), "not_checked"),
}
_BAR = 24
COURSE = (N_("Time"), N_("Step"), N_("Carried out by"), N_("Result"), N_("Took"))
MEASURES = (N_("What"), N_("Asked for"), N_("Reached"), N_("Result"))
PAGES = (N_("Page"), N_("Result"), N_("Stays"), N_("Asked for"), N_("Alike"))
SHARES = (N_("Part of the recovery"), N_("Took"), "")
SHORTCOMINGS = (N_("What was found"), N_("Measure"), N_("Answerable"), N_("By when"))


def course_rows(minutes: Minutes, zone: str) -> Iterator[Row]:
    """Give a row for each phase: hour, step, person, outcome, how long."""
    titles = {it["name"]: it["title"] for it in minutes.people}
    for step in minutes.course:
        moment = datetime.fromisoformat(step["at"])
        person = step["person"]
        yield (
            f"{moment.astimezone(ZoneInfo(zone)):%H:%M:%S}",
            _(TITLES[step["phase"]]),
            titles.get(person, person) or _("the clock"),
            outcome_cell(step["outcome"] or "not_checked"),
            _seconds(step["seconds"]),
        )


def server_rows(servers: Sequence[Mapping[str, str]]) -> list[Row]:
    """Give a row for each database: its server there, and the one here."""
    return [
        (f"{it['name']} ({it['engine']})", it["server_wanted"] or "–", it["server_here"] or "–")
        for it in servers
    ]


def measure_rows(results: Mapping[str, Any]) -> Iterator[Row]:
    """Give what was asked for beside what was reached."""
    is_archive = "items" in results
    if is_archive:
        items = _("Archived items whole, in every version, by their own digests")
        yield _counted(items, results["items"], results["whole_items"])
    if "files" in results:
        yield _counted(_("Files equal in every byte"), results["files"], results["equal_files"])
    if "entries" in results:
        names = _("Names, modes, owners, times, links equal")
        yield _counted(names, results["entries"], results["equal_entries"])
    for database in results["databases"]:
        yield _rows_of(database)
    pages = results["pages"]
    if pages:
        yield _pages_row([str(it["verdict"]) for it in pages])
    rto = (
        _("RTO: until the items can be read") if is_archive else _("RTO: until the site runs again")
    )
    yield _span_row(rto, results["rto"])
    if not is_archive or results["rpo"]["reached_seconds"] is not None:
        yield _span_row(_("RPO: age of the copy at the incident"), results["rpo"])
    if is_archive:
        return
    age = results["newest"]["age_seconds"]
    told = "–" if age is None else _seconds(age)
    yield _("Newest content in the copy: age at the incident"), "–", told, Cell("–", "faint")


def _pages_row(verdicts: Sequence[str]) -> Row:
    same, failed = verdicts.count("same"), {"changed", "missing"}.intersection(verdicts)
    outcome = "failed" if failed else "ok" if same == len(verdicts) else "not_checked"
    label = _("Pages on which all that stays is as at backup time")
    return label, format_number(len(verdicts)), format_number(same), verdict_cell(outcome)


def _rows_of(database: Mapping[str, Any]) -> Row:
    found = sum(database["counts"].values())
    least = found - sum(it["found"] for it in database["differing"])
    wanted = least + sum(it["least"] for it in database["differing"])
    label = _("Rows of {name}, {tables} tables").format(
        name=database["name"], tables=len(database["counts"])
    )
    is_good = database["loaded"] and not database["missing"] and not database["differing"]
    missing = len(database["missing"])
    told = format_number(wanted)
    if missing:
        told = _("{rows}, and {count} tables more").format(rows=told, count=missing)
    return label, told, format_number(found), verdict_cell("ok" if is_good else "failed")


def _counted(label: str, wanted: int, found: int) -> Row:
    outcome = "ok" if wanted == found else "failed"
    return label, format_number(wanted), format_number(found), verdict_cell(outcome)


def _span_row(label: str, measure: Mapping[str, Any]) -> Row:
    target, seconds = timedelta(seconds=measure["target_seconds"]), measure["reached_seconds"]
    if seconds is None:
        return label, format_duration(target), "–", verdict_cell("not_checked")
    outcome = "ok" if seconds <= target.total_seconds() else "failed"
    return label, format_duration(target), _seconds(seconds), verdict_cell(outcome)


def page_rows(pages: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Give a row for each page: the verdict, how much stays on it, what was asked and is there."""
    for page in pages:
        text, outcome = _PAGES[page["verdict"]]
        shares = [page.get(name) for name in ("stays", "least", "alike")]
        told = ["–" if it is None else f"{int(100 * it)}%" for it in shares]
        yield page["page"], Cell(_(text), verdict_cell(outcome).tone), *told


def part_rows(results: Mapping[str, Any]) -> Iterator[Row]:
    """Give a row for each part of the recovery, with a bar."""
    parts: Mapping[str, float] = results["rto"]["parts"]
    order = ARCHIVE_PARTS if "items" in results else RTO_PARTS
    longest = max(parts.values(), default=0.0) or 1.0
    for name in order:
        seconds = parts.get(name, 0.0)
        bar = "█" * round(_BAR * seconds / longest)
        yield _(PARTS[name]), _seconds(seconds), Cell(bar or "▏", "faint")


def shortcoming_rows(
    shortcomings: Sequence[Mapping[str, Any]], site: str, titles: Mapping[str, str]
) -> Iterator[Row]:
    """Give a row for each shortcoming: what and why, measure, who, by when."""
    for it in shortcomings:
        found = explain(it["code"], it["params"], site=site)
        told = f"{found.what}: {found.why}" if found.why else found.what
        owner = it["owner"]
        due = datetime.fromisoformat(it["due"]).date()
        yield (
            Cell(told, verdict_cell(it["outcome"]).tone),
            found.next_step or "–",
            titles.get(owner, tell_who(owner)) or "–",
            format_date(due),
        )


def _seconds(seconds: float) -> str:
    return format_duration(timedelta(seconds=seconds))
