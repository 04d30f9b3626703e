"""Texts that a site gives us are read in a time that grows with their length and no faster."""

import hashlib
from collections.abc import Callable

import pytest

from backup.snapshots.walk import TreeReader
from ops.backups.malware.clamscan import read_answers
from ops.backups.pages.page_text import liken, take_fingerprint
from ops.backups.ransomware.entropy import looks_sealed
from ops.backups.sources.delivery_facts import look_at_files, parse_hashes
from ops.canonical import clean_text
from ops.estate.model.sites import Delivery
from ops.sandbox.serve_site import _PLAIN_PATH
from tests.effort import takes_at_most
from tests.small_repository import SmallRepository, file_node

MANY = 1 << 20

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
    "a fingerprint": lambda: take_fingerprint("ạ " * MANY),
    "two fingerprints": lambda: liken(take_fingerprint("a b"), take_fingerprint("c " * MANY)),
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
