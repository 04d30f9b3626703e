"""Texts that a site gives us are read in a time that grows with their length and no faster."""

import hashlib
from collections.abc import Callable

import pytest

from backup.snapshots.walk import TreeReader
from ops.backups.malware.clamscan import read_answers
from ops.backups.pages.moving import MOST_WORDS, find_share, hash_words, learn_moves
from ops.backups.pages.notes import _PROGRAM_ERROR
from ops.backups.pages.page_text import find_traits, list_links, read_html
from ops.backups.ransomware.compare import looks_sealed
from ops.backups.sources.delivery_facts import look_at_files, parse_hashes
from ops.estate.model.sites import Delivery
from ops.sandbox.serve_site import _PLAIN_PATH
from ops.told_text import clean_text
from tests.effort import takes_at_most
from tests.small_repository import SmallRepository, file_node

MANY = 1 << 20


def make_rounds(of: int, step: int = 1) -> str:
    return " ".join(f"w{step * number % of}" for number in range(MOST_WORDS))


def learn(one: str, other: str) -> float:
    first, second = hash_words(one), hash_words(other)
    return find_share(first, learn_moves(first, (), second, [second] * 3), second)


READERS: dict[str, Callable[[], object]] = {
    "a list of hashes: digits": lambda: parse_hashes(b"a" * MANY),
    "a list of hashes: one line of endings": lambda: parse_hashes(b"SHA256 (" + b") = a" * MANY),
    "a list of hashes: escapes": lambda: parse_hashes(b"\\" + b"a" * 64 + b"  " + b"\\n" * MANY),
    "a list of hashes: lines": lambda: parse_hashes(b"\n" * MANY),
    "clamscan: folders": lambda: read_answers("1/" * MANY, 0, []),
    "clamscan: digits": lambda: read_answers("1" * MANY, 0, []),
    "clamscan: lines": lambda: read_answers("/000001: OK\n" * (MANY // 8), 0, ["000001"]),
    "a path of a site": lambda: _PLAIN_PATH.fullmatch("/a" * MANY + "\n"),
    "a path of dots": lambda: _PLAIN_PATH.fullmatch("/a" + "." * MANY + "\n"),
    "an address with a password": lambda: clean_text("://" + ":" * MANY),
    "addresses with passwords": lambda: clean_text("://a:b" * (MANY // 4)),
    "words of a page": lambda: hash_words("ạ " * MANY),
    "a page of one word": lambda: learn("x " * MANY, "x " * (MANY // 2)),
    "two words in turn": lambda: learn("x y " * MANY, "y x " * MANY),
    "words in rounds": lambda: learn(make_rounds(100), make_rounds(101)),
    "words that part again and again": lambda: learn(make_rounds(8191), make_rounds(8192)),
    "words the other way round": lambda: learn(make_rounds(MANY), make_rounds(MANY, -1)),
    "parts that are passed over": lambda: read_html("<div id=a><div>" * (MANY // 8), ["#a"]),
    "classes without end": lambda: read_html("<p class='" + "a " * MANY + "'>", [".b"]),
    "ids without end": lambda: read_html("<p" + ' id="' * MANY, ["#b"]),
    "blanks before an id": lambda: read_html("<p " + "id " * MANY + " " * MANY, ["#b"]),
    "errors without end": lambda: _PROGRAM_ERROR.search("Fatal error: " * (MANY // 8)),
    "headings": lambda: read_html("<h1>a</h1>" * (MANY // 8)),
    "headings in headings": lambda: read_html("<h1>a" * (MANY // 4) + "</h1>" * 9),
    "links": lambda: list_links("<a href=" * (MANY // 8) + "<a href='x'>" * (MANY // 16)),
    "tags that load": lambda: find_traits("<script src=" * (MANY // 12) + "</script>", ""),
    "values without end": lambda: find_traits("<a" + " href=x" * (MANY // 7) + ">", ""),
    "blanks in a refresh": lambda: find_traits(
        "<meta http-equiv=refresh content='url" + " " * MANY + "url'>", ""
    ),
    "a script that names hosts": lambda: find_traits(
        "<script>" + "https:\\/\\/a.b eval (" * (MANY // 20), ""
    ),
    "foreign words": lambda: find_traits("", "zw" * MANY + " fj" * MANY),
    "a sample": lambda: looks_sealed(bytes(MANY)),
}


@pytest.mark.slow
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_no_text_takes_long(read: Callable[[], object]) -> None:
    assert takes_at_most(10, read)  # under a second each


def test_a_list_that_names_one_file_again_and_again_has_it_read_once() -> None:
    data = bytes(1 << 20)
    line = hashlib.sha256(data).hexdigest().encode() + b"  goi.zip\n"
    made = SmallRepository()
    made.save_files({b"goi.zip": data, b"SHA256SUMS": line * 20_000})
    files = {
        name: file_node(name, content)
        for name, content in ((b"goi.zip", data), (b"SHA256SUMS", line * 20_000))
    }
    reader = TreeReader(made.repository, made.repository.load_index())
    agreed = Delivery(hash_file="SHA256SUMS")

    # Read each time, it would be 20 GB.
    assert takes_at_most(5, lambda: look_at_files(reader, files, agreed))
    facts = look_at_files(reader, files, agreed).hashes
    assert facts is not None
    assert (facts.listed, facts.wrong, facts.missing) == (20_000, (), ())
