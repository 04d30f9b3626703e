"""``init``: make a new repository."""

import argparse

from backup.commands.context import Context
from backup.commands.parser import add_source_flags
from backup.commands.passwords import ask_new_password
from backup.commands.snapshot_flags import need_operands
from backup.errors import UsageError

_VERSIONS = ("2", "stable", "latest")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup init [flags]"
    parser.add_argument("--copy-chunker-params", action="store_true",
        help="cut files where another repository does, named by --from-repo")  # fmt: skip
    parser.add_argument("--repository-version", metavar="N", choices=_VERSIONS, default="2",
        help="2, stable or latest, which all mean 2")  # fmt: skip
    add_source_flags(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Make it."""
    from backup.repository.repository import Repository

    need_operands(arguments, [])
    store = context.open_store()
    polynomial = None
    if arguments.copy_chunker_params:
        polynomial = context.open_source_repository().config.polynomial
    elif arguments.from_repo or arguments.from_repository_file:
        raise UsageError(
            "--from-repo alone has no meaning here",
            data="nothing was stored",
            next_step="add --copy-chunker-params, or leave out --from-repo",
        )
    password = (
        context.read_password() if context.has_password() else ask_new_password("new repository")
    )
    repository = Repository.init(
        store, password, cache_dir=context.cache_dir(), polynomial=polynomial
    )
    if context.json:
        context.output.json(
            {"message_type": "initialized", "id": repository.id, "repository": store.location}
        )
    else:
        context.output.say(f"created restic repository {repository.id[:10]} at {store.location}")
        context.output.note(
            "\nKeep the password in a safe place besides this machine: without it nobody,\n"
            "ourselves included, can read what will be stored."
        )
    return 0
