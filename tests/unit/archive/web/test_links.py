import gzip

import pytest

from archive.web.address import place_of
from archive.web.links import MOST, PAGE, PART, SITEMAP, links_of, unpack
from archive.web.robots import read_robots
from tests.effort import takes_at_most

SITE = place_of("http://a.vn/")
PAGE_TEXT = """
<base href="/muc/"><link rel="stylesheet" href="s.css"><link rel=canonical href=/chinh>
<link rel=preconnect href=//font.vn><meta http-equiv=refresh content="5; url=/sau">
<style>@import 'i.css'; a { background: url("/n.png") }</style>
<a href="bai.html#x">x</a> <a href=https://khac.vn/>y</a> <a href="javascript:z()">z</a>
<img src=/1.jpg srcset="/2.jpg 2x, /3.jpg 3x" style="border-image: url(/4.png)">
<iframe src=/khung></iframe><video poster=/5.jpg><source src=/6.mp4></video>
<form action=/gui method=post></form><script src="//a.vn/7.js"></script>
"""


def links(media_type: str, body: bytes, kind: str = PAGE) -> dict[str, str]:
    found = links_of(SITE, "http://a.vn/muc-khac/", kind, media_type, body)
    return {it.address.removeprefix("http://a.vn"): it.kind for it in found}


def test_a_page_leads_to_its_parts_and_to_pages_of_the_site() -> None:
    assert links("text/html", PAGE_TEXT.encode()) == {
        "/muc/s.css": PART, "/chinh": PAGE, "/sau": PAGE, "/muc/i.css": PART, "/n.png": PART,
        "/muc/bai.html": PAGE, "/1.jpg": PART, "/2.jpg": PART, "/3.jpg": PART, "/4.png": PART,
        "/khung": PAGE, "/5.jpg": PART, "/6.mp4": PART, "/7.js": PART,
    }  # fmt: skip


def test_a_style_sheet_a_feed_and_a_sitemap_lead_on() -> None:
    assert links("text/css", b"@import url(x.css);a{b:url( '/y.woff2' )}") == {
        "/muc-khac/x.css": PART, "/y.woff2": PART,
    }  # fmt: skip
    feed = b"<rss version='2.0'><channel><item><link>http://a.vn/b</link></item></channel></rss>"
    assert links("application/rss+xml", feed) == {"/b": PAGE}
    feed = b"<item><link><![CDATA[ /c?d=1&amp;e=2 ]]></link><enclosure type='a' url='/f.mp3'/>"
    assert links("application/rss+xml", feed) == {"/c?d=1&e=2": PAGE, "/f.mp3": PAGE}
    feed = b"<feed><entry><link rel='alternate' href='http://a.vn/g'/></entry></feed>"
    assert links("application/atom+xml", feed) == {"/g": PAGE}
    sitemap = b"<sitemapindex><sitemap><loc>http://a.vn/s.xml</loc></sitemap></sitemapindex>"
    assert links("text/xml", sitemap, SITEMAP) == {"/s.xml": SITEMAP}
    assert links("text/xml", gzip.compress(sitemap), SITEMAP) == {"/s.xml": SITEMAP}


@pytest.mark.parametrize("kind", [PAGE, SITEMAP])
@pytest.mark.parametrize("media_type", ["text/html", "text/css", "application/xml", "", "x" * 99])
def test_whatever_comes_is_read_without_harm(kind: str, media_type: str) -> None:
    for body in (b"", b"\xff\xfe\x00", b"<" * 50_000, b"<a href=" * 20_000, b"url(" * 50_000,
                 b"<div>" * 50_000, b"<a" + b" x" * 200_000, b"\x1f\x8b broken"):  # fmt: skip
        assert links_of(SITE, "http://a.vn/", kind, media_type, body) is not None


def test_links_without_end_are_bounded() -> None:
    many = "".join(f"<a href=/{number}>" for number in range(MOST * 2))

    assert len(links_of(SITE, "http://a.vn/", PAGE, "text/html", many.encode())) == MOST


@pytest.mark.slow
@pytest.mark.parametrize("page", [b"<div>", b"<a x", b"<b id=1>", b"<p style='"])
def test_a_page_that_nests_without_end_costs_little(page: bytes) -> None:
    numbered = b" ".join(b"x%d" % number for number in range(250_000))
    body = page * 500_000 if page != b"<a x" else b"<a " + numbered

    assert takes_at_most(15, lambda: links_of(SITE, "http://a.vn/", PAGE, "text/html", body))


def test_what_is_packed_a_thousandfold_is_unpacked_to_a_bound() -> None:
    bomb = gzip.compress(bytes(50 << 20))

    assert len(unpack(bomb, "gzip", 1 << 20)) == 1 << 20
    assert unpack(b"plain", "", 3) == b"plain"
    assert unpack(b"not packed", "gzip", 100) == b""


def test_robots_are_obeyed_and_bounded() -> None:
    text = b"User-agent: *\nDisallow: /tim\nCrawl-delay: 9999\nSitemap: http://a.vn/s.xml\n"
    robots = read_robots(text + b"Disallow: /" + b"*a" * 40 + b"\nDisallow: /x" + b"y" * 9000, "g")

    assert not robots.allows("http://a.vn/tim?q=1")
    assert robots.allows("http://a.vn/aaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert (robots.delay, robots.sitemaps) == (60.0, ("http://a.vn/s.xml",))
    assert read_robots(b"\xff\x00<html>", "g").allows("http://a.vn/")
