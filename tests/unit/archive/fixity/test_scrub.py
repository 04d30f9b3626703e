"""The rolling scrub: every byte, the longest unread first, in parts; never green for nothing."""

import ctypes
import mmap
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from archive.errors import ArchiveError, NotAnArchiveError
from archive.fixity import reader
from archive.fixity.reader import Readers, look_at
from archive.fixity.scrub import ScrubLimits, ScrubReport, ScrubState, scrub
from archive.ocfl.files import forget_pages, make_durable
from archive.ocfl.root import StorageRoot
from archive.ocfl.validate import Verdict, validate_object
from tests.archive_roots import MOMENT, files_of, flip_bit, make_root, open_up, place_of

LONG_AGO = MOMENT - timedelta(days=100)
ALL = ScrubLimits(workers=1)


@pytest.fixture
def root(tmp_path: Path) -> StorageRoot:
    return make_root(tmp_path / "root", objects=40)


def run(
    root: StorageRoot,
    state: ScrubState | None = None,
    limits: ScrubLimits = ALL,
    now: datetime = MOMENT,
) -> tuple[ScrubReport, ScrubState]:
    return scrub(root.path, state or ScrubState(LONG_AGO), limits, lambda: now)


def path_of(root: StorageRoot, number: int) -> str:
    return place_of(root, number).relative_to(root.path).as_posix()


def test_a_whole_pass_reads_every_byte_of_every_object(root: StorageRoot) -> None:
    report, state = run(root)

    stored = {path: it for path, it in files_of(root.path).items() if path[2] == "/"}
    assert report.is_green
    assert (report.objects, report.files) == (40, len(stored))
    assert report.size == sum(map(len, stored.values()))
    assert state.oldest == MOMENT
    assert state.shelf == ""


def test_a_state_survives_being_kept_as_text(root: StorageRoot) -> None:
    _report, state = run(root, limits=ScrubLimits(objects=5, workers=1))

    assert msgspec.json.decode(msgspec.json.encode(state), type=ScrubState) == state


def test_limited_runs_go_on_where_the_last_one_ended(
    root: StorageRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "AT_ONCE", 2)
    state, seen, runs = ScrubState(LONG_AGO), 0, 0
    while state.oldest < MOMENT:
        report, state = run(root, state, ScrubLimits(objects=14, workers=1))
        seen, runs = seen + report.objects, runs + 1
        assert report.is_green
        assert state.oldest in {LONG_AGO, MOMENT}

    assert 40 <= seen <= 42  # empty shelves behind the last object may be left for another run
    assert runs <= 4


@pytest.mark.parametrize(
    "limits", [ScrubLimits(size=1, workers=1), ScrubLimits(seconds=0, workers=1)], ids=["size", "s"]
)
def test_a_run_ends_at_its_limits(root: StorageRoot, limits: ScrubLimits) -> None:
    report, state = run(root, limits=limits)

    assert 0 < report.objects <= reader.AT_ONCE
    assert state.oldest == LONG_AGO


def test_shelves_that_were_read_lately_are_left_out_but_never_all(root: StorageRoot) -> None:
    _report, state = run(root, now=LONG_AGO + timedelta(days=1))
    fresh = ScrubLimits(fresh_since=LONG_AGO, workers=1)

    report, state = run(root, state, fresh)

    assert 0 < report.objects < 40
    assert report.is_green
    assert state.oldest == LONG_AGO + timedelta(days=1)


def test_the_longest_unread_comes_first(root: StorageRoot) -> None:
    _report, state = run(root)
    oldest = path_of(root, 11)[:2]
    state = msgspec.structs.replace(state, passed={**state.passed, oldest: LONG_AGO})
    later = MOMENT + timedelta(days=1)

    report, state = run(root, state, ScrubLimits(fresh_since=MOMENT, workers=1), now=later)

    assert report.objects == sum(path_of(root, it)[:2] == oldest for it in range(40))
    assert state.passed_at(oldest) == later
    assert state.oldest == MOMENT


def swap_for_link(place: Path) -> None:
    place.rename(place.parents[3] / "swapped")
    place.symlink_to("/etc")


DAMAGES: list[tuple[str, Callable[[Path], object]]] = [
    ("E092", lambda place: flip_bit(place / "v1" / "c" / "content" / "att-01.bin")),
    ("E060", lambda place: flip_bit(place / "inventory.json")),
    ("E060", lambda place: flip_bit(place / "inventory.json.sha512")),
    ("E023", lambda place: (place / "v1" / "c" / "more").write_bytes(b"")),
    ("E092", lambda place: (place / "v1" / "c" / "item.json").unlink()),
    ("E003", lambda place: (place / "0=ocfl_object_1.1").unlink()),
    ("E090", swap_for_link),
]


@pytest.mark.slow
def test_damage_is_red_and_named(root: StorageRoot) -> None:
    for number, (_code, damage) in enumerate(DAMAGES):
        open_up(place_of(root, number) / "v1" / "c")
        damage(place_of(root, number))

    report, _state = run(root)

    assert not report.is_green
    assert report.objects == 40
    found = {it.path: {error.code for error in it.errors} for it in report.damaged}
    assert set(found) == {path_of(root, it) for it in range(len(DAMAGES))}
    assert report.damaged_count == len(DAMAGES)
    for number, (code, _damage) in enumerate(DAMAGES):
        assert code in found[path_of(root, number)]


def test_an_object_that_is_gone_is_missed(root: StorageRoot) -> None:
    expected = {path_of(root, it) for it in range(40)}
    gone = place_of(root, 3)
    open_up(gone)
    gone.rename(root.path / "extensions" / "gone")

    report, _state = scrub(
        root.path, ScrubState(LONG_AGO), ALL, lambda: MOMENT,
        expected=lambda shelf: {it for it in expected if it.startswith(shelf)},
    )  # fmt: skip

    assert [it.path for it in report.damaged] == [path_of(root, 3)]
    assert not report.is_green


def test_nothing_read_is_red_and_verifies_nothing(tmp_path: Path) -> None:
    report, state = run(make_root(tmp_path / "empty", objects=0))

    assert not report.is_green
    assert state == ScrubState(LONG_AGO)


def test_a_root_that_is_not_there_is_an_error(root: StorageRoot) -> None:
    with pytest.raises(NotAnArchiveError):
        run(StorageRoot(root.path / "nothing"))


def test_a_root_that_goes_away_meanwhile_is_an_error(root: StorageRoot) -> None:
    def go_away(report: ScrubReport) -> None:
        if report.objects:
            (root.path / "0=ocfl_1.1").unlink(missing_ok=True)

    with pytest.raises(NotAnArchiveError):
        scrub(root.path, ScrubState(LONG_AGO), ALL, lambda: MOMENT, say=go_away)


def test_a_process_that_dies_ends_the_run(root: StorageRoot) -> None:
    with Readers(2) as readers:
        for process in readers._processes:
            process.kill()
            process.wait()
        with pytest.raises(ArchiveError, match="ended"):
            list(readers.read(root.folders()))


def test_readers_end_when_the_run_is_broken_off(root: StorageRoot) -> None:
    with pytest.raises(KeyboardInterrupt), Readers(2) as readers:  # noqa: PT012 - as it happens
        processes = list(readers._processes)
        next(readers.read(root.folders()))
        raise KeyboardInterrupt

    assert all(it.returncode is not None for it in processes)


def test_what_is_bad_once_and_good_again_is_no_damage(
    root: StorageRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place_of(root, 0) / "v1" / "c" / "item.json"
    flip_bit(path)
    asked = []

    def mend(folder: Path, *, with_fixity: bool, from_disk: bool) -> Verdict:
        verdict = validate_object(folder, with_fixity=with_fixity, from_disk=from_disk)
        asked.append(from_disk)
        if len(asked) == 1:
            flip_bit(path)
        return verdict

    monkeypatch.setattr(reader, "validate_object", mend)
    look = look_at(place_of(root, 0))

    assert look.wavered
    assert look.verdict
    assert look.verdict.is_valid
    assert asked == [True, True]


def test_an_object_between_inventory_and_sidecar_is_no_damage(
    root: StorageRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a scrub meets it beside a writer."""
    place = place_of(root, 0)
    before = (place / "inventory.json").read_bytes()
    open_up(place / "inventory.json")
    (place / "inventory.json").write_bytes(before + b"\n")
    monkeypatch.setattr(
        "archive.fixity.reader.time.sleep",
        lambda _seconds: (place / "inventory.json").write_bytes(before),
    )

    assert look_at(place).wavered


# The page cache ----------------------------------------------------------------------------------


@pytest.fixture
def on_disk() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    yield folder
    for path in folder.rglob("*"):
        open_up(path)
    shutil.rmtree(folder)


def pages_in_memory(path: Path) -> int:
    size = path.stat().st_size
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE) as memory:
        pages = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        assert ctypes.CDLL(None).mincore(ctypes.c_void_p(start), ctypes.c_size_t(size), pages) == 0
        return sum(it & 1 for it in pages)


def test_what_the_kernel_kept_in_memory_is_forgotten_before_it_is_read(on_disk: Path) -> None:
    path = on_disk / "large.bin"
    path.write_bytes(os.urandom(1 << 20))
    make_durable(on_disk)
    path.read_bytes()
    assert pages_in_memory(path) == (1 << 20) // mmap.PAGESIZE

    forget_pages(on_disk)

    assert pages_in_memory(path) == 0
