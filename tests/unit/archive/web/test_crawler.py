"""Crawls of real local servers: what is captured, what is left out, and that each run ends."""

import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from archive.web.cdxj import REVISIT, read_index
from archive.web.crawler import write_results
from archive.web.fetch import Limits
from archive.web.pace import Pace
from archive.web.state import FILE, open_state
from archive.web.warc import Original
from tests.crawls import FAST, crawl, paths_of
from tests.raw_server import html, raw_server
from tests.web_server import Page, say, web_server

pytestmark = pytest.mark.slow

QUICK = Limits(seconds=1.0, size=400_000)


def moved(to: str) -> Page:
    return say(b"", 302, Location=to)


def site() -> dict[str, Page]:
    return {
        "/": say(b'<a href=/tin/1.html>x</a><link rel=stylesheet href="/s.css"><img src=/a.png>'),
        "/tin/1.html": say(b"<a href=2.html>y</a><a href=/mat>z</a><a href=/tim?q=1>?</a>"),
        "/tin/2.html": say("<p>Nước sạch</p><a href=/>về</a>".encode()),
        "/s.css": say(b"a{background:url(b.png)}", kind="text/css"),
        "/a.png": say(b"\x89PNG1", kind="image/png"),
        "/b.png": say(b"\x89PNG1", kind="image/png"),
        "/sitemap.xml": say(b"<urlset><url><loc>/nope</loc></url></urlset>", kind="text/xml"),
    }


def test_a_site_is_captured_whole(tmp_path: Path) -> None:
    with web_server(site()) as url:
        crawled, captures = crawl(url, tmp_path)
        state = open_state(tmp_path)
        index, log = write_results(state, crawled)
        state.close()

    assert {path: it.status for path, it in captures.items()} == {
        "/robots.txt": 404, "/sitemap.xml": 200, "/favicon.ico": 404, "/": 200, "/s.css": 200,
        "/a.png": 200, "/b.png": 200, "/tin/1.html": 200, "/tin/2.html": 200, "/mat": 404,
        "/tim?q=1": 404,
    }  # fmt: skip
    assert (crawled.requests, crawled.failed, crawled.waiting, crawled.stopped) == (11, 0, 0, "")
    assert captures["/b.png"].mime == REVISIT, "the same picture is stored once"
    assert list(read_index(index)) == sorted(captures.values(), key=lambda it: it.line())
    assert b'"via":"' in log
    assert b'"requests":11' in log.splitlines()[-1]


def test_only_what_the_site_and_the_estate_want_is_asked_for(tmp_path: Path) -> None:
    asked: list[str] = []

    def noted(path: str, page: Page) -> Page:
        def answer(request: BaseHTTPRequestHandler) -> None:
            asked.append(path)
            page(request)

        return answer

    robots = say(b"User-agent: *\nDisallow: /tim\n", kind="text/plain")
    pages = {**site(), "/robots.txt": robots, "/tim?q=1": say(b"x")}
    with web_server({path: noted(path, page) for path, page in pages.items()}) as url:
        crawled, _captures = crawl(url, tmp_path, exclude=("/tin/2",), start=("/tin/1.html",))

    assert set(asked) == {"/robots.txt", "/sitemap.xml", "/tin/1.html"}
    assert crawled.left == {"robots": 1, "excluded": 1}


def test_a_redirect_elsewhere_or_to_loopback_is_recorded_and_not_followed(tmp_path: Path) -> None:
    reached: list[str] = []

    def inside(line: socket.socket, target: str) -> None:
        reached.append(target)
        line.sendall(html("secret"))

    with raw_server(inside) as elsewhere:
        port = elsewhere.rpartition(":")[2]
        pages = {
            "/": say(b"".join(b"<a href=/%d>x</a>" % number for number in range(6))),
            "/0": moved(f"{elsewhere}/metadata"),
            "/1": moved(f"http://localhost:{port}/"),
            "/2": moved(f"//127.0.0.1:{port}/x"),
            "/3": moved("http://169.254.169.254/latest"),
            "/4": moved("/sau"),
            "/5": moved("/5"),
            "/sau": say(f"<img src={elsewhere}/a.png><a href=http://[::1]:{port}/>x</a>".encode()),
        }
        with web_server(pages) as url:
            crawled, captures = crawl(url, tmp_path)

    assert not reached
    assert crawled.left == {"elsewhere": 4}
    assert {captures[f"/{number}"].status for number in range(6)} == {302}
    assert captures["/sau"].status == 200


def test_an_endless_calendar_ends(tmp_path: Path) -> None:
    def month(line: socket.socket, target: str) -> None:
        if target.startswith("/lich"):
            number = int(target.rpartition("=")[2] or 0)
            days = "".join(f"<a href=/ngay?d={number * 40 + it}>{it}</a>" for it in range(1, 8))
            line.sendall(html(f"<a href=/lich?thang={number + 1}>sau</a>{days}"))
        else:
            line.sendall(html("<a href=/lich?thang=0>lịch</a><a href=sau/>x</a>"))

    with raw_server(month) as url:
        crawled, captures = crawl(url, tmp_path, replace(FAST, depth=10, alike=40))

    assert crawled.stopped == ""
    assert sum(path.startswith("/lich") for path in captures) == 10
    assert sum(path.startswith("/ngay") for path in captures) == 40
    assert set(crawled.left) == {"too deep", "too many alike", "repeats itself"}


@pytest.mark.parametrize("packed", [False, True])
def test_a_sitemap_bomb_costs_little(tmp_path: Path, packed: bool) -> None:
    head, asked = b"<sitemapindex>", []
    many = b"".join(b"<sitemap><loc>URL/%d.xml</loc></sitemap>" % number for number in range(1000))
    bomb = b"<urlset>" + b" " * (60 << 20) + b"</urlset>"

    def serve(line: socket.socket, target: str) -> None:
        asked.append(target)
        body = b""
        if target == "/sitemap.xml":
            body = head + many + b"</sitemapindex>"
        elif target == "/0.xml":
            body = gzip.compress(bomb, 1) if packed else b"<!DOCTYPE a [<!ENTITY b 'c'>]><urlset/>"
        elif target.endswith(".xml"):
            body = head + many.replace(b"URL/", b"URL/sau-") + b"</sitemapindex>"
        body = body if packed and target == "/0.xml" else body.replace(b"URL", url.encode())
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with raw_server(serve) as url:
        bounds = replace(FAST, known=300, pages=20)
        crawled, _captures = crawl(url, tmp_path, bounds)

    assert crawled.stopped == "pages"
    assert not [it for it in asked if it.startswith("/sau-")], "one step deep and no deeper"
    assert crawled.left["too many"] > 500


def test_huge_and_slow_answers_are_cut_recorded_and_passed(tmp_path: Path) -> None:
    def serve(line: socket.socket, target: str) -> None:
        if target == "/":
            line.sendall(html("<a href=/to>x</a><a href=/cham>y</a><a href=/xong>z</a>"))
        elif target == "/to":
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n")
            with suppress(OSError):
                while True:
                    line.sendall(bytes(65_536))
        elif target == "/cham":
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
            with suppress(OSError):
                for _second in range(20):
                    line.sendall(b"x")
                    time.sleep(0.1)
        else:
            line.sendall(html("xong"))

    with raw_server(serve) as url:
        crawled, captures = crawl(url, tmp_path, FAST, QUICK)

    assert {captures[it].truncated for it in ("/to", "/cham")} == {"length", "time"}
    assert captures["/xong"].status == 200
    assert crawled.truncated == 2
    assert b"WARC-Truncated: time" in b"".join(
        map(gzip.decompress, [paths_of(tmp_path)[0].read_bytes()])
    )


@pytest.mark.parametrize(
    ("bounds", "stopped"),
    [
        (replace(FAST, pages=4), "pages"),
        (replace(FAST, size=30_000), "bytes"),
        (replace(FAST, seconds=0.4, a_minute=600), "time"),
    ],
)
def test_a_run_ends_at_its_bound_and_the_next_goes_on(
    tmp_path: Path, bounds: object, stopped: str
) -> None:
    pages = {f"/{it}": say(b"%d" % it + bytes(4000)) for it in range(20)}
    pages["/"] = say(b"".join(b"<a href=/%d>x</a>" % it for it in range(20)))
    with web_server(pages) as url:
        first, before = crawl(url, tmp_path, bounds)  # type: ignore[arg-type]  # of each its own
        state = open_state(tmp_path)
        state.end_run()
        state.close()
        second, after = crawl(url, tmp_path)

    assert (first.stopped, first.waiting > 0) == (stopped, True)
    assert (second.stopped, second.waiting) == ("", 0)
    assert set(before) & set(after) == {"/robots.txt"}
    assert {f"/{it}" for it in range(20)} <= set(before) | set(after)


def test_requests_are_spread_evenly(tmp_path: Path) -> None:
    started = time.monotonic()
    with web_server({"/": say(b"x")}) as url:
        crawled, _captures = crawl(url, tmp_path, replace(FAST, a_minute=600))

    assert crawled.requests == 4
    assert time.monotonic() - started >= 0.3


def test_a_busy_server_is_asked_more_slowly_and_a_failing_one_left_alone(tmp_path: Path) -> None:
    tries: list[float] = []

    def busy(request: BaseHTTPRequestHandler) -> None:
        tries.append(time.monotonic())
        (say(b"ok") if len(tries) > 2 else say(b"", 503))(request)

    with web_server({"/": busy}) as url:
        _crawled, captures = crawl(url, tmp_path / "busy")
    assert (len(tries), captures["/"].status) == (3, 200)

    with web_server({"/robots.txt": say(b"", 500), "/": say(b"x")}) as url:
        crawled, captures = crawl(url, tmp_path / "failing")
    assert (crawled.stopped, crawled.note, captures) == ("robots", "500", {})

    crawled, captures = crawl(url, tmp_path / "gone")
    assert (crawled.stopped, captures) == ("silent", {})
    assert "refused" in crawled.note


def test_a_few_bad_pages_do_not_slow_down_all_that_follow() -> None:
    pace = Pace(600)
    pace.at_least(0.2)
    for _failure in range(20):
        pace.slow_down()
    assert pace.pause == 60.0, "a busy site is left alone for a minute"
    for _answer in range(20):
        pace.go_on()
    assert pace.pause == 0.2, "and never asked faster than the estate and the site allow"


def test_a_payload_of_this_month_is_not_stored_again(tmp_path: Path) -> None:
    originals: dict[str, Original] = {}
    pages: Mapping[str, Page] = {"/": say(b"same" * 100)}
    with web_server(pages) as url:
        crawl(url, tmp_path / "1", originals=originals)
        crawled, captures = crawl(url, tmp_path / "2", originals=originals)

    assert (captures["/"].mime, crawled.revisits) == (REVISIT, 1)
    text = gzip.decompress(paths_of(tmp_path / "2")[0].read_bytes())
    assert f"WARC-Refers-To-Target-URI: {url}/\r\nWARC-Refers-To-Date: 20".encode() in text
    assert b"samesame" not in text


def test_a_killed_crawl_goes_on_where_it_was(tmp_path: Path) -> None:
    """Killed at any moment: no page is lost, none is captured twice, no byte is wrong."""
    counted: list[str] = []
    lock = threading.Lock()
    links = b"".join(b"<a href=/p%d>x</a>" % number for number in range(120))

    def page(request: BaseHTTPRequestHandler) -> None:
        with lock:
            counted.append(request.path)
        say(links + request.path.encode() * 500)(request)

    pages: dict[str, Page] = {f"/p{number}": page for number in range(120)}
    pages["/"] = page
    with web_server(pages) as url:
        for kill in range(3):
            words = [sys.executable, "-m", "tests.crawls", url, str(tmp_path), "100000"]
            process = subprocess.Popen(words, start_new_session=True)
            while len(counted) < 30 * (kill + 1) and process.poll() is None:
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        crawled, captures = crawl(url, tmp_path)

    assert {f"/p{number}" for number in range(120)} <= set(captures)
    assert crawled.requests >= 123
    assert crawled.size > 120 * 2000, "what was captured before it was killed counts too"
    assert len(counted) <= 121 + 3, "what was under way when it was killed is asked for again"
    assert len(paths_of(tmp_path)) >= 2


def test_a_file_that_lost_its_end_is_cut_and_asked_for_again(tmp_path: Path) -> None:
    with web_server(site()) as url:
        crawl(url, tmp_path, replace(FAST, pages=7))
        (path,) = paths_of(tmp_path)
        os.truncate(path, path.stat().st_size - 600)
        _crawled, captures = crawl(url, tmp_path)
    assert captures["/tin/2.html"].status == 200


def test_a_damaged_state_is_begun_anew(tmp_path: Path) -> None:
    with web_server(site()) as url:
        crawl(url, tmp_path, replace(FAST, pages=7))
        (tmp_path / FILE).write_bytes(b"no database" * 1000)
        for path in tmp_path.glob(f"{FILE}-*"):
            path.unlink()
        crawled, _captures = crawl(url, tmp_path)
    assert (crawled.requests, crawled.waiting) == (11, 0)
