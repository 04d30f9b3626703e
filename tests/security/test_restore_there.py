"""A part of an act that another process does: it goes where the person typed, and nowhere else."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from backup.errors import UsageError
from backup.format.pack import BlobType
from backup.progress import SILENT, Progress
from ops.backups.restore.tasks import Restore
from ops.backups.restore.there import restore_here
from ops.entering import SharedFolderError, StrangeLinkError
from ops.errors import WrongUseError
from ops.meanwhile import meanwhile
from ops.terminal.document import Keeper
from ops.terminal.elsewhere import WasTyped, opening_through, serve_opening
from ops.terminal.exchange import BrokenOffError
from ops.terminal.output import BORDER
from ops.terminal.there import FailedThereError, Work, do_here, do_there
from tests.installed_machine import only_root
from tests.small_repository import SmallRepository, file_node, id_of, tree_of
from tests.through_sockets import serving

TREE = tree_of([file_node(b"a.txt", b"one"), file_node(b"manifest.json", b"two")])
SOMEBODY = 4711
TYPED: Mapping[str, object] = {
    "site": "cong-xa", "verify": False, "overwrite": "always", "delete": False, "dry_run": False,
}  # fmt: skip


def fill(folder: Path, says: Mapping[str, object] | None = None, *, dry_run: bool = False) -> Path:
    """Have a process restore, whatever the act says beside; gives the folder it writes into."""
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"one"), (BlobType.DATA, b"two"), (BlobType.TREE, TREE)])
    small.save_index()
    work = {**TYPED, "shares": [{"tree": id_of(TREE).hex()}], "databases": {}, "beside": 0}
    work |= says or {}
    with serving(small.repository) as ends:
        given = [os.dup(it.fileno()) for it in ends]
        restore_order({"type": "fill", "work": work}, folder, given, dry_run=dry_run)
    return folder


def restore_order(
    order: Mapping[str, object], folder: Path, given: Sequence[int] = (), *, dry_run: bool = False
) -> None:
    """Have a process do what an act orders."""
    wish = Restore(site="cong-xa", target=str(folder), dry_run=dry_run)
    with meanwhile(BORDER, Keeper()):
        restore_here(wish, json.dumps(order).encode(), list(given), SILENT)


def test_what_is_served_goes_into_the_folder_that_was_typed(tmp_path: Path) -> None:
    assert (fill(tmp_path / "ra") / "a.txt").read_bytes() == b"one"


@pytest.mark.parametrize(
    "says",
    [{"target": "/etc"}, {"shares": [{"tree": "00" * 32, "subfolder": "/x"}]}, {"overwrite": "x"}],
)
def test_an_act_says_no_more_than_it_may(tmp_path: Path, says: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        fill(tmp_path / "ra", says)


def test_a_tree_is_named_by_its_whole_id(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="00"):
        fill(tmp_path / "ra", {"shares": [{"tree": "00"}]})


def test_what_was_typed_is_nothing_for_an_act_to_say(tmp_path: Path) -> None:
    (tmp_path / "ra").mkdir(mode=0o700)
    (tmp_path / "ra" / "mine.txt").write_text("của tôi")
    victim = tmp_path / "manifest.json"
    victim.write_text('{"databases": []}')
    fill(tmp_path / "ra", {"site": "..", "delete": True, "databases": {"db": {"name": "x"}}})
    assert (tmp_path / "ra" / "mine.txt").exists()
    assert victim.read_text() == '{"databases": []}'
    assert not (fill(tmp_path / "khong", {"site": "a"}, dry_run=True) / "a.txt").exists()


def test_a_snapshots_link_leads_no_manifest_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "ra").mkdir(mode=0o700)
    victim = tmp_path / "kho" / "manifest.json"
    victim.parent.mkdir()
    victim.write_text('{"databases": []}')
    (tmp_path / "ra" / "cong-xa").symlink_to(victim.parent)
    fill(tmp_path / "ra", {"databases": {"db": {"name": "db"}}})
    assert victim.read_text() == '{"databases": []}'


def a_link(place: Path, elsewhere: Path) -> None:
    place.symlink_to(elsewhere)
    os.lchown(place, SOMEBODY, SOMEBODY)


def a_folder_of_theirs(place: Path, _elsewhere: Path) -> None:
    place.mkdir()
    os.chown(place, SOMEBODY, SOMEBODY)


@only_root
@pytest.mark.parametrize("plant", [a_link, a_folder_of_theirs])
def test_an_act_that_never_asks_to_look_is_refused_what_others_have_put_there(
    tmp_path: Path, plant: Callable[[Path, Path], None]
) -> None:
    shared, victim = tmp_path / "tmp", tmp_path / "root's own"
    for it in (shared, victim):
        it.mkdir(mode=0o700)
    shared.chmod(0o1777)
    plant(shared / "ra", victim)
    with pytest.raises((SharedFolderError, StrangeLinkError)):
        fill(shared / "ra")
    assert not [*victim.iterdir(), *(shared / "ra").iterdir()]


def test_an_act_that_names_no_closed_folder_opens_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.backups.restore.there.INSTALLED_PATH", tmp_path / "ra" / "estate.toml")
    with pytest.raises(WrongUseError, match="which the service keeps"):
        fill(tmp_path / "ra" / "below")
    with pytest.raises(WrongUseError, match="which the service keeps"):
        restore_order({"type": "look", "closed": []}, tmp_path / "ra")
    assert not (tmp_path / "ra").exists()


# The line ----------------------------------------------------------------------------------------


@contextmanager
def line_to() -> Iterator[socket.socket]:
    """Be an act; gives the end of who types."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with closing(here), closing(there), opening_through(here):
        yield there


@pytest.mark.parametrize(
    "said",
    [b"x", b'{"done": 7}', b'{"open": "/etc/shadow"}', b'{"line": null, "start": [1]}',
     b'{"done": "\\ud800"}', b'{"done": "{}", "path": "/x"}', b"[" * 9_000],
)  # fmt: skip
def test_nonsense_of_the_typists_process_ends_the_act_with_words(said: bytes) -> None:
    with line_to() as typist:
        typist.send(said)
        with pytest.raises(FailedThereError, match="makes no sense"):
            do_there(b"{}", [], SILENT, dict)


def test_a_flood_of_lines_ends_the_act(capsys: pytest.CaptureFixture[str]) -> None:
    with line_to() as typist:

        def flood() -> None:
            for _ in range(10_002):
                typist.send(b'{"line": ""}')

        thread = threading.Thread(target=flood)
        thread.start()
        with pytest.raises(FailedThereError, match="makes no sense"):
            do_there(b"{}", [], SILENT, dict)
        thread.join(10)
    assert len(capsys.readouterr().out) == 10_000


def test_a_typist_who_has_gone_ends_the_act() -> None:
    with line_to() as typist:
        typist.shutdown(socket.SHUT_RDWR)
        with pytest.raises((BrokenOffError, BrokenPipeError)):
            do_there(b"{}", [], SILENT, dict)


def test_a_typist_who_stands_still_does_not_hold_the_act(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.terminal.there._MOST_SILENT_SECONDS", 0.1)
    with line_to(), pytest.raises(FailedThereError, match="says nothing any more"):
        do_there(b"{}", [], SILENT, dict)


def test_a_typist_who_works_long_says_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.terminal.there._BEAT_SECONDS", 0.05)
    monkeypatch.setattr("ops.terminal.there._MOST_SILENT_SECONDS", 0.5)

    def work(_order: bytes, ends: list[int], _progress: Progress) -> bytes:
        os.close(ends[0])
        time.sleep(1)
        return b"{}"

    assert answered_by(work) == {}


def answered_by(work: Work) -> dict[str, object]:
    """Do a part in another thread, as a client does; gives what the act gets."""
    with line_to() as typist:

        def serve() -> None:
            serve_opening(typist, WasTyped({}), lambda given: do_here(typist, work, given))

        thread = threading.Thread(target=serve)
        thread.start()
        here, there = socket.socketpair()
        try:
            with closing(here):
                return do_there(b'{"n": 1}', [there], SILENT, dict)
        finally:
            typist.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def test_what_is_done_there_tells_lines_and_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    def work(order: bytes, ends: list[int], progress: Progress) -> bytes:
        from ops.terminal.output import write_line

        write_line("\x1b[2J một dòng")
        progress.start("restore files", 3, "bytes")
        progress.advance(3)
        for number in range(10_001):
            progress.item_error(b"%d" % number, "restore", UsageError("lost"))
        progress.finish()
        os.close(ends[0])
        return json.dumps({"got": order.decode(), "ends": len(ends)}).encode()

    assert answered_by(work) == {"got": '{"n": 1}', "ends": 1}
    told = capsys.readouterr().out
    assert "một dòng" in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("error", "kind"),
    [(UsageError("no {x}", x="{y}"), WrongUseError), (OSError(28, "full"), FailedThereError)],
)
def test_what_fails_there_is_said_here(error: Exception, kind: type[Exception]) -> None:
    def work(_order: bytes, ends: list[int], _progress: Progress) -> bytes:
        os.close(ends[0])
        raise error

    with pytest.raises(kind) as caught:
        answered_by(work)
    assert ("no {y}" if isinstance(error, UsageError) else "OSError") in str(caught.value)
