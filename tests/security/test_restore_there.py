"""A part of an act that another process does: it goes where the person typed, and nowhere else."""

import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from backup.errors import UsageError
from backup.format.pack import BlobType
from backup.format.tree import GO_SETGID, GO_SETUID, Node
from backup.progress import SILENT, Progress
from ops.backups.restore.tasks import Restore
from ops.backups.restore.there import restore_here
from ops.entering import SharedFolderError, StrangeLinkError
from ops.errors import OpsError, WrongUseError
from ops.meanwhile import meanwhile
from ops.terminal.document import Keeper
from ops.terminal.elsewhere import WasTyped, opening_through, serve_opening
from ops.terminal.exchange import BrokenOffError
from ops.terminal.output import BORDER
from ops.terminal.there import FailedThereError, Work, do_here, do_there
from tests.installed_machine import only_root
from tests.small_repository import SmallRepository, file_node, folder_node, id_of, tree_of
from tests.through_sockets import serving

SITE = tree_of([file_node(b"a.txt", b"one"), file_node(b"manifest.json", b"two")])
TREE = tree_of([folder_node(b"cong-xa", id_of(SITE))])
SOMEBODY = 4711
CAPABLE = bytes.fromhex("0100000202000000000000000000000000000000")
TYPED: Mapping[str, object] = {
    "site": "cong-xa", "verify": False, "overwrite": "always", "delete": False, "dry_run": False,
}  # fmt: skip


def fill(
    folder: Path,
    says: Mapping[str, object] | None = None,
    *,
    dry_run: bool = False,
    trees: Sequence[bytes] = (SITE, TREE),
) -> Path:
    """Have a process restore, whatever the act says beside; gives the folder it writes into."""
    restore(folder, says, dry_run=dry_run, trees=trees)
    return folder


def restore(
    folder: Path, says: Mapping[str, object] | None, *, dry_run: bool, trees: Sequence[bytes]
) -> dict[str, int]:
    """Do it; gives what that process says came of it.

    Args:
        folder: The folder.
        says: What the act says.
        dry_run: As it was typed.
        trees: What is served; the last one is the snapshot's.
    """
    small = SmallRepository()
    small.add_pack([(BlobType.DATA, b"one"), (BlobType.DATA, b"two")])
    small.add_pack([(BlobType.TREE, it) for it in trees])
    small.save_index()
    work = {**TYPED, "shares": [{"tree": id_of(trees[-1]).hex()}], "databases": {}, "beside": 0}
    work |= says or {}
    with serving(small.repository) as ends:
        given = [os.dup(it.fileno()) for it in ends]
        return restore_order({"type": "fill", "work": work}, folder, given, dry_run=dry_run)


def restore_order(
    order: Mapping[str, object], folder: Path, given: Sequence[int] = (), *, dry_run: bool = False
) -> dict[str, int]:
    """Have a process do what an act orders; gives its answer."""
    wish = Restore(site="cong-xa", target=str(folder), dry_run=dry_run)
    with meanwhile(BORDER, Keeper()):
        came = json.loads(restore_here(wish, json.dumps(order).encode(), list(given), SILENT))
        return dict(came)


def test_what_is_served_goes_into_the_folder_that_was_typed(tmp_path: Path) -> None:
    assert (fill(tmp_path / "ra") / "cong-xa/a.txt").read_bytes() == b"one"


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
    assert not (fill(tmp_path / "khong", {"site": "a"}, dry_run=True) / "cong-xa").exists()


def test_a_snapshots_link_leads_no_manifest_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "ra").mkdir(mode=0o700)
    victim = tmp_path / "kho" / "manifest.json"
    victim.parent.mkdir()
    victim.write_text('{"databases": []}')
    link = file_node(b"cong-xa", type="symlink", content=None, linktarget=bytes(victim.parent))
    fill(tmp_path / "ra", {"databases": {"db": {"name": "db"}}}, trees=[tree_of([link])])
    assert (tmp_path / "ra" / "cong-xa").is_symlink()
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


LENT = {
    "su": file_node(b"su", b"one", mode=GO_SETUID | 0o755),
    "sg": file_node(b"sg", b"one", mode=GO_SETGID | 0o755),
    "cap": file_node(b"cap", b"one", xattrs=(("security.capability", CAPABLE),)),
    "sda": file_node(b"sda", type="dev", content=None, device=os.makedev(8, 0), mode=0o666),
    "tty": file_node(b"tty", type="chardev", content=None, device=os.makedev(5, 0), mode=0o666),
}


def lent_in(
    folder: Path, node: Node, *, mode: int | None, unset: int
) -> tuple[os.stat_result | None, bool]:
    """Restore an entry into a folder; gives what it is then, and whether it has capabilities.

    Args:
        folder: The folder.
        node: The entry.
        mode: Of the folder; None where it is not there.
        unset: How much is to be told as left out.
    """
    if mode is not None:
        folder.mkdir()
        folder.chmod(mode)
        (folder / "cong-xa").mkdir()
        (folder / "cong-xa").chmod(0o777)
    files = tree_of([node, file_node(b"plain", b"two", mode=0o755)])
    middle = tree_of([folder_node(b"files", id_of(files))])
    site = tree_of([folder_node(b"cong-xa", id_of(middle))])
    came = restore(folder, None, dry_run=False, trees=[files, middle, site])
    assert (came["failed"], came["unset"]) == (0, unset)
    assert (folder / "cong-xa/files/plain").stat().st_mode & 0o7777 == 0o755
    assert (folder / "cong-xa").stat().st_mode & 0o077 == 0
    place = folder / "cong-xa/files" / os.fsdecode(node.name)
    if not place.exists():
        return None, False
    return place.stat(), "security.capability" in os.listxattr(place)


@only_root
@pytest.mark.parametrize("name", LENT)
def test_where_others_may_enter_nothing_lends_them_rights(tmp_path: Path, name: str) -> None:
    found, has_capability = lent_in(tmp_path / "ra", LENT[name], mode=0o755, unset=1)
    assert found is None or stat.S_ISREG(found.st_mode)
    assert found is None or not found.st_mode & 0o6000
    assert not has_capability


@only_root
@pytest.mark.parametrize("mode", [None, 0o700])
def test_in_a_closed_folder_all_is_as_it_was(tmp_path: Path, mode: int | None) -> None:
    for number, (name, node) in enumerate(LENT.items()):
        found, has_capability = lent_in(tmp_path / f"ra{number}", node, mode=mode, unset=0)
        assert found is not None
        assert has_capability == (name == "cap")
        assert bool(found.st_mode & 0o6000) == (name in {"su", "sg"})
        assert stat.S_ISREG(found.st_mode) == (name in {"su", "sg", "cap"})


@pytest.mark.parametrize("name", [b".bash_profile", b"cong-xa2", b"a"])
def test_nothing_comes_beside_the_folder_of_the_site(tmp_path: Path, name: bytes) -> None:
    beside = tree_of([folder_node(b"cong-xa", id_of(SITE)), file_node(name, b"one")])
    (tmp_path / "ra").mkdir(mode=0o700)
    with pytest.raises(OpsError, match="is no backup of"):
        fill(tmp_path / "ra", trees=[SITE, beside])
    assert not list((tmp_path / "ra").iterdir())


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
