"""Values as people read them."""

import io
import sys
from datetime import UTC, datetime, timedelta

import pytest

from ops.language.formats import format_duration, format_moment, format_size
from ops.terminal.output import (
    Cell,
    outcome_cell,
    text_width,
    write_line,
    write_table,
)


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (0, "0 giây", "0 seconds"),
        (3.44, "3,4 giây", "3.4 seconds"),
        (13, "13 giây", "13 seconds"),
        (61, "1 phút 1 giây", "1 minute 1 second"),
        (7500, "2 giờ 5 phút", "2 hours 5 minutes"),
        (3600, "1 giờ", "1 hour"),
        (12 * 86400, "12 ngày", "12 days"),
        (59.6, "1 phút", "1 minute"),
    ],
)
def test_durations(
    seconds: float, vietnamese: str, english: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")

    assert format_duration(timedelta(seconds=seconds)) == vietnamese

    monkeypatch.setenv("GIUCONG_LANG", "en")

    assert format_duration(timedelta(seconds=seconds)) == english


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1.023 B"),
        (1536, "1,5 KiB"),
        (5 * 2**40, "5,0 TiB"),
        (2**51, "2.048,0 TiB"),
    ],
)
def test_sizes(size: int, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "vi")

    assert format_size(size) == text


def test_moments_are_shown_at_the_organisations_offset() -> None:
    assert format_moment(datetime(2026, 12, 31, 17, 0, tzinfo=UTC)) == "01/01/2027 00:00 +07:00"


def test_a_table_off_a_terminal_is_plain_and_aligned_with_vietnamese_marks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    decomposed = "Sở Y tế"
    write_table(
        ["Tên", "Cỡ", "Ghi chú"],
        [[decomposed, Cell("5", "bad"), "x"], ["Cổng chính", "120", ""]],
        title="Trang",
        right=[1],
    )

    assert capsys.readouterr().out == (
        f"Trang\nTên          Cỡ  Ghi chú\n{decomposed}       5  x\nCổng chính  120\n"
    )
    assert text_width(decomposed) == 7


def test_a_table_on_a_terminal_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    write_table(["Tên"], [[outcome_cell("failed")]])

    assert "─" in screen.getvalue()
    assert "thất bại" in screen.getvalue()


def test_a_name_in_a_line_or_a_table_cannot_command_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_line("tệp \x1b]0;x\x07")
    write_table(["Name"], [["\x1b[2Jx"], [Cell("\u202ey")]])

    assert "\x1b" not in (told := capsys.readouterr().out)
    assert [r"\x1b]0;x\x07" in told, r"\x1b[2Jx" in told, r"\u202ey" in told] == [True] * 3
