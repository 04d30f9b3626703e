"""`backup.status`: each site, and how safe its data is."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal import flags
from ops.terminal.task import operator_task

AREA = "backup"


@operator_task(help={"json": flags.JSON, "xml": N_("Print the list of all copies as XML.")})
def status(_context: Context, json: bool = False, xml: bool = False) -> int:
    """Show each site: its newest backup, its age, its last check."""
    if xml:
        from ops.backups.media.known_copies import print_copy_list

        return print_copy_list()
    from ops.status.cli import show_sites

    return show_sites(as_json=json)
