"""`backup.status`: each site, and how safe its data is."""

from typing import Annotated

from ops.access.rights import OFFICE
from ops.terminal.flags import Json
from ops.terminal.task import Flag, task


@task("backup.status", "ops.status.cli:show_sites", roles=OFFICE)
class Status:
    """Show each site: its newest backup, its age, its last check."""

    json: Json = False
    xml: Annotated[bool, Flag("Print the list of all copies as XML.")] = False
