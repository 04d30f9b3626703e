"""What is told crosses the border that is set, and nobody's lines go astray without one."""

import subprocess
import sys

import pytest

from ops.meanwhile import meanwhile
from ops.terminal.document import Keeper
from ops.terminal.output import (
    BORDER,
    Cell,
    Table,
    write_cells,
    write_indented,
    write_line,
    write_quoted,
    write_table,
    write_wrapped,
)


def test_without_a_border_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with meanwhile(BORDER, None), pytest.raises(RuntimeError, match="nobody is told"):
        write_line("đi lạc")
    assert capsys.readouterr() == ("", "")


def test_what_is_kept_is_a_value_with_its_tones(capsys: pytest.CaptureFixture[str]) -> None:
    keeper = Keeper()
    with meanwhile(BORDER, keeper):
        write_table(["Trang"], [[Cell("cong-xa", "bad")]])
    assert keeper.result.told == [Table(["Trang"], [[Cell("cong-xa", "bad")]], "", ())]
    assert keeper.result.document()["told"] == ["Trang", "cong-xa"]
    assert capsys.readouterr() == ("", "")


def test_telling_loads_nothing_that_draws() -> None:
    code = (
        "import sys, ops.terminal.output, ops.terminal.printer; print({'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_no_part_of_what_is_told_commands_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[1A\x9b2J"
    write_line(evil)
    write_cells([Cell(evil), Cell(evil)])
    write_indented(evil, evil, evil)
    write_wrapped(evil)
    write_quoted(evil)
    write_table([evil], [[evil]], title=evil)
    told = capsys.readouterr().out
    assert told.count("\\x1b[1A\\x9b2J") == 10
    assert "\x1b" not in told
    assert "\x9b" not in told
