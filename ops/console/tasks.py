"""The console's task."""

from invoke.context import Context

from ops.language.text import N_
from ops.terminal.task import operator_task

AREA = "console"
TITLE = N_("the console: pages for people")


@operator_task(
    foreground=True,
    as_owner=False,
    help={"listen": N_("Address and port in place of the estate's `[console] listen`.")},
)
def run(_context: Context, listen: str = "") -> None:
    """Show the console's pages in the foreground; the service answers them.

    As root it gives its rights up for those of the user giucong-console, where there is one.
    Ctrl-C or SIGTERM ends it.
    """
    from ops.console.run import run_console

    run_console(listen)
