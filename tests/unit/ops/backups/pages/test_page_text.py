"""What a visitor reads of a page, however it is written; never an error, never long."""

import unicodedata

import pytest

from ops.backups.pages.page_text import decode, fold, read_html
from tests.effort import takes_at_most

PANGRAM = "Ngày thứ bảy, cụ Khuyển đã vượt qua dốc Ỷ Lan để gõ cửa nhà ông Đặng Hữu Phước"


def test_tags_scripts_and_comments_are_not_read() -> None:
    source = """<!DOCTYPE html><html><head><title>Cổng&nbsp;xã</title><style>p{}</style>
    <script>if (a < b) document.write("<p>không đọc</p>")</script></head>
    <body><!-- không <b>đọc</b> --><p>Thông <b>bá</b>o</p><ul><li>một</li><li>hai</li></ul>
    <template><p>ẩn</p></template><noscript>ẩn</noscript></body></html>"""

    assert read_html(source) == ("Cổng xã", "Thông báo một hai", ())


def test_composed_decomposed_and_written_as_entities_read_the_same() -> None:
    decomposed = unicodedata.normalize("NFD", PANGRAM)
    entities = "".join(f"&#{ord(it)};" if ord(it) > 127 else it for it in PANGRAM)
    found = {read_html(f"<p>{it}</p>").text for it in (PANGRAM, decomposed, entities)}

    assert found == {PANGRAM}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>một<p>hai", "một hai"),
        ("<div <p>một</p>", "<div một"),
        ("một < hai và ba > hai", "một < hai và ba > hai"),
        ("một <!-- chưa đóng", "một"),
        ("một <script>chưa đóng", "một"),
        ("một </b></i></div> hai", "một hai"),
        ("một &khongco; &#xD800; &#999999999999; hai", "một &khongco; \ufffd \ufffd hai"),
        ("<TITLE>a</TITLE><SCRIPT>x</SCRIPT >một", "một"),
        ("<title>chưa đóng", ""),
        ("", ""),
    ],
)
def test_broken_markup_gives_some_text(source: str, text: str) -> None:
    assert read_html(source).text == text


def test_the_first_title_counts_and_drawings_have_none() -> None:
    source = "<svg><title>hình</title></svg><title>Trang\n chủ</title><title>khác</title>"

    assert read_html(source).title == "Trang chủ"


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["<!", "<a ", "<", "<!--", "</", "&", "&#", "<title>", "<script>", "<p a='", "-->", "ạ "],
)
def test_no_page_takes_long(piece: str) -> None:
    source = piece * (2 * 1024 * 1024 // len(piece))

    # Some hundred milliseconds on an idle machine.
    assert takes_at_most(10, lambda: read_html(source))


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (PANGRAM.encode(), ""),
        (b"\xef\xbb\xbf" + PANGRAM.encode(), "iso-8859-1"),
        (PANGRAM.encode("utf-16"), ""),
        (PANGRAM.encode(), "utf-8"),
        (PANGRAM.encode(), "no-such-charset"),
        (PANGRAM.encode(), "zip"),
    ],
)
def test_the_character_set_is_found(data: bytes, declared: str) -> None:
    assert decode(data, declared) == PANGRAM


def test_a_page_may_name_its_own_character_set() -> None:
    page = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1258">ấ'
    # Windows-1258 writes the tone after the letter.
    data = unicodedata.normalize("NFD", page).replace("a\u0302", "â").encode("cp1258")

    assert fold(decode(data)).endswith("ấ")
    assert "\ufffd" in decode(b'<meta charset="utf-8">\xe1')
