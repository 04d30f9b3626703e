"""Names in trees: as stock restic quotes them, and back to the very same bytes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.errors import DamagedError
from backup.format.names import json_text, quote_name, replace_invalid, unquote_name

PRINTABLE = Path(__file__).parents[3] / "golden" / "restic" / "printable.txt"

# Raw name, and what stands between the JSON quotes of restic 0.18.0's tree.
GOLDEN = [
    (b"plain-name.txt", "plain-name.txt"),
    (b"new\nline", r"new\\nline"),
    (b"tab\there", r"tab\\there"),
    (b"\a\b\f\r\v\x1b\x7f", r"\\a\\b\\f\\r\\v\\x1b\\x7f"),
    (b'say "hi"', r"say \\\"hi\\\""),
    (b"back\\slash", r"back\\\\slash"),
    (b"it's", "it's"),
    (b"bad-\xff\xfe\x80", r"bad-\\xff\\xfe\\x80"),
    (b"cut-\xe2\x82", r"cut-\\xe2\\x82"),
    (b"overlong-\xc0\xaf", r"overlong-\\xc0\\xaf"),
    (b"surrogate-\xed\xa0\x80", r"surrogate-\\xed\\xa0\\x80"),
    ("nbsp-\u00a0".encode(), r"nbsp-\\u00a0"),
    ("soft-\u00ad".encode(), r"soft-\\u00ad"),
    ("c1-\u0085".encode(), r"c1-\\u0085"),
    ("line-\u2028\u2029".encode(), r"line-\\u2028\\u2029"),
    ("bom-\ufeff".encode(), r"bom-\\ufeff"),
    (b"<b>&amp;", r"\u003cb\u003e\u0026amp;"),
    ("itself-\ufffd".encode(), "itself-\ufffd"),
    ("building-🏛".encode(), "building-🏛"),
    ("unicode-15.0-\U0001fae8".encode(), "unicode-15.0-\U0001fae8"),
    ("unicode-15.1-\u2ffc".encode(), r"unicode-15.1-\\u2ffc"),
    ("private-\ue000\U000f0000".encode(), r"private-\\ue000\\U000f0000"),
    ("nothing-\U000e0fff".encode(), r"nothing-\\U000e0fff"),
    ("Ủy ban".encode(), "Ủy ban"),
    ("U\u031b\u0309y ban".encode(), "U\u031b\u0309y ban"),
    ("Uỷ".encode(), "Uỷ"),
]
raw_names = (
    st.one_of(
        st.binary(min_size=1, max_size=40),
        st.text(min_size=1, max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.text(r"\x'abnrtuU07f\"\n", min_size=1).map(str.encode),
    )
    .map(lambda raw: raw.replace(b"/", b"").replace(b"\0", b""))
    .filter(lambda raw: raw not in (b"", b".", b".."))
)


@pytest.mark.parametrize(("raw", "written"), GOLDEN)
def test_names_are_written_as_restic_writes_them(raw: bytes, written: str) -> None:
    assert quote_name(raw) == f'"{written}"'
    assert unquote_name(json.loads(f'"{written}"')) == raw


@pytest.mark.slow
def test_restic_and_we_agree_on_every_code_point() -> None:
    printable: set[int] = set()
    for line in PRINTABLE.read_text().splitlines():
        first, last = (int(number, 16) for number in line.split())
        printable.update(range(first, last + 1))
    # Not asked of restic: these are always quoted, or cannot be part of a name.
    unasked = {*range(0xD800, 0xE000), *map(ord, '"\\/')}
    # What stands in escapes proves nothing.
    in_escapes = {*map(ord, "\\xuU0123456789abcdefnrtv")}
    for first in range(1, 0x110000, 512):
        points = set(range(first, min(first + 512, 0x110000))) - unasked
        quoted = json.loads(quote_name("".join(map(chr, sorted(points))).encode()))
        kept = set(map(ord, quoted))
        assert kept - in_escapes == points & printable - in_escapes, hex(first)


@given(raw_names)
def test_every_name_comes_back(raw: bytes) -> None:
    assert unquote_name(json.loads(quote_name(raw))) == raw


@given(raw_names)
def test_quoted_names_are_json_that_go_would_not_escape_further(raw: bytes) -> None:
    written = quote_name(raw)
    assert not set(written[1:-1]) & set("<>&\u2028\u2029")
    written.encode()  # no lone surrogates


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "a/b", "nul-\0", r"\x00", r"\000", r"\x2f", r"\u002f",
        "lone-\\", r"\z", r"\xg1", r"\x1", r"\u12", r"\ud800", r"\Uffffffff", r"\U00110000",
    ],
)  # fmt: skip
def test_impossible_names_are_damage(text: str) -> None:
    with pytest.raises(DamagedError):
        unquote_name(text)


@pytest.mark.parametrize(
    ("text", "raw"),
    [(r"\101", b"A"), (r"\xC3\xBC", "ü".encode()), (r"\u00fc", "ü".encode()), (r"\'", b"'")],
)
def test_other_spellings_of_go_are_read_too(text: str, raw: bytes) -> None:
    assert unquote_name(text) == raw


def test_targets_lose_only_what_is_not_utf8() -> None:
    assert replace_invalid(b"a\xff\xfe<\xef\xbf\xbd") == '"a\\ufffd\\ufffd\\u003c\ufffd"'


def test_json_is_compact_and_escapes_what_go_escapes() -> None:
    assert json_text({"a<": ["&", "\u2028", "ế\n\b"], "b": 1}) == (
        '{"a\\u003c":["\\u0026","\\u2028","ế\\n\\b"],"b":1}'
    )
