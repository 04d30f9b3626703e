"""Hold a backup that was just made against its site's own past.

Order, after the snapshot is durable:

1. Compare it with the last snapshot that was judged: not with the one before, for a run that was
   killed before step 2 must not hide what it has saved.
2. Where the change is suspicious, write the finding and its journal row: the site is frozen.
3. The caller records the figures with the run; the next run compares with this snapshot.

Killed between 2 and 3, the next run finds the same once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.errors import BackupError
from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from ops.backups.ransomware.compare import compare_files
from ops.backups.ransomware.freeze import note_finding, whole_runs
from ops.backups.ransomware.verdict import LEARNT_FROM, ChangeFigures, judge_change
from ops.catalog.tables.copies import WatchFinding
from ops.catalog.tables.core import Run
from ops.estate.model.policies import Watch
from ops.estate.model.sites import Site
from ops.schedule.kinds import RunContext

KEY = "watch"
"""Where a run's summary holds what was found."""


def watch_backup(
    context: RunContext,
    settings: Watch,
    site: Site,
    repository: Repository,
    snapshot_id: str,
    *,
    accepts: bool,
) -> dict[str, Any]:
    """Judge a snapshot; a suspicious one freezes the site. Never fails the backup.

    Args:
        context: The run that has made it.
        settings: The estate's bounds.
        site: Which.
        repository: Where it is.
        snapshot_id: Its id.
        accepts: Whether a person has said that whatever is odd is meant: then nothing is frozen,
            and the change counts as usual from now on.

    Returns:
        What the run's summary keeps, JSON values: `before`, `figures`, `signals`, `accepted`; only
        `not_checked` where it could not be judged; empty where there is nothing to compare with.
    """
    if not settings.enabled:
        return {}
    try:
        return _watch(context, settings, site, repository, snapshot_id, accepts=accepts)
    except BackupError as error:
        return {"not_checked": str(error)}


def _watch(
    context: RunContext,
    settings: Watch,
    site: Site,
    repository: Repository,
    snapshot_id: str,
    *,
    accepts: bool,
) -> dict[str, Any]:
    with context.catalog.reading() as session:
        judged = read_judged(session, site.name)
    whole = [
        it
        for it in load_readable_snapshots(repository).snapshots
        if it.hostname == site.name and it.paths == (f"/{site.name}",)
    ]
    after = next((it for it in whole if it.id == snapshot_id), None)
    before = find_reference(whole, after, judged) if after else None
    if after is None or before is None:
        return {}
    figures = compare_files(repository, before, after)
    signals = judge_change(figures, learn(judged), settings)
    told = [asdict(it) for it in signals]
    found: dict[str, Any] = {"before": before.id, "figures": asdict(figures)}
    if accepts or not signals:
        return {**found, "signals": [], "accepted": told}
    with context.catalog.writing() as session:
        finding = WatchFinding(site=site.name, snapshot=after.id, signals=told, **found)
        note_finding(session, context.origin, finding, now=datetime.now(UTC))
    return {**found, "signals": told, "accepted": []}


def read_judged(session: Session, site: str) -> list[Mapping[str, Any]]:
    """Give the summaries of a site's backups of whole sites that were judged, the newest first."""
    query = (
        select(Run.summary)
        .where(*whole_runs(site))
        .order_by(Run.started_at.desc())
        .limit(4 * LEARNT_FROM)  # some could not be judged
    )
    found = session.execute(query).scalars()
    return [it for it in found if KEY in it and "not_checked" not in it[KEY]]


def learn(judged: Sequence[Mapping[str, Any]]) -> list[ChangeFigures]:
    """Give the figures of good backups: one that was suspicious teaches nothing; pure."""
    good = [it[KEY] for it in judged if it[KEY].get("figures") and not it[KEY].get("signals")]
    return [ChangeFigures.from_values(it["figures"]) for it in good[:LEARNT_FROM]]


def find_reference(
    whole: Sequence[Snapshot], after: Snapshot, judged: Sequence[Mapping[str, Any]]
) -> Snapshot | None:
    """Give the snapshot to compare with: the one that was judged last; pure.

    Args:
        whole: All snapshots of the whole site.
        after: The one to judge.
        judged: Summaries of the backups that were judged, the newest first.

    Returns:
        Where none of those is left, the snapshot before this one; None where there is none.
    """
    earlier = {it.id: it for it in whole if it.id != after.id and it.time <= after.time}
    for summary in judged:
        if summary.get("snapshot") in earlier:
            return earlier[str(summary["snapshot"])]
    return list(earlier.values())[-1] if earlier else None
