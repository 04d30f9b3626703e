"""``version``: which program this is."""

import argparse
import platform
from collections.abc import Mapping

from backup import __version__
from backup.commands.context import Context

# The restic whose command line and messages this is; what people's wrappers ask for.
SPOKEN = "0.18.0"
_GO_NAMES: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}


def configure(parser: argparse.ArgumentParser) -> None:
    """It has no flags of its own."""
    parser.usage = "python -m backup version"


def run(_arguments: argparse.Namespace, context: Context) -> int:
    """Say whose language is spoken, as wrappers read it, and who speaks."""
    python = f"python{platform.python_version()}"
    machine = platform.machine()
    message = {
        "message_type": "version",
        "version": SPOKEN,
        "go_version": python,
        "go_os": platform.system().lower(),
        "go_arch": _GO_NAMES.get(machine, machine),
        "program": f"giucong {__version__}",
    }
    if context.json:
        context.output.json(message)
    else:
        context.output.line(
            f"restic {SPOKEN} is the language spoken here; the program is {message['program']}, "
            f"{python} on {message['go_os']}/{message['go_arch']}"
        )
    return 0
