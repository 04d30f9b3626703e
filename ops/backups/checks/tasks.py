"""`backup.check`: is everything there, and is it sound?"""

from typing import Literal

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"


@operator_task(
    help={
        "site": flags.SITE_OR_ALL,
        "read_data": N_("Read every stored byte back."),
        "share": N_("Read the day's share of the stored bytes back, as the service does."),
        "store": N_(
            "Store, or primary; left out: every one that has been brought up to date before."
        ),
        "json": flags.JSON,
    }
)
def check(
    _context: Context,
    site: str = "",
    store: str = "",
    read_data: bool = False,
    share: bool = False,
    json: bool = False,
) -> int:
    """Check repositories: is everything there, and is it sound?"""
    from ops.backups.checks.cli import check_sites
    from ops.terminal.progress import shown_progress

    with shown_progress() as progress:
        if read_data:
            return check_sites(site, progress, "all", as_json=json, store=store)
        wanted: Literal["share", "none"] = "share" if share else "none"
        return check_sites(site, progress, wanted, as_json=json, store=store)
