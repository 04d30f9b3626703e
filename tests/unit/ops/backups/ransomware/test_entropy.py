"""Which beginnings of files look encrypted: real bytes of every kind that a portal holds."""

import base64
import bz2
import gzip
import io
import json
import os
import random
import sys
import zipfile

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ops.backups.ransomware.compare import LONGEST, SHORTEST, entropy, looks_sealed

TEXT = ("Ủy ban nhân dân tỉnh thông báo lịch tiếp công dân tháng 11. " * 200).encode()


def zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", os.urandom(9_000))
    return held.getvalue()


def encrypted(plain: bytes, number: int = 0) -> bytes:
    """Encrypt, each number in its own way, the same in every run."""
    return AESGCM(bytes(32)).encrypt(number.to_bytes(12, "big"), plain, None)


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        base64.b64encode(os.urandom(6_000)),
        json.dumps([random.Random(1).random() for _ in range(900)]).encode(),
        gzip.compress(os.urandom(9_000)),
        bz2.compress(os.urandom(9_000)),
        zipped(),
        b"\xff\xd8\xff\xe1" + os.urandom(9_000),
        b"\x00\x00\x00\x18ftypmp42" + os.urandom(9_000),
        bytes(9_000),
        sys.executable.encode() * 100,
    ],
)
def test_what_says_what_it_is_or_has_a_form_is_not_sealed(content: bytes) -> None:
    assert looks_sealed(content) is False


@pytest.mark.parametrize("length", [SHORTEST, 400, 1_000, LONGEST, 3 * LONGEST])
def test_encrypted_bytes_are_sealed_whatever_they_were(length: int) -> None:
    found = [looks_sealed(encrypted((TEXT * 2)[:length], number)) for number in range(1_000)]
    assert found == [True] * 1_000


@pytest.mark.parametrize("length", [0, 1, SHORTEST - 1])
def test_of_too_few_bytes_nothing_is_said(length: int) -> None:
    assert looks_sealed(os.urandom(length)) is None


def test_entropy_runs_from_nothing_to_eight_bits() -> None:
    assert entropy(b"aaaa") == 0
    assert entropy(bytes(range(256))) == 8
