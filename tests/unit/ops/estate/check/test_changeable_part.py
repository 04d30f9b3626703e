"""What is told of the part that the service writes."""

from datetime import date

from ops.duties.table.load import load_calendar
from ops.estate.check import check_roots_part
from ops.estate.load.read import CHANGEABLE
from ops.sites.show import describe_estate
from tests.unit.ops.estate.conftest import SITE, Load

PART = """
[[units]]
name = "so-y-te"
title = "Sở khác"
[[people]]
name = "nva"
title = "Nguyễn Văn A"
[[calendar.years]]
year = 2035
status = "announced"
certainty = "own"
[[calendar.days_off]]
title = { vi = "Nghỉ", en = "Off" }
from = 2035-01-01
until = 2035-01-02
[[calendar.made_up]]
day = 2035-01-06
instead_of = 2035-01-02
"""


def test_what_both_say_is_told(load: Load) -> None:
    estate = load(SITE, {f"var/{CHANGEABLE}": PART})
    assert [(it.key, it.severity) for it in check_roots_part(estate)] == [
        ("units[so-y-te].title", "warning")
    ]
    assert list(check_roots_part(load(SITE, {f"var/{CHANGEABLE}": ""}))) == []
    gone = load(SITE, {f"var/{CHANGEABLE}": '[[sites]]\nname = "xa-cu"\ntitle = "Xã cũ"\n'})
    assert [it.key for it in check_roots_part(gone)] == ["sites[xa-cu]"]


def test_an_estate_tells_which_keys_come_from_where(load: Load) -> None:
    told = describe_estate(load(SITE, {f"var/{CHANGEABLE}": PART}))
    assert told["changeable"].endswith(CHANGEABLE)
    assert set(told["from_changeable"]) == {"people[nva]", "calendar"}


def test_days_of_the_estate_are_days_off(load: Load) -> None:
    calendar = load_calendar(load(SITE, {f"var/{CHANGEABLE}": PART}))
    assert not calendar.is_working(date(2035, 1, 1))
    assert calendar.is_working(date(2035, 1, 6))
    assert calendar.is_working(date(2035, 1, 3))
