"""Show the estate, in force or on a day, a sample of one, and what is wrong with it."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from platform import python_version
from typing import Any

from ops.access.role_changes import check_answering
from ops.access.session import reading
from ops.backups.retention.minimums import check_lowered
from ops.duties.table.load import check_tables
from ops.errors import EstateError, Problem, WrongUseError
from ops.estate.check import check_surroundings
from ops.estate.edit.import_sites import read_day
from ops.estate.edit.sample import write_sample
from ops.estate.known_sites import check_vanished
from ops.estate.load.changeable import read_whole
from ops.estate.load.load import load_estate
from ops.estate.load.problems import render_key
from ops.estate.model.estate import Estate
from ops.estate.model.policies import Retention
from ops.estate.model.sites import Site
from ops.estate.site_rules import check_required, list_not_available
from ops.estate.versions import PastEstate, find_estate_at, revive
from ops.language.formats import format_date, format_moment
from ops.language.text import _, fill, ngettext, program_name, render_problem
from ops.sites.tasks import CheckEstate, Sample, ShowEstate
from ops.terminal.output import write_indented, write_json, write_line, write_table, write_text
from ops.version import software_version


def show_estate(wish: ShowEstate) -> None:
    """Write the estate.

    Raises:
        WrongUseError: That is no day, or no estate is known of that day.
        OpsError: That day's estate is of a form this version does not know.
    """
    estate = load_estate()
    if not wish.at:
        if wish.json:
            write_json([describe_estate(estate)])
        else:
            changeable = read_whole(estate.path).changeable
            files = [estate.path, changeable] if changeable else [estate.path]
            _write_overview(estate, " + ".join(map(str, files)))
        return
    day = read_day(wish.at)
    if day is None:
        raise WrongUseError(
            '"{at}" is not a day', next_step="write it like 31/03/2026 or 2026-03-31", at=wish.at
        )
    past = read_estate_of(estate, day)
    if wish.json:
        write_json(
            [{"day": day, "since": past.since, "fingerprint": past.hash, "estate": past.document}]
        )
        return
    since = format_moment(past.since, estate.organisation.timezone)
    heading = _("as of {day}, in force since {since}").format(day=format_date(day), since=since)
    _write_overview(revive(past.document, estate.path), heading)


def read_estate_of(estate: Estate, day: date) -> PastEstate:
    """Give the estate that was in force when a day of the organisation ended, or is now.

    Raises:
        WrongUseError: None is known of that day.
    """
    end = datetime.combine(day + timedelta(days=1), time(), estate.zone).astimezone(UTC)
    with reading(estate) as session:
        past = find_estate_at(session, end - timedelta(microseconds=1))
    if past is None:
        raise WrongUseError(
            "no estate is known of {day}",
            why="the first one was remembered later",
            next_step="choose a later day, or leave --at out",
            day=format_date(day),
        )
    return past


def describe_estate(estate: Estate) -> dict[str, Any]:
    """Give the estate for `--json`: its document, its files and its fingerprint."""
    document = read_whole(estate.path)
    return {
        "path": str(estate.path),
        "changeable": str(document.changeable or ""),
        "from_changeable": [
            render_key(at, document.data)
            for at, file in document.files.items()
            if file == document.changeable
        ],
        "fingerprint": estate.fingerprint(),
        "estate": estate.document(),
    }


def _write_overview(estate: Estate, about: str) -> None:
    write_line(f"{estate.name_at()} · {about}")
    for title, columns, rows in _tables(estate):
        write_line()
        write_table(columns, rows, title=title)


def _tables(estate: Estate) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Yield title, heads and rows of what an operator sees: sites, stores, hosts if there are."""
    heads = [_("Name"), _("Title"), _("Unit"), _("Parts"), _("Backup"), _("Kept")]
    rows = [
        [
            site.name,
            estate.title_at(site.name),
            site.unit,
            _parts(site),
            site.schedule.backup or "–",
            format_retention(site.retention),
        ]
        for site in estate.sites
    ]
    yield _("Sites"), heads, rows
    roles = {"primary": _("primary"), "mirror": _("mirror of {of}"), "copy": _("copy of {of}")}
    heads = [_("Name"), _("Role"), _("Place"), _("Location"), _("Medium")]
    rows = [
        [it.name, roles[it.role].format(of=it.of), it.url, it.location, it.medium]
        for it in estate.stores
    ]
    yield _("Stores"), heads, rows
    rows = [[it.name, f"{it.address}:{it.port}", it.user] for it in estate.hosts]
    if rows:
        yield _("Hosts"), [_("Name"), _("Address"), _("Account")], rows


def _parts(site: Site) -> str:
    folders = len(site.files)
    databases = len(site.databases)
    texts = (
        ngettext("{count} folder", "{count} folders", folders).format(count=folders),
        ngettext("{count} database", "{count} databases", databases).format(count=databases),
    )
    return ", ".join(text for text, count in zip(texts, (folders, databases), strict=True) if count)


def format_retention(retention: Retention) -> str:
    """Give the keep rules in short, the longest-lived last: `3 bản mới nhất, 14 ngày, 24 tháng`."""
    return ", ".join(_rules(retention))


def _rules(retention: Retention) -> Iterator[str]:
    texts = (
        (retention.keep_last, _("{count} newest")),
        (retention.keep_daily, ngettext("{count} day", "{count} days", retention.keep_daily)),
        (retention.keep_weekly, ngettext("{count} week", "{count} weeks", retention.keep_weekly)),
        (
            retention.keep_monthly,
            ngettext("{count} month", "{count} months", retention.keep_monthly),
        ),
        (retention.keep_yearly, ngettext("{count} year", "{count} years", retention.keep_yearly)),
    )
    yield from (text.format(count=count) for count, text in texts if count)


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


def sample(_wish: Sample) -> None:
    """Write it."""
    write_text(write_sample())
