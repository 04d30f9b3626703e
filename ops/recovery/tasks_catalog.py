"""`catalog.move` and `catalog.trust`: the service's own database, elsewhere or anew."""

from typing import Annotated

from ops.language.text import N_
from ops.terminal.flags import DryRun
from ops.terminal.task import Flag, task

TITLE = N_("the catalog: the service's own database")


# Root alone, as it sees itself inside.
@task("catalog.move", "ops.recovery.catalog_move:move_catalog", roles=None)
class Move:
    """Move the catalog with all its records to another database; the service must not run."""

    to: Annotated[
        str,
        Flag(
            "Where to: `file:PATH` with the URL of an empty PostgreSQL database, or"
            " `sqlite:///PATH` of a file that is not there yet."
        ),
    ]
    dry_run: DryRun = False


# Root alone says it, and must be seen to be root.
@task("catalog.trust", "ops.recovery.catalog_trust:trust_catalog", roles=None, as_owner=False)
class Trust:
    """Say as root that this catalog counts, although the stores are older than its records.

    Until then nothing is forgotten, and nothing is done that takes two people.
    """

    reason: Annotated[
        str,
        Flag("Why this catalog counts, although its records are new or were moved.", shape="long"),
    ]
    confirm: Annotated[str, Flag("`giucong`, instead of typing it.")] = ""
    dry_run: DryRun = False
