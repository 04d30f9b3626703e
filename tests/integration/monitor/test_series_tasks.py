"""`monitor.status`, `monitor.chart`, `monitor.forecast` over real series and a real catalog."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import select

from ops.alerts.looks import Condition
from ops.alerts.silences import FORECAST, SilenceWish, make_silence
from ops.alerts.watch import Taken, take_look
from ops.catalog.columns import new_id
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.alerts import ConditionState
from ops.catalog.tables.copies import ArchivePlace, PackReading
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.index import Snapshot, StoreSeen
from ops.errors import OpsError, WrongUseError
from ops.estate.check import check_surroundings
from ops.estate.model.estate import Estate
from ops.estate.model.references import reveal
from ops.monitor.chart import choose_subject, show_chart
from ops.monitor.forecast import Outlook, judge_outlooks, list_outlooks, read_kept
from ops.monitor.forecast_wording import show_forecasts
from ops.monitor.overview import show_overview
from ops.monitor.series.minutes import write_minutes
from ops.monitor.series.read import Point
from ops.monitor.series.store import SeriesError, SeriesStore, open_series, series_url
from ops.monitor.series.write import write_gap, write_points
from ops.monitor.tasks import Chart, Forecast, ShowWatched
from ops.monitor.watch_figures import (
    METRICS,
    FindingKeeper,
    ask_room,
    give_metrics,
    keep_figures,
    keep_forecasts,
    list_figures,
)
from ops.recovery.content import list_files
from tests.unit.ops.estate.conftest import SITE, Load

HOST = """
[[hosts]]
name = "web1"
address = "127.0.0.1"
user = "giucong"
identity = "file:keys/web1"
known_hosts = "known_hosts"
"""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DISK = "disk_percent[/var]"


@pytest.fixture
def estate(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_catalog: Path
) -> Estate:
    estate = load(SITE + HOST)
    (tmp_path / "var" / "stores" / "near").mkdir(parents=True)
    path = Path(reveal(estate.catalog.url).removeprefix("sqlite:///"))
    shutil.copyfile(sqlite_catalog, path)
    monkeypatch.setenv("GIUCONG_ESTATE", str(tmp_path / "estate.toml"))
    monkeypatch.setenv("GIUCONG_LANG", "en")
    return estate


@pytest.fixture
def store(estate: Estate) -> Iterator[SeriesStore]:
    with closing(open_series(series_url(estate))) as opened:
        yield opened


@pytest.fixture
def catalog(estate: Estate) -> Iterator[Catalog]:
    with closing(open_catalog(reveal(estate.catalog.url))) as opened:
        yield opened


def fill(store: SeriesStore, now: datetime) -> None:
    """Write 40 days in which a disk grows by a point a day to 85, and one that stands still."""
    for day in range(40):
        moments = [now - (40 - day) * DAY + n * 4 * HOUR for n in range(1, 7)]
        points = [
            Point("host:web1", metric, at, value)
            for at in moments
            for metric, value in (
                (DISK, 85 - (now - at) / DAY), ("inode_percent[/var]", 20.0), ("load5", 0.5),
            )
        ]  # fmt: skip
        write_points(store, points, moments[-1])


def read_json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_chart_is_an_svg_with_its_table_and_never_replaces_a_file(
    store: SeriesStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    fill(store, now)
    write_gap(store, "service:giucong", now - 3 * DAY, now - 2 * DAY, "watch-down")
    wish = Chart(subject="host:web1", metric=DISK, days=30, out=str(tmp_path / "disk.svg"))

    show_chart(wish)
    root = ET.fromstring((tmp_path / "disk.svg").read_bytes())  # noqa: S314 - our own
    texts = [it.text for it in root.iter("{http://www.w3.org/2000/svg}text")]
    table = (tmp_path / "disk.csv").read_text(encoding="utf-8-sig").splitlines()

    assert {"web1: disk in use (/var)", "measured", "forecast of daily maxima", "nobody looked",
            "full: 100 %"} <= set(texts)  # fmt: skip
    assert len(table) > 100
    assert "drawn" in capsys.readouterr().out
    with pytest.raises(OpsError, match="cannot be written"):
        show_chart(wish)


def test_without_a_file_it_is_a_line_in_the_terminal(
    store: SeriesStore, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, datetime.now(UTC))
    for metric in (DISK, ""):
        show_chart(Chart(subject="host:web1", metric=metric, days=30))
    told = capsys.readouterr().out

    assert "▁" in told
    assert "full on" in told
    assert "inode_percent[/var]" in told


def test_what_there_are_no_figures_of_is_told_with_what_there_is(
    estate: Estate, store: SeriesStore
) -> None:
    fill(store, datetime.now(UTC))
    with pytest.raises(OpsError) as caught:
        show_chart(Chart(subject="host:web1", metric="nonsense", days=7))

    assert DISK in str(caught.value.params["known"])
    for wrong in ({"host": "nobody"}, {"host": "web1", "site": "so-y-te"}, {}):
        given = {"subject": "", "host": "", "site": "", **wrong}
        with pytest.raises(OpsError):
            choose_subject(estate, **given)
    with pytest.raises(WrongUseError, match="1 to 760"):
        show_chart(Chart(subject="host:web1", metric=DISK, days=0))


def test_the_days_of_a_site_are_a_calendar(
    estate: Estate, store: SeriesStore, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    write_minutes(store, [("so-y-te", now - DAY, "down"), ("so-y-te", now - DAY, "up")],
                  estate.zone)  # fmt: skip
    out = tmp_path / "days.svg"
    show_chart(Chart(subject="site:so-y-te", metric="availability", days=90, out=str(out)))

    assert out.read_text().count("<rect") > 90
    with pytest.raises(WrongUseError, match="only sites"):
        show_chart(Chart(subject="host:web1", metric="availability", days=9))


def test_a_disk_that_is_full_within_its_limit_is_red_and_one_that_is_not_filling_is_not(
    estate: Estate, store: SeriesStore, catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    fill(store, now)
    with catalog.reading() as session:
        outlooks = list_outlooks(store, session, estate, now)
    judged = {it.subject: it for it in judge_outlooks(outlooks, estate, now)}
    red = judged["forecast:host:web1/disk:/var"]

    assert (red.state, red.code, red.parent) == ("bad", "disk_fills", "host:web1/disk:/var")
    assert 14 <= red.params["days"] <= 16
    assert judged["forecast:host:web1/inodes:/var"].state == "good"
    assert judged["forecast:store:near"].state == "not_checked"
    assert show_forecasts(Forecast(json=True)) == 1
    document = read_json(capsys)
    assert [it["kind"] for it in document["items"]] == ["disk", "inodes", "store"]
    assert show_forecasts(Forecast()) == 1
    assert "not filling" in capsys.readouterr().out


def test_the_watch_keeps_figures_and_opens_an_alert_for_a_disk_that_fills(
    estate: Estate, store: SeriesStore, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, datetime.now(UTC))
    keeper = FindingKeeper(open_catalog(reveal(estate.catalog.url)), series_url(estate))
    with closing(keeper):
        keep_figures(estate, keeper)
        keep_forecasts(estate, keeper)

    assert show_overview(ShowWatched(json=True)) == 0  # a warning is red nowhere
    document = read_json(capsys)
    seen = {it["subject"]: it for it in document["items"]}
    assert seen["host:web1"]["health"] == "passing"
    assert next(iter(seen)) == "host:web1"
    assert seen["site:so-y-te"]["values"]["backup_rpo_seconds"] == 86_400
    assert seen["store:near"]["values"]["store_free_bytes"] > 0
    assert show_overview(ShowWatched()) == 0
    assert "web1" in capsys.readouterr().out


def test_series_that_are_locked_or_damaged_stop_neither_alerts_nor_the_overview(
    estate: Estate, catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    with catalog.writing() as session:
        red = Condition(subject="host:web1", state="bad", severity="critical",
                        code="host_unreachable", params={"host": "web1", "reason": ""})  # fmt: skip
        take_look(session, [red], datetime.now(UTC), looked_at=["host:"])
    path = Path(series_url(estate).removeprefix("sqlite:///"))
    path.write_bytes(b"nothing of a database" * 500)
    keeper = FindingKeeper(open_catalog(reveal(estate.catalog.url)), series_url(estate))
    with closing(keeper):
        keep_figures(estate, keeper)
        keep_forecasts(estate, keeper)
        keeper.tell_of_series(datetime.now(UTC), 60)

    assert show_overview(ShowWatched()) == 1
    told = capsys.readouterr().out
    assert "red" in told
    assert "cannot be used" in told
    with pytest.raises(SeriesError):
        show_forecasts(Forecast())


def test_figures_say_how_old_copies_readings_drills_and_the_archive_are(
    estate: Estate, catalog: Catalog
) -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    with catalog.writing() as session:
        for ago in (1, 2):
            session.add(Snapshot(site="so-y-te", store="near", id=f"{ago:064}", hostname="so-y-te",
                                 taken_at=now - ago * DAY, paths=["/so-y-te"], tags=[],
                                 outcome="ok"))  # fmt: skip
        session.add(StoreSeen(site="so-y-te", store="near", repository_id="ab", seen_at=now,
                              snapshot_count=2, size_bytes=4096))  # fmt: skip
        for hours, pack in ((5, "aa"), (7, "bb"), (500_000, "cc")):
            at = datetime(1970, 1, 1, tzinfo=UTC) if pack == "cc" else now - hours * HOUR
            session.add(PackReading(site="so-y-te", store="near", pack=pack, read_at=at))
        session.add(ArchivePlace(name="public", since=now - 9 * DAY, scrub={}, objects=3,
                                 oldest_at=now - 3 * DAY, damaged=["x"], lacks=0,
                                 checked_at=None))  # fmt: skip
        session.add(_drill(now - 30 * DAY, "ok"))
        session.add(_drill(now - DAY, "failed"))
    with catalog.reading() as session:
        figures = {
            (subject, metric): it for subject, metric, it in list_figures(session, estate, now)
        }

    assert figures["site:so-y-te", "backup_age_seconds[near]"] == DAY.total_seconds()
    assert figures["site:so-y-te", "oldest_byte_age_seconds[near]"] == 7 * 3600
    assert figures["site:so-y-te", "drill_age_seconds"] == 30 * 86_400
    assert figures["site:so-y-te", "stored_bytes[near]"] == 4096
    assert figures["store:near", "store_used_bytes"] == 4096
    assert figures["archive:public", "oldest_byte_age_seconds"] == 3 * 86_400
    assert figures["archive:public", "archive_damaged_objects"] == 1
    assert figures["service:giucong", "open_alerts[critical]"] == 0


def _drill(ended: datetime, outcome: str) -> Drill:
    texts = ("engine", "wanted", "store", "snapshot", "run", "person", "via", "reason", "document",
             "reason_code", "minutes_sha256")  # fmt: skip
    known = dict.fromkeys(texts, "") | {"engine": "ours"}
    return Drill(id=new_id(), site="so-y-te", scope="site", source="backup", from_paper=False,
                 incident_at=ended, started_at=ended, ended_at=ended, outcome=outcome, params={},
                 **known)  # fmt: skip


def test_a_store_is_forecast_from_what_its_snapshots_add_and_retention_takes(
    estate: Estate, store: SeriesStore, catalog: Catalog
) -> None:
    """30 days of 1 GB each; of a site that grows by 10 MB a day; 100 GB are free."""
    now = datetime.now(UTC)
    with catalog.writing() as session:
        for ago in range(30):
            size = 10**10 - ago * 10**7
            session.add(Snapshot(site="so-y-te", store="near", id=f"{ago:064}", hostname="so-y-te",
                                 taken_at=now - ago * DAY, paths=["/so-y-te"], tags=[],
                                 outcome="ok", processed_bytes=size, added_bytes=10**9,
                                 added_packed_bytes=10**9))  # fmt: skip
    write_points(store, [Point("store:near", "store_free_bytes", now, 1e11)], now)
    with catalog.reading() as session:
        (kept,) = read_kept(session, estate, estate.primary_store, now)
        (told,) = [it for it in list_outlooks(store, session, estate, now) if it.kind == "store"]

    assert len(kept.taken) == 29  # the first one added all of the site
    assert kept.growth == pytest.approx(1e7)
    assert told.let_go > 200e9
    assert told.forecast is not None
    assert told.forecast.verdict in {"fills", "not_filling"}
    assert told.forecast.days_left(now.date()) != 100  # a straight line would say so


def test_a_store_without_a_known_size_is_not_checked(estate: Estate) -> None:
    (judged,) = judge_outlooks([Outlook("store:far", "store", "", None)], estate,
                               datetime.now(UTC))  # fmt: skip

    assert judged.state == "not_checked"
    assert ask_room(estate.primary_store.model_copy(update={"url": "s3:https://x.test/b"})) is None
    assert ask_room(estate.primary_store.model_copy(update={"url": "/nowhere/at/all"})) is None


def test_an_estate_of_before_without_a_token_loads_and_gives_nothing_out_but_says_so(
    load: Load, estate: Estate, catalog: Catalog
) -> None:
    without = load(SITE + HOST + '[monitor]\nmetrics = "127.0.0.1:9187"\n')
    told = [it for it in check_surroundings(without, date(2026, 12, 1)) if "metrics" in it.key]
    with closing(
        FindingKeeper(open_catalog(reveal(estate.catalog.url)), series_url(estate))
    ) as keeper:
        assert give_metrics(without, keeper) is None
        assert give_metrics(without.model_copy(update={"monitor": without.monitor.model_copy(
            update={"metrics_token": "env:NOT_THERE"})}), keeper) is None  # fmt: skip
    with catalog.reading() as session:
        (found,) = session.execute(select(ConditionState.state, ConditionState.code)).all()

    assert [(it.key, it.severity) for it in told] == [("monitor.metrics_token", "warning")]
    assert found == ("bad", "metrics_without_token")


def test_a_port_that_is_taken_is_told_and_the_watch_goes_on(
    estate: Estate, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_TOKEN", "7c9e6679f1a8")
    given = {"metrics": "127.0.0.1:0", "metrics_token": "env:METRICS_TOKEN"}
    monitor = estate.monitor.model_copy(update=given)
    keeper = FindingKeeper(open_catalog(reveal(estate.catalog.url)), series_url(estate))
    with closing(keeper):
        first = give_metrics(estate.model_copy(update={"monitor": monitor}), keeper)
        assert first is not None
        taken = monitor.model_copy(update={"metrics": f"127.0.0.1:{first.port}"})
        with closing(first):
            assert give_metrics(estate.model_copy(update={"monitor": taken}), keeper) is None
    path = Path(catalog.readers.url.database or "")
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT subject, state FROM condition_states").fetchall()

    assert (METRICS, "bad") in rows


@pytest.mark.usefixtures("store")
def test_the_series_are_no_part_of_the_services_own_copy(estate: Estate) -> None:
    saved = {it.path.name for it in list_files(estate)}

    assert Path(series_url(estate).removeprefix("sqlite:///")).exists()
    assert "estate.toml" in saved
    assert not any(name.startswith("series.db") for name in saved)


def test_a_forecast_waits_for_the_silence_of_its_host_is_told_and_ends_with_the_disk(
    estate: Estate, store: SeriesStore, catalog: Catalog
) -> None:
    now = datetime.now(UTC)
    fill(store, now)
    with catalog.reading() as session:
        outlooks = list_outlooks(store, session, estate, now)
    wish = SilenceWish(subject="host:web1", reason="thay đĩa", until=now + 2 * HOUR)
    with catalog.writing() as session:
        make_silence(session, wish, "nva", now)

    def look(at: datetime, found: list[Outlook]) -> Taken:
        conditions = judge_outlooks(found, estate, at)
        with catalog.writing() as session:
            return take_look(session, conditions, at, looked_at=[FORECAST], every=HOUR)

    assert look(now, outlooks).opened == 0
    assert look(now + HOUR, outlooks).opened == 0
    assert look(now + 2 * HOUR, outlooks).opened == 1
    assert look(now + 3 * HOUR, outlooks).opened == 0
    assert look(now + 4 * HOUR, []).closed == 1
