"""A folder that is handed over: its person looks and changes nothing, and nobody else looks."""

import os
import resource
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ops.access.caller import Caller, acting_for
from ops.runbooks.new_folders import handed_over
from ops.terminal.elsewhere import opening_through
from tests.installed_machine import only_root

PERSON, OTHER = 40_002, 40_003
LIST = "system.posix_acl_access"
NOBODY_BUT_OTHER = struct.pack(
    "<I" + "HHI" * 5, 2, 1, 6, 2**32 - 1, 2, 7, OTHER, 4, 0, 2**32 - 1, 16, 4, 2**32 - 1,
    32, 0, 2**32 - 1,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a restore may leave: all that its snapshot had, each with a mode of its own."""
    for it in (tmp_path, *tmp_path.parents):
        if it != Path("/") and it.stat().st_uid == os.geteuid():
            it.chmod(it.stat().st_mode | 0o011)
    made = tmp_path / "place" / "new"
    (made / "open" / "deep").mkdir(parents=True)
    for name, mode in (("open/closed", 0o600), ("open/deep/run", 0o711), ("listed", 0o640)):
        (made / name).write_text(name)
        (made / name).chmod(mode)
    os.setxattr(made / "listed", LIST, NOBODY_BUT_OTHER)
    (made / "open").chmod(0o777)
    (tmp_path / "key").write_text("key")
    (tmp_path / "key").chmod(0o600)
    (made / "link").symlink_to(tmp_path / "key")
    (made / "open" / "up").symlink_to(tmp_path / "place")
    os.mkfifo(made / "pipe", 0o600)
    os.chown(made / "open" / "deep" / "run", OTHER, OTHER)
    return made


@pytest.fixture(autouse=True)
def _typed() -> Iterator[None]:
    ours, theirs = socket.socketpair()
    caller = Caller("nva", "nva", "", at_terminal=True, by_kernel=True, user=PERSON)
    with ours, theirs, opening_through(ours), acting_for(caller):
        yield


def may(user: int, do: Callable[[], object]) -> bool:
    """Tell whether somebody may do something."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            do()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@only_root
def test_its_person_reads_all_and_changes_nothing(folder: Path) -> None:
    with handed_over(folder):
        assert not may(PERSON, partial(os.listdir, folder))
    for name in ("open/closed", "listed"):
        assert may(PERSON, (folder / name).read_text)
        assert not may(PERSON, partial((folder / name).write_text, "x"))
        assert not may(OTHER, (folder / name).read_text)
    for name in (".", "open", "open/deep"):
        assert may(PERSON, partial(os.listdir, folder / name))
        assert not may(PERSON, (folder / name / "x").touch)
    assert not may(OTHER, partial(os.listdir, folder))


@only_root
def test_nothing_is_handed_over_through_a_link_nor_what_is_of_others(folder: Path) -> None:
    with handed_over(folder):
        pass
    key = folder.parent.parent / "key"
    for it in (key, folder.parent, folder / "pipe", folder / "open" / "deep" / "run"):
        assert LIST not in os.listxattr(it)


@only_root
def test_an_access_list_that_was_there_gives_nobody_more(folder: Path) -> None:
    with handed_over(folder):
        pass
    folder.chmod(0o711)
    assert may(OTHER, (folder / "listed").read_text)
    assert not may(OTHER, lambda: (folder / "listed").write_text("x"))


@only_root
def test_it_is_closed_again_for_the_next_step_and_then_is_somebody_elses(folder: Path) -> None:
    with handed_over(folder):
        pass
    other = Caller("ttb", "ttb", "", at_terminal=True, by_kernel=True, user=OTHER)
    with acting_for(other), handed_over(folder):
        assert not may(PERSON, partial(os.listdir, folder))
    assert may(OTHER, partial(os.listdir, folder))
    assert not may(PERSON, partial(os.listdir, folder))


@only_root
def test_what_cannot_be_handed_over_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")  # so that the next test stands where this one began
    below = folder
    for _ in range(1_200):
        descriptor = os.open(below, os.O_RDONLY)
        os.mkdir("d", dir_fd=descriptor)
        os.chdir(descriptor)
        os.close(descriptor)
        below = Path("d")
    os.chdir("/")
    unbounded = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, unbounded[1]))
    try:
        with handed_over(folder):
            pass
    finally:  # pytest itself goes no deeper either
        resource.setrlimit(resource.RLIMIT_NOFILE, unbounded)
        subprocess.run(["rm", "-rf", str(folder)], check=True)
    assert f"chown -R {PERSON}: {folder}" in capsys.readouterr().out.replace("\n", "")
