"""What `giucong` and `fab` have in common: how they list, explain and refuse."""

import difflib
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import fabric
from fabric.main import Fab
from invoke.exceptions import Exit, ParseError

from ops.cli.listing import write_everyday, write_group, write_out, write_task_help
from ops.errors import WrongUseError
from ops.terminal.exit_codes import attempt, report

_UNKNOWN = re.compile(r"No idea what '(.*)' is!", re.DOTALL)
_VALUE_MISSING = re.compile(r"Flag (?:'(.*)'|<Argument: (\S+?)(?: .*)?>) needed value")
_NO_COLLECTION = re.compile(r"Sub-collection '(.*)' not found!", re.DOTALL)
_AMBIGUOUS = re.compile(r"'(.*)' is ambiguous when given after an optional-value flag")
PRIVATE = 0o077
"""What tasks mask out of the modes of files they make: nobody else reads the service's files."""

_PLAIN = re.compile(r"[\w.:@/+][\w.:@/+-]*")
"""What may be a value: what a shell would expand, or take for a flag, is none of ours."""

_VALUE_GIVEN = re.compile(r"Flag '(.*)' doesn't take any value")


class Closed:
    """What makes a configuration of invoke's, or fabric's, take nothing from files or environment.

    Its files may be Python, and its settings may name classes to run: whoever acts with another
    user's rights would choose the code that runs with them.
    """

    def load_base_conf_files(self) -> None:
        """Leave what lies in /etc and in the home folder unread."""

    def load_project(self, merge: bool = True) -> None:
        """Leave what lies beside the tasks unread."""

    def load_runtime(self, merge: bool = True) -> None:
        """Leave the file unread that a flag or the environment names."""

    def load_shell_env(self) -> None:
        """Take no setting from the environment."""

    def load_ssh_config(self) -> None:
        """Leave the SSH client's own files unread."""


class ClosedConfig(Closed, fabric.Config):  # type: ignore[misc]  # fabric has no types
    """The configuration of `giucong`: what our code says, and nothing else."""


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
            raise Exit(code=report(explain_parse_error(str(error), []))) from error

    def parse_tasks(self) -> None:
        """Read the tasks and their flags; what cannot be understood ends with exit code 2."""
        try:
            super().parse_tasks()
        except ParseError as error:
            self._refuse(str(error))
        except ValueError:  # a closed flag of Fabric's that takes a number
            flags = [it for it in self.core.unparsed if it.startswith("-")]
            strange = (it for it in flags if not it.startswith("--") or self._is_closed(it))
            raise Exit(code=report(_explain_unknown(next(strange, flags[0]), ()))) from None
        except WrongUseError as error:  # a flag's value, read while parsing
            raise Exit(code=report(error)) from error

    def _is_closed(self, flag: str) -> bool:
        return flag.removeprefix("--").partition("=")[0] in self.closed_flags

    def parse_cleanup(self) -> None:
        """Do what the core flags ask for, unless tasks are to be run."""
        for name in self.closed_flags:
            if name in self.args and self.args[name].got_value:
                raise Exit(code=report(_explain_unknown(f"--{name}", ())))
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
        context = self.parser.contexts[name]
        self._finish(lambda: write_task_help(name, task.__doc__ or "", context))

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
        words = [it for it in (self.core.remainder or "").split()[1:] if it != "="]
        task = next((it for it in words if it in self.parser.contexts), "")
        if not task:
            return
        flags = self._value_flags(task)
        flag = next((it.lstrip("-") for it in words[:-3:-1] if it.startswith("-")), "")
        if flag in flags:
            from ops.cli.client import ask_completion
            from ops.cli.door import refuse_borrowed
            from ops.service.completion import list_values

            given = {it.lstrip("-"): value for it, value in pairwise(words) if it.startswith("--")}
            told = ask_completion(task, flag, given)
            if told is None:
                self._finish(refuse_borrowed)
                told = list_values(task, flag, given, become_owner)
            self._finish(lambda: write_out(*filter(_PLAIN.fullmatch, told)))
            raise Exit

    def _value_flags(self, task: str) -> list[str]:
        """Give the flags of a task that take a value."""
        return [it.names[0] for it in self.collection[task].get_arguments() if it.takes_value]

    def _refuse(self, message: str) -> NoReturn:
        stray = _UNKNOWN.match(message)
        if stray and (error := self._explain_stray(stray[1])):
            raise Exit(code=report(error))
        raise Exit(code=report(explain_parse_error(message, self._task_names())))

    def _explain_stray(self, word: str) -> WrongUseError | None:
        """Explain a word after a task that belongs to no flag; None where it is something else."""
        words = self.core.unparsed
        before = words[: words.index(word)] if word in words else []
        task = next((it for it in reversed(before) if it in self.parser.contexts), "")
        if not task or word.startswith("-") or "." in word:
            return None
        from ops.cli.client import is_client
        from ops.service.completion import find_flag

        required = [it.replace("_", "-") for it in self.collection[task].required]
        flags = () if is_client() else self._value_flags(task)
        flag = find_flag(task, flags, word, become_owner) or next(iter(required), "")
        return WrongUseError(
            'the word "{word}" belongs to no flag',
            why="{task} takes flags only",
            data="nothing was changed",
            next_step="`{program} {task} --{flag} {word}`"
            if flag
            else "`{program} {task}`, without it",
            word=shlex.quote(word),
            task=task,
            flag=flag,
        )

    def _task_names(self) -> list[str]:
        return [
            f"{name}.{task}"
            for name, collection in self.collection.collections.items()
            for task in collection.tasks
        ]


def show_status() -> int:
    """Show the state of everything, to who may see all of it; what knows it is loaded only now."""
    from ops.cli.door import refuse_borrowed
    from ops.status.cli import show_bare

    refuse_borrowed()
    return show_bare()


def become_owner() -> None:
    """Read the catalog as its owner: a file that root makes beside it would stop the service."""
    from ops.cli.owner import act_as_owner
    from ops.estate.load.read import find_estate_path

    act_as_owner(find_estate_path())


def explain_parse_error(message: str, tasks: Iterable[str]) -> WrongUseError:
    """Give our error for what invoke's parser complains about; pure.

    Args:
        message: Invoke's sentence.
        tasks: All tasks there are, for the nearest one.
    """
    if found := _UNKNOWN.match(message):
        return _explain_unknown(found[1], tasks)
    if found := _VALUE_MISSING.match(message):
        return WrongUseError(
            "the flag {flag} needs a value",
            next_step="write the value right after the flag",
            flag=found[1] or f"--{found[2]}",
        )
    if found := _VALUE_GIVEN.match(message):
        return WrongUseError(
            "the flag {flag} takes no value", next_step="leave the value out", flag=found[1]
        )
    if found := _AMBIGUOUS.match(message):
        return WrongUseError(
            'it is not clear what "{word}" belongs to',
            next_step="write the value right after the flag, as in --flag=VALUE",
            word=found[1],
        )
    if found := _NO_COLLECTION.match(message):
        return WrongUseError(
            'there is no group of tasks "{word}"',
            next_step="`{program} --list` lists the groups",
            word=found[1],
        )
    return WrongUseError("the command cannot be understood: {reason}", reason=message)


def _explain_unknown(word: str, tasks: Iterable[str]) -> WrongUseError:
    if word.startswith("-"):
        return WrongUseError(
            "the flag {flag} is not known here",
            next_step="`--help` after a task lists its flags",
            flag=word,
        )
    near = next(iter(difflib.get_close_matches(word, list(tasks), 1)), "")
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
