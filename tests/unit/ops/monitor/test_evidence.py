"""What the watch proves of a duty, and what it does not."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ops.catalog.open import Catalog, open_catalog
from ops.duties.evidence.due import Period
from ops.duties.evidence.queries import Ask, Setting
from ops.duties.table.load import SHIPPED_DUTIES, SHIPPED_HOLIDAYS, read_calendar, read_duties
from ops.estate.load.load import load_estate
from ops.estate.model.references import reveal
from ops.monitor.evidence import find_watched
from ops.monitor.series.minutes import MinuteVerdict, write_minutes
from ops.monitor.series.store import open_series, series_url
from ops.monitor.series.write import write_change
from tests.integration.jobs.small_estate import build_estate

pytestmark = pytest.mark.slow
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
BEGIN = datetime(2026, 10, 1, tzinfo=ZONE)
MINUTES = 31 * 1440
SITES: dict[str, Any] = {"sites": [{"name": "cong-xa", "url": "https://x"}, {"name": "kho"}]}


@dataclass(frozen=True)
class Place:
    catalog: Catalog
    url: str

    def outcomes(self, duty: str) -> list[tuple[str, str]]:
        row = next(it for it in read_duties((SHIPPED_DUTIES,)).duties if it.name == duty)
        setting = Setting(ZONE, date(2026, 11, 29), SITES, read_calendar((SHIPPED_HOLIDAYS,)))
        ask = Ask(row, Period(FIRST, LAST), SITES, setting, LAST)
        with self.catalog.reading() as session:
            return [(it.site, it.outcome) for it in find_watched(session, ask)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    path = build_estate(tmp_path)
    monkeypatch.setenv("GIUCONG_ESTATE", str(path))
    estate = load_estate(path)
    with closing(open_catalog(reveal(estate.catalog.url))) as catalog:
        yield Place(catalog, series_url(estate))


def fill(url: str, verdicts: dict[MinuteVerdict, int]) -> None:
    at, rows = BEGIN, []
    for verdict, count in verdicts.items():
        rows += [("cong-xa", at + timedelta(minutes=it), verdict) for it in range(count)]
        at += timedelta(minutes=count)
    with closing(open_series(url)) as store:
        write_minutes(store, rows, ZONE)


def state(url: str, aspect: str, state: str) -> None:
    with closing(open_series(url)) as store:
        write_change(store, "site:cong-xa", aspect, BEGIN, state)


@pytest.mark.parametrize(
    ("verdicts", "watched", "available"),
    [
        ({"up": MINUTES}, "ok", "ok"),
        ({"up": MINUTES - 1000, "down": 1000}, "ok", "failed"),
        ({"up": MINUTES - 1000}, "incomplete", "ok"),
        ({"up": MINUTES - 1000, "unknown": 1000}, "ok", "ok"),
        ({"unknown": MINUTES}, "not_checked", "not_checked"),
        ({}, "not_checked", "not_checked"),
    ],
)
def test_minutes_prove_a_month(
    place: Place, verdicts: dict[MinuteVerdict, int], watched: str, available: str
) -> None:
    fill(place.url, verdicts)

    assert place.outcomes("portal-watched") == [("cong-xa", watched)]
    assert place.outcomes("portal-available") == [("cong-xa", available)]


@pytest.mark.parametrize(
    ("duty", "aspect", "good", "bad"),
    [
        ("portal-https", "certificate", "good", "plain"),
        ("portal-ipv6", "ipv6", "reachable", "none"),
    ],
)
def test_how_a_site_is_reached(place: Place, duty: str, aspect: str, good: str, bad: str) -> None:
    fill(place.url, {"up": 10})
    unknown = place.outcomes(duty)
    state(place.url, aspect, good)
    well = place.outcomes(duty)
    state(place.url, aspect, bad)

    assert unknown == [("cong-xa", "not_checked")]
    assert well == [("cong-xa", "ok")]
    assert place.outcomes(duty) == [("cong-xa", "failed")]


def test_without_series_nothing_is_checked_and_none_are_made(place: Place) -> None:
    assert place.outcomes("portal-watched") == [("cong-xa", "not_checked")]
    assert not Path(place.url.removeprefix("sqlite:///")).exists()
