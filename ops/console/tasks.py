"""The console's task."""

from typing import Annotated

from ops.language.text import N_
from ops.terminal.task import Flag, task

TITLE = N_("the console: pages for people")


# What systemd starts is no person; who looks logs in there.
@task("console.run", "ops.console.run:run_console", roles=None, as_owner=False, is_foreground=True)
class RunConsole:
    """Show the console's pages in the foreground; the service answers them.

    As root it gives its rights up for those of the user giucong-console, where there is one.
    Ctrl-C or SIGTERM ends it.
    """

    listen: Annotated[
        str, Flag("Address and port in place of the estate's `[console] listen`.")
    ] = ""
