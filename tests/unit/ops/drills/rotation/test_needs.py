"""What duties ask of drills: periods, whom they concern, and the days in them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from ops.drills.rotation.needs import DutyLine, Term, Wanted, list_lines
from ops.duties.table.load import SHIPPED_DUTIES, SHIPPED_HOLIDAYS, read_calendar, read_duties
from ops.duties.table.models import Duty

SHIPPED = read_duties((SHIPPED_DUTIES,)).duties
CALENDAR = read_calendar((SHIPPED_HOLIDAYS,))
TODAY = date(2027, 2, 10)
ESTATE: Mapping[str, Any] = {
    "systems": [{"name": "cong-ttdt", "level": 4}, {"name": "thanh-phan", "level": 2}],
    "sites": [
        {"name": "cong", "role": "main", "system": "cong-ttdt"},
        {"name": "xa", "role": "component", "system": "thanh-phan"},
        {"name": "y-te", "role": "component", "system": "thanh-phan"},
        {"name": "khac", "role": "component", "system": None},
    ],
}
SINCE = {site["name"]: date(2026, 12, 1) for site in ESTATE["sites"]}


def lines_of(*duties: Duty, today: date = TODAY) -> list[DutyLine]:
    return list_lines(duties or SHIPPED, ESTATE, CALENDAR, SINCE, today)


def of(name: str, subject: str = "") -> DutyLine:
    (found,) = [it for it in lines_of() if (it.duty, it.subject) == (name, subject)]
    return found


def a_duty(**changes: Any) -> Duty:
    values: dict[str, Any] = {
        "name": "a-duty",
        "title": {"vi": "Việc", "en": "Work"},
        "basis": [{"document": "Trung tâm tự đặt", "certainty": "own"}],
        "valid_from": date(2026, 1, 1),
        "applies": {"kind": "site"},
        "every": {"count": 1, "unit": "months"},
        "responsible": "operator",
        "evidence": {"query": "drills"},
    }
    return Duty.model_validate(values | changes)


def test_the_shipped_duties_ask_each_what_they_must() -> None:
    asked = {(it.duty, it.subject, it.wanted) for it in lines_of()}
    sites = tuple(SINCE)

    assert asked == {
        ("restore-test-quarter", "cong-ttdt", Wanted()),
        ("restore-test-level-4", "cong-ttdt", Wanted()),
        ("restore-test-periodic", "thanh-phan", Wanted()),
        *(("restore-test-every-site", site, Wanted()) for site in sites),
        ("drill-random-file", "", Wanted("file")),
        ("drill-component-site", "", Wanted()),
        ("drill-main-portal", "cong", Wanted()),
        *(("drill-stock-restic", site, Wanted(engine="restic")) for site in sites),
        ("drill-from-paper", "", Wanted(from_paper=True)),
        ("security-drill", "cong-ttdt", Wanted()),
    }
    assert of("drill-component-site").sites == ("xa", "y-te", "khac")
    assert of("drill-random-file").sites == sites


def test_the_length_of_a_period_comes_from_the_table() -> None:
    quarter = of("restore-test-quarter", "cong-ttdt")

    assert quarter.last == Term(date(2026, 10, 1), date(2026, 12, 31))
    assert quarter.current == Term(date(2027, 1, 1), date(2027, 3, 31))
    assert quarter.following == Term(date(2027, 4, 1), date(2027, 6, 30))
    (often,) = [
        it
        for it in lines_of(a_duty(every={"count": 2, "unit": "weeks", "start": date(2027, 2, 1)}))
        if it.subject == "cong"
    ]
    assert often.current == Term(date(2027, 2, 1), date(2027, 2, 14))
    assert of("drill-random-file").current == Term(date(2027, 2, 8), date(2027, 2, 14))


def test_what_is_not_in_force_asks_for_nothing() -> None:
    assert lines_of(a_duty(valid_from=date(2027, 3, 1))) == []
    assert lines_of(a_duty(valid_until=date(2027, 1, 31))) == []
    assert lines_of(a_duty(every=None, event="incident")) == []
    assert lines_of(a_duty(evidence={"query": "statement"})) == []


def test_a_row_that_takes_anothers_place_goes_on_with_its_periods() -> None:
    old = a_duty(valid_until=date(2027, 1, 31))
    new = a_duty(valid_from=date(2027, 2, 1), every={"count": 1, "unit": "years"})
    line = lines_of(old, new)[0]

    assert line.last == Term(date(2027, 1, 1), date(2027, 1, 31))
    assert line.current == Term(date(2027, 2, 1), date(2027, 12, 31))


def test_what_is_due_before_the_periods_end_is_due_then() -> None:
    rule = {"count": 10, "unit": "days", "before": True}
    (line, *_others) = lines_of(a_duty(due=rule))

    assert line.current == Term(date(2027, 2, 1), date(2027, 2, 18))


@pytest.mark.parametrize("engine", ["", "restic"])
def test_the_days_lie_in_the_first_half_and_those_of_restic_after_it(engine: str) -> None:
    proof = {"query": "drills", "engine": engine}
    line = lines_of(a_duty(every={"count": 1, "unit": "years"}, evidence=proof))[0]
    days = []
    for year in range(2027, 2127):
        term = Term(date(year, 1, 1), date(year, 12, 31))
        days.append((line.day_of(term) - term.since) / (term.due_on - term.since))
    low, high = (0.49, 0.76) if engine else (0.0, 0.51)

    assert low <= min(days) <= max(days) <= high
    assert len(set(days)) > 60


def test_a_site_that_is_new_has_its_day_after_it_came() -> None:
    line = lines_of(a_duty(every={"count": 1, "unit": "years"}))[0]
    since = date(2027, 12, 30)
    late = DutyLine(line.duty, "moi", ("moi",), line.wanted, since, None, line.current, None)

    assert since <= late.day_of(line.current) <= line.current.due_on
    assert line.day_of(line.current) - timedelta(days=190) <= line.current.since
