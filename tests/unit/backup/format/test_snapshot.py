"""Snapshots: byte for byte what stock restic writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from backup.errors import UnsupportedFormatError
from backup.format.snapshot import (
    Snapshot,
    decode_snapshot,
    derive_snapshot,
    encode_snapshot,
    text_as_stored,
)

GOLDEN = sorted((Path(__file__).parents[3] / "golden" / "restic" / "snapshots").glob("*.json"))
ID = "ab" * 32
WHEN = datetime(2026, 11, 24, 8, 3, tzinfo=timezone(timedelta(hours=7)))
SNAPSHOT = Snapshot(time=WHEN, tree=bytes(32), paths=("/cổng",), id=ID)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_snapshots_of_restic_are_written_again_byte_for_byte(path: Path) -> None:
    assert encode_snapshot(decode_snapshot(ID, path.read_bytes())) == path.read_bytes()


def test_golden_snapshots_hold_the_rare_fields() -> None:
    snapshots = [decode_snapshot(ID, path.read_bytes()) for path in GOLDEN]
    assert len(snapshots) == 3
    assert any(snapshot.original for snapshot in snapshots)
    assert any(snapshot.parent for snapshot in snapshots)
    assert any("<" in snapshot.hostname for snapshot in snapshots)
    assert any(snapshot.time.utcoffset() == timedelta(hours=7) for snapshot in snapshots)


def test_nanoseconds_survive_until_the_time_itself_is_changed() -> None:
    text = encode_snapshot(SNAPSHOT).replace(b"08:03:00+", b"08:03:00.123456789+")
    read = decode_snapshot(ID, text)
    assert encode_snapshot(derive_snapshot(read, tags=("a",))).count(b"00.123456789+07:00") == 1
    moved = replace(read, time=read.time + timedelta(seconds=1))
    assert b"08:03:01.123456+07:00" in encode_snapshot(moved)
    elsewhere = replace(read, time=read.time.astimezone(UTC))
    assert b"T01:03:00.123456Z" in encode_snapshot(elsewhere)


def test_unknown_fields_are_kept() -> None:
    text = encode_snapshot(SNAPSHOT)[:-1] + b',"vendor":{"b":1,"a":[]}}'
    assert encode_snapshot(decode_snapshot(ID, text)) == text


def test_a_path_that_is_not_utf8_is_stored_as_go_stores_it() -> None:
    odd = replace(SNAPSHOT, paths=("/a\udcff\udcfe",), excludes=("\udc80",))
    text = encode_snapshot(odd)
    assert b'"paths":["/a\\ufffd\\ufffd"]' in text
    assert decode_snapshot(ID, text).paths == (text_as_stored("/a\udcff\udcfe"),)


def test_a_derived_snapshot_remembers_the_very_first_id() -> None:
    once = derive_snapshot(SNAPSHOT, tags=("a",))
    assert (once.original, once.id) == (ID, "")
    twice = derive_snapshot(replace(once, id="cd" * 32), tags=())
    assert twice.original == ID


def test_nulls_are_read_as_nothing() -> None:
    text = b'{"time":"2026-11-24T01:03:00Z","tree":"' + b"00" * 32 + b'","paths":null,"tags":null}'
    read = decode_snapshot(ID, text)
    assert (read.paths, read.tags, read.parent) == ((), (), "")


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"time":"yesterday","tree":"","paths":[]}', b'{"time":1}', b"\xff"],
)
def test_anything_else_is_refused(text: bytes) -> None:
    with pytest.raises(UnsupportedFormatError):
        decode_snapshot(ID, text)
