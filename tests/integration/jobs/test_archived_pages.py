"""Pages, feeds and sitemaps of a real local site are archived by the operator's tasks."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from archive.metadata.item import Item, parse_item
from archive.ocfl.root import StoredObject, open_root
from archive.ocfl.validate import validate_object
from archive.web.cdxj import REVISIT, read_index
from archive.web.state import open_state
from tests.integration.jobs.small_estate import GIUCONG, ROOT, build_estate, giucong
from tests.outside_programs import outside_program
from tests.web_server import Page, say, web_server

HOME = "<title>Cổng xã</title><a href=/tin/1.html>Lịch tiếp công dân</a><img src=/a.png>".encode()
# The harmless test file of EICAR, put together here so that no scanner takes this file away.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
pytestmark = pytest.mark.slow


@pytest.fixture
def pages() -> dict[str, Page]:
    """What the site shows; a test changes it under way."""
    return {
        "/": say(HOME),
        "/tin/1.html": say("<p>Nước sạch suối đá</p><a href=2.html>sau</a>".encode()),
        "/tin/2.html": say(b"<p>hai</p>" * 300),
        "/a.png": say(b"\x89PNG" * 500, kind="image/png"),
    }


@pytest.fixture
def url(pages: Mapping[str, Page]) -> Iterator[str]:
    """Where the site is."""
    with web_server(pages) as address:
        yield address


def build(folder: Path, url: str, connector: str = "sitemap", web: str = "") -> Path:
    """Build an estate whose site is archived from its address."""
    more = f"""
  [sites.archive]
  connector = "{connector}"
    [sites.archive.web]
    pages_a_minute = 100000
    {web}
[archive]
url = "archive"
private = "archive-private"
"""
    estate = build_estate(folder, more)
    text = estate.read_text(encoding="utf-8")
    text = text.replace('unit = "xa"\n', f'unit = "xa"\nurl = "{url}"\nowner = "nva"\n')
    estate.write_text(text, encoding="utf-8")
    return estate


def capture(estate: Path, *flags: str) -> tuple[int, dict[str, Any]]:
    """Run the task; gives its exit code and its last result."""
    run = giucong(estate, "archive.capture", "--site", "cong-xa", "--json", *flags)
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)["items"][-1]


def month(estate: Path) -> tuple[StoredObject, Item]:
    """Give the newest month's object."""
    shown = giucong(estate, "archive.list", "--json")
    (entry,) = (it for it in json.loads(shown.stdout)["items"] if it["shape"] == "page"
                and it["source_key"].startswith("web/"))  # fmt: skip
    stored = open_root(estate.parent / "archive").find(entry["id"])
    return stored, parse_item(stored.read("item.json"))


def test_a_month_of_a_site_is_one_object_with_a_version_for_each_crawl(
    tmp_path: Path, pages: dict[str, Page], url: str
) -> None:
    estate = build(tmp_path / "estate", url)
    first = capture(estate, "--web")
    pages["/tin/2.html"] = say(b"<p>hai, sua</p>" * 300)
    time.sleep(1.1)  # a run is called after its second
    second = capture(estate, "--web")
    stored, item = month(estate)

    assert [code for code, _result in (first, second)] == [0, 0], (first, second)
    assert (first[1]["summary"]["stored"], second[1]["summary"]["revisits"]) == (7, 3)
    assert (stored.inventory.head, item.shape, item.source.name) == ("v2", "page", item.publisher)
    assert item.title.startswith("Cổng xã Bình Minh · ")
    state = stored.inventory.version().state
    kinds = sorted(path.partition("/")[0] for path in state)
    assert kinds == ["events.jsonl", "index", "index", "item.json", "log", "log", "warc", "warc"]
    assert {it.path for it in item.parts} == set(state) - {"item.json", "events.jsonl"}
    assert not validate_object(stored.path).errors
    newest = max(path for path in state if path.startswith("index/"))
    captures = {it.url.removeprefix(url): it for it in read_index(stored.read(newest))}
    assert captures["/a.png"].mime == REVISIT
    assert captures["/tin/2.html"].mime == "text/html"
    assert b'"virus check","result":"not run"' in stored.read("events.jsonl"), "it is said"
    assert first[1]["summary"]["scan"]["has_run"] is False
    remade = giucong(estate, "archive.reindex")
    assert remade.returncode == 0, remade.stderr
    assert "said something else" not in remade.stdout
    assert not list((estate.parent / "state" / "archive-web" / "cong-xa").glob("*.gz"))


def test_a_month_that_is_over_is_closed(tmp_path: Path, url: str) -> None:
    estate = build(tmp_path / "estate", url)
    assert capture(estate, "--web")[0] == 0
    before, _item = month(estate)
    state = open_state(estate.parent / "state" / "archive-web" / "cong-xa")
    state.note("run", "20990105t000000")
    state.close()
    code, result = capture(estate, "--web")

    assert (code, result["summary"]["revisits"]) == (0, 0), "a month never refers to another"
    closed = open_root(estate.parent / "archive").find(before.inventory.id)
    assert closed.inventory.head == "v2"
    assert parse_item(closed.read("item.json")).fields["closed"]
    assert b'"closed"' in closed.read("events.jsonl")
    assert not validate_object(closed.path).errors


def test_a_bound_leaves_pages_to_the_next_run_and_says_so(tmp_path: Path, url: str) -> None:
    estate = build(tmp_path / "estate", url, web="pages = 4")
    code, result = capture(estate, "--web")
    told = giucong(estate, "archive.capture", "--site", "cong-xa", "--web", language="vi")

    assert (code, result["reason"]) == (3, "archive_pages_left")
    assert result["params"]["count"] >= 1
    assert told.returncode in {0, 3}


def test_a_site_that_fails_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    with web_server({"/robots.txt": say(b"", 503)}) as url:
        estate = build(tmp_path / "estate", url)
        run = giucong(estate, "archive.capture", "--site", "cong-xa", "--web")
    assert run.returncode == 1
    assert "did not answer" in run.stdout + run.stderr
    assert "503" in run.stdout + run.stderr


def test_killed_under_way_it_goes_on_and_keeps_everything_once(
    tmp_path: Path, pages: dict[str, Page], url: str
) -> None:
    """Killed while it crawls, while it keeps, and after it kept: no page is lost or kept twice."""
    estate = build(tmp_path / "estate", url)
    pages |= {f"/n/{number}": say(b"%d" % number * 900) for number in range(150)}
    pages["/"] = say(b"".join(b"<a href=/n/%d>x</a>" % number for number in range(150)))
    asked: list[str] = []

    def counted(page: Page) -> Page:
        def answer(request: BaseHTTPRequestHandler) -> None:
            asked.append(request.path)
            page(request)

        return answer

    for path, page in list(pages.items()):
        pages[path] = counted(page)
    for seconds in (0.3, 0.6):
        before = len(asked)
        process = _start(estate)
        while len(asked) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(seconds / 4)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    code, result = capture(estate, "--web")
    stored, _item = month(estate)

    assert code == 0, result
    captured = [
        it.url.removeprefix(url)
        for path in stored.inventory.version().state
        if path.startswith("index/")
        for it in read_index(stored.read(path))
    ]
    wanted = [it for it in captured if it.startswith("/n/")]
    assert sorted(wanted) == sorted(f"/n/{number}" for number in range(150))
    assert not validate_object(stored.path).errors


def test_malware_in_a_page_is_told_and_the_month_is_kept(
    tmp_path: Path, pages: dict[str, Page], url: str
) -> None:
    pages["/"] = say(b"<a href=/nhiem>x</a><a href=/khoi>y</a><a href=/a.png>z</a>")
    pages["/nhiem"] = say(EICAR, kind="application/octet-stream")
    chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (30, EICAR[:30], len(EICAR) - 30, EICAR[30:])

    def chunked(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)

    pages["/khoi"] = chunked
    estate = build(tmp_path / "estate", url)
    with estate.open("a", encoding="utf-8") as file:
        file.write('[security]\nclamav_database = "signatures"\n')
    (estate.parent / "signatures").mkdir()
    own = f"{hashlib.md5(EICAR, usedforsecurity=False).hexdigest()}:{len(EICAR)}:Eicar-Test\n"
    (estate.parent / "signatures/own.hdb").write_text(own)
    code, result = capture(estate, "--web")
    stored, item = month(estate)
    status = giucong(estate, "archive.status")

    found = giucong(estate, "archive.list", "--site", "cong-xa")
    given = giucong(
        estate, "archive.export", "--id", item.id, "--as", "folder", "--out", str(tmp_path / "ra")
    )

    assert (code, result["reason"]) == (3, "archive_pages_infected")
    assert "(carries malware)" in found.stdout, "who looks for it is told"
    assert "1 items carry malware" in status.stdout
    assert f"Malware is among them: infected: {url}/nhiem" in given.stdout
    assert "<strong>Malware is among them" in (tmp_path / "ra/index.html").read_text()
    # The same payload under two addresses is stored once where it came whole in the same way.
    assert [it[0].removeprefix(url) for it in result["summary"]["scan"]["infected"]] == [
        "/nhiem", "/khoi",
    ]  # fmt: skip
    assert result["summary"]["scan"]["not_checked"] == 0
    verdicts = {it.path.partition("/")[0]: it.malware for it in item.parts}
    assert verdicts["warc"].startswith(f"infected: {url}/nhiem (Eicar-Test")
    assert verdicts["log"].startswith("clean · ClamAV")
    assert b'"virus check","result":"failed"' in stored.read("events.jsonl")
    assert not validate_object(stored.path).errors
    assert "2 addresses with malware" in status.stdout
    assert "for malware" not in status.stdout


def test_status_tells_of_each_sites_pages(tmp_path: Path, pages: dict[str, Page], url: str) -> None:
    pages["/robots.txt"] = say(b"User-agent: *\nDisallow: /tin/2\n", kind="text/plain")
    estate = build(tmp_path / "estate", url)
    before = giucong(estate, "archive.status", "--json")
    assert capture(estate, "--web")[0] == 0
    after = giucong(estate, "archive.status", "--json")
    shown = giucong(estate, "archive.status")

    (never,), (known,) = (json.loads(it.stdout)["pages"] for it in (before, after))
    assert (never["site"], never["at"]) == ("cong-xa", "")
    assert never["next"] == known["next"], "pages are due as `schedule.archive` says"
    assert known["next"] > known["at"]
    counts = {it: known[it] for it in ("outcome", "answers", "revisits", "left", "waiting")}
    assert counts == {"outcome": "ok", "answers": 6, "revisits": 0, "left": 1, "waiting": 0}
    assert "not checked" in shown.stdout, "nobody looked through them for malware"


def test_a_drill_takes_a_month_back_and_shows_a_page_of_it(
    tmp_path: Path, pages: dict[str, Page], url: str
) -> None:
    outside_program("wayback")
    estate = build(tmp_path / "estate", url)
    with estate.open("a", encoding="utf-8") as file:
        file.write('[[archive.copies]]\nname = "second"\nurl = "second"\nlocation = "kia"\n')
    assert capture(estate, "--web")[0] == 0
    assert giucong(estate, "archive.verify").returncode == 0
    words = ("drill.run", "--site", "cong-xa", "--from", "archive")
    done = giucong(estate, *words, "--json")
    (drill,) = json.loads(done.stdout)["items"]
    page = drill["minutes"]["results"]["page"]
    told = giucong(estate, "drill.show", "--drill", drill["id"][:8], language="vi")

    assert page["outcome"] == "ok", page
    assert page["page"].removeprefix(url) in pages
    assert page["seconds"] > 0
    assert page["program"] == "pywb==2.10.0"
    assert "pywb hiển thị" in " ".join(told.stdout.split())
    assert not list((estate.parent / "scratch").glob("replay-*"))


def _start(estate: Path) -> "subprocess.Popen[bytes]":
    variables = {**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en"}
    return subprocess.Popen(
        [GIUCONG, "archive.capture", "--site", "cong-xa", "--web"], cwd=ROOT, env=variables,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def test_a_sitemap_is_read_again_only_where_it_says_so(
    tmp_path: Path, pages: dict[str, Page], url: str
) -> None:
    asked: list[str] = []

    def bai(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        say(f"<p>bài {request.path}</p>".encode())(request)

    def entry(number: int, day: int) -> bytes:
        text = f"<url><loc>{url}/bai/{number}</loc><lastmod>2026-11-{day:02}</lastmod></url>"
        return text.encode()

    pages |= {f"/bai/{number}": bai for number in range(1, 4)}
    pages["/sitemap.xml"] = say(
        b"<urlset>" + entry(1, 1) + entry(2, 1) + entry(3, 1) + entry(9, 1) + b"</urlset>"
    )
    estate = build(tmp_path / "estate", url)
    code, first = capture(estate, "--items")
    assert (code, first["reason"]) == (3, "archive_refused"), "/bai/9 is not there"
    assert first["summary"]["new"] == 3
    pages["/bai/2"] = say("<p>bài 2, sửa</p>".encode())
    pages["/sitemap.xml"] = say(b"<urlset>" + entry(1, 1) + entry(2, 2) + b"</urlset>")
    asked.clear()
    code, second = capture(estate, "--items")

    assert code == 0, second
    counts = {
        name: second["summary"][name] for name in ("new", "changed", "unchanged", "withdrawn")
    }
    assert counts == {"new": 0, "changed": 1, "unchanged": 1, "withdrawn": 1}
    assert "/bai/1" not in asked
    old = f"HTTPS{url.removeprefix('http')}/bai/2/#dau"
    shown = giucong(estate, "archive.show", "--id", old, "--json")
    found = giucong(estate, "archive.search", "--text", old, "--json")
    ids = [json.loads(it.stdout)["items"][0]["id"] for it in (shown, found)]
    assert ids[0] == ids[1], "an address is found as people write it"


def test_a_sitemap_that_cannot_be_read_withdraws_nothing(
    tmp_path: Path, pages: dict[str, Page], url: str
) -> None:
    index = f"<sitemapindex><sitemap><loc>{url}/a.xml</loc></sitemap></sitemapindex>".encode()
    pages["/sitemap.xml"] = say(index)
    pages["/a.xml"] = say(
        gzip.compress(f"<urlset><url><loc>{url}/tin/1.html</loc></url></urlset>".encode())
    )
    estate = build(tmp_path / "estate", url)
    assert capture(estate, "--items")[0] == 0
    pages["/a.xml"] = say(b"", 500)
    run = giucong(estate, "archive.capture", "--site", "cong-xa", "--items")
    listed = json.loads(giucong(estate, "archive.list", "--json").stdout)["items"]

    assert run.returncode == 1
    assert "a.xml could not be read" in run.stderr
    assert [it["withdrawn"] for it in listed] == [""]


def test_a_feed_brings_items_and_what_they_enclose(
    tmp_path: Path, pages: dict[str, Page], url: str
) -> None:
    text = (
        "<rss version='2.0'><channel><title>Tin</title><item><guid>1</guid><title>Nước sạch</title>"
        f"<link>{url}/tin/1.html</link><enclosure url='{url}/a.png' type='image/png'/>"
        "<enclosure url='http://127.0.0.1:1/b.png'/><author>nva@x.vn (Nguyễn Văn A)</author>"
        "<pubDate>Fri, 27 Nov 2026 08:00:00 +0700</pubDate></item></channel></rss>"
    )
    pages["/feed"] = say(text.encode(), kind="application/rss+xml")
    estate = build(tmp_path / "estate", url, "feed")
    code, result = capture(estate, "--items")
    found = json.loads(giucong(estate, "archive.search", "--text", "suoi da", "--json").stdout)[
        "items"
    ]

    assert code == 0, result
    (entry,) = found
    item = parse_item(open_root(estate.parent / "archive").find(entry["id"]).read("item.json"))
    assert [it.path for it in item.parts] == ["body.html", "att-01.png"]
    assert item.fields["missing.att-02.png"] == "not on this site"


def test_pages_are_replayed_as_they_were_or_the_way_to_it_is_told(tmp_path: Path, url: str) -> None:
    estate = build(tmp_path / "estate", url)
    nothing = giucong(estate, "archive.replay", "--site", "cong-xa")
    capture(estate, "--web")
    outside_program("wayback")
    variables = {**os.environ, "GIUCONG_ESTATE": str(estate), "GIUCONG_LANG": "en"}
    process = subprocess.Popen(
        [GIUCONG, "archive.replay", "--site", "cong-xa"], cwd=ROOT, env=variables,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        address = (process.stdout or StringIO()).readline().split()[-1]
        raw = address.replace("/trang/", "/trang/2037id_/")
        with urllib.request.urlopen(raw, timeout=20) as answer:  # noqa: S310 -- our own
            assert answer.read() == HOME
        with urllib.request.urlopen(address.replace("/trang/", "/trang/2037mp_/"), timeout=20) as (  # noqa: S310 -- our own
            shown
        ):
            policy = shown.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self' ")
        assert "ws" not in policy, "scripts of captured pages reach nothing but the replay"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert nothing.returncode == 2
    assert "archive.capture --site cong-xa --web" in nothing.stderr
    assert process.returncode == 0
    assert not list((estate.parent / "scratch").glob("replay-*"))
