"""What `giucong` and `fab` have in common: how they list, explain and refuse."""

import difflib
import os
import re
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from getpass import getuser
from pathlib import Path
from typing import Any, NoReturn

import fabric
from fabric.main import Fab
from invoke.exceptions import Exit, ParseError
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from ops.cli.completing import flag_pairs, write_everyday, write_group, write_out, write_task_help
from ops.cli.door import become_owner, refuse_borrowed
from ops.errors import WrongUseError
from ops.language.text import N_
from ops.terminal.exit_codes import attempt, report
from ops.terminal.task import all_tasks

_UNKNOWN = re.compile(r"No idea what '(.*)' is!", re.DOTALL)
_COMPLAINTS = (
    (r"Flag (?:'(?P<flag>.*)'|<Argument: (?P<argument>\S+?)(?: .*)?>) needed value",
     N_("the flag {flag} needs a value"), N_("write the value right after the flag")),
    (r"Flag '(?P<flag>.*)' doesn't take any value!",
     N_("the flag {flag} takes no value"), N_("leave the value out")),
    (r"'(?P<word>.*)' is ambiguous when given after an optional-value flag",
     N_('it is not clear what "{word}" belongs to'),
     N_("write the value right after the flag, as in --flag=VALUE")),
    (r"(?s:Sub-collection '(?P<word>.*)' not found!)",
     N_('there is no group of tasks "{word}"'), N_("`{program} --list` lists the groups")),
)  # fmt: skip
"""What invoke's parser complains of, and what we say."""

PRIVATE = 0o077
"""What tasks mask out of the modes of files they make: nobody else reads the service's files."""


class Closed:
    """What makes a configuration of invoke's, or fabric's, take nothing from files or environment.

    Its files may be Python, and its settings may name classes to run: whoever acts with another
    user's rights would choose the code that runs with them.
    """

    def _leave(self, *, merge: bool = True) -> None:
        """Leave unread what lies in /etc, in the home folder, beside the tasks; or is named."""

    load_base_conf_files = load_project = load_runtime = load_shell_env = load_ssh_config = _leave


class ClosedConfig(Closed, fabric.Config):  # type: ignore[misc]  # fabric has no types
    """The configuration of `giucong`: what our code says, and nothing else."""

    @staticmethod
    def global_defaults() -> dict[str, Any]:
        """Give Fabric's own, also for an account that has no name here: Fabric asks for one."""
        with suppress(OSError, KeyError):  # the first from Python 3.13 on
            getuser()
            return fabric.Config.global_defaults()  # type: ignore[no-any-return]  # as above
        os.environ["LOGNAME"] = str(os.getuid())
        try:
            return fabric.Config.global_defaults()  # type: ignore[no-any-return]  # as above
        finally:
            del os.environ["LOGNAME"]


class OperatorProgram(Fab):  # type: ignore[misc]  # as above
    """A program of Fabric's that speaks the operator's language and keeps to the exit codes.

    Attributes:
        closed_flags: Flags of invoke's or fabric's own that are not known here.
    """

    closed_flags: tuple[str, ...] = ()

    def parse_core_args(self) -> None:
        """Read the flags of the program itself."""
        try:
            super().parse_core_args()
        except ParseError as error:
            raise Exit(code=report(explain_parse_error(str(error)))) from error

    def _make_parser(self) -> Parser:
        """Know the tasks alone that a word names: for each reading invoke copies all it knows."""
        if self.args.complete.value:
            return super()._make_parser()  # type: ignore[no-any-return]  # as above
        words = {part for word in self.argv[1:] for part in (word, word.partition("=")[2])}
        named = [
            ParserContext(name, aliases, self.collection[name].get_arguments())
            for name, aliases in self.collection.task_names.items()
            if words & {name, *aliases}
        ]
        return Parser(named, initial=self.initial_context)

    def parse_tasks(self) -> None:
        """Read the tasks and their flags; what cannot be understood ends with exit code 2."""
        try:
            super().parse_tasks()
        except ParseError as error:
            self._refuse(str(error))
        except ValueError:  # a closed flag of Fabric's that takes a number
            flags = [it for it in self.core.unparsed if it.startswith("-")]
            strange = (it for it in flags if not it.startswith("--") or self._is_closed(it))
            raise Exit(code=report(_explain_unknown(next(strange, flags[0])))) from None
        except WrongUseError as error:  # a flag's value, read while parsing
            raise Exit(code=report(error)) from error

    def _is_closed(self, flag: str) -> bool:
        return flag.removeprefix("--").partition("=")[0] in self.closed_flags

    def parse_cleanup(self) -> None:
        """Do what the core flags ask for, unless tasks are to be run."""
        for name in self.closed_flags:
            if name in self.args and self.args[name].got_value:
                raise Exit(code=report(_explain_unknown(f"--{name}")))
        if self.args.debug.value:
            os.environ["GIUCONG_DEBUG"] = "1"
        if self.args.complete.value:
            self._complete_value()
        try:
            super().parse_cleanup()
        except ParseError as error:
            self._refuse(str(error))
        except Exit as ending:
            if ending.message:
                self._refuse(ending.message)
            raise

    def list_tasks(self) -> None:
        """Write the list of tasks; other formats than the usual one are invoke's."""
        if self.list_format != "flat":
            super().list_tasks()
            return
        group = self.list_root
        if group:
            self._finish(lambda: write_group(self.collection, group))
        else:
            self._finish(lambda: write_everyday(self.collection))

    def print_task_help(self, name: str) -> None:
        """Write the help of one task."""
        task = self.collection[name]
        pairs = flag_pairs(self.parser.contexts[name], task=task.declared)
        self._finish(lambda: write_task_help(name, task.__doc__ or "", pairs))

    def no_tasks_given(self) -> None:
        """Say what is red, whether data is safe, and what to type."""
        from ops.cli.client import ask_status

        code = ask_status()
        raise Exit(code=attempt(show_status) if code is None else code)

    def _finish(self, write: Callable[[], None]) -> None:
        """Write something; a reader who has seen enough (`| head`) is no error."""
        code = attempt(write)
        if code:
            raise Exit(code=code)

    def _complete_value(self) -> None:
        """Write what may stand after the flag being typed; elsewhere invoke knows what to write."""
        from ops.cli.completing import flag_being_typed, list_fitting

        typing = flag_being_typed(self.core.remainder or "")
        if typing:
            self._finish(lambda: write_out(*list_fitting(typing)))
            raise Exit

    def _refuse(self, message: str) -> NoReturn:
        stray = _UNKNOWN.match(message)
        if stray and (error := self._explain_stray(stray[1])):
            raise Exit(code=report(error))
        raise Exit(code=report(explain_parse_error(message)))

    def _explain_stray(self, word: str) -> WrongUseError | None:
        """Explain a word after a task that belongs to no flag; None where it is something else."""
        words = self.core.unparsed
        before = words[: words.index(word)] if word in words else []
        task = next((it for it in reversed(before) if it in all_tasks()), "")
        if not task or word.startswith("-") or "." in word:
            return None
        from ops.cli.client import is_client
        from ops.cli.completing import value_flags
        from ops.service.completion import find_flag

        required = [it.written for it in all_tasks()[task].flags.values() if it.is_required]
        flags = [] if is_client() else value_flags(task)
        flag = find_flag(task, flags, word, become_owner) or next(iter(required), "")
        return WrongUseError(
            'the word "{word}" belongs to no flag',
            why="{task} takes flags only",
            next_step="`{program} {task} --{flag} {word}`"
            if flag
            else "`{program} {task}`, without it",
            word=shlex.quote(word),
            task=task,
            flag=flag,
        )


def show_status() -> int:
    """Show the state of everything, to who may see all of it; what knows it is loaded only now."""
    from ops.status.cli import show_bare

    refuse_borrowed()
    return show_bare()


def explain_parse_error(message: str) -> WrongUseError:
    """Give our error for what invoke's parser complains about; pure."""
    if found := _UNKNOWN.match(message):
        return _explain_unknown(found[1])
    for complaint, what, next_step in _COMPLAINTS:
        if found := re.match(complaint, message):
            named = found.groupdict()
            if argument := named.pop("argument", None):
                named["flag"] = f"--{argument}"
            return WrongUseError(what, next_step=next_step, **named)
    return WrongUseError("the command cannot be understood: {reason}", reason=message)


def _explain_unknown(word: str) -> WrongUseError:
    if word.startswith("-"):
        return WrongUseError(
            "the flag {flag} is not known here",
            next_step="`--help` after a task lists its flags",
            flag=word,
        )
    near = next(iter(difflib.get_close_matches(word, list(all_tasks()), 1)), "")
    return WrongUseError(
        'there is no task "{word}"',
        why='the nearest one is "{near}"' if near else "",
        next_step="`{program} --list` lists all tasks",
        word=word,
        near=near,
    )


def dress_fab(fabfile: Path) -> None:
    """Make fabric's own program, when it loads our tasks, list and refuse as ours does.

    Fabric has no setting for this, but its program is one object, made before any task is loaded.
    Where fabric is not what runs us, nothing happens. What chooses code (fabric's own flags, files
    and environment) acts for who owns the checkout alone.

    Args:
        fabfile: The file that is being loaded; whose it is, the checkout is.
    """
    running = sys.modules.get("fabric.main")
    if running is None or isinstance(running.program, OperatorProgram):
        return
    os.umask(PRIVATE)
    program = running.program
    program.__class__ = OperatorProgram
    if fabfile.stat().st_uid != os.geteuid():
        program.closed_flags = ("config", "collection", "search-root", "ssh-config")
        program.config_class = type("ClosedFabric", (Closed, program.config_class), {})
        program.create_config()  # anew: what the files have set so far goes
