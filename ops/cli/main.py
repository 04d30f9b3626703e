"""The console scripts `giucong` and `fab`: the operators' tasks through Fabric's program.

They are one program. Fabric's own `fab` runs what stands in /etc/fabric.py and ~/.fabric.py before
it looks for tasks, and takes a quarter of a second to import; a task that needs SSH imports it
itself. Without a task it says what is red.
"""

import io
import os
import sys
from pathlib import Path

for _name in [it for it in os.environ if it.startswith("INVOKE_")]:
    del os.environ[_name]  # invoke reads one of them as soon as it is imported

import fabric
from invoke.exceptions import Exit
from invoke.parser.argument import Argument

from backup.workers.core_dumps import forbid_core_dumps
from ops.cli.collections import load_tasks
from ops.cli.completing import flag_pairs, write_columns, write_everyday, write_out
from ops.cli.program import PRIVATE, ClosedConfig, OperatorProgram
from ops.language.text import N_, _, program_name
from ops.terminal.exit_codes import EXIT_INTERRUPTED

_CORE_HELP = {
    "debug": N_("Show where in the program an error happened."),
    "dry": N_("Like --dry-run of the tasks: print the plan only."),
    "estate": N_("The estate file; else GIUCONG_ESTATE, ./estate.toml, /etc/giucong/estate.toml."),
    "help": N_("Explain this program, or the task named."),
    "list": N_("List the tasks of every day, or those of the group named."),
    "version": N_("Show the version."),
    "print-completion-script": N_("Print the completion script for bash, zsh or fish."),
}


class Giucong(OperatorProgram):
    """The program."""

    closed_flags = (
        "config",
        "hosts",
        "identity",
        "list-agent-keys",
        "prompt-for-login-password",
        "prompt-for-passphrase",
        "ssh-config",
        "connect-timeout",
    )

    def core_args(self) -> list[Argument]:
        """Give invoke's own flags, ours, and help in the operator's language."""
        arguments: list[Argument] = [*super().core_args(), Argument(names=("estate",))]
        for argument in arguments:
            argument.help = _(_CORE_HELP.get(argument.names[0], ""))
        return arguments

    def parse_core(self, argv: list[str] | None) -> None:
        """Read the core flags, without invoke's debug log and with compiled modules kept."""
        self.normalize_argv(argv)
        self.parse_core_args()
        if self.args.version.value:
            from ops.version import software_version

            write_out(f"giucong {software_version()}")
            raise Exit
        shell = self.args["print-completion-script"].value
        if shell:
            from ops.cli.completing import completion_script

            self._finish(lambda: write_out(completion_script(shell, program_name())))
            raise Exit

    def parse_cleanup(self) -> None:
        """Note the estate file before anything needs it."""
        if self.args.estate.value:
            os.environ["GIUCONG_ESTATE"] = str(Path(self.args.estate.value).absolute())
        super().parse_cleanup()

    def print_help(self) -> None:
        """Write what the program is, its flags and its tasks."""
        self._finish(self._write_help)

    def _write_help(self) -> None:
        flags = _("flags")
        write_out(
            _("Giữ Cổng: backup, archive and operations of an electronic portal."),
            "",
            f"{_('usage')}: {program_name()} [--estate FILE] {_('TASK')} [{flags}]",
            "",
            f"{flags}:",
        )
        write_columns(flag_pairs(self.initial_context, names=tuple(_CORE_HELP)))
        write_out("")
        write_everyday(self.collection)


def main() -> None:
    """Run `giucong`."""
    forbid_core_dumps()
    _open_what_is_closed()
    os.umask(PRIVATE)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names that are not UTF-8 must not end a task
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        namespace = load_tasks()
        name = program_name()
        Giucong(
            name=name,
            binary=name,
            namespace=namespace,
            config_class=ClosedConfig,
            executor_class=fabric.Executor,
        ).run()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


def _open_what_is_closed() -> None:
    """Put nothing where a standard stream is closed.

    Else the next file that is opened, perhaps the catalog, would be the standard output of whatever
    we start.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


if __name__ == "__main__":
    main()
