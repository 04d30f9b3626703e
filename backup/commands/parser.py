"""The parser: the verbs, the flags that all of them share, and the one verb that is used."""

import argparse
import importlib
import os
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NoReturn, Protocol, cast

from backup.commands.argv import split_words
from backup.commands.context import Context
from backup.errors import UsageError

VERBS = {
    "backup": "make a new backup of files and folders",
    "cat": "print internal objects",
    "check": "look for damage in the repository",
    "copy": "copy snapshots from another repository",
    "diff": "show the differences between two snapshots",
    "dump": "print a file, or a folder as an archive",
    "find": "find files, folders or ids",
    "forget": "remove snapshots",
    "init": "make a new repository",
    "key": "list, add, change or remove passwords",
    "list": "list the objects of the repository",
    "ls": "list the files of a snapshot",
    "prune": "remove data that no snapshot needs",
    "repair": "mend the index, packs or snapshots",
    "restore": "bring files back from a snapshot",
    "rewrite": "take files out of snapshots",
    "snapshots": "list snapshots",
    "stats": "count files, sizes and blobs",
    "tag": "change the tags of snapshots",
    "unlock": "remove stale locks",
    "version": "print the version",
}
VERBS_THAT_WRITE = frozenset(
    ("backup", "copy", "forget", "init", "key", "prune", "repair", "restore", "rewrite", "tag",
    "unlock")
)  # fmt: skip
# Rare ones, which stock restic does on the same repository.
_LEFT_TO_RESTIC = (
    "cache", "debug", "features", "generate", "migrate", "mount", "options", "recover",
    "self-update",
)  # fmt: skip
# Verbs that only say, as restic does, which ones there are below them, where none is named.
_FAMILIES = ("key", "repair")
_CHOICE = re.compile(r"invalid choice: (.*) \(choose from (.*)\)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000_001, "ns": 0.000_000_001}
_KIB = 1024
_SMALLEST_PACK, _LARGEST_PACK = 4, 128  # MiB, as restic has it


class VerbModule(Protocol):
    """What the module of a verb offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare flags and usage."""
        ...

    def run(self, arguments: argparse.Namespace, context: Context) -> int:
        """Do the work and give the exit code."""
        ...


class FlagParser(argparse.ArgumentParser):
    """Knows only flags; operands are split off before, as restic's own parser does."""

    def __init__(self, prog: str, description: str = "") -> None:
        super().__init__(
            prog=prog, description=description, add_help=False, allow_abbrev=False, usage=prog
        )
        self.add_argument("-h", "--help", action="store_true", help="show this help")

    def takes_value(self) -> dict[str, bool]:
        """For each flag, with its dashes, whether it takes a value."""
        return {
            flag: action.nargs != 0 for action in self._actions for flag in action.option_strings
        }

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse a command line without the verb; operands come as `operands`.

        Raises:
            UsageError: A flag is unknown or its value makes no sense.
        """
        flags: list[str] = []
        operands: list[str] = []
        for _, flag, value in split_words(words, self.takes_value()):
            if not flag:
                operands.append(value or "")
            elif flag in {"-v", "--verbose"}:
                flags += ["--verbose"] * _verbosity(value)
            else:
                long = self._option_string_actions[flag].option_strings[-1]
                flags.append(long if value is None else f"{long}={value}")
        return self.parse_args(flags, argparse.Namespace(operands=operands))

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in our own words.

        Raises:
            UsageError: Always.
        """
        flag, _, why = message.removeprefix("argument ").partition(": ")
        choice = _CHOICE.fullmatch(why)
        if choice:
            why = f"{choice[1]} is none of {choice[2].replace(chr(39), '')}"
        raise UsageError(
            "the value of {flag} makes no sense",
            why="{reason}",
            next_step="add --help to see what it takes",
            flag=flag.rpartition("/")[2],
            reason=why,
        )


def parse_command_line(
    words: Sequence[str], environment: Mapping[str, str]
) -> tuple[VerbModule, argparse.Namespace]:
    """Find the verb, import its module, and parse everything else.

    Raises:
        UsageError: There is no such verb, or a flag makes no sense.
        HelpWanted: Somebody asked for help.
    """
    verb, at = _find_verb(words, environment)
    module = cast("VerbModule", importlib.import_module(f"backup.commands.{verb}"))
    parser = FlagParser(f"python -m backup {verb}", VERBS[verb][:1].upper() + VERBS[verb][1:] + ".")
    module.configure(parser)
    add_global_flags(parser, environment)
    arguments = parser.parse([*words[:at], *words[at + 1 :]])
    if arguments.help or (verb in _FAMILIES and not arguments.operands):
        raise HelpWanted(parser.format_help())
    arguments.verb = verb
    return module, arguments


class HelpWanted(Exception):  # noqa: N818 -- no error: somebody asked
    """Somebody asked for help; the text is the only argument."""


def _find_verb(words: Sequence[str], environment: Mapping[str, str]) -> tuple[str, int]:
    """Give the verb and its place; flags in front of it can only be those all verbs share."""
    if words and words[0] in VERBS:  # the usual order needs no second parser
        return words[0], 0
    parser = FlagParser("python -m backup")
    add_global_flags(parser, environment)
    for at, flag, value in split_words(words, parser.takes_value()):
        if flag in {"-h", "--help"} or (not flag and value == "help"):
            break
        if not flag:
            return _known_verb(value or ""), at
    raise HelpWanted(_overview(parser))


def _known_verb(word: str) -> str:
    if word in VERBS:
        return word
    if word in _LEFT_TO_RESTIC:
        raise UsageError(
            "this program has no command {verb!r}",
            why="it is rarely needed, and stock restic does it on the very same repository",
            data="nothing was read or written",
            next_step="run: restic {verb}, with the same --repo and password",
            verb=word,
        )
    from difflib import get_close_matches

    close = get_close_matches(word, VERBS, n=1)
    raise UsageError(
        "there is no command {verb!r}",
        why="you may mean {close}" if close else "",
        data="nothing was read or written",
        next_step="run: python -m backup help",
        verb=word,
        close=close[0] if close else "",
    )


def _overview(parser: FlagParser) -> str:
    verbs = "".join(f"  {verb:<11}{text}\n" for verb, text in VERBS.items())
    parser.usage = "python -m backup VERB [flags]"
    return f"Back up, check and restore; speaks restic's command line.\n\n{verbs}\n" + (
        parser.format_help()
    )


def add_global_flags(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    """Declare the flags that every verb takes; defaults come from the environment, as restic's."""
    group = parser.add_argument_group("flags of all commands")
    add = group.add_argument
    variable = environment.get
    add("-r", "--repo", metavar="PLACE", default=variable("RESTIC_REPOSITORY", ""),
        help="the repository (RESTIC_REPOSITORY)")  # fmt: skip
    add("--repository-file", metavar="FILE", default=variable("RESTIC_REPOSITORY_FILE", ""),
        help="file that holds the repository's place (RESTIC_REPOSITORY_FILE)")  # fmt: skip
    add("-p", "--password-file", metavar="FILE", default=variable("RESTIC_PASSWORD_FILE", ""),
        help="file that holds the password (RESTIC_PASSWORD_FILE)")  # fmt: skip
    add("--password-command", metavar="COMMAND", default=variable("RESTIC_PASSWORD_COMMAND", ""),
        help="command that prints the password (RESTIC_PASSWORD_COMMAND)")  # fmt: skip
    add("--key-hint", metavar="ID", default=variable("RESTIC_KEY_HINT", ""),
        help="the key file to try first (RESTIC_KEY_HINT)")  # fmt: skip
    add("-q", "--quiet", action="store_true", help="print results and errors only")
    add("-v", "--verbose", action="count", default=0, help="say more; twice: every file")
    add("--json", action="store_true", help="print restic's JSON messages")
    add("--no-lock", action="store_true", help="take no lock, for stores that cannot be written")
    add("--retry-lock", metavar="DURATION", type=parse_retry, default=timedelta(0),
        help="wait for a lock, e.g. 10m or 2h")  # fmt: skip
    add("--limit-upload", metavar="KIB", type=parse_rate, default=None, help="KiB a second")
    add("--limit-download", metavar="KIB", type=parse_rate, default=None, help="KiB a second")
    add("--cache-dir", metavar="FOLDER", default=variable("RESTIC_CACHE_DIR", ""),
        help="folder of the local cache (RESTIC_CACHE_DIR)")  # fmt: skip
    add("--no-cache", action="store_true", help="use no local cache")
    add("--cleanup-cache", action="store_true", help="accepted for restic's sake; nothing to do")
    add("--cacert", metavar="FILE", default=variable("RESTIC_CACERT", ""),
        help="root certificates for stores behind TLS")  # fmt: skip
    add("--tls-client-cert", metavar="FILE", default=variable("RESTIC_TLS_CLIENT_CERT", ""),
        help="our certificate and its key, in one PEM file (RESTIC_TLS_CLIENT_CERT)")  # fmt: skip
    add("--insecure-tls", action="store_true",
        help="do not ask who a store behind TLS is: anybody on the line may answer")  # fmt: skip
    add("--pack-size", metavar="MIB", type=parse_pack_size,
        default=variable("RESTIC_PACK_SIZE", "") or None,
        help="size of new packs in MiB, 4 to 128 (RESTIC_PACK_SIZE); 16 unless given")  # fmt: skip
    add("--compression", metavar="MODE", choices=["auto", "off", "max"],
        default=variable("RESTIC_COMPRESSION", "") or "auto",
        help="auto, off or max (RESTIC_COMPRESSION)")  # fmt: skip
    add("--no-extra-verify", action="store_true",
        help="accepted for restic's sake; everything is verified")  # fmt: skip
    add("--at", metavar="TIME", default="", help="read as of a moment, from a store with versions")
    add("-o", "--option", metavar="KEY=VALUE", type=parse_option, action="append", default=[],
        help="option of a store, e.g. sftp.identity=FILE")  # fmt: skip
    add("--debug", action="store_true", help="show where in the program an error arose")


def add_source_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that name a second repository, as copy and init take them."""
    add = parser.add_argument
    variable = os.environ.get
    add("--from-repo", metavar="PLACE", default=variable("RESTIC_FROM_REPOSITORY", ""),
        help="the other repository (RESTIC_FROM_REPOSITORY)")  # fmt: skip
    add("--from-repository-file", metavar="FILE",
        default=variable("RESTIC_FROM_REPOSITORY_FILE", ""),
        help="file that holds its place (RESTIC_FROM_REPOSITORY_FILE)")  # fmt: skip
    add("--from-password-file", metavar="FILE", default=variable("RESTIC_FROM_PASSWORD_FILE", ""),
        help="file that holds its password (RESTIC_FROM_PASSWORD_FILE)")  # fmt: skip
    add("--from-password-command", metavar="COMMAND",
        default=variable("RESTIC_FROM_PASSWORD_COMMAND", ""),
        help="command that prints its password (RESTIC_FROM_PASSWORD_COMMAND)")  # fmt: skip


def parse_retry(text: str) -> timedelta:
    """Read a duration as Go writes it: ``10m``, ``1h30m``, ``0``."""
    parts = re.findall(r"(\d+(?:\.\d*)?)(h|ms|us|ns|m|s)", text)
    if text != "0" and (not parts or "".join(map("".join, parts)) != text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 90s, 10m or 2h")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def parse_rate(text: str) -> int | None:
    """Read KiB a second as bytes a second; 0 means no limit."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of KiB a second")
    return int(text) * _KIB or None


def parse_pack_size(text: str) -> int | None:
    """Read MiB as bytes; 0 means the usual size."""
    if text == "0":
        return None
    if not text.isdecimal() or not _SMALLEST_PACK <= int(text) <= _LARGEST_PACK:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no whole number from {_SMALLEST_PACK} to {_LARGEST_PACK}"
        )
    return int(text) * _KIB * _KIB


def parse_option(text: str) -> tuple[str, str]:
    """Read ``key=value``."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=value")
    return key.strip().lower(), value.strip()


def parse_whole_number(text: str) -> int:
    """Read a number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _verbosity(value: str | None) -> int:
    if value is None:
        return 1
    if not value.isdecimal():
        raise UsageError("--verbose={text} makes no sense", next_step="use -v or -vv", text=value)
    return int(value)
