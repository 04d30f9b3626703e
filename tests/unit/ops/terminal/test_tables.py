"""Tables on a terminal: an id, a moment or a name is never broken, however narrow it is."""

import io
import re
import sys

import pytest

from ops.terminal.output import Cell, write_table

HEADS = ["Yêu cầu", "Trang", "Tình trạng", "Hạn", "Ghi chú"]
MOMENT, LONG = "27/11/2026 22:13 +07:00", "Ngừng sao lưu một trang: các bản đã có giữ nguyên " * 3
ROWS: list[list[str | Cell]] = [["8f3a2b1c", "cong-xa", Cell("quá hạn", "bad"), MOMENT, LONG],
        ["8f3a2b1d", "so-y-te", "tốt", "–", "ngắn"]]  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def draw(
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    heads: list[str] = HEADS,
    rows: list[list[str | Cell]] = ROWS,
) -> str:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(width))
    write_table(heads, rows, title="Tiêu đề")
    return re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_what_is_no_text_is_never_broken(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    told = draw(monkeypatch, width)
    assert all(whole in told for whole in ("8f3a2b1c", MOMENT, "quá hạn", "cong-xa"))
    assert max(map(len, told.splitlines())) <= width
    assert " ".join(LONG.split()[:3]) in " ".join(told.split())


def test_a_narrow_terminal_gets_cards_without_what_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide, narrow = draw(monkeypatch, 120), draw(monkeypatch, 80)
    assert "─" in wide
    assert "─" not in narrow
    assert narrow.splitlines()[-2:] == [
        "8f3a2b1d",
        "  Trang: so-y-te · Tình trạng: tốt · Ghi chú: ngắn",
    ]
    assert "–" not in narrow


@pytest.mark.parametrize("width", range(60, 132))
def test_no_name_loses_a_letter_at_any_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    row = [MOMENT, "cong-xa", "cả trang", "Giữ Cổng", "near", "tốt", "1,9 giây", "3d86d8ae"]
    told = draw(monkeypatch, width, [f"Cột thứ {it}" for it in range(8)], [list(row)])
    assert all(whole in told for whole in row)
    assert max(map(len, told.splitlines())) <= width
