"""Alerts, servers, archive, register and the public page: what they say, and what they let nobody.

A hostile site is captured for real, and shown in Chromium from the second port.
"""

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest
import uvicorn
from sqlalchemy import insert

from ops.access.caller import Caller
from ops.access.identity import NotAllowedError
from ops.console.office.captured import NotCapturedError
from ops.console.web.__main__ import configure
from ops.console.web.captured import Below, make_captured_app, rewrite_page
from ops.errors import WrongUseError
from ops.monitor.series.store import hours, open_series, raw, series, series_url
from ops.terminal.task import find_task
from tests.console_browser import Chromium, chromium
from tests.console_office import InProcess, build_console_estate, office_in_process, served
from tests.web_server import say, web_server

pytestmark = pytest.mark.slow

MORE = """public_status = true
[archive]
url = "archive"
private = "archive-private"
[[archive.copies]]
name = "second"
url = "archive-second"
location = "Ở đây"
[[units]]
name = "xa-khac"
title = "Xã khác"
[[sites]]
name = "cong-hai"
title = "Cổng xã Hòa Bình"
unit = "xa-khac"
url = "{url}"
  [sites.archive]
  connector = "sitemap"
    [sites.archive.web]
    pages_a_minute = 6000
  [[sites.files]]
  name = "www"
  path = "www"
"""
STYLE = b"h1{color:rgb(10,120,40)} body{background:url('/pic.svg')}"
PIC = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    b'<rect width="9" height="9"/></svg>'
)
EVIL = (
    b'<svg xmlns="http://www.w3.org/2000/svg"><title>still</title>'
    b"<script>document.querySelector('title').textContent='RAN';fetch('%s/today')</script></svg>"
)
PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>Trang xã</title>
<link rel="stylesheet" href="/style.css"><script>document.title='RAN'</script>
<meta http-equiv="refresh" content="0;url={console}/today"><base href="{console}/"></head>
<body onload="document.title='RAN'"><h1>Xã Hòa Bình</h1><img id="pic" src="pic.svg">
<img src="{console}/static/icon.svg" onerror="document.title='RAN'">
<a id="own" href="/tin.html">Tin</a> <a id="away" href="{console}/journal">Ra ngoài</a>
<a id="evil" href="/evil.svg">hình</a><a id="run" href="javascript:document.title='RAN'">chạy</a>
<form action="{console}/logout" method="post"><button>Thoát</button></form>
<iframe src="{console}/today"></iframe><svg><script>document.title='RAN'</script></svg>
</body></html>"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """An office whose second site is hostile and was captured."""
    told: dict[str, str] = {}

    def front(request: BaseHTTPRequestHandler) -> None:
        body = PAGE.format(**told).encode()
        say(body, Set_Cookie="__Host-giucong=stolen; Secure; Path=/")(request)

    def evil(request: BaseHTTPRequestHandler) -> None:
        say(EVIL % told["console"].encode(), kind="image/svg+xml")(request)

    pages = {
        "/": front, "/evil.svg": evil, "/style.css": say(STYLE, kind="text/css"),
        "/pic.svg": say(PIC, kind="image/svg+xml"), "/tin.html": say(b"<h1>Tin</h1>"),
    }  # fmt: skip
    with web_server(pages) as url:
        folder = tmp_path_factory.mktemp("console") / "estate"
        estate = build_console_estate(folder, MORE.format(url=url))
        told["console"] = f"http://{estate.listen}"
        with office_in_process(estate) as found:
            with found.counter.keeper.at_desk(Caller("bach", "bach", "")):
                assert find_task("archive.capture").run({"site": "cong-hai", "web": True}) == 0
            yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as found:
        yield found


@contextmanager
def shown(office: InProcess) -> Iterator[None]:
    """Serve captured pages on the second port."""
    host, _colon, port = office.estate.captured.rpartition(":")
    socket = office.estate.path.parent / "state" / "office.sock"
    server = uvicorn.Server(configure(make_captured_app(socket), host, int(port)))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.05)
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join(20)


def get(address: str) -> tuple[int, Mapping[str, str], str]:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - our own
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def test_a_hostile_captured_page_is_shown_and_reaches_nothing(
    office: InProcess, browser: Chromium
) -> None:
    asked, said = list[str](), list[str]()
    console = f"http://{office.estate.listen}"
    token = (office.page("captured", site="cong-hai"), office.tokens["bach"])[1]
    with (
        served(office), shown(office),
        browser.page(console, token=token) as page,
    ):  # fmt: skip
        page.goto("/captured?site=cong-hai")
        page.click("tbody a >> nth=0")
        with page.context.expect_page() as opened:
            page.click("a.button")
        captured = opened.value
        captured.on("request", lambda it: asked.append(it.url))
        captured.on("console", lambda it: said.append(it.text))
        captured.wait_for_load_state("networkidle")
        place = captured.url
        assert place.startswith(f"http://{office.estate.captured}/")
        assert captured.title() == "Trang xã"
        color = "getComputedStyle(document.querySelector('h1')).color"
        assert captured.evaluate(color) == "rgb(10, 120, 40)"
        assert captured.evaluate("document.querySelector('#pic').naturalWidth") > 0
        assert captured.evaluate("self.origin") == "null"
        for gone in ("script", "iframe", "base", "meta[http-equiv]", "#run[href]", "#away[href]"):
            assert captured.locator(gone).count() == 0, gone
        captured.goto(f"{place}evil.svg")
        captured.wait_for_timeout(300)
        assert captured.title() == "still"
        captured.goto(f"{place}tin.html")
        assert captured.locator("h1").text_content() == "Tin"
        assert not [it for it in asked if it.startswith(console)]
        page.goto("/alerts")
        page.evaluate("url => { const it = document.createElement('iframe'); it.src = url;"
                      " document.body.append(it) }", place)  # fmt: skip
        page.wait_for_timeout(300)
        assert all(place not in it.url for it in page.frames)
        _status, headers, _text = get(place)
        assert not {"set-cookie"} & {it.lower() for it in headers}
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == (
            "nosniff",
            "DENY",
        )
        assert get(f"http://{office.estate.captured}/guessed/")[0] == 404
        assert get(f"http://{office.estate.captured}/{place.split('/')[3]}/not-there")[0] == 404
        office.ask("logout")
        assert get(place)[0] == 404
        del office.tokens["bach"]
    assert any("sandboxed" in it for it in said), said  # the script of the picture was refused


def test_a_ticket_is_good_for_ten_minutes_and_its_own_site(office: InProcess) -> None:
    asked = {"site": "cong-hai", "month": "", "address": "/", "at": ""}
    ticket = office.ask("captured-open", **asked)["ticket"]
    sessions, before = office.counter.sessions, office.counter.sessions.clock
    assert office.ask("captured", ticket=ticket, target="/")["status"] == 200
    for target in ("//127.0.0.1/", "/../../etc/passwd", "@127.0.0.1/x", "/nothing"):
        with pytest.raises(NotCapturedError):
            office.ask("captured", ticket=ticket, target=target)
    sessions.clock = lambda: datetime.now(UTC) + timedelta(minutes=11)
    try:
        with pytest.raises(NotCapturedError):
            office.ask("captured", ticket=ticket, target="/")
    finally:
        sessions.clock = before
    with pytest.raises(NotAllowedError):
        office.ask("captured-open", "unit-contact", **asked)


@pytest.mark.parametrize("link", ["javascript:x()", "//evil.test/", "https://a.test:99/", "http://[",
                                  "https://a.test@evil.test/", "vbscript:x"])  # fmt: skip
def test_links_elsewhere_are_dead(link: str) -> None:
    here = Below("T", "https://a.test", "https://a.test/tin/mot")
    assert here.lead(link) == ""
    assert "evil" not in re.sub(r'title="[^"]*"', "", rewrite_page(f'<a href="{link}">x</a>', here))


def test_links_of_the_site_lie_below_the_ticket() -> None:
    here = Below("T", "https://a.test", "https://a.test/tin/mot")
    assert here.lead("hai?a=1&b=2#x") == "/T/tin/hai?a=1&b=2#x"
    assert here.lead("http://a.test/ảnh.png") == "/T/%E1%BA%A3nh.png"
    page = rewrite_page('<p onclick=x style="background:url(/b.png)"><IMG SRC=/a.png srcset="/a 1x,'
                        '//evil/b 2x"><script>a<b</script>1 < 2</p>', here)  # fmt: skip
    assert page == ('<p style="background:url(&quot;/T/b.png&quot;)"><img src="/T/a.png" '
                    'srcset="/T/a 1x">1 &lt; 2</p>')  # fmt: skip


def test_a_silence_is_made_and_ended(office: InProcess) -> None:
    until = (datetime.now(UTC) + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M")
    form = {"about": "store:near", "until": until, "reason": "thay đĩa <b>"}
    assert office.act("monitor.silence", form=form)["code"] == 0
    (silence,) = office.page("alerts")["silences"]
    assert silence["reason"] == "thay đĩa <b>"
    assert office.act("monitor.silence", form={"end": silence["id"]})["code"] == 0
    assert office.page("alerts")["silences"] == []


def test_a_units_contact_enters_for_its_own_site_alone(office: InProcess) -> None:
    form = {"kind": "remark", "title": "Trang chậm <script>", "site": "cong-xa"}
    assert office.act("register.add", "unit-contact", form=form)["code"] == 0
    with pytest.raises(NotAllowedError):
        office.ask("act", "unit-contact", task="register.add", form={**form, "site": "cong-hai"})
    assert office.act("register.add", form={**form, "site": "cong-hai"})["code"] == 0
    assert {it["site"] for it in office.page("register", "unit-contact")["items"]} == {"cong-xa"}
    assert {it["site"] for it in office.page("register")["items"]} == {"cong-xa", "cong-hai"}
    called = office.page("register")["items"][0]["called"]
    note = {"id": called, "note": "đã gọi lại", "acknowledged": "1"}
    assert office.act("register.update", form=note)["code"] == 0
    text = office.html("entry", id=called)
    assert "đã gọi lại" in text
    assert "<script>" not in text.replace('<script src="/static/htmx.min.js" defer>', "")


def test_a_disk_that_fills_has_its_chart_table_and_day(office: InProcess) -> None:
    estate, _catalog = office.counter.keeper.get()
    store, now = open_series(series_url(estate)), int(datetime.now(UTC).timestamp()) // 3600
    try:
        with store.writing() as connection:
            key = {"subject": "host:this-machine", "metric": "disk_percent[/]"}
            added = connection.execute(insert(series), {**key, "rolled_until": now * 3600})
            which = (added.inserted_primary_key or (0,))[0]
            rows = [
                {"series": which, "at": at, "mean": 60_000 + (at - now) * 20, "count": 60,
                 "below": 0, "above": 0}
                for at in range(now - 60 * 24, now)
            ]  # fmt: skip
            connection.execute(insert(hours), rows)
            newest = {"series": which, "at": now * 3600, "value": 60_000}
            connection.execute(insert(raw), newest)
    finally:
        store.close()
    page = office.page("server", "viewer", host="this-machine", days="90")
    (chart,) = page["charts"]
    assert chart["svg"].startswith("<svg")
    assert 'style="' not in chart["svg"]
    assert 24 <= len(chart["rows"]) <= 96  # of each line at most 48
    (capacity,) = page["capacity"]
    assert capacity["verdict"] == "fills"
    assert re.search(r"\d\d/\d\d/20\d\d", capacity["told"])
    with pytest.raises(WrongUseError):
        office.page("server", "viewer", host="../etc")


def test_the_public_sees_titles_and_states_alone(office: InProcess) -> None:
    with served(office):
        status, _headers, page = get(f"http://{office.estate.listen}/trang-thai")
        assert status == 200
        assert "Cổng xã Hòa Bình" in page
        for private in ("127.0.0.1", "cong-hai", "cong-xa", "bach", "near", "this-machine"):
            assert private not in page
        status, headers, text = get(f"http://{office.estate.listen}/trang-thai.json")
        assert (status, headers["cache-control"]) == (200, "public, max-age=30")
        assert '"state":"not_checked"' in text
        assert "127.0.0.1" not in text


def test_where_the_estate_shows_the_public_nothing_it_sees_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    estate = build_console_estate(tmp_path_factory.mktemp("console") / "closed")
    with office_in_process(estate) as closed, served(closed):
        assert get(f"http://{estate.listen}/trang-thai")[0] == 404
        assert get(f"http://{estate.listen}/status")[0] == 404
        assert get(f"http://{estate.listen}/trang-thai.json")[0] == 404
