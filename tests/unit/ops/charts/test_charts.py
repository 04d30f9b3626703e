"""Every chart is well-formed, says the same in the same bytes, and lets no label command."""

from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.charts.bars import BarChart, Bars, draw_bars
from ops.charts.calendar import CalendarChart, Square, draw_calendar, list_days
from ops.charts.lines import (
    Curve,
    Dot,
    LineChart,
    draw_lines,
    draw_sparkline,
    list_line_values,
    split_runs,
    thin,
)
from ops.charts.svg import choose_ticks

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</text><script>alert("1")</script>&amp;\x1b[31m\x00\ud800\u202e'


def line_chart(*lines: Curve, title: str = "Ổ đĩa") -> LineChart:
    return LineChart(
        title=title, summary="từng giờ", lines=lines, window=(0, 10),
        ticks=((0, "00:00"), (10, "10:00")), write_value=lambda it: f"{it:g} %", write_x=str,
        heads=("Lúc", "Nhỏ nhất", "Trung bình", "Lớn nhất"), nothing="chưa có số đo",
        gaps=((2, 4),), gap_label="không đo",
    )  # fmt: skip


def bar_chart(label: str = "hoạt động", *, is_stacked: bool = False) -> BarChart:
    bars = (Bars(label, (1.0, None, 3.0)), Bars("ngừng", (0.0, 2.0, 0.5)))
    return BarChart(title=label, summary="", groups=("01", "02", "03"), bars=bars,
                    write_value=str, is_stacked=is_stacked)  # fmt: skip


def calendar(words: str = "99,9 %") -> CalendarChart:
    first = date(2024, 2, 27)
    return CalendarChart(
        title=words, summary="", window=(first, first + timedelta(days=400)),
        squares={date(2024, 2, 29): Square("bad", words), date(2025, 3, 1): Square("good", "ok")},
        tones=(("bad", words), ("good", "tốt")), weekdays=tuple(f"T{n}" for n in range(2, 9)),
        write_month=lambda it: f"{it:%m}", write_day=lambda it: f"{it:%d/%m/%Y}",
        heads=("Ngày", "Thế nào"),
    )  # fmt: skip


def texts_of(svg: str) -> list[str]:
    return [it.text or "" for it in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own


def hostile_charts() -> list[str]:
    line = Curve(HOSTILE, (Dot(1, 1, 0, 2),), 1)
    return [draw_lines(line_chart(line, title=HOSTILE)), draw_bars(bar_chart(HOSTILE)),
            draw_calendar(calendar(HOSTILE))]  # fmt: skip


@pytest.mark.parametrize("svg", hostile_charts(), ids=["lines", "bars", "calendar"])
def test_a_hostile_label_stays_text(svg: str) -> None:
    root = ET.fromstring(svg)  # noqa: S314 - our own

    assert {it.tag.removeprefix(SVG) for it in root.iter()} <= {
        "svg", "title", "desc", "defs", "pattern", "rect", "path", "text", "line", "circle",
    }  # fmt: skip
    assert not set(svg) & {"\x1b", "\x00", "\u202e"}
    assert any('<script>alert("1")</script>&amp;' in it for it in texts_of(svg))


def test_vietnamese_letters_come_back_composed() -> None:
    decomposed = "O\u0302\u0309 đĩa"

    assert "Ổ đĩa" in texts_of(draw_lines(line_chart(title=decomposed)))


def test_those_who_do_not_see_it_are_told_title_and_summary() -> None:
    root = ET.fromstring(draw_lines(line_chart()))  # noqa: S314 - our own
    named = {it.get("id"): it.text for it in root if it.get("id")}

    assert root.get("role") == "img"
    assert [named[it] for it in (root.get("aria-labelledby") or "").split()] == [
        "Ổ đĩa", "từng giờ",
    ]  # fmt: skip


def test_the_same_chart_is_the_same_bytes_and_another_title_another_key() -> None:
    assert draw_bars(bar_chart()) == draw_bars(bar_chart())
    assert ET.fromstring(draw_bars(bar_chart("a")))[0].get("id") != (  # noqa: S314 - our own
        ET.fromstring(draw_bars(bar_chart("b")))[0].get("id")  # noqa: S314 - our own
    )


def test_without_any_number_it_says_so_and_writes_none() -> None:
    texts = texts_of(draw_lines(line_chart()))

    assert "chưa có số đo" in texts
    assert not any("%" in it for it in texts)


@pytest.mark.parametrize("value", [0.0, 7.0, -3.0, 1e15, 1e-6])
def test_one_point_and_equal_values_are_drawn_inside(value: float) -> None:
    dots = tuple(Dot(it, value, value, value) for it in (1, 5, 9))
    for chart in (line_chart(Curve("a", dots[:1], 1)), line_chart(Curve("a", dots, 100))):
        root = ET.fromstring(draw_lines(chart))  # noqa: S314 - our own
        drawn = [it.get("d") or it.get("cy") for it in root.iter() if it.get("stroke-width")]

        assert drawn or root.find(f"{SVG}circle") is not None
        assert "nan" not in draw_lines(chart)


def test_lines_break_where_nothing_was_measured() -> None:
    dots = [Dot(it, 1, 1, 1) for it in (0, 1, 2, 8, 9)]

    assert [[it.x for it in run] for run in split_runs(dots, 1.5)] == [[0, 1, 2], [8, 9]]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3_000))
def test_thinning_keeps_the_smallest_and_the_largest(values: list[float]) -> None:
    thinned = thin([Dot(place, it, it, it) for place, it in enumerate(values)])

    assert len(thinned) <= 720
    assert min(it.low for it in thinned) == min(values)
    assert max(it.high for it in thinned) == max(values)


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_ticks_enclose_the_range_and_are_few(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = choose_ticks(low, high)

    assert 2 <= len(ticks) <= 9
    assert ticks[0] <= low + 1e-8 * (high - low)
    assert ticks[-1] >= high - 1e-8 * (high - low)
    assert ticks == sorted(set(ticks))


@pytest.mark.parametrize("most", [3, 13, 14, 29, 130])
def test_no_tick_of_counts_lies_between_two(most: int) -> None:
    ticks = choose_ticks(0, most, least_step=1)

    assert all(it.is_integer() for it in ticks)
    assert ticks[-1] >= most


def test_an_axis_says_what_it_counts() -> None:
    assert ">phút<" in draw_bars(replace(bar_chart("Số phút ngừng"), unit="phút"))
    assert ">phút<" not in draw_bars(bar_chart("Số phút ngừng"))


def test_tables_say_what_is_drawn() -> None:
    line = Curve("đã dùng", (Dot(1, 2, 1, 3),), 1)

    assert list_line_values(line_chart(line)) == (
        ("", "Lúc", "Nhỏ nhất", "Trung bình", "Lớn nhất"),
        (("đã dùng", "1", "1 %", "2 %", "3 %"),),
    )
    assert list_days(calendar())[1] == (("29/02/2024", "99,9 %"), ("01/03/2025", "ok"))


def test_each_kind_of_bar_and_day_differs_without_colour() -> None:
    bars = ET.fromstring(draw_bars(bar_chart(is_stacked=True)))  # noqa: S314 - our own
    fills = {it.get("fill", "") for it in bars.iter(f"{SVG}rect") if it.get("stroke")}

    assert len({it.startswith("url(") for it in fills}) == 2
    assert "×" in texts_of(draw_calendar(calendar()))


def test_sparklines_show_gaps() -> None:
    assert draw_sparkline([0, 7, None, 3.5]) == "▁█·▅"
    assert draw_sparkline([5, 5]) == "▁▁"
    assert draw_sparkline([None, None]) == "··"
    assert draw_sparkline([90, 100], low=0) == "██"
