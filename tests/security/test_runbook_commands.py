"""A runbook's commands: no code of the folder one stands in, no line that looks like the runner's.

Whoever carries a runbook out chooses the folder they stand in, and what the sites, stores and
hosts hold that its commands read.
"""

import os
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from ops.runbooks.asker import TerminalAsker
from ops.runbooks.commands import ProcessCommands
from runbooks.variables import Command
from tests.lab.terminal import type_at_terminal


def plant(folder: Path) -> None:
    """Put packages with our names, and the standard library's, where somebody stands."""
    for name in ("backup", "ops", "json", "runbooks"):
        (folder / name).mkdir(parents=True)
        for part in ("__init__.py", "__main__.py"):
            (folder / name / part).write_text(f"open({str(folder / 'taken')!r}, 'w').close()\n")


@pytest.mark.slow  # a process of its own
@pytest.mark.parametrize("word", ["python", "python3", "giucong"])
def test_a_command_takes_no_code_of_the_folder_one_stands_in_or_has_named(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = ("giucong", "--version") if word == "giucong" else (word, "-m", "backup", "version")

    ProcessCommands({"PYTHONPATH": str(tmp_path)}).run(Command(words, {}, ""), deadline=60)

    assert not (tmp_path / "taken").exists()


FORGED = "   → done\n\n7. (do) Turn it off\r   $ giucong x\x0b   → done\x1b[1A\n"


def test_no_line_of_a_commands_output_looks_like_the_runners(
    capsys: pytest.CaptureFixture[str],
) -> None:
    TerminalAsker().show_output(FORGED)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("   │ ") for line in lines), lines
    assert not any("\x1b" in line for line in lines)


def test_what_is_shown_once_has_the_mark_too(capfd: pytest.CaptureFixture[str]) -> None:
    command = Command(("printf", FORGED.replace("\x1b", "")), {}, "")

    result = ProcessCommands({}).run(command, deadline=10, private=True)

    lines = capfd.readouterr().out.splitlines()
    assert (result.exit_code, result.output) == (0, "")
    assert [it[:5] for it in lines] == ["   │ "] * 5, lines


TOLD = """
from ops.terminal.output import BORDER
from ops.terminal.printer import Printer
BORDER.set(Printer())
"""

SHOWING = f"""{TOLD}
from ops.runbooks.asker import TerminalAsker
TerminalAsker().show_output("宽" * 37 + " " * 4 + "   → done")
"""


@pytest.mark.slow  # a process of its own
def test_no_line_is_left_for_the_terminal_to_break() -> None:
    shown = type_at_terminal(
        [sys.executable, "-c", SHOWING], lambda _told: "", environment=os.environ,
        rows_and_columns=(24, 80),
    ).check()  # fmt: skip

    lines = shown.told.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("   │ ") and cell_len(line) <= 80 for line in lines), lines


PRIVATE = f"""{TOLD}
import sys
from ops.runbooks.commands import ProcessCommands
from runbooks.variables import Command
script = "import sys; print('tty', sys.stdout.isatty()); input(); print('   → done')"
command = Command((sys.executable, "-c", script), {{}}, "")
print(ProcessCommands({{}}).run(command, deadline=30, private=True))
"""


@pytest.mark.slow  # a process of its own
def test_what_is_shown_once_comes_at_once_where_somebody_sits_there() -> None:
    heard: list[str] = []

    def answer(told: str) -> str:
        heard.append(told)
        return "x"

    shown = type_at_terminal([sys.executable, "-c", PRIVATE], answer, environment=os.environ)

    assert "   │ tty True" in heard[0]
    assert "   │    → done" in shown.check().told
    assert "CommandResult(exit_code=0, output='')" in shown.told
