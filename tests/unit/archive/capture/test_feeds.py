"""Feeds as portals give them, and as somebody who means harm does."""

import gzip
from datetime import UTC, datetime

import pytest

from archive.capture.captured import Tally, UrlRef
from archive.capture.feeds import items_of_feed
from archive.capture.sitemaps import Location, items_of_sitemap, read_sitemap
from archive.errors import ArchiveError
from archive.metadata.item import ensure_complete
from tests.portal_rows import OFFICER, portal_of

pytestmark = pytest.mark.slow

_RSS = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://127.0.0.1:1/rss.dtd">
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Cổng</title>
<item><title>Họp báo quý III</title><link>https://tinh.example.vn/hop-bao.html</link>
 <guid isPermaLink="false">bai-12</guid><pubDate>2026-11-02 08:30:00</pubDate>
 <dc:creator>Hồng Hạnh</dc:creator><category>Thời sự</category><category>Kinh tế</category>
 <description>Tóm tắt &lt;b&gt;đậm&lt;/b&gt;</description>
 <content:encoded><![CDATA[<p onclick="x()">Toàn văn</p><img src="/a.jpg">]]></content:encoded>
 <enclosure url="https://tinh.example.vn/tep/phu-luc.pdf" type="application/pdf" length="9"/>
 <enclosure url="file:///etc/passwd" type="text/plain" length="9"/></item>
<item><title>Chỉ có tóm tắt</title><link>https://tinh.example.vn/tom-tat.html</link>
 <pubDate>Mon, 02 Nov 2026 08:30:00 +0700</pubDate><description>Tóm tắt</description>
 <source url="https://bao.example.vn/7">Báo Đồng Nai</source></item>
<item><description>Không có gì để gọi tên</description></item>
</channel></rss>"""
_ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="vi"><title>Cổng</title>
<entry><id>urn:uuid:1</id><title>Bài</title><link href="https://tinh.example.vn/1"/>
<published>2026-11-02T01:30:00Z</published><updated>2026-11-03T01:30:00Z</updated>
<author><name>Bảo</name></author>
<content type="html">&lt;p&gt;x&lt;/p&gt;</content></entry></feed>"""


def test_entries_become_items_with_the_portals_time() -> None:
    tally = Tally()
    first, second = items_of_feed(_RSS.encode(), portal_of(), tally)

    for it in (first, second):
        ensure_complete(it.item)
    assert first.item.source_key == "feed/bai-12"
    assert first.item.published == second.item.published == datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
    assert (
        first.contents["body.html"]
        == b'<p onclick="x()">To\xc3\xa0n v\xc4\x83n</p><img src="/a.jpg">'
    )
    assert first.contents["att-01.pdf"] == UrlRef("https://tinh.example.vn/tep/phu-luc.pdf")
    assert len(first.contents) == 2  # a file of this machine is no enclosure
    assert [it.name for it in first.item.creators] == ["Hồng Hạnh"]
    assert first.item.keywords == ("Thời sự", "Kinh tế")
    assert second.contents["body.html"] == UrlRef("https://tinh.example.vn/tom-tat.html")
    assert second.item.source.url == "https://bao.example.vn/7"
    assert second.item.source.basis == "reprint"
    assert second.item.creators[0].unknown_by == OFFICER
    assert [it.error.why for it in tally.refusals] == ["it has neither an id nor an address"]


def test_atom_is_read_too() -> None:
    (it,) = items_of_feed(_ATOM.encode(), portal_of())

    assert it.item.modified == datetime(2026, 11, 3, 1, 30, tzinfo=UTC)
    assert it.contents["body.html"] == b"<p>x</p>"


@pytest.mark.parametrize(
    "text",
    [
        "Thứ Hai, 02/11/2026 08:30", "02/11/2026 08:30", "2-11-2026 8:30 SA", "02.11.2026 08:30:00",
        "08:30 02/11/2026", "8h30 ngày 2/11/2026", "Thứ hai, 02/11/2026, 08:30 GMT+7",
        "ngày 2 tháng 11 năm 2026 8h30", "Mon, 02 Nov 2026 08:30:00 +0700", "2026-11-02 08:30",
    ],
)  # fmt: skip
def test_days_as_vietnamese_pages_write_them_are_read(text: str) -> None:
    feed = _RSS.replace("2026-11-02 08:30:00", text)
    first, _second = items_of_feed(feed.encode(), portal_of())

    assert first.item.published == datetime(2026, 11, 2, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["32/11/2026", "11/31/2026 08:30", "hôm qua", "02/11/26"])
def test_what_is_no_day_is_none(text: str) -> None:
    (first, _second) = items_of_feed(_RSS.replace("2026-11-02 08:30:00", text).encode(),
                                     portal_of())  # fmt: skip

    assert first.item.published is None


def test_addresses_in_part_are_the_portals() -> None:
    feed = _RSS.replace("https://tinh.example.vn/", "/").replace(
        "<link>/tom-tat.html", "<link>tin/tom-tat.html"
    )
    first, second = items_of_feed(feed.encode(), portal_of())

    assert first.item.addresses == ("https://tinh.example.vn/hop-bao.html",)
    assert first.contents["att-01.pdf"] == UrlRef("https://tinh.example.vn/tep/phu-luc.pdf")
    assert len(first.contents) == 2, "a file of this machine is still no enclosure"
    assert second.contents["body.html"] == UrlRef("https://tinh.example.vn/tin/tom-tat.html")


_BOMB = '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "data",
    [
        (_BOMB + _ATOM).encode(),
        ("\ufeff" + _BOMB + _ATOM).encode("utf-16"),
        b"<html><body>Not found</body></html>",
        b"",
        b"\0" * 1000,
        b"x" * (8 << 20) + b"y",
    ],
)
def test_what_is_no_feed_is_refused(data: bytes) -> None:
    with pytest.raises(ArchiveError, match="no feed or sitemap that can be read"):
        list(items_of_feed(data, portal_of()))


@pytest.mark.parametrize("filler", [b"<a", b"<", b"&", b"<![CDATA[", b"<item>", b"<!--", b"]]>"])
def test_a_feed_of_broken_pieces_ends_soon(filler: bytes) -> None:
    data = b'<rss version="2.0"><channel><item><title>x</title>' + filler * 20_000
    try:
        found = list(items_of_feed(data, portal_of()))
    except ArchiveError:
        found = []

    assert len(found) <= 20_000


def test_a_sitemap_gives_pages_and_an_index_sitemaps() -> None:
    text = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
        ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
        ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url>'
        "<loc>https://tinh.example.vn/tin-tuc/bai.html</loc><lastmod>2026-11-02</lastmod>"
        "<news:news><news:publication_date>2026-11-01T08:00:00+07:00</news:publication_date>"
        "<news:title>Bài &amp; ảnh</news:title></news:news>"
        "<image:image><image:loc>https://x.example/a.jpg</image:loc></image:image></url>"
        "<url><loc>https://khac.example/</loc></url><url><loc>javascript:alert(1)</loc></url>"
        "<url><loc>https://tinh.example.vn/a&#10;b</loc></url><url><loc>http://[</loc></url>"
        "</urlset>"
    ).encode()
    plain, packed = read_sitemap(text), read_sitemap(gzip.compress(text, mtime=0))

    assert plain == packed
    assert plain.locations[0] == Location(
        loc="https://tinh.example.vn/tin-tuc/bai.html", lastmod="2026-11-02",
        published="2026-11-01T08:00:00+07:00", title="Bài & ảnh",
    )  # fmt: skip
    assert plain.left == 3
    (it,) = items_of_sitemap(plain.locations, portal_of(classes={"folder/tin-tuc": "news"}))
    ensure_complete(it.item)
    assert it.contents["body.html"] == UrlRef("https://tinh.example.vn/tin-tuc/bai.html")
    assert it.item.published == datetime(2026, 11, 1, 1, tzinfo=UTC)
    index = (
        b"<sitemapindex><sitemap><loc>https://tinh.example.vn/2.xml</loc></sitemap></sitemapindex>"
    )
    assert read_sitemap(index).kind == "sitemaps"


def test_a_sitemap_without_end_is_cut() -> None:
    pages = b"".join(
        b"<url><loc>https://tinh.example.vn/%d</loc></url>" % it for it in range(60_000)
    )
    found = read_sitemap(b"<urlset>" + pages + b"</urlset>")

    assert (len(found.locations), found.left) == (50_000, 10_000)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (gzip.compress(b"<urlset>" + b" " * (60 << 20), mtime=0), "bytes"),
        (b'<!DOCTYPE u [<!ENTITY a "x">]><urlset>&a;</urlset>', "document type"),
        (b'<!DOCTYPE u SYSTEM "http://127.0.0.1/x"><urlset/>', "document type"),
        (b"<urlset>" + b"<a>" * 1000, "nested"),
        (b"<html/>", "root"),
        (b"<urlset><url>", "no element found"),
        (gzip.compress(b"<urlset/>", mtime=0)[:-12] + b"broken", ""),
        (b"", ""),
    ],
)  # fmt: skip
def test_a_sitemap_made_to_harm_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        read_sitemap(data)

    assert why in caught.value.why.format(**caught.value.params)
