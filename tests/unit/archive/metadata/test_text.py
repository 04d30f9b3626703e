"""Old encodings are told by Vietnamese itself; what cannot be told is not guessed."""

import time
import unicodedata

import pytest

from archive.metadata.item import Part
from archive.metadata.text import MOST, read_text
from tests.old_texts import write_old

# Sentences of papers that everybody may read: of a decree, a news item, an announcement.
SENTENCES = (
    (
        "Cổng thông tin điện tử là điểm truy cập duy nhất của cơ quan trên môi trường mạng,"
        " liên kết, tích hợp các kênh thông tin, các dịch vụ và các ứng dụng."
    ),
    (
        "Sáng nay, lãnh đạo tỉnh đã đến thăm và tặng quà cho các gia đình bị thiệt hại do mưa lũ"
        " tại xã Phú Lý, huyện Vĩnh Cửu; nước sông Đồng Nai vẫn ở mức cao."
    ),
    (
        "Ủy ban nhân dân phường thông báo lịch tiếp công dân định kỳ: thứ ba và thứ năm hằng tuần,"
        " buổi sáng từ bảy giờ ba mươi đến mười một giờ ba mươi."
    ),
)
OLD = ("tcvn3", "vni", "vps", "windows-1258")
BODY = Part(path="body.html", role="body", media_type="text/html")
PLAIN = Part(path="note.txt")


@pytest.mark.parametrize("encoding", OLD)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences_in_old_encodings_are_read(sentence: str, encoding: str) -> None:
    data = write_old(sentence, encoding)

    read = read_text(PLAIN, data)

    assert read is not None
    assert (read.encoding, read.words) == (encoding, sentence)
    assert read.copy == sentence.encode()


@pytest.mark.parametrize("encoding", ["tcvn3", "vni"])
@pytest.mark.parametrize("is_entities", [False, True])
def test_old_text_that_was_moved_into_utf8_is_read(encoding: str, is_entities: bool) -> None:
    moved = write_old(SENTENCES[0], encoding).decode("cp1252")
    if is_entities:
        moved = "".join(it if it.isascii() else f"&#{ord(it)};" for it in moved)
    page = f"<html><head><meta charset=windows-1252></head><p>{moved} &lt;/p&gt; &amp;c.</p></html>"

    read = read_text(BODY, page.encode())

    assert read is not None
    assert read.copy is not None
    assert (read.encoding, read.form) == (encoding, "old encoding inside UTF-8")
    assert read.words == f"{SENTENCES[0]} </p> &c."
    assert b"charset=utf-8" in read.copy
    assert b"&lt;/p&gt; &amp;c." in read.copy


def test_a_declared_encoding_lowers_the_bar_and_never_decides() -> None:
    short = "Lịch tiếp công dân"
    data = write_old(short, "tcvn3")
    page = b'<meta charset="%s"><font face="%s">%s</font>'

    def told(charset: bytes, font: bytes, text: bytes = data) -> str:
        read = read_text(BODY, page % (charset, font, text))
        return read.encoding if read else ""

    assert told(b"iso-8859-1", b"Arial") == "unknown"
    assert told(b"x-viet-tcvn5712", b"Arial") == "tcvn3"
    assert told(b"iso-8859-1", b".VnTime") == "tcvn3"
    assert told(b"x-viet-vps", b"VPS Times") == "unknown"
    assert told(b"x-viet-vps", b"Arial", write_old(SENTENCES[1], "vni")) == "vni"


@pytest.mark.parametrize(
    "data",
    [
        write_old("Hà Nội", "tcvn3"),
        write_old("Tin", "vni") + b"\xff",
        "Le café était fermé cet été, où êtes-vous, élèves?".encode("latin-1"),
        bytes(range(128, 256)) * 20,
    ],
    ids=["short", "one byte", "French", "noise"],
)
def test_what_cannot_be_told_is_unknown_and_gets_no_copy(data: bytes) -> None:
    read = read_text(PLAIN, data)

    assert read is not None
    assert (read.encoding, read.copy) == ("unknown", None)


@pytest.mark.parametrize(
    "text",
    [
        *SENTENCES,
        "Le café était fermé cet été, où êtes-vous, élèves?",
        "Hà Nam, Bà Rà, lá cà, bà ngoại và bé, cá thu, ba má, mẹ về, nhà lá, xa quá, bò và dê",
        "plain",
        "",
    ],
)
def test_utf8_is_left_alone(text: str) -> None:
    read = read_text(PLAIN, text.encode())

    assert read is not None
    assert (read.encoding, read.copy, read.words) == ("utf-8", None, text)


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (unicodedata.normalize("NFD", SENTENCES[0]).encode(), "NFD"),
        ((unicodedata.normalize("NFD", "ế") + SENTENCES[0]).encode(), "not NFC"),
        (b"\xff\xfe" + SENTENCES[0].encode("utf-16-le"), ""),
    ],
)
def test_other_forms_of_unicode_get_an_nfc_copy(data: bytes, form: str) -> None:
    read = read_text(PLAIN, data)

    assert read is not None
    assert read.form == form
    assert read.copy is not None
    assert read.copy.decode().endswith(SENTENCES[0])
    assert unicodedata.is_normalized("NFC", read.words)


def test_words_are_those_that_people_see() -> None:
    page = "<script>mã</script ><style>x</style><!-- ẩn --><p>Đ<b>ồng</b>&nbsp;Nai<br>n&#259;m</p>"

    read = read_text(BODY, page.encode())

    assert read is not None
    assert read.words.split() == ["Đồng", "Nai", "năm"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["<script", "<", "<!--", "<a ", "á<b>", "Vi&ouml;t ", "&#", "é", "charset=", "<font face="],
)
def test_hostile_text_takes_time_in_step_with_its_length(piece: str) -> None:
    data = piece.encode() * (MOST // 8 // len(piece.encode()))

    begin = time.process_time()
    read_text(BODY, data)

    assert time.process_time() - begin < 2.5, "a linear reader needs a third of a second"


def test_what_is_no_text_or_too_large_is_not_read() -> None:
    assert read_text(Part(path="att-01.pdf", media_type="application/pdf"), b"%PDF") is None
    large = read_text(PLAIN, b"a" * (MOST + 1))
    assert large is not None
    assert (large.encoding, large.words) == ("too large", "")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_utf8_that_was_taken_for_western_letters_is_read(sentence: str) -> None:
    # As MySQL's latin1 does it: five bytes that windows-1252 lacks stay what they are.
    twice = "".join(
        bytes([it]).decode("cp1252") if it not in {0x81, 0x8D, 0x8F, 0x90, 0x9D} else chr(it)
        for it in f"{sentence} 🏛️".encode()
    ).encode()
    read, again = read_text(PLAIN, twice), read_text(PLAIN, sentence.encode())

    assert read is not None
    assert again is not None
    assert (read.words, read.form) == (f"{sentence} 🏛️", "UTF-8 inside UTF-8")
    assert again.copy is None


@pytest.mark.parametrize("text", ["Café crème à São Paulo", "£ 5 · 10 °C", "Ã©té à Ð", "abc"])
def test_western_letters_are_left_alone(text: str) -> None:
    read = read_text(PLAIN, text.encode())

    assert read is not None
    assert (read.encoding, read.copy) == ("utf-8", None)
