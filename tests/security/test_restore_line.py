"""Neither end of a restore's line believes the other: what is said there can only end it."""

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from backup.errors import BackupError, DamagedError, StoreUnavailableError
from backup.format.crypto import OVERHEAD
from backup.format.pack import BlobType, FinishedPack
from backup.restorer.content import ContentGoneError
from backup.restorer.orders import Piece
from backup.restorer.request import RestoreRequest
from backup.restorer.restore import restore_content
from backup.restorer.served_content import ServedContent
from backup.restorer.wire import (
    HEAD,
    HELLO,
    LARGEST_BLOB,
    MOST_IDS,
    MOST_PIECES,
    MOST_READ,
    NO_PACK,
    PLACE,
    Kind,
    Line,
    pack_error,
    parse_error,
)
from backup.stores.memory import MemoryStore
from tests.small_repository import SmallRepository, file_node, folder_node, id_of, tree_of
from tests.through_sockets import serving

# A dishonest service, towards who restores ------------------------------------------------------


@contextmanager
def told_by(answer: Callable[[Line], None]) -> Iterator[ServedContent]:
    """Give content whose other end does as it is told here, then goes away."""
    here, there = socket.socketpair()

    def act() -> None:
        line = Line(there)
        with suppress(ContentGoneError):
            answer(line)
        line.close()
        there.close()

    thread = threading.Thread(target=act)
    thread.start()
    content = ServedContent([here])
    try:
        yield content
    finally:
        content.close()
        thread.join(30)
        assert not thread.is_alive()


def say(*parts: bytes) -> Callable[[Line], None]:
    """Answer the first request with these bytes."""

    def answer(line: Line) -> None:
        line.listen()
        line.send(*parts)

    return answer


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\1",
        HEAD.pack(1, LARGEST_BLOB + 1),
        HEAD.pack(1, (1 << 32) - 1),
        HEAD.pack(0, 65 << 10),
        HEAD.pack(2, 0),
        HEAD.pack(1, 10) + b"short",
        HEAD.pack(0, 4) + b"null",
        HEAD.pack(0, 2) + b"{}",
        HEAD.pack(0, 3) + b"\xff\xfe\xfd",
    ],
)
def test_an_answer_that_cannot_be_ends_the_line(said: bytes) -> None:
    with told_by(say(said)) as content, pytest.raises(ContentGoneError):
        content.load_tree(id_of(b"tree"))


@pytest.mark.parametrize("said", [HELLO.pack(1, 0)[:-1], b""])
def test_a_first_answer_that_cannot_be_ends_the_line(said: bytes) -> None:
    answer = say(HEAD.pack(1, len(said)), said)
    with told_by(answer) as content, pytest.raises(ContentGoneError):
        _ = content.size_bytes


def test_a_tree_that_is_another_one_is_not_believed() -> None:
    other = tree_of([file_node(b"planted", b"content")])
    with told_by(say(HEAD.pack(1, len(other)), other)) as content, pytest.raises(DamagedError):
        content.load_tree(id_of(b"tree"))


def test_a_place_that_cannot_be_is_not_believed() -> None:
    place = PLACE.pack(0, 0, OVERHEAD - 1, 0)
    with told_by(say(place)) as content, pytest.raises(ContentGoneError):
        content.look_up(id_of(b"content"))


def test_content_that_is_another_one_is_not_written(tmp_path: Path) -> None:
    wanted, planted = b"wanted", b"plants"
    tree = tree_of([file_node(b"file", wanted)])

    def answer(line: Line) -> None:
        while True:
            kind, _ = line.listen()
            if kind is Kind.HELLO:
                line.tell(HELLO.pack(1, 0))
            elif kind is Kind.TREE:
                line.tell(tree)
            elif kind is Kind.PLACES:
                line.send(PLACE.pack(0, 0, OVERHEAD + len(wanted), 0))
            elif kind is Kind.READ:
                line.send(b"\1", planted)
            else:
                line.tell(planted)

    with told_by(answer) as content:
        request = RestoreRequest(os.fsencode(tmp_path / "out"))
        result = restore_content(content, id_of(tree), request)

    assert [it.path for it in result.failures] == [b"/file"]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_line_that_ends_ends_the_restore_rather_than_all_its_files(tmp_path: Path) -> None:
    inner = tree_of([])
    tree = tree_of([folder_node(b"%d" % number, id_of(inner)) for number in range(50)])

    def answer(line: Line) -> None:
        while True:
            kind, rows = line.listen()
            if kind is Kind.HELLO:
                line.tell(HELLO.pack(1, 0))
            elif rows == id_of(tree):
                line.tell(tree)
            else:
                return

    with told_by(answer) as content:
        request = RestoreRequest(os.fsencode(tmp_path / "out"))
        with pytest.raises(ContentGoneError) as caught:
            restore_content(content, id_of(tree), request)
    assert [label for label, _ in caught.value.lines()] == ["error", "why", "data", "next"]


def error_of(*parts: str, name: str = "DamagedError", **values: object) -> bytes:
    return json.dumps([name, [*parts, "", "", "", ""][:4], values]).encode()


@pytest.mark.parametrize(
    "body",
    [
        error_of("{a.__class__}", a=1),
        error_of("{a[0]}", a="x"),
        error_of("{a:>999999999}", a=1),
        error_of("{a!s:>999999999}", a=1),
        error_of("{0}"),
        error_of("{missing}"),
        error_of("{"),
        error_of("}"),
        error_of("x" * 3000),
        b"[" * 100_000,
        b'["DamagedError", ["a", "b"], {}]',
        b'["DamagedError", 1, {}]',
        b'["DamagedError", [1, 2, 3, 4], {}]',
        b'["DamagedError", ["", "", "", ""], []]',
    ],
)
def test_an_error_fills_in_names_and_nothing_else(body: bytes) -> None:
    with pytest.raises(ContentGoneError):
        parse_error(body)


def test_an_error_cannot_speak_to_the_terminal_nor_be_of_any_kind() -> None:
    error = parse_error(error_of("\x1b[2J{a}", a="\x1b]0;x\x07" + "y" * 5000, name="SystemExit"))
    assert type(error) is BackupError
    assert str(error).isprintable()
    assert len(str(error)) < 3000


def test_an_error_keeps_its_kind_and_its_four_parts() -> None:
    error = StoreUnavailableError(
        "cannot reach {key!r}",
        why="{cause}",
        data="nothing",
        next_step="wait",
        key="a'b",
        cause=DamagedError("{n} bytes", n=3),
    )
    again = parse_error(pack_error(error))
    assert type(again) is StoreUnavailableError
    assert again.lines() == error.lines()
    assert str(parse_error(pack_error(DamagedError("{a}", a="x" * 100_000)))) == "x" * 2000


# A dishonest restore, towards the service -------------------------------------------------------


class WatchedStore(MemoryStore):
    """Notes what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_keys: list[str] = []

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Store.read`."""
        self.read_keys.append(key)
        return super().read(key, offset, length)


CONTENTS = [bytes([65 + number]) * 2000 for number in range(4)]


@pytest.fixture
def small() -> SmallRepository:
    made = SmallRepository(WatchedStore())
    made.add_pack([(BlobType.DATA, it) for it in CONTENTS])
    made.save_index()
    return made


def watched(small: SmallRepository) -> list[str]:
    store = small.repository.store
    assert isinstance(store, WatchedStore)
    return store.read_keys


def pieces_of(small: SmallRepository) -> list[Piece]:
    (blobs,) = small.packs.values()
    return [(0, it.offset, it.length, it.uncompressed_length, it.id) for it in blobs]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    "said",
    [
        b"\0" * 5,
        HEAD.pack(99, 0),
        HEAD.pack(Kind.HELLO, 1),
        HEAD.pack(Kind.TREE, 0),
        HEAD.pack(Kind.TREE, 2),
        HEAD.pack(Kind.PLACES, MOST_IDS + 1),
        HEAD.pack(Kind.PLACES, (1 << 32) - 1),
        HEAD.pack(Kind.READ, MOST_PIECES + 1),
        HEAD.pack(Kind.READ, 2) + 2 * PLACE.pack(0, 0, MOST_READ, 0),
        HEAD.pack(Kind.READ, 2) + 2 * PLACE.pack(0, 0, 100, MOST_READ),
        HEAD.pack(Kind.READ, 2) + PLACE.pack(0, 0, 100, 0),
        b"GET /etc/passwd HTTP/1.1\r\n\r\n",
    ],
)
def test_a_request_that_cannot_be_ends_its_line(
    small: SmallRepository, said: bytes, number: int
) -> None:
    with serving(small.repository, lines=2) as ends:
        hello = Line(ends[0])
        hello.ask(Kind.HELLO)
        assert hello.hear(100)
        del watched(small)[:]
        ends[number].sendall(said)
        ends[number].shutdown(socket.SHUT_WR)
        assert ends[number].recv(1) == b""
        assert watched(small) == []
        hello.close()


@pytest.mark.parametrize(
    "place",
    [
        (1, 0, 100, 0),
        (NO_PACK, 0, 100, 0),
        (0, 0, 0, 0),
        (0, 0, OVERHEAD - 1, 0),
        (0, 3, 100, 0),
        (0, (1 << 32) - 1, 100, 0),
        (0, 0, (1 << 32) - 1, 0),
        (0, 0, 100, (1 << 32) - 1),
        (0, 0, 100, 5),
    ],
)
def test_only_what_the_key_has_sealed_is_given(
    small: SmallRepository, place: tuple[int, int, int, int]
) -> None:
    good = pieces_of(small)[1][:4]
    with serving(small.repository) as ends:
        for end in ends[:2]:
            line = Line(end)
            if end is ends[0]:
                line.ask(Kind.HELLO)
                line.hear(100)
            else:
                line.ask(Kind.WAKE)
            line.ask(Kind.READ, PLACE.pack(*place) + PLACE.pack(*good))
            assert line.take(2) == b"\0\1"
            assert line.take(len(CONTENTS[1])) == CONTENTS[1]
            line.close()
    (pack,) = small.packs
    kinds = {key.split("/")[0] for key in watched(small)}
    assert kinds <= {"index", "data"}
    assert {key for key in watched(small) if key.startswith("data")} == {
        f"data/{pack.hex()[:2]}/{pack.hex()}"
    }


def wait_for_reads(small: SmallRepository, count: int) -> bool:
    until = time.monotonic() + (10 if count < 3 else 0.3)
    while time.monotonic() < until:
        if sum(key.startswith("data") for key in watched(small)) >= count:
            return True
        time.sleep(0.02)
    return False


def test_who_asks_without_reading_is_answered_once() -> None:
    small = SmallRepository(WatchedStore())
    content = os.urandom(4 << 20)
    small.add_pack([(BlobType.DATA, content)], compress=False)
    small.save_index()
    request = HEAD.pack(Kind.READ, 1) + PLACE.pack(*pieces_of(small)[0][:4])
    with serving(small.repository, lines=2) as ends:
        hello = Line(ends[0])
        hello.ask(Kind.HELLO)
        hello.hear(100)
        for number, end in enumerate(reversed(ends), 1):
            end.sendall(request * 50)
            assert wait_for_reads(small, number)
        time.sleep(0.3)
        assert not wait_for_reads(small, 3)
        hello.close()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def read_process_ids() -> set[str]:
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if b"backup.restorer.serving:serve" in words and str(os.getpid()).encode() in words:
                    found.add(folder.name)
    return found


def test_whoever_goes_away_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    from backup.stores.folder import FolderStore

    small = SmallRepository(FolderStore(tmp_path / "repo"))
    pack: FinishedPack = small.add_pack([(BlobType.DATA, os.urandom(4 << 20))], compress=False)
    small.save_index()
    blob = pack.blobs[0]
    before = descriptors()
    with serving(small.repository, lines=3) as ends:
        hello = Line(ends[0])
        hello.ask(Kind.HELLO)
        hello.hear(100)
        for end in ends[1:]:
            line = Line(end)
            line.ask(Kind.READ, PLACE.pack(0, blob.offset, blob.length, 0))
            assert line.take(1) == b"\1"
            line.close()
        assert len(read_process_ids()) == 2
        ends[2].close()
        hello.ask(Kind.HELLO)
        assert len(hello.hear(100)) == struct.calcsize("<Q?")
        hello.close()
    assert read_process_ids() == set()
    assert descriptors() == before
