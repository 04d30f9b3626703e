"""What goes wrong on a host while its folders are read, in each way of reading them."""

import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backup.errors import SourceError
from backup.sources.remote.busybox_tree import open_busybox_tree
from backup.sources.remote.command_output import open_command_output
from backup.sources.remote.gnu_tree import open_tool_tree
from backup.sources.remote.open import find_way, open_remote_tree
from backup.sources.remote.python_tree import open_python_tree
from ops.language.text import render_error
from provisioning.hosts import Command, HostProcess
from provisioning.local_host import LocalHost
from provisioning.ssh.errors import make_unknown_key
from provisioning.ssh.host_keys import HostKey
from provisioning.ssh.targets import SshTarget
from tests.backing_up import back_up, make_repository, read_back
from tests.integration.remote.test_remote_trees import Open, back_up_there
from tests.remote_hosts import BareHost, CutHost, MeddlingHost

NOBODY = 65534


class NobodysHost(LocalHost):
    """Its commands run as nobody, who may not read everything."""

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator[HostProcess]:  # type: ignore[override]  # a process is a process
        words = [b"setpriv", b"--reuid=65534", b"--regid=65534", b"--clear-groups"]
        words += [b"env", b"PATH=/usr/bin:/bin"]
        with super().start([*words, *command], timeout=timeout) as process:
            yield process


@pytest.fixture
def readable() -> Iterator[Path]:
    """Give a folder that nobody can get to; pytest's own is for its owner alone."""
    with tempfile.TemporaryDirectory(prefix="giucong-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("opened", [open_python_tree, open_tool_tree, open_busybox_tree])
def test_a_closed_folder_is_told_and_the_rest_is_saved(readable: Path, opened: Open) -> None:
    for name in ("closed", "open"):
        (readable / "tree" / name).mkdir(parents=True)
        (readable / "tree" / name / "file").write_text(name)
    repository = make_repository()
    first = back_up_there(repository, readable / "tree", NobodysHost("web1"), opened=opened)
    (readable / "tree" / "closed").chmod(0)

    second = back_up_there(repository, readable / "tree", NobodysHost("web1"), opened=opened)

    assert (first.outcome, second.outcome) == ("ok", "incomplete")
    assert [(it.path, it.text) for it in second.errors] == [
        (os.fsencode(readable / "tree" / "closed"), "Permission denied")
    ]
    assert b"/site/open/file" in read_back(repository, second)
    assert read_back(repository, first)[b"/site/closed/file"].data == b"closed"


@pytest.mark.parametrize("opened", [open_python_tree, open_tool_tree, open_busybox_tree])
def test_a_file_that_may_not_be_read_is_told(readable: Path, opened: Open) -> None:
    (readable / "tree").mkdir()
    for name in ("secret", "plain"):
        (readable / "tree" / name).write_text(name)
    (readable / "tree" / "secret").chmod(0)
    repository = make_repository()

    result = back_up_there(repository, readable / "tree", NobodysHost("web1"), opened=opened)

    assert [it.path.rpartition(b"/")[2] for it in result.errors] == [b"secret"]
    assert read_back(repository, result).keys() == {b"/site", b"/site/plain"}


@pytest.mark.parametrize("opened", [open_python_tree, open_tool_tree, open_remote_tree])
def test_a_host_that_is_not_entered_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Open
) -> None:
    def refuse(*_words: object, **_options: object) -> None:
        raise make_unknown_key(SshTarget("web1", "192.0.2.10"), HostKey("ssh-ed25519", b"key"))

    monkeypatch.setattr(LocalHost, "start", refuse)
    with pytest.raises(SourceError) as caught:
        back_up_there(make_repository(), tmp_path, LocalHost("web1"), opened=opened)

    told = render_error(caught.value)
    assert "SHA256:" in told
    assert "estate.trust --host web1`" in told
    assert "{" not in told


class GatedHost(LocalHost):
    """Its account runs no command of ours any more."""

    @contextmanager
    def start(self, command: Command, *, timeout: float | None = None) -> Iterator[HostProcess]:  # type: ignore[override]  # a process is a process
        words = [b"sh", b"-c", b"echo giucong gate: refused, no >&2; exit 126", *command]
        with super().start(words, timeout=timeout) as process:
            yield process


def test_a_gate_with_an_older_list_says_what_to_do(tmp_path: Path) -> None:
    host = GatedHost("web1")
    with pytest.raises(SourceError) as caught:
        back_up_there(make_repository(), tmp_path, host, opened=open_remote_tree)
    assert "estate.account --host web1`" in render_error(caught.value)

    with (
        pytest.raises(SourceError) as caught,
        open_command_output(host, [b"show", b"version"]) as reader,
    ):
        reader.readinto(memoryview(bytearray(10)))
    assert "estate.account --host web1`" in render_error(caught.value)


def is_about(word: bytes) -> Callable[[Command], bool]:
    """Tell commands by a word in their script."""
    return lambda command: any(word in it for it in command)


@pytest.mark.parametrize("word", [b"find ", b"exec tar", b"xargs"], ids=["find", "tar", "stat"])
@pytest.mark.parametrize("after", [0, 100, 5_000])
def test_a_line_cut_in_any_tool_leaves_no_snapshot(tmp_path: Path, word: bytes, after: int) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    for number in range(100):
        (root / f"file-{number}").write_bytes(os.urandom(100))
    repository = make_repository()
    host = CutHost(after, is_about(word))

    with pytest.raises(SourceError, match="web1"):
        back_up_there(repository, root, host, opened=open_tool_tree)
    assert repository.load_snapshots() == []


@pytest.mark.parametrize(
    ("opened", "end"),
    [
        (open_tool_tree, b"printf 'end %s' $?"),
        (open_busybox_tree, b"printf '%send %s' \"$4\" $?"),
        (open_busybox_tree, b"printf '%send %s' \"$3\" $?"),
    ],
    ids=["tools", "busybox", "busybox links"],
)
def test_a_listing_without_its_end_is_no_listing(tmp_path: Path, opened: Open, end: bytes) -> None:
    """Find was killed: what it printed is not all, though the shell ends as if it were."""
    cut: list[bytes] = []

    class Cutting(LocalHost):
        @contextmanager
        def start(self, command: Command, *, timeout: float | None = None) -> Iterator[HostProcess]:  # type: ignore[override]  # a process is a process
            words = [it.replace(end, b"true") for it in command]
            cut.extend(set(words) - set(command))
            with super().start(words, timeout=timeout) as process:
                yield process

    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(SourceError, match="web1"):
        back_up_there(make_repository(), tmp_path, Cutting("web1"), opened=opened)
    assert cut


def frame(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body


ROOT = frame(b"R", bytes(4) + struct.pack("<IIIIQQQQqqq", 0o40755, *[0] * 10) + bytes(16))
FOLDER = bytes(12) + (1).to_bytes(4, "little")  # no names, and something about the first of them


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"O", b"123"),
        frame(b"u", b"1"),
        frame(b"R", b"123"),
        frame(b"?", b""),
        ROOT + frame(b"F", FOLDER + bytes(20)),
        ROOT + frame(b"F", FOLDER[:-4] + b"\xff" * 4),
    ],
    ids=["clock", "owner", "root", "kind", "place", "count"],
)
def test_a_host_in_bad_hands_is_an_error_and_no_crash(tmp_path: Path, sent: bytes) -> None:
    (tmp_path / "sent").write_bytes(sent)
    command = (b"sh", b"-c", b'cat "$1"; cat >/dev/null', b"sh", os.fsencode(tmp_path / "sent"))
    with (
        pytest.raises(SourceError, match=r"makes no sense|to the end"),
        open_python_tree(
            LocalHost("web1"), b"/srv", one_file_system=True, command=command, timeout=20
        ) as tree,
    ):
        list(tree.list_all())


@pytest.mark.parametrize("change", ["grow", "shrink", "replace", "remove"])
def test_a_file_that_changes_under_tar_is_fetched_again(tmp_path: Path, change: str) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "keep").write_bytes(b"stays")
    (root / "log").write_bytes(os.urandom(3 << 20))
    changed: list[str] = []

    def meddle(data: bytes) -> None:
        if len(data) < 5_000 or changed:
            return
        changed.append(change)
        if change == "grow":
            with (root / "log").open("ab") as file:
                file.write(b"more")
        elif change == "shrink":
            os.truncate(root / "log", 10)
        elif change == "remove":
            (root / "log").unlink()
        else:
            (root / "new").write_bytes(b"another file")
            (root / "new").rename(root / "log")

    repository = make_repository()
    result = back_up_there(repository, root, MeddlingHost(meddle), opened=open_tool_tree)

    assert changed
    found = read_back(repository, result)
    if change == "remove":
        assert [it.path.rpartition(b"/")[2] for it in result.errors] == [b"log"]
        assert found.keys() == {b"/site", b"/site/keep"}
    else:
        assert result.outcome == "ok"
        assert found[b"/site/log"].data == (root / "log").read_bytes()


def test_the_best_way_is_found(tmp_path: Path) -> None:
    assert find_way(LocalHost("web1")) == "python"
    assert find_way(BareHost(tmp_path / "bin")) == "busybox"

    root = tmp_path / "tree"
    root.mkdir()
    (root / "-rf").write_text("một gạch ngang")
    here = back_up(make_repository(), root)
    there = back_up_there(make_repository(), root, opened=open_remote_tree)
    assert there.tree_id == here.tree_id
    bare = BareHost(tmp_path / "bin")
    assert back_up_there(make_repository(), root, bare, opened=open_remote_tree).outcome == "ok"
