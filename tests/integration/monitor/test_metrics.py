"""Prometheus' own checker reads what is given out, whatever hosts call their disks."""

import http.client
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from ops.monitor.metrics import MetricsServer, read_fresh
from ops.monitor.series.read import Latest, Point
from ops.monitor.series.store import SeriesError, SeriesStore, open_series
from ops.monitor.series.write import write_points

TOKEN = SecretStr("7c9e6679f1a8")
HOSTILE = 'a"} 1\\n# HELP é {x="y'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    with closing(open_series(f"sqlite:///{tmp_path / 'series.db'}")) as opened:
        yield opened


@pytest.fixture
def server(store: SeriesStore) -> Iterator[MetricsServer]:
    with closing(MetricsServer("127.0.0.1:0", lambda: read_fresh(store), TOKEN)) as started:
        yield started


def ask(
    server: MetricsServer, path: str = "/metrics", host: str = "", shown: str | None = None
) -> tuple[int, str, str]:
    shown = f"Bearer {TOKEN.get_secret_value()}" if shown is None else shown
    headers = {"Host": host, "Authorization": shown}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as line:
        line.request("GET", path, headers={name: it for name, it in headers.items() if it})
        answer = line.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()


def write(store: SeriesStore, **figures: float) -> None:
    now = datetime.now(UTC)
    points = [Point("host:web1", metric, now, value) for metric, value in figures.items()]
    points += [
        Point("host:web1", f"disk_percent[{HOSTILE}]", now, 12.5),
        Point("site:cong-chinh", "certificate_days", now, 30.0),
        Point("site:cong-chinh", "backup_age_seconds[near]", now, 3600.0),
        Point("service:giucong", "open_alerts[critical]", now, 2.0),
        Point("store:near", "store_used_bytes", now, 5e12),
    ]
    assert write_points(store, points, now) == []


def test_promtool_finds_no_fault(store: SeriesStore, server: MetricsServer) -> None:
    write(store, load5=0.25, cpu_percent=55.0, uptime_seconds=1e6, pressure_io_full=0.1, up=1.0)

    status, kind, text = ask(server)
    judged = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert (judged.returncode, judged.stderr) == (0, "")


def test_units_are_prometheus_own_and_labels_are_escaped(
    store: SeriesStore, server: MetricsServer
) -> None:
    write(store, cpu_percent=55.0)
    lines = ask(server)[2].splitlines()

    assert 'giucong_host_cpu_ratio{host="web1"} 0.55' in lines
    assert 'giucong_site_certificate_seconds{site="cong-chinh"} 2.592e+06' in lines
    assert 'giucong_site_backup_age_seconds{site="cong-chinh",store="near"} 3600.0' in lines
    assert 'giucong_service_open_alerts{service="giucong",severity="critical"} 2.0' in lines
    escaped = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    assert f'giucong_host_disk_ratio{{host="web1",mountpoint="{escaped}"}} 0.125' in lines
    assert 'giucong_store_used_bytes{store="near"} 5e+12' in lines
    assert "giucong_series_up 1.0" in lines


@pytest.mark.parametrize(
    "shown",
    ["", "Bearer", "Bearer ", "Bearer 7c9e6679f1a", "Bearer 7c9e6679f1a8 ", "Bearer 7C9E6679F1A8",
     "Basic 7c9e6679f1a8", "Bearer \xff\xfe", "7c9e6679f1a8"],
)  # fmt: skip
def test_who_shows_no_token_is_told_nothing(
    store: SeriesStore, server: MetricsServer, shown: str
) -> None:
    write(store, cpu_percent=55.0)
    status, _kind, text = ask(server, shown=shown)

    assert status == 401
    assert "giucong_" not in text
    assert ask(server, shown="bearer 7c9e6679f1a8")[0] == 200


def test_series_that_cannot_be_read_are_told_and_nothing_else_is() -> None:
    def fail() -> list[Latest]:
        raise SeriesError("locked")

    with closing(MetricsServer("127.0.0.1:0", fail, TOKEN)) as server:
        text = ask(server)[2]

    assert [it for it in text.splitlines() if not it.startswith("#")] == ["giucong_series_up 0.0"]


def test_only_the_page_is_there_and_only_by_the_address(server: MetricsServer) -> None:
    assert ask(server, "/")[0] == 404
    assert ask(server, host=f"localhost:{server.port}")[0] == 200
    assert ask(server, host=f"[::1]:{server.port}")[0] == 200
    assert ask(server, host="evil.example")[0] == 403
    with pytest.raises(ValueError, match="this machine alone"):
        MetricsServer("192.0.2.1:9187", list, TOKEN)


def test_readers_that_only_hold_the_line_are_few_and_it_still_closes(
    server: MetricsServer,
) -> None:
    held = [socket.create_connection(("127.0.0.1", server.port), 10) for _number in range(3)]
    try:
        assert held[2].recv(1) == b""  # two places are taken, so the third is hung up on
    finally:
        for line in held:
            line.close()
