"""Files go over the line as they are; whoever is at the other end decides where nothing goes."""

import json
import os
import socket
import struct
import threading
from pathlib import Path

import pytest

from ops.terminal.elsewhere import WasTyped
from ops.terminal.exchange import Asked, ExchangeError, Received, receive_tree, send_tree


def carry(top: Path, target: Path, *, only: str = "") -> Received:
    ours, theirs = socket.socketpair()
    sending = threading.Thread(target=send_tree, args=(ours, top))
    sending.start()
    folder = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return receive_tree(theirs, folder, Asked(only=only) if only else None)
    finally:
        sending.join(20)
        os.close(folder)
        ours.close()
        theirs.close()


def say(target: Path, *entries: object) -> Received:
    """Have somebody hostile say it."""
    ours, theirs = socket.socketpair()
    for it in entries:
        body = it if isinstance(it, bytes) else json.dumps(it).encode()
        ours.sendall(struct.pack(">I", len(body)) + body)
    ours.close()
    folder = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return receive_tree(theirs, folder)
    finally:
        os.close(folder)
        theirs.close()


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
    return tmp_path / "from", tmp_path / "to"


def test_a_folder_comes_as_it_was(places: tuple[Path, Path]) -> None:
    sent, target = places
    (sent / "xã" / "trống").mkdir(parents=True)
    (sent / "xã" / "tệp.txt").write_bytes(os.urandom(3_000_000))
    (sent / "xã" / "tệp.txt").chmod(0o640)
    os.utime(sent / "xã" / "tệp.txt", ns=(10**18, 10**18))
    (sent / "lối").symlink_to("../ngoài")
    os.mkfifo(sent / "ống")
    got = carry(sent, target)
    assert (got.files, got.kept) == (2, [])
    file = target / "xã" / "tệp.txt"
    assert file.read_bytes() == (sent / "xã" / "tệp.txt").read_bytes()
    assert (file.stat().st_mode & 0o777, file.stat().st_mtime_ns) == (0o640, 10**18)
    assert (target / "lối").readlink() == Path("../ngoài")
    assert (target / "xã" / "trống").is_dir()
    assert not (target / "ống").exists()


def test_what_is_there_stays_and_is_told(places: tuple[Path, Path]) -> None:
    sent, target = places
    (sent / "a").write_text("mới")
    (sent / "b").write_text("mới")
    (target / "a").write_text("cũ")
    got = carry(sent, target)
    assert got.kept == ["a"]
    assert ((target / "a").read_text(), (target / "b").read_text()) == ("cũ", "mới")


def test_one_file_gets_the_name_that_was_typed(places: tuple[Path, Path]) -> None:
    sent, target = places
    (sent / "x.xlsx").write_text("bảng")
    carry(sent, target, only="tài sản.xlsx")
    assert (target / "tài sản.xlsx").read_text() == "bảng"


@pytest.mark.parametrize(
    "at",
    [
        [".."],
        ["a", "..", "b"],
        ["/etc/x"],
        ["a/b"],
        [""],
        ["."],
        ["x\0"],
        [],
        "x",
        ["a"] * 200,
        [1],
    ],
)
def test_no_name_leads_out(places: tuple[Path, Path], at: object) -> None:
    with pytest.raises(ExchangeError):
        say(places[1], {"at": at, "mode": 0o600, "size": 0}, {})
    assert list(places[1].iterdir()) == []


def test_a_link_that_came_is_not_followed(places: tuple[Path, Path]) -> None:
    sent, target = places
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        say(target, {"at": ["l"], "mode": 0o777, "link": str(sent)},
            {"at": ["l", "x"], "mode": 0o600, "size": 0}, {})  # fmt: skip
    assert list(sent.iterdir()) == []


@pytest.mark.parametrize(
    "said",
    [b"{", b"[" * 60_000, {"at": ["x"]}, {"at": ["x"], "mode": 0, "size": -1},
     {"at": ["x"], "mode": 0, "size": 1 << 60}, {"at": ["x"], "mode": 0, "size": 5}],
)  # fmt: skip
def test_what_is_no_stream_is_refused(places: tuple[Path, Path], said: object) -> None:
    with pytest.raises(ExchangeError):
        say(places[1], said)


def test_no_half_of_a_file_stays(places: tuple[Path, Path]) -> None:
    ours, theirs = socket.socketpair()
    body = json.dumps({"at": ["key"], "mode": 0o600, "size": 100}).encode()
    ours.sendall(struct.pack(">I", len(body)) + body + b"half")
    ours.close()
    folder = os.open(places[1], os.O_RDONLY | os.O_DIRECTORY)
    with theirs, pytest.raises(ExchangeError):
        receive_tree(theirs, folder)
    os.close(folder)
    assert list(places[1].iterdir()) == []


def test_only_what_was_typed_whole_is_opened() -> None:
    typed = WasTyped(["identity=/media/nva/khóa riêng.pub"])
    typed.note(b"/media/khoa\r")
    assert typed("/media/nva/khóa riêng.pub")
    assert typed("/media/khoa")
    for part in ("/media/nva/khóa riêng", "/media/nv", "/media", "/", "khoa", "/etc/shadow"):
        assert not typed(part), part
