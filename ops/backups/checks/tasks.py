"""`backup.check`: is everything there, and is it sound?"""

from typing import Annotated

from ops.access.rights import OPERATE
from ops.terminal.flags import Json, SiteOrAll
from ops.terminal.task import Flag, task


@task("backup.check", "ops.backups.checks.cli:check_sites", roles=OPERATE, keeps=True)
class Check:
    """Check repositories: is everything there, and is it sound?"""

    site: SiteOrAll = ""
    store: Annotated[
        str,
        Flag(
            "Store, or primary; left out: every one that has been brought up to date before.",
            shape="store",
        ),
    ] = ""
    read_data: Annotated[bool, Flag("Read every stored byte back.")] = False
    share: Annotated[
        bool, Flag("Read the day's share of the stored bytes back, as the service does.")
    ] = False
    json: Json = False
