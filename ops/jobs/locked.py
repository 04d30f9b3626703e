"""What a store has promised to keep for now: in a run's summary, and in words for the operator."""

from datetime import datetime
from typing import Any

from backup.prune.prune import PruneResult
from backup.repository.object_lock import Locked
from backup.retention.forget import ForgetResult
from ops.estate.load import load_estate
from ops.ledger.definitions import JobResult
from ops.present import format_moment, format_number, write_line
from ops.text import _


def summarize_locked(forgotten: ForgetResult | None, pruned: PruneResult | None) -> dict[str, Any]:
    """Give counts and the last moment; nothing where no store has promised anything."""
    snapshots = [] if forgotten is None else [until for _id, until in forgotten.locked]
    packs = Locked() if pruned is None else pruned.locked
    untils = snapshots + ([] if packs.until is None else [f"{packs.until:%Y-%m-%dT%H:%M:%SZ}"])
    if not untils:
        return {}
    return {
        "locked_snapshots": len(snapshots),
        "locked_packs": len(packs.keys),
        "locked_until": max(untils),
    }


def write_locked(result: JobResult) -> None:
    """Write what is still locked and until when; else nothing."""
    if "locked_until" not in result.summary:
        return
    until = datetime.fromisoformat(result.summary["locked_until"])
    text = _(
        "still locked by the store: {snapshots} snapshots, {packs} packs; the last until {until}"
    )
    write_line(
        text.format(
            snapshots=format_number(result.summary["locked_snapshots"]),
            packs=format_number(result.summary["locked_packs"]),
            until=format_moment(until, load_estate().organisation.timezone),
        )
    )
