"""Root gives files away while a process of their owner-to-be swaps folders for links."""

import pwd
from pathlib import Path

import pytest

from ops.entering import StrangeLinkError
from ops.recovery.place_files import give_to
from tests.installed_machine import only_root
from tests.security.test_links_under_restores import (
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
