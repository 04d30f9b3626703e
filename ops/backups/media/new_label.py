"""What a label will say, and what a written site comes to; pure but for today's date."""

from datetime import UTC, date, datetime

from backup.copies.mirror import MirrorResult
from backup.repository.repository import Repository
from backup.snapshots.selection import load_readable_snapshots
from ops.backups.media.inventory import Inventory
from ops.backups.media.label import Content, Held, Label
from ops.backups.media.tasks import ExportMedia
from ops.catalog.tables.index import is_ahead
from ops.duties.evidence.media import plan_renewal
from ops.duties.table.calendar import read_day
from ops.duties.table.load import load_calendar, load_duties
from ops.errors import WrongUseError
from ops.estate.model.estate import Estate
from ops.language.text import N_
from ops.schedule.ledger.job import JobResult

_DAMAGED = {
    "what": N_("{count} files do not read back from the medium as they were written: {first}"),
    "why": N_("the medium, its socket or its cable is failing"),
    "data": N_("the stores are untouched; do not count on this medium"),
    "next_step": N_("write another: `{program} backup.export-media --to FOLDER --code CODE`"),
}
_KEEPS = {
    "what": N_("the medium keeps what the primary store has lost; what is new was added"),
    "why": N_("that happens when somebody deletes backups, or a disk is not what it was"),
    "data": N_("the medium still has all of it"),
    "next_step": N_("look at the store first: `{program} backup.check --site {site}`"),
}


def make_label(estate: Estate, wish: ExportMedia, found: Label | None, by: str) -> Label:
    """Make the label; of one that is there what is not said anew stays.

    Raises:
        WrongUseError: The code is empty, or the first day cannot be read.
    """
    if not wish.code.strip():
        raise WrongUseError(
            "a medium needs a code",
            data="nothing was written",
            next_step="add `--code CODE`, as it stands on the medium's outside",
        )
    today = datetime.now(UTC).astimezone(estate.zone).date()
    started_on = _started(wish, found, today)
    renewal = plan_renewal(load_duties(estate).duties, started_on, today, load_calendar(estate))
    return Label(
        code=wish.code,
        organisation=estate.name_at(),
        kind=wish.kind or (found.kind if found else "disk"),
        started_on=started_on,
        renew_on=renewal.renew_on if renewal else None,
        kept_at=wish.kept_at or (found.kept_at if found else ""),
        holder=wish.holder or (found.holder if found else by),
        written_by=by,
        written_at=found.written_at if found else None,
        contents=found.contents if found else (),
    )


def _started(wish: ExportMedia, found: Label | None, today: date) -> date:
    if wish.started:
        return read_day(wish.started)
    return found.started_on if found else today


def describe(repository: Repository, site: str, inventory: Inventory) -> Content:
    """Say what a label tells of one repository."""
    snapshots = sorted(load_readable_snapshots(repository).snapshots, key=lambda it: it.time)
    now = repository.clock.now()
    whole = [
        it.time for it in snapshots if it.paths == (f"/{site}",) and not is_ahead(it.time, now)
    ]
    return Content(
        site=site,
        repository=repository.id,
        snapshots=tuple(Held(it.id, it.time.astimezone(UTC)) for it in snapshots),
        newest_at=whole[-1].astimezone(UTC) if whole else None,
        objects=inventory.objects,
        size_bytes=inventory.size_bytes,
        digest=inventory.digest,
    )


def conclude(mirrored: MirrorResult, content: Content, inventory: Inventory) -> JobResult:
    """Give the result of one site; what does not read back as it was written has failed."""
    plan = mirrored.plan
    summary = {
        "snapshots": len(content.snapshots),
        "objects": content.objects,
        "size_bytes": content.size_bytes,
        "digest": content.digest,
        "added": len(plan.add),
        "added_bytes": plan.add_bytes,
        "removed": mirrored.removed,
        "damaged": len(inventory.damaged),
    }
    if inventory.damaged:
        params = {"count": len(inventory.damaged), "first": inventory.damaged[0]}
        return JobResult("failed", "medium_damaged", {**_DAMAGED, "params": params}, summary)
    if plan.held_back:
        params = {"held_back": plan.held_back}
        return JobResult("incomplete", "medium_keeps_more", {**_KEEPS, "params": params}, summary)
    return JobResult("ok", summary=summary)
