"""What is red, whether data is safe, and the command for each: facts → problems → text.

`gather_facts` reads the catalog and the locks; `find_problems` decides, pure; the rest writes.
"""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ops.catalog.indexes import Snapshot
from ops.catalog.opening import Catalog, open_catalog
from ops.catalog.records import Notice, Occurrence, Run
from ops.estate.load import load_estate
from ops.estate.models import Estate
from ops.estate.references import reveal
from ops.jobs.reasons import Explanation, explain
from ops.notices.drafts import grace_of
from ops.present import (
    Cell,
    Tone,
    format_duration,
    format_moment,
    outcome_cell,
    write_json,
    write_line,
    write_table,
)
from ops.service.site_lock import is_lock_free
from ops.text import LABELS, N_, _, fill, ngettext

Level = Literal["red", "yellow"]

MISSED_SINCE = timedelta(days=7)
_MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the newest ended run of a job ended; fields as in `ops.catalog.records.Run`."""

    job: str
    outcome: str
    reason: str
    params: Mapping[str, Any]
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What is known of one site.

    Attributes:
        name, title: As in the estate.
        rpo: How old its newest backup may be.
        reread: Within which every stored byte is to be read back.
        newest_at: When its newest snapshot of the whole site was taken.
        newest_outcome: `ok`, `incomplete`, or empty where that is not known.
        newest_id: Its id.
        snapshots: How many there are in the primary store.
        last_backup, last_check, last_forget: The newest ended runs.
        is_working: Whether somebody holds the site's lock.
        missed: Runs that were missed lately.
        other_stores: Stores that should hold a copy and were not looked at.
    """

    name: str
    title: str
    rpo: timedelta
    reread: timedelta
    newest_at: datetime | None = None
    newest_outcome: str = ""
    newest_id: str = ""
    snapshots: int = 0
    last_backup: LastRun | None = None
    last_check: LastRun | None = None
    last_forget: LastRun | None = None
    is_working: bool = False
    missed: int = 0
    other_stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of everything.

    Attributes:
        now: When it was looked at.
        zone: The organisation's time zone.
        sites: In the order of the estate.
        is_service_running: Whether a service runs on this machine.
        has_relay: Whether the estate says how people are told.
        undelivered: Notices that could not be delivered: those still tried, those given up.
    """

    now: datetime
    zone: str
    sites: tuple[SiteFacts, ...]
    is_service_running: bool
    has_relay: bool
    undelivered: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Attributes:
        level: `red` needs somebody now; `yellow` can wait for the day.
        site: Which site; empty for the whole.
        told: In words.
    """

    level: Level
    site: str
    told: Explanation


# Deciding ------------------------------------------------------------------------------------


def find_problems(facts: Facts) -> list[Problem]:
    """Give everything that is not as it should be, the red first; in the reader's language."""
    found = [*_find_in_whole(facts)]
    for site in facts.sites:
        found += _find_in_site(site, facts)
    return sorted(found, key=lambda problem: problem.level != "red")


def is_late(site: SiteFacts, now: datetime) -> bool:
    """Say whether a site's newest backup is older than it may be, or there is none."""
    return site.newest_at is None or now - site.newest_at > site.rpo + grace_of(site.rpo)


def _find_in_site(site: SiteFacts, facts: Facts) -> Iterator[Problem]:
    yield from _find_age(site, facts)
    backup, check = site.last_backup, site.last_check
    if backup is not None and (backup.outcome in {"failed", "incomplete"} or backup.reason):
        level: Level = "red" if backup.outcome == "failed" else "yellow"
        yield Problem(level, site.name, _explain_run(backup, site.name))
    if check is not None and check.outcome == "failed":
        yield Problem("red", site.name, _explain_run(check, site.name))
    if check is None and site.newest_at is not None:
        yield Problem("yellow", site.name, Explanation(
            _("the backups were never checked"),
            next_step=fill(N_("`{program} backup.check --site {site}`"), {"site": site.name}),
        ))  # fmt: skip
    if site.last_forget is not None and site.last_forget.outcome == "failed":
        yield Problem("yellow", site.name, _explain_run(site.last_forget, site.name))
    if site.missed:
        text = ngettext(
            "{count} run was missed in the last 7 days",
            "{count} runs were missed in the last 7 days",
            site.missed,
        )
        yield Problem("yellow", site.name, Explanation(
            text.format(count=site.missed), next_step=fill(N_("`{program} service.missed`"), {})
        ))  # fmt: skip


def _find_age(site: SiteFacts, facts: Facts) -> Iterator[Problem]:
    run_it = fill(N_("`{program} backup.run --site {site}`"), {"site": site.name})
    rpo = format_duration(site.rpo)
    if site.newest_at is None:
        yield Problem("red", site.name, Explanation(
            _("there is no backup yet"),
            data=_("what the site holds is saved nowhere"),
            next_step=run_it,
        ))  # fmt: skip
    elif is_late(site, facts.now):
        yield Problem("red", site.name, Explanation(
            _("the newest backup is {age} old; the target is {rpo}").format(
                age=format_duration(facts.now - site.newest_at), rpo=rpo
            ),
            data=_("saved up to {moment}; what is younger is saved nowhere").format(
                moment=format_moment(site.newest_at, facts.zone)
            ),
            next_step=run_it,
        ))  # fmt: skip


def _find_in_whole(facts: Facts) -> Iterator[Problem]:
    if not facts.is_service_running:
        yield Problem("yellow", "", Explanation(
            _("the service does not run on this machine: nothing happens by itself"),
            data=_("backups that exist are untouched"),
            next_step=fill(N_("`{program} service.run`, or `systemctl start giucong`"), {}),
        ))  # fmt: skip
    if not facts.has_relay:
        yield Problem("yellow", "", Explanation(
            _("nobody is told when something fails: the estate names no relay"),
            next_step=_("set `[notices] relay` and routes in the estate file"),
        ))  # fmt: skip
    tried, given_up = facts.undelivered
    if tried or given_up:
        yield Problem("red" if given_up else "yellow", "", Explanation(
            _("{count} notices did not get through").format(count=tried + given_up),
            next_step=_("check the relay; undelivered notices are tried again by themselves"),
        ))  # fmt: skip


def _explain_run(run: LastRun, site: str) -> Explanation:
    found = explain(run.reason, run.params, job=run.job, site=site)
    name = run.job.partition("/")[0]
    kind = {"backup": _("last backup"), "check": _("last check"), "forget": _("last forgetting")}
    heading = kind.get(name, name)
    return Explanation(
        f"{heading}: {outcome_cell(run.outcome).text}: {found.what}".rstrip(": "),
        found.why, found.data, found.next_step,
    )  # fmt: skip


# Gathering -----------------------------------------------------------------------------------


def gather_facts(estate: Estate, catalog: Catalog, now: datetime) -> Facts:
    """Read what is known; touches no store."""
    with catalog.reading() as session:
        runs = last_runs(session)
        newest = _newest(session, estate.primary_store.name)
        missed = _missed(session, now - MISSED_SINCE)
        undelivered = _undelivered(session)
    others = tuple(store.name for store in estate.stores if store.role != "primary")
    sites = []
    for site in estate.sites:
        snapshot, count = newest.get(site.name, (None, 0))
        sites.append(
            SiteFacts(
                name=site.name,
                title=site.title,
                rpo=timedelta(hours=site.targets.rpo_hours),
                reread=timedelta(days=site.targets.reread_days),
                newest_at=snapshot.taken_at if snapshot else None,
                newest_outcome=snapshot.outcome if snapshot else "",
                newest_id=snapshot.id if snapshot else "",
                snapshots=count,
                last_backup=runs.get(f"backup/{site.name}"),
                last_check=runs.get(f"check/{site.name}"),
                last_forget=runs.get(f"forget/{site.name}"),
                is_working=not is_lock_free(estate.service.state, site.name),
                missed=missed.get(site.name, 0),
                other_stores=others,
            )
        )
    return Facts(
        now=now,
        zone=estate.organisation.timezone,
        sites=tuple(sites),
        is_service_running=is_service_running(estate.service.state),
        has_relay=estate.notices.relay is not None,
        undelivered=undelivered,
    )


def is_service_running(state: Path) -> bool:
    """Say whether a service of this machine holds its sign on the state folder."""
    try:
        with (state / "locks" / "service.pid").open("rb") as sign:
            fcntl.flock(sign, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def last_runs(session: Session) -> dict[str, LastRun]:
    """Give how the newest ended run of each job ended, those that people ran included."""
    newest = (
        select(Run.job, func.max(Run.started_at).label("started_at"))
        .where(Run.outcome.is_not(None))
        .group_by(Run.job)
        .subquery()
    )
    query = select(Run.job, Run.outcome, Run.reason, Run.params, Run.ended_at).join(
        newest, (Run.job == newest.c.job) & (Run.started_at == newest.c.started_at)
    )
    return {
        job: LastRun(job, outcome, reason, params, ended_at)
        for job, outcome, reason, params, ended_at in session.execute(query)
        if outcome is not None and ended_at is not None
    }


def _newest(session: Session, store: str) -> dict[str, tuple[Snapshot, int]]:
    """Give each site's newest snapshot of the whole site, and how many snapshots there are."""
    query = select(Snapshot).where(Snapshot.store == store).order_by(Snapshot.taken_at)
    found: dict[str, tuple[Snapshot, int]] = {}
    counts: dict[str, int] = {}
    for row in session.execute(query).scalars():
        counts[row.site] = counts.get(row.site, 0) + 1
        if row.paths == [f"/{row.site}"]:
            found[row.site] = (row, 0)
    return {site: (row, counts[site]) for site, (row, _count) in found.items()}


def _missed(session: Session, since: datetime) -> dict[str, int]:
    rows = session.execute(
        select(Occurrence.site, func.count())
        .where(Occurrence.outcome == "missed", Occurrence.due_at >= since)
        .group_by(Occurrence.site)
    )
    return {site: count for site, count in rows}  # noqa: C416 - dict() loses the types


def _undelivered(session: Session) -> tuple[int, int]:
    rows = session.execute(select(Notice.state, Notice.attempts, Notice.error)).all()
    tried = sum(state in {"waiting", "sending"} and bool(error) for state, _n, error in rows)
    return tried, sum(state == "failed" for state, _attempts, _error in rows)


# Writing -------------------------------------------------------------------------------------


def look(estate: Estate) -> Facts:
    """Open the catalog and gather the facts of now."""
    catalog = open_catalog(reveal(estate.catalog.url))
    try:
        return gather_facts(estate, catalog, datetime.now(UTC))
    finally:
        catalog.close()


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


def summarize(facts: Facts, problems: Sequence[Problem]) -> str:
    """Give the closing line: how many sites are well, and how old the oldest backup is."""
    red = {it.site for it in problems if it.level == "red" and it.site}
    good = [site for site in facts.sites if site.name not in red]
    ages = [facts.now - site.newest_at for site in facts.sites if site.newest_at is not None]
    working = sum(site.is_working for site in facts.sites)
    parts = [
        _("{good} of {count} sites are well backed up").format(
            good=len(good), count=len(facts.sites)
        )
    ]
    if ages:
        oldest = format_duration(max(ages))
        parts.append(_("the oldest of their newest backups is {age} old").format(age=oldest))
    if working:
        parts.append(_("at work now: {count}").format(count=working))
    return "; ".join(parts) + "."


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
    from ops.present import is_terminal

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
