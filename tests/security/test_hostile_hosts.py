"""A host in bad hands announces what cannot be, or what never ends: an error, soon, in little room.

And what a single file there can bring about, which anybody who owns a site can make, costs that
file alone.
"""

import errno
import io
import os
import resource
import stat
import struct
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backup.archiver.request import BackupResult, Mount
from backup.errors import SourceError
from backup.sources.host_errors import translated
from backup.sources.local.owners import NamedOwners
from backup.sources.remote.bounds import Holes
from backup.sources.remote.busybox_tree import parse_records
from backup.sources.remote.command_stream import Line
from backup.sources.remote.gnu_rows import parse_find, parse_stat
from backup.sources.remote.gnu_tree import open_tool_tree
from backup.sources.remote.open import RemoteSource
from backup.sources.remote.python_tree import ensure_names, open_python_tree
from backup.sources.remote.tar_stream import read_tar
from backup.sources.source import FolderSource
from provisioning.local_host import LocalHost
from tests.backing_up import back_up, back_up_mounts, make_repository, read_back
from tests.effort import takes_at_most
from tests.integration.remote.test_remote_trees import Open, back_up_there

DIR, FILE = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644
ROOM = 400 << 20
"""Bytes of memory; what attackers announce is many times that."""


def row(mode: int = FILE, size: int = 0) -> bytes:
    return struct.pack("<IIIIQQQQqqq", mode, 0, 0, 1, 7, 1, 0, size, 0, 0, 0)


def text(raw: bytes) -> bytes:
    return struct.pack("<I", len(raw)) + raw


def frame(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("<I", len(body)) + body


def pairs(*attributes: tuple[bytes, bytes]) -> bytes:
    told = b"".join(text(name) + text(value) for name, value in attributes)
    return struct.pack("<I", len(attributes)) + told


def listing(*entries: tuple[bytes, bytes], extras: bytes = bytes(4)) -> bytes:
    names = b"\0".join(name for name, _ in entries)
    head = text(b"") + struct.pack("<I", len(entries)) + text(names)
    return frame(b"F", head + b"".join(it for _, it in entries) + extras + bytes(4))


FINE = bytes(8)
ROOT = (
    frame(b"u", bytes(4) + b"root")
    + frame(b"g", bytes(4) + b"root")
    + frame(b"R", text(b"/srv") + row(DIR) + FINE + bytes(8))
)
ONE_FILE = ROOT + listing((b"file", row(size=5))) + frame(b"Z")
END = frame(b"B")


def back_up_what_is_sent(folder: Path, sent: bytes, then: bytes = b"true") -> BackupResult:
    """Back up a host that says what stands in `sent`, and then what a script prints."""
    (folder / "sent").write_bytes(sent)
    script = b'cat "$1"; ' + then + b"; exec cat >/dev/null"
    command = (b"sh", b"-c", script, b"sh", os.fsencode(folder / "sent"))
    source = RemoteSource(
        "web1",
        FolderSource(b"/srv"),
        lambda: open_python_tree(
            LocalHost("web1"), b"/srv", one_file_system=False, command=command, timeout=60
        ),
    )
    return back_up_mounts(make_repository(), [Mount(b"/site", source)])


@pytest.fixture
def little_room() -> Iterator[None]:
    """Let this process take no more memory than `ROOM` on top of what it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


HEAD_OF_MUCH = b"printf '%b' '\\0\\0\\0\\100'"  # 1 GiB
ZEROS = b"head -c 1500000000 /dev/zero"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "then"),
    [
        (b"R", HEAD_OF_MUCH + b";" + ZEROS),
        (ROOT + b"F", HEAD_OF_MUCH + b";" + ZEROS),
        (ONE_FILE + frame(b"H", row(size=5) + bytes(4)) + b"D", HEAD_OF_MUCH + b";" + ZEROS),
        (ROOT + frame(b"F", text(b"") + b"\xff" * 4 + text(bytes(120 << 20))), b"true"),
    ],
    ids=["root", "listing", "data", "names"],
)
@pytest.mark.usefixtures("little_room")
def test_a_frame_takes_no_more_than_one_of_its_kind_may(
    tmp_path: Path, sent: bytes, then: bytes
) -> None:
    with pytest.raises(SourceError, match=r"makes no sense|to the end"):
        back_up_what_is_sent(tmp_path, sent, then)


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"H", row(size=5) + bytes(4)) + frame(b"S", struct.pack("<Q", 1 << 63)),
        frame(b"H", row(size=5) + bytes(4)) + frame(b"D", bytes(6)),
        frame(b"H", row() + bytes(4)) + frame(b"S", struct.pack("<Q", 1 << 21)),
        frame(b"W", row(size=5) + bytes(4) + b"123456"),
        frame(b"W", row(DIR, size=5) + bytes(4) + b"12345"),
        frame(b"W", row(mode=0o170644, size=5) + bytes(4) + b"12345"),
        frame(b"W", row(size=5) + pairs((b"user.a\0b", b"")) + b"12345"),
        frame(b"W", row(size=5) + pairs((b"", b"")) + b"12345"),
        frame(b"W", row(size=5) + pairs((b"user." + b"a" * 251, b"")) + b"12345"),
        frame(b"W", row(size=5) + pairs((b"user.a", bytes(65_537))) + b"12345"),
        frame(b"W", row(size=5) + pairs(*((b"user.%d" % it, bytes(65_536)) for it in range(17)))),
    ],
    ids=[
        "hole", "data", "endless", "whole", "folder", "type", "null", "nameless", "name", "value",
        "attributes",
    ],
)  # fmt: skip
def test_a_files_bytes_and_facts_are_held_against_what_can_be(tmp_path: Path, sent: bytes) -> None:
    after = frame(b"T", FINE + row(size=5)) + END
    with pytest.raises(SourceError, match="makes no sense"):
        back_up_what_is_sent(tmp_path, ONE_FILE + sent + after)


@pytest.mark.parametrize(
    "extra",
    [text(b"a\0b") + bytes(4), text(b"a" * 4096) + bytes(4), bytes(4) + pairs((b"\0", b""))],
)
def test_a_links_target_and_attributes_are_held_against_what_can_be(
    tmp_path: Path, extra: bytes
) -> None:
    told = struct.pack("<II", 1, 0) + FINE + extra
    sent = ROOT + listing((b"link", row(stat.S_IFLNK | 0o777)), extras=told) + frame(b"Z") + END
    with pytest.raises(SourceError, match="makes no sense"):
        back_up_what_is_sent(tmp_path, sent)


def test_what_is_of_no_known_type_is_left_out_and_told(tmp_path: Path) -> None:
    entries = ((b"door", row(0o150644)), (b"file", row(size=5)))
    whole = frame(b"W", row(size=5) + bytes(4) + b"12345")
    result = back_up_what_is_sent(tmp_path, ROOT + listing(*entries) + frame(b"Z") + whole + END)

    assert [(it.path, it.text) for it in result.errors] == [
        (b"/srv/door", "it is of no known type")
    ]
    assert result.outcome == "incomplete"


@pytest.mark.parametrize("fetched", [False, True])
def test_a_file_of_eight_exbibytes_costs_itself_alone(tmp_path: Path, *, fetched: bool) -> None:
    huge = (1 << 63) - 1
    entries = ((b"file", row(size=5)), (b"huge", row(size=5 if fetched else huge)))
    sent = ROOT + listing(*entries) + frame(b"Z")
    sent += frame(b"W", row(size=5) + bytes(4) + b"12345")
    if fetched:  # it grew since it was listed
        sent += frame(b"H", row(size=huge) + bytes(4)) + frame(b"S", struct.pack("<Q", huge))
        sent += frame(b"T", FINE + row(size=huge))
    result = back_up_what_is_sent(tmp_path, sent + END)

    assert [(it.path, it.errno) for it in result.errors] == [(b"/srv/huge", errno.EFBIG)]


def test_holes_are_filled_for_half_an_hour_and_no_longer(tmp_path: Path) -> None:
    size = (1 << 40) + 1
    entries = ((b"a", row(size=size)), (b"file", row(size=5)))
    hole = frame(b"S", struct.pack("<Q", size)) + frame(b"T", FINE + row(size=size))
    sent = ROOT + listing(*entries) + frame(b"Z") + frame(b"H", row(size=size) + bytes(4)) + hole
    result = back_up_what_is_sent(
        tmp_path, sent + frame(b"W", row(size=5) + bytes(4) + b"12345") + END
    )

    assert [(it.path, it.errno) for it in result.errors] == [(b"/srv/a", errno.EFBIG)]


@pytest.mark.parametrize("name", [b"a\0b", b"a/b", b"..", b".", b""])
def test_an_impossible_name_is_refused(name: bytes) -> None:
    with pytest.raises(SourceError, match="makes no sense"):
        ensure_names([name], 1)


# What the tools print ------------------------------------------------------------------------

FIND = "f 644 7 1 1 {uid} 0 {size} 1.0 {mtime} 1.0 root root"


@pytest.mark.parametrize("digits", ["-5", "4294967296", "1099511627776", "1" * 5000], ids=len)
def test_an_impossible_owner_is_refused_in_every_tools_words(digits: str) -> None:
    rows = [FIND.format(uid=digits, size=5, mtime="1.0").encode(), b"file", b""]
    with pytest.raises(SourceError, match="makes no sense"):
        parse_find(rows, NamedOwners())
    with pytest.raises(SourceError, match="makes no sense"):
        parse_stat(f"81a4 7 1 1 {digits} 0 5 1.0 1.0 1.0 ./file\0".encode())
    moment = "2026-11-24 01:03:00|" * 2 + "2026-11-24 01:03:00"
    with pytest.raises(SourceError, match="makes no sense"):
        parse_records(
            [f"|81a4|7|1|1|{digits}|0|5|0|0|root|root|{moment}|/srv".encode()], NamedOwners()
        )


@pytest.mark.parametrize(("major", "minor"), [("-5", "0"), ("f" * 20, "0"), ("1", "1ffffffff")])
def test_an_impossible_device_is_refused(major: str, minor: str) -> None:
    moment = "2026-11-24 01:03:00|" * 2 + "2026-11-24 01:03:00"
    record = f"|21b6|7|1|1|0|0|5|{major}|{minor}|root|root|{moment}|/srv"
    with pytest.raises(SourceError, match="makes no sense"):
        parse_records([record.encode()], NamedOwners())


def test_a_negative_size_is_refused_and_a_far_year_is_brought_near() -> None:
    with pytest.raises(SourceError, match="makes no sense"):
        parse_find([FIND.format(uid=0, size=-1, mtime="1.0").encode(), b"a", b""], NamedOwners())
    rows = [FIND.format(uid=0, size=5, mtime="9404880000000.0").encode(), b"a", b""]

    assert parse_find(rows, NamedOwners())[b"a"].status.st_mtime_ns == (1 << 63) - 1


# Archives ------------------------------------------------------------------------------------


def read_all(data: bytes, then: bytes = b"true") -> list[tuple[bytes, bytes]]:
    """Read an archive that a host sends, and what a script prints after it."""
    with translated(), LocalHost("web1").start([b"sh", b"-c", b"cat; " + then]) as process:
        line = Line("web1", process)
        line.write_apart(data)
        found = []
        for member in read_tar(line, Holes()):
            buffer, content = memoryview(bytearray(1 << 16)), b""
            while member.refusal is None and (count := member.content.readinto(buffer)):
                content += buffer[:count]
            found.append((member.path, content))
        return found


def header(kind: bytes, size: bytes, name: bytes = b"./file") -> bytes:
    block = bytearray(name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2)
    block += size.rjust(12, b"0")[:12] + b"00000000000\0" + b" " * 8 + kind
    block = block.ljust(257, b"\0") + b"ustar\00000"
    block = block.ljust(512, b"\0")
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def records(*rows: bytes) -> bytes:
    body = b"".join(rows)
    return header(b"x", b"%o " % len(body)) + body.ljust(-(-len(body) // 512) * 512, b"\0")


def record(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + len(str(len(body)))
    length += len(str(length)) - len(str(len(body)))
    return b"%d" % length + body


def sparse(size: bytes, numbers: bytes, stored: int = 512) -> bytes:
    keys = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0")
    keys += record(b"GNU.sparse.name", b"file") + record(b"GNU.sparse.realsize", size)
    return records(keys) + header(b"0", b"%o " % stored) + numbers.ljust(512, b"\0")


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [
        header(b"x", b"30000000000"),  # 3 GiB
        header(b"L", b"30000000000"),
        header(b"x", b"1" * 11),
        header(b"x", b"\x80" + bytes(3) + b"\xff" * 8),
        header(b"x", b"\xff" * 12),
        header(b"0", b"\xff" * 11 + b"\0"),
        header(b"x", b"4000000 ") + b"7" * (1 << 20),
        sparse(b"100", b"1\n0\n200\n"),
        sparse(b"100", b"2\n50\n0\n0\n0\n"),
        sparse(b"100", b"1\n-5\n0\n"),
        sparse(b"9" * 18, b"9" * 18 + b"\n" + b"0\n" * 200, stored=1 << 30),
        sparse(b"9" * 18, b"9" * 400, stored=1 << 30),
    ],
    ids=[
        "attributes", "name", "huge", "in bytes", "negative", "negative size", "digits", "beyond",
        "backwards", "below", "pieces", "number",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("little_room")
def test_an_archive_takes_little_room_and_ends_soon(sent: bytes) -> None:
    def read() -> None:
        with pytest.raises(SourceError, match=r"makes no sense|to the end"):
            read_all(sent, b"head -c 1100000000 /dev/zero")

    assert takes_at_most(20, read)


def test_a_file_with_too_many_attributes_costs_itself_alone() -> None:
    many = b"".join(record(b"SCHILY.xattr.user.%d" % it, bytes(60_000)) for it in range(40))
    sent = records(many) + header(b"0", b"5 ", b"./much") + b"12345".ljust(512, b"\0")

    assert read_all(sent + header(b"0", b"5 ") + b"12345".ljust(512, b"\0")) == [
        (b"much", b""),
        (b"file", b"12345"),
    ]


def test_archives_of_every_form_are_read_as_they_were_written() -> None:
    written = io.BytesIO()
    long_name = "x/" * 100 + "name"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with tarfile.open(fileobj=written, mode="w", format=form) as archive:
            for name in ("./", "./file", "./.htaccess", "./" + "a" * 99, long_name):
                info = tarfile.TarInfo(name)
                info.type = tarfile.DIRTYPE if name == "./" else tarfile.REGTYPE
                info.size = 0 if name == "./" else 700
                archive.addfile(info, io.BytesIO(b"7" * info.size))
    names = [b"", b"file", b".htaccess", b"a" * 99, long_name.encode()]

    assert read_all(written.getvalue()) == [(it, b"7" * 700 if it else b"") for it in names] * 2


def test_holes_in_an_archive_are_filled(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(3 << 20)
        file.write(b"middle")
        file.truncate(5 << 20)
    repository = make_repository()
    found = read_back(repository, back_up_there(repository, tmp_path, opened=open_tool_tree))

    assert found[b"/site/sparse"].data == (tmp_path / "sparse").read_bytes()


# What anybody may do who owns a site ---------------------------------------------------------


@pytest.mark.parametrize("opened", [open_python_tree, open_tool_tree])
def test_a_file_of_a_far_year_does_not_hold_its_host_up(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    os.utime(tmp_path / "file", (9.4e12, 9.4e12))  # 300000; some file systems make 2446 of it
    repository = make_repository()
    result = back_up_there(repository, tmp_path, opened=opened)

    assert result.outcome == "ok"
    assert read_back(repository, result)[b"/site/file"].data == b"12345"


@pytest.mark.parametrize("take", [back_up, back_up_there])
def test_a_huge_file_of_nothing_is_left_out_and_told(
    tmp_path: Path, take: Callable[..., BackupResult]
) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", 12 << 40)
    result = take(make_repository(), tmp_path)

    assert [(it.path.rpartition(b"/")[2], it.errno) for it in result.errors] == [
        (b"huge", errno.EFBIG)
    ]
