"""Programs that are not ours judge our WARC files and replay them; wget captures beside us.

Each judge is first shown a damaged sample and must be red on it.
"""

import gzip
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from warcio.archiveiterator import ArchiveIterator

from archive.web.address import key_of
from archive.web.cdxj import REVISIT, Capture, write_index
from archive.web.replay import lay_out, replaying
from archive.web.warc import Original
from ops.archives.replay import free_port
from tests.crawls import crawl, paths_of
from tests.outside_programs import outside_program
from tests.raw_server import html, raw_server
from tests.unit.archive.web.test_hostile_answers import ANSWERS, LIMITS
from tests.web_server import Page, say, web_server

pytestmark = pytest.mark.slow
WARCIO = (str(Path(sys.executable).with_name("warcio")), "check")
FASTWARC = (str(Path(sys.executable).with_name("fastwarc")), "check", "-q", "-p")


def frozen_site() -> dict[str, Page]:
    """Give a site that never changes: pages, pictures, a Vietnamese address, chunks elsewhere."""
    pages = {
        "/": say(
            "<title>Cổng</title><link rel=stylesheet href=/s.css><img src='/ảnh 1.png'>"
            "<a href=/tin/1.html>Tin</a>".encode()
        ),
        "/s.css": say(b"body{background:url(/nen.png)}", kind="text/css"),
        "/nen.png": say(b"\x89PNG" + bytes(range(256)) * 40, kind="image/png"),
        "/%E1%BA%A3nh%201.png": say(b"\x89PNG" + bytes(range(255)) * 50, kind="image/png"),
        "/robots.txt": say(b"User-agent: *\nDisallow: /tim\n", kind="text/plain"),
        "/cu": say(b"", 301, Location="/tin/2.html"),
    }
    for number in range(1, 30):
        text = f"<p>Bài {number}: nước sạch suối đá</p><a href=/tin/{number % 29 + 1}.html>sau</a>"
        pages[f"/tin/{number}.html"] = say((text + "<a href=/cu>cũ</a>" + "á" * 900).encode())
    return pages


@pytest.fixture
def crawled(tmp_path: Path) -> Iterator[tuple[str, Path, dict[str, Capture]]]:
    """A site that was captured twice in one month: the second time everything is a revisit."""
    originals: dict[str, Original] = {}
    folder = tmp_path / "all"
    folder.mkdir()
    with web_server(frozen_site()) as url:
        captures: dict[str, Capture] = {}
        for run in ("1", "2"):
            _crawled, found = crawl(url, tmp_path / run, originals=originals)
            captures |= {f"{run}{path}": it for path, it in found.items()}
            for path in paths_of(tmp_path / run):
                path.rename(folder / path.name.replace("-0", f"-{run}0"))
        named = {
            path: msgspec.structs.replace(it, filename=it.filename.replace("-0", f"-{path[0]}0"))
            for path, it in captures.items()
        }
        yield url, folder, named


def judged(program: tuple[str, ...], *paths: Path) -> bool:
    """Say whether a program finds nothing wrong."""
    return all(
        subprocess.run([*program, path], check=False, capture_output=True, timeout=60).returncode
        == 0
        for path in paths
    )


@pytest.mark.parametrize("program", [WARCIO, FASTWARC], ids=["warcio", "fastwarc"])
def test_judges_find_nothing_wrong_and_see_damage(
    crawled: tuple[str, Path, dict[str, Capture]], tmp_path: Path, program: tuple[str, ...]
) -> None:
    _url, folder, captures = crawled
    one = captures["1/nen.png"]
    data = (folder / one.filename).read_bytes()
    member = gzip.decompress(data[one.offset : one.offset + one.length])
    packed = gzip.compress(member.replace(b"\x89PNG\x00", b"\x89PNG\x01"), 4)
    damaged = tmp_path / "damaged.warc.gz"
    damaged.write_bytes(data[: one.offset] + packed + data[one.offset + one.length :])

    assert not judged(program, damaged)
    stored, again = paths_of(folder)
    assert judged(program, stored)
    # With -p fastwarc looks for the payload of a revisit in the revisit, where none may be.
    assert judged(tuple(it for it in program if it != "-p"), again)


def test_judges_accept_chunks_as_they_came_and_answers_that_were_cut(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"

    def serve(line: socket.socket, target: str) -> None:
        own = b"%x\r\n%b\r\n" % (len(target), target.encode())
        line.sendall(chunked + own + (b"" if target == "/" else b"0\r\n\r\n"))

    with raw_server(serve) as url:
        _crawled, captures = crawl(url, tmp_path)

    assert captures["/"].truncated == "disconnect"
    assert judged(WARCIO, *paths_of(tmp_path))
    assert judged(FASTWARC, *paths_of(tmp_path))


def test_judges_accept_what_hostile_servers_say(tmp_path: Path) -> None:
    hostile = [answer for answer, expected in ANSWERS.values() if expected[0] != "failed"]

    def serve(line: socket.socket, target: str) -> None:
        if target.startswith("/xau/"):
            hostile[int(target[5:])](line)
        else:
            links = "".join(f"<a href=/xau/{it}>x</a>" for it in range(len(hostile)))
            line.sendall(html(f"{target}{links}"))

    with raw_server(serve) as url:
        _crawled, captures = crawl(url, tmp_path, limits=LIMITS)

    assert sum(path.startswith("/xau/") for path in captures) == len(hostile) > 5
    assert judged(WARCIO, *paths_of(tmp_path))
    assert judged(FASTWARC, *paths_of(tmp_path))


def test_pywb_replays_the_same_bytes_and_not_those_of_a_damaged_file(
    crawled: tuple[str, Path, dict[str, Capture]], tmp_path: Path
) -> None:
    url, folder, captures = crawled
    (tmp_path / "pages.cdxj").write_bytes(write_index(captures.values()))
    copies = {path.name: path for path in paths_of(folder)}
    one = captures["1/tin/3.html"]
    data = bytearray(copies[one.filename].read_bytes())
    copy = lay_out(tmp_path / "pywb", copies, {"pages.cdxj": tmp_path / "pages.cdxj"})
    with replaying(outside_program("wayback"), copy, free_port()) as (address, _server):
        for path in ("/", "/tin/7.html", "/nen.png", "/%E1%BA%A3nh%201.png", "/tin/3.html"):
            live = read(f"{url}{path}")
            for run in ("1", "2"):
                stamp = captures[f"{run}{path}"].stamp
                assert read(f"{address}{stamp}id_/{url}{path}") == live, path
        assert captures["2/nen.png"].mime == REVISIT
        middle = one.offset + one.length // 2
        data[middle] ^= 8
        place = copy.folder / "collections" / "trang" / "archive" / one.filename
        place.chmod(0o644)
        place.write_bytes(data)
        assert read(f"{address}{one.stamp}id_/{url}/tin/3.html") != read(f"{url}/tin/3.html")
    assert not copy.folder.exists()


def read(address: str) -> bytes:
    """Give what an address has; empty where it fails."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=20) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


def test_keys_are_those_that_pywb_makes() -> None:
    addresses = [
        "http://www.Dongnai.gov.vn/", "https://x.vn:443/Tin//Tuc/?b=2&a=1&B=0", "http://x.vn/a?x=",
        "http://x.vn/%41%20b/%2541?q=%C4%91%E1%BB%8Ba", "http://127.0.0.1:8999/a|b?[c]=d&e=%26",
        "http://x.vn/a?sid=0123456789abcdef0123456789abcdef&c=1&b=2", "http://x.vn/a/./b?%%",
        "http://xn--cng-qmz.vn/..%2f?a&b=&c", "https://x.vn:80/a+(b)/'c'/!d*,@~%23",
    ]  # fmt: skip
    code = "import sys\nfrom surt import surt\nfor it in sys.argv[1:]: print(surt(it))"
    done = subprocess.run(
        [outside_program("python"), "-I", "-W", "ignore", "-c", code, *addresses],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert [key_of(it) for it in addresses] == done.stdout.split()


def test_payloads_are_those_that_wget_captures(tmp_path: Path) -> None:
    wget = shutil.which("wget")
    assert wget, "tests/packages.txt names it"
    pages = frozen_site()
    del pages["/robots.txt"]  # wget asks for it only when it has more than one page to get
    with web_server(pages) as url:
        crawl(url, tmp_path / "ours")
        (tmp_path / "wget").mkdir()
        subprocess.run(
            [wget, "-q", "--mirror", "--page-requisites", "--warc-file=theirs", f"{url}/"],
            cwd=tmp_path / "wget", timeout=60, check=False,
        )  # fmt: skip
    ours, theirs = payloads(tmp_path / "ours"), payloads(tmp_path / "wget")

    only_ours = {f"{url}{it}" for it in ("/robots.txt", "/sitemap.xml", "/favicon.ico")}
    assert len(theirs) > 30
    assert {it: ours[it] for it in ours if it not in only_ours} == {
        it: theirs[it] for it in theirs if it not in only_ours
    }


def payloads(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Give status and body of every response, by address, as warcio reads them."""
    found = {}
    for path in folder.glob("*.warc.gz"):
        with path.open("rb") as file:
            for record in ArchiveIterator(file):
                if record.rec_type == "response":
                    address = record.rec_headers.get_header("WARC-Target-URI").strip("<>")
                    status = record.http_headers.get_statuscode()
                    found[address] = (status, record.content_stream().read())
    return found
