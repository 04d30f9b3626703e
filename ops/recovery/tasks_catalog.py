"""`catalog.move` and `catalog.trust`: the service's own database, elsewhere or anew."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "catalog"
TITLE = N_("the catalog: the service's own database")


@operator_task(
    help={
        "to": N_(
            "Where to: `file:PATH` with the URL of an empty PostgreSQL database, or"
            " `sqlite:///PATH` of a file that is not there yet."
        ),
        "dry_run": flags.DRY_RUN,
    }
)
def move(_context: Context, to: str, dry_run: bool = False) -> int:
    """Move the catalog with all its records to another database; the service must not run."""
    from ops.recovery.catalog_move import move_catalog
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        return move_catalog(to, progress, dry_run=dry_run)


@operator_task(
    as_owner=False,  # root alone says it, and must be seen to be root
    help={
        "reason": N_("Why this catalog counts, although its records are new or were moved."),
        "confirm": N_("`giucong`, instead of typing it."),
        "dry_run": flags.DRY_RUN,
    },
)
def trust(_context: Context, reason: str, confirm: str = "", dry_run: bool = False) -> int:
    """Say as root that this catalog counts, although the stores are older than its records.

    Until then nothing is forgotten, and nothing is done that takes two people.
    """
    from ops.recovery.catalog_trust import trust_catalog

    return trust_catalog(reason, confirm=confirm, dry_run=dry_run)
