"""``key``: list, add, change or remove the passwords of a repository."""

import argparse

from backup.commands.context import Context
from backup.commands.output import Column, format_table
from backup.commands.passwords import ask_new_password, read_password_file
from backup.errors import BackupError, UsageError
from backup.format.times import parse_time
from backup.repository.keyring import KeyInfo, add_key, change_password, list_keys, remove_key

_ACTIONS = ("list", "add", "remove", "passwd")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.usage = "python -m backup key [flags] list|add|remove ID|passwd"
    add = parser.add_argument
    add("--new-password-file", metavar="FILE", default="", help="file with the new password")
    add("--user", metavar="NAME", default="", help="user noted with the new password")
    add("--host", metavar="NAME", default="", help="host noted with the new password")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Do what is asked."""
    action, key_id = _read_operands(arguments.operands)
    repository = context.open_repository()
    if action == "list":
        with context.lock(repository):
            keys = list_keys(repository)
        for error in keys.errors:
            context.output.warn(f"warning: {error}")
        _print_keys(context, keys.keys)
        return 1 if keys.errors else 0
    if action == "remove":
        with context.lock(repository, exclusive=True):
            removed = remove_key(repository, key_id)
        context.output.line(f"removed key {removed}")
        return 0
    password = _new_password(arguments)
    noted = {"username": arguments.user, "hostname": arguments.host}
    with context.lock(repository, exclusive=action == "passwd", writes=True):
        change = add_key if action == "add" else change_password
        new_id = change(repository, password, **noted)
    context.output.line(f"saved new key with ID {new_id}")
    return 0


def _read_operands(operands: list[str]) -> tuple[str, str]:
    action, *rest = operands or [""]
    if action not in _ACTIONS:
        raise UsageError(
            "key needs to know what to do" if not action else "key cannot {action!r}",
            data="nothing was changed",
            next_step="name one of list, add, remove, passwd",
            action=action,
        )
    needed = 1 if action == "remove" else 0
    if len(rest) != needed:
        raise UsageError(
            "key remove needs one id" if needed else "key {action} takes nothing more",
            data="nothing was changed",
            next_step="run key list to see the ids" if needed else "use --new-password-file FILE",
            action=action,
        )
    return action, rest[0] if rest else ""


def _new_password(arguments: argparse.Namespace) -> bytes:
    if not arguments.new_password_file:
        return ask_new_password("the new key")
    password = read_password_file(arguments.new_password_file)
    if not password:
        raise UsageError(
            "the new password is empty",
            why="{file} holds nothing",
            data="nothing was changed",
            next_step="write the new password into that file",
            file=arguments.new_password_file,
        )
    return password.encode("utf-8", "surrogateescape")


def _print_keys(context: Context, keys: tuple[KeyInfo, ...]) -> None:
    if context.json:
        context.output.json(
            [
                {
                    "current": key.is_current,
                    "id": key.id,
                    "userName": key.username,
                    "hostName": key.hostname,
                    "created": _local(key.created),
                }
                for key in keys
            ]
        )
        return
    columns = [
        Column(" ID", [["* "[not key.is_current] + key.id[:8]] for key in keys]),
        Column("User", [[key.username] for key in keys]),
        Column("Host", [[key.hostname] for key in keys]),
        Column("Created", [[_local(key.created)] for key in keys]),
    ]
    for line in format_table(columns):
        context.output.line(line)


def _local(text: str) -> str:
    try:
        return f"{parse_time(text).astimezone():%Y-%m-%d %H:%M:%S}"
    except (BackupError, OverflowError, ValueError):  # only noted for people, so any text is kept
        return text
