"""What a suspicious backup freezes: nothing of its site is deleted until somebody has looked.

Suspicious are files that change as ransomware changes them, and pages that jump as a defaced one.

The finding itself is the freeze: forgetting, pruning and mirrors ask for findings that nobody has
accepted. It is written with its journal row in one transaction, as soon as it is made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ops.access.session import Bench, at_bench
from ops.alerts.drafts import FROZEN, SUSPICIOUS
from ops.backups.brakes import Brake
from ops.backups.pages.verdict import UNLIKE
from ops.backups.ransomware.verdict import ChangeFigures, tell_figures, tell_signals
from ops.backups.tasks import Accept
from ops.catalog.tables.copies import WatchFinding
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import is_believed
from ops.errors import WrongUseError
from ops.estate.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.formats import format_moment
from ops.language.text import LABELS, N_, _, fill
from ops.outcomes import explain
from ops.terminal.output import write_indented, write_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Why a site is frozen, as the status tells it: the first finding that nobody has accepted.

    Attributes:
        site: Name.
        finding: Its id.
        found_at: When.
        snapshot, before: The backup, and the one it was compared with.
        figures, signals: JSON values, as in `ops.catalog.tables.copies.WatchFinding`.
        more: How many later findings wait too.
        run: Id of the run that has made the backup.
    """

    site: str
    finding: str
    found_at: datetime
    snapshot: str
    before: str
    figures: Mapping[str, Any]
    signals: Sequence[Mapping[str, Any]]
    more: int
    run: str


def is_of_pages(finding: Freeze | WatchFinding) -> bool:
    """Say whether pages have jumped, and the files are as usual."""
    return all("page" in it for it in finding.signals)


def params_of(finding: Freeze | WatchFinding) -> dict[str, Any]:
    """Give JSON values for sentences about why a site is frozen."""
    return {
        "reason": UNLIKE if is_of_pages(finding) else FROZEN,
        "found_at": finding.found_at.isoformat(),
        "snapshot": finding.snapshot[:8],
        "before": finding.before[:8],
        "figures": dict(finding.figures),
        "signals": [dict(it) for it in finding.signals],
    }


def note_finding(session: Session, origin: Origin, finding: WatchFinding, *, now: datetime) -> None:
    """Write a finding down, and journal it; from then on the site is frozen, by this at least.

    Args:
        session: A writing session.
        origin: Whose run.
        finding: Which site, its backup and the one that was compared with it, what was found;
            without figures, as of pages, no file has changed.
        now: Aware.
    """
    finding.figures = finding.figures or asdict(ChangeFigures(files=0))
    finding.run, finding.found_at = origin.run, now
    finding.accepted_by = finding.accept_reason = ""
    session.add(finding)
    told = ("snapshot", "before", "figures", "signals")
    details = {name: getattr(finding, name) for name in told}
    journal.append(session, origin, [Entry("backup.freeze", finding.site, details)])


def read_freezes(session: Session) -> list[Freeze]:
    """Give every frozen site, in the order they were frozen; what files show is told first."""
    query = select(WatchFinding).where(WatchFinding.accepted_at.is_(None))
    found: dict[str, list[WatchFinding]] = {}
    for row in session.execute(query.order_by(WatchFinding.found_at, WatchFinding.id)).scalars():
        found.setdefault(row.site, []).append(row)
    return list(map(_as_freeze, found.values()))


def _as_freeze(rows: Sequence[WatchFinding]) -> Freeze:
    row = next((it for it in rows if not is_of_pages(it)), rows[0])
    return Freeze(
        site=row.site,
        finding=str(row.id),
        found_at=row.found_at,
        snapshot=row.snapshot,
        before=row.before,
        figures=row.figures,
        signals=row.signals,
        more=len(rows) - 1,
        run=row.run,
    )


def list_freezes(session: Session, site: str) -> Sequence[WatchFinding]:
    """Give every finding of a site that nobody has accepted, oldest first."""
    query = select(WatchFinding).where(
        WatchFinding.site == site, WatchFinding.accepted_at.is_(None)
    )
    return session.execute(query.order_by(WatchFinding.found_at)).scalars().all()


def find_freeze(session: Session, site: str) -> Freeze | None:
    """Give why a site is frozen; None where it is not."""
    return next((it for it in read_freezes(session) if it.site == site), None)


def find_freeze_brake(session: Session, site: str) -> Brake | None:
    """Give the freeze of a site as what stops deletions; None where there is none."""
    freeze = find_freeze(session, site)
    return None if freeze is None else Brake(FROZEN, params_of(freeze))


def find_accepted_run(session: Session, site: str) -> UUID | None:
    """Give the run whose suspicious backup a person has accepted while it was the site's newest.

    What it shows is meant, then. Where a newer one was there, the site was put back before.
    """
    row = session.execute(
        select(WatchFinding)
        .where(WatchFinding.site == site, WatchFinding.accepted_at.is_not(None))
        .order_by(WatchFinding.accepted_at.desc(), WatchFinding.found_at.desc())
        .limit(1)
    ).scalar()
    if row is None:
        return None
    query = select(Run.id).where(*whole_runs(site), Run.started_at <= row.accepted_at)
    newest = session.execute(query.order_by(Run.started_at.desc()).limit(1)).scalar()
    return newest if str(newest) == row.run else None


def whole_runs(site: str) -> tuple[ColumnElement[bool], ...]:
    """Select the runs that have saved a whole site."""
    return (
        Run.site == site,
        Run.kind == "backup",
        Run.outcome.in_(("ok", "incomplete")),
        Run.job.not_like("backup-database/%"),  # hourly ones would leave nothing to learn from
        is_believed(dated=Run.started_at),
    )


def accept_findings(
    session: Session, origin: Origin, site: str, reason: str, *, now: datetime
) -> int:
    """End a site's freeze because somebody has looked; gives how many findings it ends.

    Args:
        session: A writing session.
        origin: Who has looked.
        site: Name.
        reason: What was found out; not empty.
        now: Aware.
    """
    rows = list_freezes(session, site)
    for row in rows:
        row.accepted_at = now
        row.accepted_by = origin.person or origin.login
        row.accept_reason = reason
    if rows:
        details = {"brake": FROZEN, "snapshots": [it.snapshot for it in rows]}
        entry = Entry("backup.accept", site, details)
        journal.append(session, replace(origin, reason=reason), [entry])
    return len(rows)


def write_watch(site: str, summary: Mapping[str, Any]) -> None:
    """Write what a backup's summary says of the watch; nothing where all is usual."""
    found = summary.get("watch", {})
    if "not_checked" in found:
        text = _("could not be held against the site's past: {reason}")
        write_indented(text.format(reason=found["not_checked"]), "  ", "    ")
    if found.get("accepted"):
        text = _("unlike the site's past, and accepted: {signals}")
        told = tell_signals({"figures": found["figures"], "signals": found["accepted"]})
        write_indented(text.format(signals=told), "  ", "    ")
    if found.get("signals"):
        params = {**found, "snapshot": str(summary["snapshot"])[:8], "before": found["before"][:8]}
        write_freeze(site, params)


def write_freeze(site: str, params: Mapping[str, Any]) -> None:
    """Write why a site is frozen, and what to do; `params` as of `params_of`."""
    told = explain(FROZEN, params, site=site)
    write_indented(told.what, "  ", "    ", style="bold red")
    for label, text in (("why", told.why), ("data", told.data), ("next_step", told.next_step)):
        write_indented(f"{_(LABELS[label])}: {text}", "    ", "      ")


def accept_backup(wish: Accept) -> int:
    """End a site's freeze because somebody has looked; gives the exit code.

    Raises:
        WrongUseError: No reason is given, or there is no such site.
    """
    if not wish.reason.strip():
        raise WrongUseError(
            "this lets old backups be deleted again, so it needs a reason",
            next_step="add `--reason TEXT`: what you have looked at, and what it was",
        )
    estate, name = load_estate(), wish.site
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        require_site(estate, bench.catalog, name)
        with bench.catalog.reading() as session:
            freeze = find_freeze(session, name)
        if freeze is None:
            write_line(_("Nothing is frozen; there is nothing to accept."))
            return 0
        _write_accepted(freeze, estate.organisation.timezone)
        if is_of_pages(freeze) and _is_newest(bench, freeze):
            write_line(
                "  " + _("how its pages are in the newest backup counts as usual from now on")
            )
        if wish.dry_run:
            write_line(_("would let the rules delete old backups of the site again"))
            return 0
        with bench.catalog.writing() as session:
            accept_findings(session, bench.origin, name, wish.reason, now=datetime.now(UTC))
    write_line(_("Accepted; the rules decide again what is deleted."))
    write_line(
        fill(
            N_("What was deleted: `{program} backup.list --site {site} --deletions`"),
            {"site": name},
        )
    )
    return 0


def _is_newest(bench: Bench, freeze: Freeze) -> bool:
    """Say whether the site's newest backup is still one that jumps: nobody has put it back."""
    with bench.catalog.reading() as session:
        query = select(Run.reason).where(*whole_runs(freeze.site))
        newest = session.execute(query.order_by(Run.started_at.desc()).limit(1)).scalar()
    return newest in {UNLIKE, SUSPICIOUS}


def _write_accepted(freeze: Freeze, zone: str) -> None:
    params = params_of(freeze)
    moment = format_moment(freeze.found_at, zone)
    write_line(f"{freeze.site} · {freeze.snapshot[:8]} · {moment}")
    write_indented(tell_signals(params), "  ", "    ")
    if not is_of_pages(freeze):
        write_indented(tell_figures(params), "  ", "    ")
    text = _("the snapshot before it, the last without these signs: {before}")
    write_line("  " + text, before=freeze.before[:8])
    if freeze.more:
        write_line("  " + _("later findings that end with it: {count}"), count=freeze.more)
