"""Key files on paper: a QR code that a real decoder reads, and lines that a person can type."""

import base64
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.format.crypto import generate_master_key
from backup.format.key_file import parse_key_file, unwrap_master_key, wrap_master_key
from ops.backups.keys.paper.key_files import (
    PrintedKeyError,
    number_lines,
    printed_text,
    qr_image,
    read_key_files,
)

MASTER = generate_master_key()
KEY_FILE = wrap_master_key(MASTER, b"secret", created=datetime(2026, 11, 24, tzinfo=UTC))


def scan(url: str, folder: Path) -> str:
    path = folder / "code.png"
    path.write_bytes(base64.b64decode(url.partition(",")[2]))
    done = subprocess.run(["zbarimg", "-q", path], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_decoder_reads_the_qr_code(tmp_path: Path) -> None:
    scanned = scan(qr_image(printed_text(KEY_FILE)), tmp_path)

    assert read_key_files(scanned) == [KEY_FILE]


def test_numbered_lines_give_the_same_bytes() -> None:
    lines = number_lines(printed_text(KEY_FILE))
    other = wrap_master_key(MASTER, b"other", created=datetime(2026, 11, 24, tzinfo=UTC))
    page = "\n".join(["Kho 1", *lines, "", "Kho 2", *number_lines(printed_text(other)), "Hết"])

    assert max(map(len, lines)) <= 56
    assert read_key_files(page) == [KEY_FILE, other]
    assert read_key_files("nothing of the kind") == []


def test_a_key_file_with_vietnamese_names_is_printed_in_ascii_and_opens() -> None:
    fields = {**json.loads(KEY_FILE), "username": "Nguyễn Văn A", "hostname": "máy chủ"}
    text = printed_text(json.dumps(fields, ensure_ascii=False, indent=1).encode())
    (read,) = read_key_files("\n".join(number_lines(text)))

    assert text.isascii()
    assert parse_key_file(read).username == "Nguyễn Văn A"
    assert unwrap_master_key(parse_key_file(read), b"secret") == MASTER


def test_mistakes_are_named_by_their_line() -> None:
    lines = number_lines(printed_text(KEY_FILE))
    mistyped = [*lines[:3], lines[3].swapcase(), *lines[4:]]

    with pytest.raises(PrintedKeyError, match="line 4 of a key file has a mistake"):
        read_key_files("\n".join(mistyped))
    with pytest.raises(PrintedKeyError, match="line 3 of a key file does not follow"):
        read_key_files("\n".join([lines[0], *lines[2:]]))
    with pytest.raises(PrintedKeyError, match="not a whole key file"):
        read_key_files("\n".join(lines[:-1]))


def test_the_longest_key_file_still_fits_a_code(tmp_path: Path) -> None:
    fields = {**json.loads(KEY_FILE), "hostname": "m" * 253, "username": os.urandom(16).hex()}
    text = printed_text(json.dumps(fields).encode())

    assert read_key_files(scan(qr_image(text), tmp_path)) == [text.encode()]
