"""List what was deleted of a site: the deletion records."""

from ops.catalog.retention_records import Deletion
from ops.estate.load import load_estate
from ops.jobs.by_hand import at_bench
from ops.present import Cell, format_moment, format_number, write_json, write_line, write_table
from ops.retention.deletions import list_deletions
from ops.text import _

_VALUES = (
    "id", "site", "store", "run", "rule", "basis", "planned", "removed", "plan_digest",
    "requested_by", "approved_by", "request", "reason", "planned_at", "ended_at",
)  # fmt: skip


def show_deletions(name: str, *, as_json: bool) -> None:
    """Write the deletion records of a site, oldest first."""
    estate = load_estate()
    with at_bench(estate) as bench, bench.catalog.reading() as session:
        deletions = list_deletions(session, name)
    if as_json:
        write_json([_as_values(it) for it in deletions])
        return
    if not deletions:
        write_line(_("Nothing was deleted so far."))
        return
    heads = [
        _("Planned"), _("Store"), _("Deleted"), _("By"), _("Ground"), _("Approved by"),
    ]  # fmt: skip
    rows = [_row(it, estate.organisation.timezone) for it in deletions]
    write_table(heads, rows, right=(2,))


def _as_values(deletion: Deletion) -> dict[str, object]:
    request = str(deletion.request) if deletion.request else None
    values = {name: getattr(deletion, name) for name in _VALUES}
    return {**values, "id": str(deletion.id), "request": request}


def _row(deletion: Deletion, zone: str) -> list[str | Cell]:
    counts = f"{format_number(len(deletion.removed))}/{format_number(len(deletion.planned))}"
    is_named = bool(deletion.rule.get("named"))
    return [
        format_moment(deletion.planned_at, zone),
        deletion.store,
        counts if deletion.ended_at else Cell(_("not ended"), "warning"),
        _("by name") if is_named else _("retention"),
        deletion.basis or "–",
        deletion.approved_by or "–",
    ]
