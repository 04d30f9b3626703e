"""From a site that goes down to the message, and into the figures, with the real watch."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ops.catalog.open import open_catalog
from ops.catalog.tables.core import Notice
from ops.estate.load.load import load_estate
from ops.monitor.probes.result import recall
from ops.monitor.series.minutes import read_days, write_minutes
from ops.monitor.series.read import read_changes, read_latest
from ops.monitor.series.store import open_series, series_url
from ops.monitor.watch import Watch, make_keeper
from tests.integration.jobs.small_estate import build_estate
from tests.integration.monitor.probes.sites import HOST, free_port, look, named, target
from tests.name_server import name_server
from tests.web_server import say, web_server

pytestmark = pytest.mark.slow
WATCHED = """
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[[notices.routes]]
severity = "critical"
people = ["nva"]
[monitor]
probe_seconds = 30
[monitor.probes]
nameservers = ["{dns}"]
references = ["{reference}"]
"""


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Watch, int]]:
    """Make a watch of one site, and give the port that site is looked for at."""
    port = free_port()
    with name_server({(HOST, "A"): ["127.0.0.1"]}) as dns:
        dns_place, reference = f"127.0.0.1:{dns.place[1]}", f"127.0.0.1:{free_port()}"
        path = build_estate(tmp_path, WATCHED.format(dns=dns_place, reference=reference))
        monkeypatch.setenv("GIUCONG_ESTATE", str(path))
        monkeypatch.setenv("GIUCONG_TEST_RELAY", "mailto://127.0.0.1:1/?from=a@example.vn")
        text = path.read_text(encoding="utf-8")
        url = f'unit = "xa"\nurl = "http://{HOST}:{port}"'
        path.write_text(text.replace('unit = "xa"', url), encoding="utf-8")
        estate = load_estate(path)
        estate.service.state.mkdir(exist_ok=True)
        with closing(make_keeper(estate)) as keeper:
            watch = Watch(estate, keeper, threading.Event())
            yield watch, port
            watch.sampler.close()


def notices(watch: Watch) -> list[tuple[str, str]]:
    with (
        closing(open_catalog(f"sqlite:///{watch.estate.service.state / 'giucong.db'}")) as catalog,
        catalog.reading() as session,
    ):
        rows = session.execute(select(Notice.code, Notice.severity))
        return [(code, severity) for code, severity in rows]


def test_one_look_after_it_went_down_the_message_is_in_the_outbox(
    watch: tuple[Watch, int],
) -> None:
    """With a look each 30 seconds, whose second look comes 5 seconds later: within a minute."""
    watching, port = watch
    with web_server({"/": say(b"hello")}, port=port):
        watching.probe()
    before = notices(watching)
    watching.probe()
    told = notices(watching)
    with web_server({"/": say(b"hello")}, port=port):
        watching.probe()

    with closing(open_series(series_url(watching.estate))) as series:
        now = datetime.now(UTC)
        around = (now - timedelta(hours=1), now + timedelta(hours=1))
        changes = read_changes(series, "site:cong-xa", *around)
        latest = {it.metric for it in read_latest(series, now - timedelta(hours=1))}
        today = now.astimezone(watching.estate.zone).date()
        days = read_days(series, "cong-xa", today - timedelta(days=1), today)
    assert before == []
    assert told == [("site_down", "critical")]
    assert [it[0] for it in notices(watching)] == ["site_down", "cleared"]
    answers = [(it.state, it.detail) for it in changes if it.what == "answer"]
    assert answers[-1] == ("good", "")
    assert {"probe_up", "probe_first_byte_seconds", "probe_size_bytes"} <= latest
    assert sum(it.down.bit_count() for it in days.values()) >= 1
    known = recall((it.what, it.at, it.state, it.detail) for it in changes)
    assert known["names"].text == "127.0.0.1"


def test_minutes_of_a_month_that_ends_at_plus_seven(watch: tuple[Watch, int]) -> None:
    """17:00 UTC on the 30th is the first minute of December in Việt Nam."""
    watching, port = watch
    zone = watching.estate.zone
    midnight = datetime(2026, 11, 30, 17, tzinfo=UTC)
    with (
        name_server({(HOST, "A"): ["127.0.0.1"]}) as dns,
        web_server({"/": say(b"hello"), "/bad": say(b"", 500)}, port=port) as server,
        closing(open_series(series_url(watching.estate))) as series,
    ):
        for at, path in ((midnight - timedelta(minutes=1), "/bad"), (midnight, "/")):
            (found,) = look(target(named(server, path=path)), now=at, nameservers=(dns.place,))
            write_minutes(series, [(found.site, found.at, found.verdict)], zone)
        days = read_days(series, "cong", date(2026, 11, 30), date(2026, 12, 1))

    assert days[date(2026, 11, 30)].down == 1 << 1439
    assert days[date(2026, 12, 1)].up == 1
