"""Signs of life over a real web server, and the dead-man script that looks for them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ops.catalog.open import Catalog, open_catalog
from ops.status.heartbeat import CALL_LASTS, NotCalledError, Pulse, call_url, read_heartbeat
from tests.integration.jobs.small_estate import ROOT, build_estate
from tests.private_server import find_free_port

SCRIPT = ROOT / "examples/dead-man/giucong-dead-man.py"
FAST = timedelta(milliseconds=20)
LONG = timedelta(hours=1)


@dataclass
class Listener:
    """A healthchecks-like endpoint: what it answers, and the paths it was called with.

    Attributes:
        delay_seconds: How long it says nothing, unless it is told to go on.
    """

    url: str = ""
    status: int = 200
    delay_seconds: float = 0
    go_on: threading.Event = field(default_factory=threading.Event)
    calls: list[str] = field(default_factory=list)


@contextmanager
def listening(listener: Listener) -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listener.calls.append(self.path)
            listener.go_on.wait(listener.delay_seconds)
            self.send_response(listener.status)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    with serving(Handler) as url:
        listener.url = f"{url}/ping/secret-token"
        yield listener


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def pulsing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, *, call_every: timedelta = FAST
) -> Iterator[tuple[Pulse, Path]]:
    estate = build_estate(
        tmp_path / "estate", '[notices]\nheartbeat_url = "env:GIUCONG_TEST_HEARTBEAT"\n'
    )
    monkeypatch.setenv("GIUCONG_ESTATE", str(estate))
    monkeypatch.setenv("GIUCONG_TEST_HEARTBEAT", url)
    state = estate.parent / "state"
    state.mkdir()
    catalog: Catalog = open_catalog(f"sqlite:///{state / 'giucong.db'}")
    pulse = Pulse(catalog, state, write_every=FAST, call_every=call_every)
    try:
        yield pulse, state
    finally:
        pulse.close()
        catalog.close()


def beat_until(pulse: Pulse, look: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline, "waited too long"
        pulse.beat()
        time.sleep(0.02)


def call_of(state: Path) -> dict[str, Any] | None:
    document = read_heartbeat(state) or {}
    call: dict[str, Any] | None = document.get("call")
    return call


def test_each_healthy_look_shows_life_and_calls_at_most_so_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        listening(Listener()) as listener,
        pulsing(tmp_path, monkeypatch, listener.url, call_every=LONG) as (pulse, state),
    ):
        time.sleep(0.1)
        before = (read_heartbeat(state), list(listener.calls))
        beat_until(pulse, lambda: call_of(state))
        document = read_heartbeat(state)
        time.sleep(0.1)
        mode = (state / "heartbeat.json").stat().st_mode & 0o777

    assert before == (None, [])  # nobody said that all is well
    assert listener.calls == ["/ping/secret-token"]
    assert document is not None
    assert list(document["sites"]) == ["cong-xa", "giucong"]
    assert document["sites"]["cong-xa"]["rpo_seconds"] == 86_400
    assert document["journal"]["sequence"] == 0
    assert document["call"]["error"] == ""
    assert abs(datetime.now(UTC) - datetime.fromisoformat(document["at"])) < timedelta(minutes=1)
    assert mode == 0o644
    assert [it.name for it in state.glob("*heartbeat*")] == ["heartbeat.json"]


def test_a_url_that_refuses_is_shown_without_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        listening(Listener(status=503)) as listener,
        pulsing(tmp_path, monkeypatch, listener.url) as (pulse, state),
    ):
        beat_until(pulse, lambda: call_of(state))
        text = (state / "heartbeat.json").read_text()

    assert '"HTTP 503"' in text
    assert "secret-token" not in text


def test_a_url_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        listening(Listener(delay_seconds=60)) as listener,
        pulsing(tmp_path, monkeypatch, listener.url) as (pulse, _state),
    ):
        beat_until(pulse, lambda: listener.calls)
        started = time.monotonic()
        for _turn in range(1000):
            pulse.beat()
        took = time.monotonic() - started
        listener.go_on.set()

    assert took < CALL_LASTS.total_seconds() / 2


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/hostname", "no http"),
        ("http://127.0.0.1:{port}/secret-token", "refused"),
        ("http://[broken/secret-token", "ValueError"),
    ],
)
def test_what_cannot_be_called_is_explained_without_the_address(url: str, reason: str) -> None:
    with pytest.raises(NotCalledError, match=reason) as caught:
        call_url(url.replace("{port}", str(find_free_port())))

    assert "secret-token" not in str(caught.value)


def test_a_url_that_never_answers_is_given_up() -> None:
    with (
        listening(Listener(delay_seconds=1)) as listener,
        pytest.raises(NotCalledError, match=r"[Tt]ime"),
    ):
        call_url(listener.url, timedelta(milliseconds=100))


DAY = timedelta(days=1)


def a_site(newest: timedelta | None, due: timedelta | None = None) -> dict[str, Any]:
    def moment(age: timedelta | None) -> str | None:
        return None if age is None else f"{datetime.now(UTC) - age:%Y-%m-%dT%H:%M:%SZ}"

    return {"newest": moment(newest), "due_since": moment(due), "rpo_seconds": 86_400,
            "grace_seconds": 10_800}  # fmt: skip


def a_heartbeat(age: timedelta = timedelta(0), **sites: dict[str, Any]) -> str:
    return json.dumps({
        "format": "giucong-heartbeat-1",
        "at": f"{datetime.now(UTC) - age:%Y-%m-%dT%H:%M:%SZ}",
        "sites": sites,
        "journal": {"sequence": 7, "hash": "0" * 64},
        "call": None,
    })  # fmt: skip


def look(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", SCRIPT, *arguments], capture_output=True, text=True, check=False,
        encoding="utf-8", env={"LC_ALL": "C"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (a_heartbeat, None),
        (lambda: a_heartbeat(a=a_site(timedelta(hours=26))), None),
        (lambda: a_heartbeat(a=a_site(None)), None),
        (lambda: a_heartbeat(a=a_site(None, timedelta(hours=3))), None),
        (lambda: a_heartbeat(timedelta(minutes=20)), "không có tín hiệu hoạt động đã 2"),
        (lambda: a_heartbeat(3 * DAY), "silent for 72 hours"),
        (lambda: a_heartbeat(-DAY), "clocks disagree"),
        (
            lambda: a_heartbeat(a=a_site(timedelta(hours=30))),
            "a: bản sao lưu mới nhất cách đây 30 giờ",
        ),
        (lambda: a_heartbeat(a=a_site(None, 2 * DAY)), "Site a has no backup at all"),
        (
            lambda: a_heartbeat(giucong=a_site(None, 2 * DAY)),
            "Chính Giữ Cổng (giucong) chưa có",
        ),
        (lambda: "", "cannot be read"),
        (lambda: "{", "cannot be read"),
        (lambda: "[]", "cannot be read"),
        (lambda: '{"format": "other"}', "cannot be read"),
        (lambda: '{"format": "giucong-heartbeat-1"}', "cannot be read"),
        (lambda: '{"format": "giucong-heartbeat-1", "at": 7, "sites": {}}', "cannot be read"),
        (lambda: a_heartbeat(a={"newest": "yesterday"}), "cannot be read"),
        (lambda: "\udcff\udcfe", "cannot be read"),
        (lambda: None, "cannot be read"),
    ],
    ids=map(str, range(19)),
)
def test_the_dead_man_alarms_in_two_languages(
    tmp_path: Path, make: Callable[[], str | None], told: str | None
) -> None:
    path = tmp_path / "heartbeat.json"
    content = make()  # now: tests may be collected long before they run
    if content is not None:
        path.write_bytes(content.encode("utf-8", "surrogateescape"))
    ended = look("--file", str(path))

    assert ended.returncode == (1 if told else 0), ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert (told or "") in ended.stdout
    assert ("CẢNH BÁO" in ended.stdout, "ALARM" in ended.stdout) == (bool(told), bool(told))


def test_the_dead_man_reads_from_a_web_server_and_alarms_when_it_is_gone(tmp_path: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    (tmp_path / "heartbeat.json").write_text(a_heartbeat())
    with serving(partial(Quiet, directory=str(tmp_path))) as url:
        alive = look("--url", f"{url}/heartbeat.json")
        missing = look("--url", f"{url}/other.json")
    gone = look("--url", f"http://127.0.0.1:{find_free_port()}/heartbeat.json")

    assert (alive.returncode, missing.returncode, gone.returncode) == (0, 1, 1)
    assert "404" in missing.stdout


def test_the_dead_man_hands_the_alarm_to_a_command_or_says_that_it_could_not(
    tmp_path: Path,
) -> None:
    missing, told = str(tmp_path / "none.json"), tmp_path / "told"
    sent = look("--file", missing, "--command", f"tee {told}")
    failed = look("--file", missing, "--command", "false")
    absent = look("--file", missing, "--command", str(tmp_path / "no-such-program"))

    assert (sent.returncode, failed.returncode, absent.returncode) == (1, 2, 2)
    assert "CẢNH BÁO" in told.read_text()
    assert "NOT SENT" in failed.stderr
    assert "ALARM" in absent.stderr


@pytest.mark.parametrize(
    "make",
    [
        lambda: a_heartbeat(a=a_site(DAY) | {"rpo_seconds": 9e99}),
        lambda: a_heartbeat(a=a_site(DAY)).replace("86400", "1e400"),
        lambda: '{"a":' * 200_000,
        lambda: "[" * 200_000,
    ],
    ids=["huge", "infinite", "deep-table", "deep-list"],
)
def test_the_dead_man_survives_what_no_clock_and_no_stack_can_hold(
    tmp_path: Path, make: Callable[[], str]
) -> None:
    path = tmp_path / "heartbeat.json"
    path.write_text(make())  # now: tests may be collected long before they run
    ended = look("--file", str(path))

    assert (ended.returncode, ended.stderr) == (1, "")
    assert "cannot be read" in ended.stdout
    assert len(ended.stdout) < 2_000


def test_the_dead_man_alarms_when_told_to_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat.json"
    path.write_text(a_heartbeat())
    ended = look("--file", str(path), "--minutes", "9" * 30)

    assert (ended.returncode, ended.stderr) == (1, "")
    assert "--minutes" in ended.stdout


def test_the_dead_man_does_not_wait_at_a_pipe_or_for_a_server_that_trickles(
    tmp_path: Path,
) -> None:
    class Trickling(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            for _turn in range(600):
                try:
                    self.wfile.write(b" ")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.1)

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    pipe = tmp_path / "heartbeat.json"
    os.mkfifo(pipe)
    started = time.monotonic()
    piped = look("--file", str(pipe))
    with serving(Trickling) as url:
        trickled = look("--url", f"{url}/heartbeat.json", "--seconds", "1")
        took = time.monotonic() - started

    assert (piped.returncode, trickled.returncode) == (1, 1)
    assert "no plain file" in piped.stdout
    assert "TimeoutError" in trickled.stdout
    assert took < 30


def test_the_dead_man_tries_every_way_and_says_which_failed(tmp_path: Path) -> None:
    missing, told = str(tmp_path / "none.json"), tmp_path / "told"
    unbalanced = look("--file", missing, "--command", "tee 'x")
    empty = look("--file", missing, "--command", " ")
    both = look(
        "--file", missing, "--mail", "a@example.vn\nBcc: b@c.vn", "--command", f"tee {told}"
    )

    for ended in (unbalanced, empty, both):
        assert ended.returncode == 2
        assert "CẢNH BÁO" in ended.stderr
        assert "NOT SENT" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert "CẢNH BÁO" in told.read_text()


def test_the_dead_man_names_a_file_that_is_no_text(tmp_path: Path) -> None:
    told = tmp_path / "told"
    missing = str(tmp_path / "tên\udcff.json")
    printed = look("--file", missing)
    sent = look("--file", missing, "--command", f"tee {told}")

    assert (printed.returncode, sent.returncode) == (1, 1), printed.stderr + sent.stderr
    assert r"\udcff" in printed.stdout
    assert r"\udcff" in told.read_text()


def test_the_service_and_the_script_agree_on_the_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pulsing(tmp_path, monkeypatch, "http://127.0.0.1:1/") as (pulse, state):
        beat_until(pulse, lambda: read_heartbeat(state))
        ended = look("--file", str(state / "heartbeat.json"))

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
