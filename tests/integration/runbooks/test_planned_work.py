"""What is planned: a stop, a new certificate, a site's end, a day's work from the copy."""

import functools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ops.duties.table.load import SHIPPED_HOLIDAYS, read_calendar
from tests.integration.runbooks.driving import Desk, assert_done
from tests.private_authority import Authority
from tests.private_server import find_free_port
from tests.web_server import say, web_server

pytestmark = pytest.mark.slow

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HOME = "<title>Cổng xã Bình Minh</title><p>Thông báo lịch tiếp công dân</p>".encode()


def put_on_the_web(desk: Desk, url: str) -> None:
    text = desk.estate.read_text(encoding="utf-8")
    more = f'unit = "xa"\nurl = "{url}"\npages = ["/"]\n'
    desk.estate.write_text(text.replace('unit = "xa"\n', more, 1), encoding="utf-8")


def a_scan(desk: Desk) -> Path:
    path = desk.folder / "notice.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n a signed notice")
    return path


def code_of(begins: str) -> str:
    return f"cong-xa-{begins[:10].replace('-', '')}-{begins[11:].replace(':', '')}"


def far_enough() -> str:
    """Give a moment far enough ahead for the notice of a stop."""
    today = datetime.now(UTC).astimezone(ZONE).date()
    day = read_calendar((SHIPPED_HOLIDAYS,)).add_working_days(today, 8)
    return f"{day.isoformat()} 22:00"


def test_a_stop_is_announced_in_time_carried_out_and_proven(desk: Desk) -> None:
    begins = far_enough()
    until = f"{begins[:10]} 23:30"
    today = datetime.now(UTC).astimezone(ZONE).strftime("%d/%m/%Y")
    values = {
        "site": "cong-xa", "until": until, "reason": "Nâng cấp máy chủ",
        "instead": "Tổng đài 1022", "paper": str(a_scan(desk)), "code": code_of(begins),
    }  # fmt: skip
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d 09:00")
    late = desk.begin("planned-stop", "", {**values, "begins": tomorrow})
    assert (late.returncode, desk.states()) == (1, [(1, "failed")])
    assert "working days ahead" in desk.outputs()[1]

    with web_server({"/": say(HOME)}) as url:
        put_on_the_web(desk, url)
        waiting = desk.begin(
            "planned-stop", f"có\n12/TB-TTCNTT\n{today}\nkhông\n", {**values, "begins": begins}
        )
        assert (waiting.returncode, desk.states()[-1]) == (1, (7, "declined"))
        assert "planned-stop-notice" not in desk.type("duty.due", "--json").stdout
        ended = desk.resume("có\ncó\ncó\ncó\n")

    assert_done(desk, ended, 14)
    outputs = desk.outputs()
    assert "THÔNG BÁO về việc tạm ngừng Cổng xã Bình Minh" in outputs[3]
    assert "5. Kênh thay thế trong thời gian tạm ngừng: Tổng đài 1022" in outputs[3]


def test_a_stop_that_was_announced_is_called_off(desk: Desk) -> None:
    begins = far_enough().replace("22:00", "21:00")
    today = datetime.now(UTC).astimezone(ZONE).strftime("%d/%m/%Y")
    planned = desk.type(
        "duty.planned-stop", "--site", "cong-xa", "--from", begins, "--until",
        f"{begins[:10]} 23:30", "--reason", "Nâng cấp",
    )  # fmt: skip
    code = code_of(begins)
    assert (planned.returncode, code in planned.stdout) == (0, True), planned.stderr
    issued = desk.type(
        "report.issue", "--kind", "notice", "--of", code, "--file", str(a_scan(desk)),
        "--number", "14/TB-TTCNTT", "--date", today, "--scan",
    )  # fmt: skip
    assert issued.returncode == 0, issued.stderr
    calling = ("duty.planned-stop", "--cancel", code, "--reason", "Nhà thầu xin lùi")
    assert desk.type(*calling, "--dry-run").returncode == 0

    called_off = desk.type(*calling)

    assert called_off.returncode == 0, called_off.stderr
    assert "THÔNG BÁO về việc không tạm ngừng Cổng xã Bình Minh" in called_off.stdout
    assert "called-off-stop-notice" in desk.type("duty.due", "--json").stdout
    again = desk.type(*calling)
    assert (again.returncode, code in again.stderr) == (2, True)


def test_a_certificate_that_has_expired_is_seen_and_replaced(desk: Desk, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    expired = authority.issue("cu", days=-1)
    fresh = authority.issue("moi", days=90)
    for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        desk.environment[name] = str(authority.root)
    port = find_free_port()
    with web_server({"/": say(HOME)}, certificate=expired, port=port) as address:
        url = address.replace("127.0.0.1", "localhost")
        put_on_the_web(desk, url)
        values = {
            "site": "cong-xa", "address": f"{url}/", "host": "localhost",
            "certificate": str(expired),
        }  # fmt: skip
        wrong = desk.begin("certificate-expired", "", values)
        assert (wrong.returncode, desk.states()[-1]) == (1, (2, "failed"))
        seen = re.search(r"expire date: (.+) GMT", desk.outputs()[1])
        assert seen
        ended_at = datetime.strptime(seen[1], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        assert ended_at < datetime.now(UTC)
        assert "Certificate will expire" in desk.outputs()[2]

        stopped = desk.begin(
            "certificate-expired", "không\n", {**values, "certificate": str(fresh)}
        )
        assert (stopped.returncode, desk.states()[-1]) == (1, (3, "declined"))
    with web_server({"/": say(HOME)}, certificate=fresh, port=port):
        ended = desk.resume("có\ncó\n")

    assert_done(desk, ended, 7)


def test_a_site_that_closes_keeps_its_copies_and_gets_minutes(desk: Desk) -> None:
    values = {"site": "cong-xa", "reason": "Sáp nhập xã", "document": "15/QĐ-UBND"}
    stopped = desk.begin("site-retired", "có\ncó\nkhông\n", values)
    assert (stopped.returncode, desk.states()[-1]) == (1, (9, "declined"))
    text = desk.estate.read_text(encoding="utf-8")
    head, _lines, _rest = text.partition("[[sites]]")
    desk.estate.write_text(head + text[text.index('\n[[stores]]\nname = "offsite"') :], "utf-8")
    ended = desk.resume("có\n")

    assert_done(desk, ended, 11)
    outputs = desk.outputs()
    assert "15/QĐ-UBND" in outputs[8]
    assert "stores/offsite/cong-xa" in outputs[8]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder, as the machine that stands by does."""
    make = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), make) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/index.php"
        finally:
            server.shutdown()
            thread.join()


def test_a_day_is_worked_from_the_copy_and_the_way_there_and_back_is_measured(
    desk: Desk, tmp_path: Path
) -> None:
    standby = tmp_path / "standby"
    today = datetime.now(UTC).astimezone(ZONE).strftime("%d/%m/%Y")
    with serving(standby / "cong-xa/files/www") as there, serving(desk.folder / "www") as home:
        put_on_the_web(desk, home)
        values = {
            "site": "cong-xa", "store": "offsite", "standby": str(standby),
            "address": there, "main": home,
        }  # fmt: skip
        paused = desk.begin("yearly-switch-over", "có\ncó\n\n", values)
        assert (paused.returncode, desk.states()[-1]) == (1, (7, "declined"))
        assert (standby / "cong-xa/files/www/index.php").read_text() == "<?php // trang chủ"
        ended = desk.resume(f"{today}\ncó\ncó\n21/BB-TTCNTT\ncó\n")

    assert_done(desk, ended, 13)
    took = desk.state().seconds
    assert took
    assert took >= sum(it.seconds or 0 for it in desk.state().records) > 0
    evidence = desk.type("duty.evidence", "--duty", "yearly-switch-over", "--json").stdout
    assert "21/BB-TTCNTT" in evidence
