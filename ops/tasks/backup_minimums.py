"""A task around the minimums that backups are kept for."""

from invoke.context import Context

from ops.tasks import flags
from ops.tasks.running import operator_task

AREA = "backup"


@operator_task(
    help={
        "site": flags.SITE,
        "reason": flags.REASON_FOR_APPROVER,
        "document": flags.DOCUMENT,
        "dry_run": flags.DRY_RUN,
    },
    two_people=True,
)
def lower_minimum(
    _context: Context, site: str, reason: str = "", document: str = "", dry_run: bool = False
) -> int:
    """Let a lower minimum count for the snapshots that are there; takes a second person.

    The lower figure stands in the estate already. Without this, snapshots keep the minimum they
    were made under, and the lower one counts for later ones only.
    """
    from ops.jobs.lowering import LoweringWish, lower_minimum

    wish = LoweringWish(site=site, reason=reason, document=document, dry_run=dry_run)
    return lower_minimum(wish)
