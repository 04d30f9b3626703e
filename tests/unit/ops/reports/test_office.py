"""What stands around a paper: its time, its letterhead by date, the office's own texts."""

import os
import subprocess
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ops.errors import WrongUseError
from ops.reports.figures.figure import Timespan, report_year
from ops.reports.kinds.office import UNFILLED, find_office
from ops.reports.kinds.table import KINDS
from ops.reports.papers.paper import Letterhead, Paper, number_line
from ops.reports.papers.pdf import write_pdf
from ops.reports.texts import MOST_BYTES, SHIPPED, TextsError, load_texts
from tests.unit.ops.estate.conftest import SMALL, Load, load

__all__ = ["load"]
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HEADS = """
[[organisation.names]]
name = "Trung tâm mới"
parent = "Sở mới"
from = 2026-07-01
[[reports.letterheads]]
from = 2026-01-01
post = "Giám đốc"
signer = "Nguyễn Văn A"
abbreviation = "TT"
[[reports.letterheads]]
kind = "annual"
from = 2026-06-01
addressees = ["Văn phòng"]
post = "Phó Giám đốc"
signs_for = ["KT. GIÁM ĐỐC"]
"""


def test_a_reports_year_turns_on_the_fifteenth() -> None:
    year = report_year(2026, ZONE)
    months = year.months()

    assert (year.first, year.last) == (date(2025, 12, 15), date(2026, 12, 14))
    assert year.since.isoformat() == "2025-12-15T00:00:00+07:00"
    assert year.until.isoformat() == "2026-12-15T00:00:00+07:00"
    assert len(months) == 12
    assert (months[0].first, months[0].last) == (date(2025, 12, 15), date(2026, 1, 14))
    assert sum((it.last - it.first).days + 1 for it in months) == 365


def test_other_times_have_the_calendars_months() -> None:
    months = Timespan(date(2026, 1, 10), date(2026, 3, 5), ZONE).months()

    assert [(it.first.day, it.last.day) for it in months] == [(10, 31), (1, 28), (1, 5)]


def test_a_paper_bears_the_names_and_the_signer_of_its_day(load: Load) -> None:
    estate = load(HEADS, small=SMALL.replace('"Trung tâm"', '"Trung tâm cũ"'))
    old = find_office(estate, KINDS["annual"], date(2026, 5, 31))
    new = find_office(estate, KINDS["annual"], date(2026, 7, 1), number=7, is_draft=False)

    assert (old.letterhead.body, old.signature.post) == ("Trung tâm cũ", "Giám đốc")
    assert (new.letterhead.authority, new.letterhead.body) == ("Sở mới", "Trung tâm mới")
    assert (new.signature.post, new.signature.name) == ("Phó Giám đốc", "Nguyễn Văn A")
    assert new.signature.authority == ("KT. GIÁM ĐỐC",)
    assert new.addressees == ("Văn phòng",)
    assert number_line(new.letterhead) == "Số: 07/BC-TT"
    assert find_office(estate, KINDS["site"], date(2026, 7, 1)).addressees == ()


def test_the_plans_papers_bear_letterheads_of_their_own(load: Load) -> None:
    more = """
[[reports.letterheads]]
kind = "submission"
from = 2026-01-01
post = "Giám đốc Sở"
signer = "Trần Thị B"
[[reports.letterheads]]
kind = "decision"
from = 2026-08-01
authority = "UBND thành phố"
abbreviation = "SKHCN"
"""
    roles = 'decides = "Sở mới", submits = "Sở con", sites_to'
    estate = load(HEADS + more, small=SMALL.replace("sites_to", roles))
    july, august = date(2026, 7, 31), date(2026, 8, 1)
    plan = find_office(estate, KINDS["plan"], july)
    submission = find_office(estate, KINDS["submission"], july)
    before, after = (find_office(estate, KINDS["decision"], it) for it in (july, august))

    assert (plan.signature.name, plan.abbreviation) == ("Nguyễn Văn A", "TT")
    assert number_line(plan.letterhead).endswith("/KH-TT")
    assert (submission.signature.post, submission.signature.name) == ("Giám đốc Sở", "Trần Thị B")
    # What the body above issues bears nothing of ours.
    assert (before.letterhead.body, before.letterhead.authority) == ("Sở mới", "")
    assert (before.signature.name, before.letterhead.sign) == ("", "QĐ-.....")
    assert after.letterhead.authority == "UBND thành phố"
    assert after.letterhead.sign == "QĐ-SKHCN"


def test_a_letters_number_names_no_kind(load: Load) -> None:
    estate = load(HEADS, small=SMALL)

    assert find_office(estate, KINDS["security"], date(2026, 7, 1)).letterhead.sign == "TT"


def test_every_kind_has_its_texts() -> None:
    read = {it.file_name for it in KINDS.values()} | {it.like for it in KINDS.values() if it.like}
    assert read | {"every_paper", "legal_texts"} == {it.stem for it in SHIPPED.glob("*.toml")}


def test_an_offices_text_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "annual.toml").write_text('[paper]\nabout = "Cổng năm {year}"\n')
    texts = load_texts(["annual"], tmp_path)

    assert texts.say("about", table="paper", year=2026) == "Cổng năm 2026"
    assert texts.say("h_runs") == "1. Sao lưu"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('[paper]\nabout = "x"\nabout = "y"\n', 3, "no TOML"),
        ('[paper]\n\nabuot = "x"\n', 3, "have no abuot"),
        ('[paper]\nabout = "{yaer}"\n', 2, "not yaer"),
        ('[text]\n[paper]\nabout = ["x"]\n', 3, "has to be a text"),
        ('[heads]\ndrills = ["Ngày"]\n', 2, "5 texts"),
        ("[paper]\nrecipients = [1]\n", 2, "a list of texts"),
        ('about = "x"\n', 1, "in no table"),
    ],
)
def test_a_broken_text_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, why: str
) -> None:
    (tmp_path / "annual.toml").write_text(text)
    with pytest.raises(TextsError) as caught:
        load_texts(["annual"], tmp_path)

    assert f"line {line}" in str(caught.value)
    assert why in caught.value.why.format(**caught.value.params)


def test_what_nobody_would_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "anual.toml").write_text("")
    with pytest.raises(TextsError) as caught:
        load_texts(["annual"], tmp_path)
    assert "annual.toml" in str(caught.value.params["known"])


def test_a_list_with_a_place_for_each_keeps_its_length(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('[lists]\ngeneral = ["Đơn vị"]\n')
    with pytest.raises(TextsError, match="line 2"):
        load_texts(["site"], tmp_path)
    (tmp_path / "site.toml").write_text('[paper]\nrecipients = ["A", "B", "C"]\n')
    assert load_texts(["site"], tmp_path).tables["paper"]["recipients"] == ["A", "B", "C"]


def test_a_pipe_a_folder_and_a_flood_are_no_texts(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    os.mkfifo(path)
    with pytest.raises(TextsError):
        load_texts(["site"], tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(TextsError):
        load_texts(["site"], tmp_path)
    path.rmdir()
    path.write_text("#" * (MOST_BYTES + 1))
    with pytest.raises(TextsError):
        load_texts(["site"], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% for x in range(10**9) %}{% endfor %}",
        "{%- include '/etc/passwd' -%}",
        "#read(/etc/passwd) #import @preview/x:1.0.0: *",
        "$x$ *_` <w:t>&#10; ]]>",
    ],
)
def test_a_text_that_looks_like_a_program_is_a_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "site.toml").write_text(f'[paper]\nabout = "{text}"\n', encoding="utf-8")
    told = load_texts(["site"], tmp_path).say("about", table="paper", title="T", year=1)
    paper = Paper(
        kind="Báo cáo", about=told,
        letterhead=Letterhead(authority="", body="TT", place="ĐN", year=2026),
    )  # fmt: skip
    printed = subprocess.run(
        ["pdftotext", "-", "-"], input=write_pdf(paper)[0], capture_output=True, check=True
    ).stdout.decode()

    assert told == text
    assert "".join(text.split()) in "".join(printed.split())


def test_a_text_cannot_reach_into_what_fills_it(tmp_path: Path) -> None:
    (tmp_path / "annual.toml").write_text('[paper]\nabout = "{year.__class__} {0} {year}"\n')

    told = load_texts(["annual"], tmp_path).say("about", table="paper", year="{body}")
    assert told == "{year.__class__} {0} {body}"


def test_a_folder_of_texts_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError):
        load_texts(["annual"], tmp_path / "none")


def test_a_sites_report_bears_the_head_of_its_unit(load: Load) -> None:
    more = """
[[units]]
name = "xa-a"
title = "Ủy ban nhân dân huyện A"
names = [{ name = "Ủy ban nhân dân xã A", from = 2025-07-01 }]
[[reports.letterheads]]
kind = "site"
unit = "xa-a"
from = 2026-01-01
place = "A"
post = "Chủ tịch"
signs_for = ["TM. ỦY BAN NHÂN DÂN"]
signer = "Lê Văn C"
abbreviation = "UBND"
"""
    estate = load(HEADS + more, small=SMALL)
    day = date(2026, 6, 30)
    own = find_office(estate, KINDS["site"], day, number=3, is_draft=False, unit="xa-a")
    bare = find_office(estate, KINDS["site"], day, unit="so-y-te")

    assert (own.letterhead.authority, own.letterhead.body) == ("", "Ủy ban nhân dân xã A")
    assert (own.letterhead.place, own.signature.name) == ("A", "Lê Văn C")
    assert number_line(own.letterhead) == "Số: 03/BC-UBND"
    # Nothing of the organisation's own head stands on a unit's paper, nor of another unit's.
    assert (bare.letterhead.body, bare.letterhead.place) == ("Sở Y tế", UNFILLED)
    assert (bare.signature.name, bare.signature.post, bare.abbreviation) == ("", "Giám đốc", "")
    assert bare.letterhead.authority == "Ủy ban nhân dân tỉnh"


def test_above_a_unit_stands_what_the_estate_says_and_above_a_committee_nothing(load: Load) -> None:
    more = """
[[units]]
name = "ban-a"
title = "Ban A"
parent = "Sở cũ"
names = [{ name = "Ban A", parent = "Sở B", from = 2026-01-01 }]
[[units]]
name = "xa-a"
title = "Ủy ban nhân dân xã A"
parent = "Ủy ban nhân dân tỉnh"
"""
    estate = load(more)
    heads = [
        find_office(estate, KINDS["site"], day, unit=unit).letterhead.authority
        for unit, day in (
            ("ban-a", date(2025, 6, 1)), ("ban-a", date(2026, 6, 1)), ("xa-a", date(2026, 6, 1)),
        )
    ]  # fmt: skip

    assert heads == ["Sở cũ", "Sở B", ""]


def test_a_letter_with_a_number_has_its_line_also_without_a_short_name(load: Load) -> None:
    office = find_office(load(), KINDS["security"], date(2026, 7, 1), number=5, is_draft=False)

    assert number_line(office.letterhead) == "Số: 05/....."
