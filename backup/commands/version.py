"""``version``: which program this is."""

import argparse
import platform

from backup import __version__
from backup.commands.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no flags of its own."""
    parser.usage = "python -m backup version"


def run(_arguments: argparse.Namespace, context: Context) -> int:
    """Print the version."""
    python = platform.python_version()
    if context.json:
        context.output.json(
            {
                "message_type": "version",
                "version": __version__,
                "go_version": f"python{python}",
                "go_os": platform.system().lower(),
                "go_arch": platform.machine(),
            }
        )
    else:
        context.output.line(f"giucong {__version__} (Python {python})")
    return 0
