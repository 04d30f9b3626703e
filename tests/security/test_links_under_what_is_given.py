"""Root gives files away while a process of their owner-to-be swaps folders for links."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from ops.backups.restore.owners import Unset, command_for, make_list, tell_unset
from ops.entering import StrangeLinkError
from ops.recovery.place_files import give_to
from tests.installed_machine import SERVICE, only_root
from tests.security.test_links_under_restores import (
    EVIL,
    WWW,
    assert_untouched,
    folder,
    give,
    waiting,
)

__all__ = ["folder"]

pytestmark = pytest.mark.slow


# Waits until the folder `a` was listed, and swaps it then: $1 the folder above, $2 whereto.
SWAP_WHEN_LISTED = """
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
watch = libc.inotify_init()
libc.inotify_add_watch(watch, b"a", 0x10)  # IN_CLOSE_NOWRITE
print("there", flush=True)
os.read(watch, 4096)
os.rename("a", "b")
os.symlink(sys.argv[2], "a")
os.read(watch, 4096)
"""


@only_root
def test_what_a_recovery_gives_is_nothing_that_was_swapped(folder: Path) -> None:
    scratch = folder / "scratch"
    (scratch / "a").mkdir(parents=True)
    (scratch / "a" / "shadow").touch()
    for number in range(10_000):
        (scratch / f"f{number}").touch()
    give(scratch)
    (scratch / "of root").touch()
    (scratch / "link").symlink_to(folder / "etc" / "shadow")
    owner = pwd.getpwuid(WWW)

    with waiting(SWAP_WHEN_LISTED, scratch, folder / "etc"):
        give_to(owner, [scratch / "a" / "shadow"], [scratch])

    assert_untouched(folder)
    assert (scratch / "of root").stat().st_uid == (scratch / "link").lstat().st_uid == WWW
    with pytest.raises(StrangeLinkError):
        give_to(owner, [scratch / "a" / "shadow"], [])
    assert_untouched(folder)


# Swaps a folder for a link and back for as long as it may: $1 the folder, $2 whereto.
SWAP_FOR_EVER = """
import os, sys
at, there = sys.argv[1:]
os.chdir(os.path.dirname(at))
print("there", flush=True)
while True:
    try:
        os.rename(at, at + ".was")
        os.symlink(there, at)
        os.unlink(at)
        os.rename(at + ".was", at)
    except OSError:
        pass
"""


@only_root
def test_a_list_of_owners_gives_nothing_through_a_swapped_folder(folder: Path) -> None:
    target = folder / "target"
    inner = target / "site" / "tmp" / "x"
    inner.mkdir(parents=True)
    (inner / "shadow").write_text(EVIL)
    give(target, SERVICE)
    for path in (inner.parent, inner):
        path.chmod(0o777)
    names = (b"./site", b"./site/tmp", b"./site/tmp/x", b"./site/tmp/x/shadow")
    owner = b"%d:%d" % (WWW, WWW)
    records = {it: (owner, b"0644" if it.endswith(b"shadow") else b"0777") for it in names}
    (target / "site.owners").write_bytes(b"".join(make_list(records, os.fsencode(target))))
    command = command_for(target, "site.owners").replace("sudo ", "")

    inner.rename(inner.with_name("old"))
    inner.symlink_to(folder / "etc")
    stopped = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert stopped.returncode != 0
    assert "./site/tmp/x: not a folder any more" in stopped.stderr
    assert_untouched(folder)
    assert inner.parent.stat().st_uid == 0  # closed until it is put right and typed again
    inner.unlink()
    inner.with_name("old").rename(inner)
    inner.parent.chmod(0o777)

    with waiting(SWAP_FOR_EVER, inner, folder / "etc"):
        for _turn in range(3):
            subprocess.run(["sh", "-c", command], capture_output=True, check=False)
            assert_untouched(folder)
    for path in inner.parent.iterdir():  # wherever he was when the folder was closed
        if path.is_symlink():
            path.unlink()
        elif path != inner:
            path.rename(inner)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {it.lstat().st_uid for it in (target / "site").rglob("*")} == {WWW}
    assert (target.stat().st_uid, target.stat().st_mode & 0o7777) == (SERVICE, 0o755)


@only_root
def test_no_list_for_root_is_put_where_others_may_write(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unset = Unset(records={b"./site": (b"%d:%d" % (WWW, WWW), b"0755")})
    (folder / "target" / "site").mkdir(parents=True)
    for above in (folder, folder / "target"):
        above.chmod(0o777)
        assert tell_unset(unset, folder / "target", "site") is None
        assert "xargs" not in capsys.readouterr().out
        above.chmod(0o755)
    assert [it.name for it in (folder / "target").iterdir()] == ["site"]
    assert tell_unset(unset, folder / "target", "site") == folder / "target" / "site.owners"
    assert "sudo xargs -0 " in capsys.readouterr().out
