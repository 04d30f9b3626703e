"""Nhật ký sao lưu, a row for each backup of some time; Biên bản sao lưu, one with its copies.

Source: law.md 2.6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from ops.catalog.tables.core import Run
from ops.catalog.tables.index import Snapshot
from ops.duties.wording import tell_medium
from ops.errors import WrongUseError
from ops.reports.figures.figure import Figure, Timespan
from ops.reports.figures.gather import SiteName, name_site
from ops.reports.figures.runs import RunRow, list_runs
from ops.reports.kinds.kind import UNKNOWN, Ask, Frame, count, day
from ops.reports.papers.paper import Block, Paper, Signature

MOST_ROWS = 2_000
"""More rows are no paper that anybody reads; the paper says how many there are."""

_ID_DIGITS = 8


@dataclass(frozen=True, slots=True)
class LogFacts:
    """The backups of a time, newest last, and what sites are called."""

    window: Timespan
    runs: Figure[Sequence[RunRow]]
    titles: Mapping[str, str]
    about: str


def gather_backup_log(ask: Ask) -> LogFacts:
    """List the backups of the time, of one site where it is named."""
    estate, window = ask.estate, ask.window
    sites = (*estate.sites, estate.own_site)
    titles = {it.name: name_site(estate, it.name, window).dated_title for it in sites}
    runs = list_runs(ask.session, window, "backup", ask.site)
    return LogFacts(window, runs, titles, titles.get(ask.site, ask.site))


def write_backup_log(facts: LogFacts, frame: Frame) -> Paper:
    """Write the log."""
    runs = facts.runs.value or ()
    shown = runs[-MOST_ROWS:]
    span = {"first": day(facts.window.first), "last": day(facts.window.last)}
    blocks: list[Block] = [frame.text("opening", count=count(len(runs)), **span)]
    if len(shown) < len(runs):
        blocks.append(frame.text("cut", shown=count(len(shown)), count=count(len(runs))))
    if shown:
        rows = [_row(facts, frame, number, it) for number, it in enumerate(shown, start=1)]
        table = frame.table("log", "0.6c 1.5l 1.9l 1l 1l 0.9l 0.6l", rows)
        paper = frame.paper([*blocks, table, frame.source(facts.runs)], **_about(facts, frame))
    else:
        paper = frame.paper([*blocks, frame.lacking(facts.runs)], **_about(facts, frame))
    keeper = Signature(post=frame.texts.say("keeper"))
    return replace(paper, signatures=(keeper, frame.office.signature))


def _about(facts: LogFacts, frame: Frame) -> Mapping[str, object]:
    return {"what": facts.about or frame.texts.say("all_sites")}


def _row(facts: LogFacts, frame: Frame, number: int, run: RunRow) -> tuple[str, ...]:
    outcomes, texts = frame.texts.tables["run_outcomes"], frame.texts
    method = run.job.partition("/")[0]
    return (
        str(number),
        frame.short(run.started_at),
        facts.titles.get(run.site, run.site),
        texts.tables["methods"].get(method, method),
        run.snapshot[:_ID_DIGITS] or UNKNOWN,
        outcomes.get(run.outcome, texts.say("running")),
        "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCopy:
    """One copy of the backup: place, medium, id, when it was taken."""

    location: str
    medium: str
    snapshot: str
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFacts:
    """One run, and the copies whose snapshots it made or which were made of them."""

    site: SiteName
    job: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    snapshot: str
    files: int | None
    copies: Sequence[BackupCopy]
    scan: str
    scanned_at: datetime | None


def gather_backup_minutes(ask: Ask) -> BackupFacts:
    """Read the newest backup of the site within the time, and its copies."""
    window = ask.window
    query = (
        select(Run)
        .where(Run.kind == "backup", Run.site == ask.site, Run.outcome.in_(("ok", "incomplete")))
        .where(Run.started_at >= window.since, Run.started_at < window.until)
        .order_by(Run.started_at.desc())
    )
    run = ask.session.execute(query.limit(1)).scalar()
    if run is None:
        raise WrongUseError(
            'no backup of "{site}" was made in this time',
            next_step="`{program} backup.status` says how it stands",
            site=ask.site,
        )
    scans = select(Run).where(Run.kind == "scan", Run.site == ask.site, Run.outcome.is_not(None))
    scan = ask.session.execute(scans.order_by(Run.started_at.desc()).limit(1)).scalar()
    snapshot = str(run.summary.get("snapshot") or "")
    return BackupFacts(
        site=name_site(ask.estate, ask.site, window),
        job=run.job,
        started_at=run.started_at,
        ended_at=run.ended_at,
        outcome=str(run.outcome),
        snapshot=snapshot,
        files=run.summary.get("files"),
        copies=_copies(ask, snapshot),
        scan=str(scan.outcome) if scan else "",
        scanned_at=scan.started_at if scan else None,
    )


def _copies(ask: Ask, snapshot: str) -> list[BackupCopy]:
    stores = {it.name: it for it in ask.estate.stores}
    query = (
        select(Snapshot)
        .where(Snapshot.site == ask.site, Snapshot.id != "")
        .where((Snapshot.id == snapshot) | (Snapshot.original == snapshot))
        .order_by(Snapshot.store)
    )
    return [
        BackupCopy(
            location=stores[it.store].location,
            medium=stores[it.store].medium,
            snapshot=it.id,
            taken_at=it.taken_at,
        )
        for it in ask.session.execute(query).scalars()
        if it.store in stores and snapshot
    ]


def write_backup_minutes(facts: BackupFacts, frame: Frame) -> Paper:
    """Write the minutes."""
    texts = frame.texts
    method = facts.job.partition("/")[0]
    values = (
        f"{frame.moment(facts.started_at)} – {frame.moment(facts.ended_at)}",
        ", ".join(dict.fromkeys(it.location for it in facts.copies)) or UNKNOWN,
        texts.say("by_service"),
        facts.site.dated_title,
        texts.say("to_fill"),
        texts.tables["methods"].get(method, method),
        texts.tables["run_outcomes"][facts.outcome],
        count(facts.files),
        split_id(facts.snapshot) or UNKNOWN,
        texts.say("encryption"),
        texts.say(
            "scanned",
            outcome=texts.tables["outcomes"][facts.scan],
            at=frame.moment(facts.scanned_at),
        )
        if facts.scan
        else texts.say("not_scanned"),
    )
    blocks: list[Block] = [
        frame.table("pairs", "1l 2.2l", zip(texts.list("fields"), values, strict=True)),
        frame.head("h_copies"),
        frame.table("copies", "1.5l 1l 2.4l 1.2l", [
            (it.location, tell_medium(it.medium), split_id(it.snapshot), frame.short(it.taken_at))
            for it in facts.copies
        ]) if facts.copies else frame.text("no_copies"),
        frame.source(Figure(1, "runs"), Figure(1, "snapshots")),
    ]  # fmt: skip
    paper = frame.paper(blocks, title=facts.site.dated_title)
    done = Signature(post=texts.say("done_by"))
    return replace(paper, signatures=(done, frame.office.signature))


def split_id(snapshot: str) -> str:
    """Write an id in two parts: no line of a table takes 64 digits."""
    half = len(snapshot) // 2
    return " ".join(filter(None, (snapshot[:half], snapshot[half:])))
