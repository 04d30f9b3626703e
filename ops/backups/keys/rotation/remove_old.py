"""Remove repositories that a change of the master key has left behind, with two people.

Order: look (`--dry-run` ends here); have another person agree; journal what goes; rename each so
that nothing takes it for whole; remove it. Cut off, what was renamed is removed by the next call.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup.format.snapshot import Snapshot
from backup.repository.repository import Repository
from ops.access.approvals.ask import ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench
from ops.backups.keys.rotation.master_key import OLD, MasterRotation
from ops.backups.retention.forget_named import BELOW_MINIMUM
from ops.backups.retention.holds import read_holds
from ops.backups.retention.look_before_deleting import find_standing_brake
from ops.backups.retention.protection import HoldView, is_held
from ops.errors import OpsError
from ops.language.text import _
from ops.terminal.output import write_line

_REMOVING = ".removing-"


@dataclass(frozen=True, slots=True)
class OldRepository:
    """A repository that was left behind.

    Attributes:
        path: Where it lies.
        snapshots: What it holds.
    """

    path: Path
    snapshots: tuple[Snapshot, ...]


def remove_old(bench: Bench, rotation: MasterRotation, reason: str, document: str) -> int:
    """Remove what a change of the master key has left behind; gives the exit code.

    Raises:
        OpsError: A hold or the site's minimum keeps one of them.
        ApprovalAwaitedError: Another person has to agree first.
        OpsError: There is no second person.
    """
    found = find_old(rotation)
    for it in found:
        write_line(f"  {it.path}")
        _refuse_needed(bench, rotation, it)
    if not found:
        if not bench.is_rehearsal:
            delete_old(rotation, found)
        write_line(_("nothing is left behind"))
        return 0
    names = sorted(str(it.path) for it in found)
    plan = {"act": "remove-old-key", "repositories": names}
    asked = Wish(BELOW_MINIMUM, rotation.site, plan, reason, document)
    agreed = ask_second_person(bench, asked)
    if agreed is None:
        return 0
    agreed.note("backup.key-remove-old", rotation.site, plan)
    delete_old(rotation, found)
    write_line(_("removed; repositories: {count}"), count=len(found))
    return 0


def decide_needed(
    snapshots: tuple[Snapshot, ...],
    holds: tuple[HoldView, ...],
    *,
    minimum_days: int,
    now: datetime,
    is_frozen: bool = False,
) -> str:
    """Say what keeps an old repository: `frozen`, `held`, `young`, or nothing; pure.

    Args:
        snapshots: What it holds.
        holds: In force for the site.
        minimum_days: Nothing younger goes.
        now: Present moment, aware.
        is_frozen: Whether a backup of the site looks like the work of ransomware.
    """
    if is_frozen:
        return "frozen"
    if any(is_held(it.id, holds) or is_held(it.original, holds) for it in snapshots):
        return "held"
    newest = max((it.time for it in snapshots), default=None)
    if newest is not None and newest > now - timedelta(days=minimum_days):
        return "young"
    return ""


def delete_old(rotation: MasterRotation, repositories: list[OldRepository]) -> None:
    """Remove repositories, and what an earlier removal that was cut off has left."""
    for it in repositories:
        it.path.rename(it.path.with_name(f"{_REMOVING}{it.path.name}"))
    for left in _cut_off(rotation):
        shutil.rmtree(left)


def find_old(rotation: MasterRotation) -> list[OldRepository]:
    """Find what a change of the site's master key has left behind."""
    found = []
    for store in rotation.stores:
        folder = Path(store.url) / OLD
        for path in sorted(folder.glob(f"{rotation.site}-*")):
            if _id_of(path, rotation.site):
                repository: Repository = rotation.open(path)
                found.append(OldRepository(path, tuple(repository.load_snapshots())))
    return found


def _cut_off(rotation: MasterRotation) -> list[Path]:
    """Find what two people had agreed on, and a removal that was cut off has left."""
    folders = [Path(store.url) / OLD for store in rotation.stores]
    return [it for folder in folders for it in folder.glob(f"{_REMOVING}{rotation.site}-*")]


def _id_of(path: Path, site: str) -> str:
    """Give the id in a name; empty where it is another site's, whose name begins alike."""
    rest = path.name.removeprefix(f"{site}-")
    return rest if "-" not in rest else ""


def _refuse_needed(bench: Bench, rotation: MasterRotation, old: OldRepository) -> None:
    estate = bench.estate
    with bench.catalog.reading() as session:
        holds = read_holds(session, rotation.site)
        is_frozen = find_standing_brake(session, rotation.site) is not None
    rules = estate.retention_for(estate.site(rotation.site), rotation.stores[0])
    why = decide_needed(
        old.snapshots,
        holds,
        minimum_days=rules.minimum_days,
        now=datetime.now(UTC),
        is_frozen=is_frozen,
    )
    if why == "frozen":
        raise OpsError(
            "{path} has to stay",
            why="a backup of the site looks like the work of ransomware, and nobody has looked yet",
            data="nothing was removed",
            next_step="look at the site, then `{program} backup.accept --site {site} --reason"
            " TEXT`",
            path=old.path,
            site=rotation.site,
        )
    if why:
        raise OpsError(
            "{path} has to stay",
            why="a hold is in force"
            if why == "held"
            else "its newest snapshot is younger than the minimum of {days} days",
            data="nothing was removed",
            next_step="`{program} backup.hold --list` lists the holds; otherwise come back later",
            path=old.path,
            days=rules.minimum_days,
        )
