"""A witness: stock restic, which knows nothing of us, looks at a site's backups every night.

It checks a share of the packs and gives one file back, whose hash has to be that of what we read
ourselves.

restic takes no lock of its own; we hold a shared one meanwhile, so that nobody prunes what it
reads and no backup has to wait.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from backup.format.snapshot import Snapshot
from backup.format.tree import Node
from backup.repository.repository import Repository
from backup.snapshots.dump import read_content
from backup.snapshots.selection import SnapshotFilter, load_readable_snapshots
from backup.snapshots.walk import TreeReader, walk
from ops.backups.repositories.open import hold_reading_lock, open_repository
from ops.backups.repositories.stock_restic import PACKAGE, Restic, restic_at
from ops.catalog.open import Catalog
from ops.catalog.tables.core import Run
from ops.catalog.tables.index import is_ahead
from ops.estate.choose import chosen_store
from ops.jobs.run_now import begin
from ops.schedule.kinds import RunContext
from ops.schedule.ledger.job import JobResult
from ops.told_text import clean_text

_MOST_LINES = 5


def bear_witness(
    context: RunContext, *, wait_for_lock: timedelta = timedelta(minutes=10)
) -> JobResult:
    """Have restic check a share and give one file back; the caller holds the site's lock.

    Raises:
        EstateError, OpsError: The estate or the site cannot be used.
        BackupError: Our own reading failed.
    """
    estate, _version, site = begin(context)
    program = shutil.which("restic")
    if program is None:
        return JobResult("not_checked", "restic_missing", {"package": PACKAGE})
    store = chosen_store(estate, context.arguments)
    repository = open_repository(estate, site.name, store)
    total = site.targets.reread_days
    earlier = _earlier_shares(context.catalog, context.job, total)
    share = choose_share(earlier, total)
    restic = restic_at(program, estate, site.name, store)
    with hold_reading_lock(repository, retry_for=wait_for_lock):
        snapshots = load_readable_snapshots(repository).snapshots
        whole = SnapshotFilter(paths=(f"/{site.name}",))
        now = repository.clock.now()
        believed = [it for it in snapshots if not is_ahead(it.time, now)]
        newest = next((it for it in reversed(believed) if whole.matches(it)), None)
        if newest is None:
            return JobResult("not_checked", "nothing_to_witness")
        summary: dict[str, Any] = {
            "independent": True,
            "store": store.name,
            "by": restic.version(),
            "share": share,
            "share_total": total,
            "snapshot": newest.id,
        }
        checked = restic.check(share, total)
        if checked.returncode:
            return _disagree(site.name, "check", checked, summary)
        return _compare_file(restic, repository, newest, len(earlier), site.name, summary)


def choose_share(earlier: Sequence[int], total: int) -> int:
    """Choose the share to check: from 0, the one that was not checked for longest.

    Args:
        earlier: Shares that were found sound, oldest first.
        total: How many shares there are.
    """
    newest = {share: place for place, share in enumerate(earlier)}
    return min(range(total), key=lambda share: (newest.get(share, -1), share))


def _earlier_shares(catalog: Catalog, job: str, total: int) -> list[int]:
    query = select(Run.summary).where(Run.job == job, Run.outcome == "ok").order_by(Run.started_at)
    with catalog.reading() as session:
        summaries = list(session.execute(query).scalars())
    return [int(it["share"]) for it in summaries if it.get("share_total") == total]


def _choose_sample(reader: TreeReader, snapshot: Snapshot, turn: int) -> tuple[str, Node] | None:
    """Choose a file as good as by chance, another at each turn; gives its path in the snapshot."""
    best: tuple[bytes, bytes, Node] | None = None
    for entry in walk(reader, snapshot.tree):
        if entry.node.type != "file":
            continue
        lot = hashlib.sha256(b"%d" % turn + entry.path).digest()
        if best is None or lot < best[0]:
            best = (lot, entry.path, entry.node)
    return None if best is None else (os.fsdecode(best[1]), best[2])


def _compare_file(
    restic: Restic,
    repository: Repository,
    snapshot: Snapshot,
    turn: int,
    site: str,
    summary: dict[str, Any],
) -> JobResult:
    reader = TreeReader(repository, repository.load_index())
    sample = _choose_sample(reader, snapshot, turn)
    if sample is None:
        return JobResult("ok", summary={**summary, "file": None})
    path, node = sample
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    summary |= {"file": shown, "bytes": node.size}
    ours = hashlib.sha256()
    for piece in read_content(reader, node):
        ours.update(piece)
    theirs, ended = restic.dump(snapshot.id, path)
    if ended.returncode:
        return _disagree(site, f"dump {shown}", ended, summary)
    summary |= {"sha256": ours.hexdigest()}
    if theirs != ours.hexdigest():
        params = {"site": site, "problem": shown, "lines": [theirs, ours.hexdigest()]}
        return JobResult("failed", "witness_disagrees", params, summary)
    return JobResult("ok", summary=summary)


def _disagree(
    site: str, what: str, ended: subprocess.CompletedProcess[str], summary: Mapping[str, Any]
) -> JobResult:
    told = [clean_text(line) for line in (ended.stderr + ended.stdout).splitlines() if line.strip()]
    params = {
        "site": site,
        "problem": f"restic {what}: {ended.returncode}",
        "lines": told[:_MOST_LINES],
    }
    return JobResult("failed", "witness_disagrees", params, summary)
