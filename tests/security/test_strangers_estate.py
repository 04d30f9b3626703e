"""An estate that a stranger has written, or could put in the place of another, is nobody's order.

It names commands, keys and a catalog without roles: whoever types `giucong` would run it.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.installed_machine import (
    COMMAND_SITE,
    OPERATOR,
    give,
    only_root,
    open_folder,
    run_installed,
    words_for_python_of_all,
)
from tests.integration.jobs.small_estate import ESTATE, GIUCONG, build_estate, giucong_words

STRANGER = 1063
TASKS = (["backup.init"], ["backup.run", "--site", "lenh"], ["catalog.trust", "--reason", "x"])
"""Of the three only the last passes no door."""


class Trap:
    """An estate with a command of a stranger's, whose state is a folder of the victim's.

    Attributes:
        top: Root's; all may enter it.
        here: Holds the estate.
        state: The victim's.
        mark: What the command makes when it runs.
        victim: Who types.
    """

    def __init__(self, top: Path, victim: int) -> None:
        self.top, self.here, self.victim = top, build_estate(top / "here").parent, victim
        self.state, self.mark = top / "victims", top / "mark/it"
        for folder in (self.state, self.mark.parent):
            folder.mkdir()
            os.chown(folder, victim, victim)
        text = ESTATE.replace('"state"', f'"{self.state}"')
        text = text.replace("sqlite:///state", f"sqlite:///{self.state}")
        self.estate = self.here / "estate.toml"
        self.estate.write_text(
            text + COMMAND_SITE.format(script=self.here / "run.sh"), encoding="utf-8"
        )
        (self.here / "run.sh").write_text(f"id -u > {self.mark}; echo x\n")
        give(STRANGER, self.here)

    def type(self, *words: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Type something in a folder, on a machine on which nothing is installed."""
        rights = [f"--reuid={self.victim}", f"--regid={self.victim}", "--clear-groups"]
        return subprocess.run(
            [*words_for_python_of_all(), "setpriv", *rights, *giucong_words(), *words],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "GIUCONG_LANG": "en"},
            cwd=folder or self.here, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip


@pytest.fixture
def top() -> Iterator[Path]:
    with open_folder("giucong-stranger-") as folder:
        yield folder


def _leave_it(trap: Trap) -> Path:
    """Leave all as it is: in a folder of the stranger's."""
    return trap.here


def _like_tmp(trap: Trap) -> Path:
    """Put it where everybody may put files."""
    os.chown(trap.here, 0, 0)
    trap.here.chmod(0o1777)
    return trap.here


def _lend_the_file(trap: Trap) -> Path:
    """Have the file be the victim's, in a folder of the stranger's."""
    os.chown(trap.estate, trap.victim, trap.victim)
    return trap.here


def _moved_to_tmp(trap: Trap) -> Path:
    """Move a file of the victim's to where everybody may put files."""
    _like_tmp(trap)
    return _lend_the_file(trap)


def _above(trap: Trap) -> Path:
    """Have all be the victim's, in a folder of the stranger's: that one swaps what lies there."""
    holder = trap.top / "holder"
    holder.mkdir()
    give(trap.victim, trap.here)
    trap.here = trap.here.rename(holder / "here")
    os.chown(holder, STRANGER, STRANGER)
    return trap.here


def _linked(trap: Trap) -> Path:
    """Lead there by a link of the stranger's, who changes it afterwards."""
    give(trap.victim, trap.here)
    folder = trap.top / "link"
    folder.mkdir(mode=0o1777)
    folder.chmod(0o1777)
    (folder / "estate.toml").symlink_to(trap.estate)
    os.chown(folder / "estate.toml", STRANGER, STRANGER, follow_symlinks=False)
    return folder


def _included(trap: Trap) -> Path:
    """Have an estate of the victim's include the stranger's."""
    more = trap.top / "more"
    more.mkdir()
    site = COMMAND_SITE.format(script=trap.here / "run.sh")
    text = trap.estate.read_text(encoding="utf-8").removesuffix(site)
    (more / "more.toml").write_text(site, encoding="utf-8")
    give(trap.victim, trap.here)
    include = f'schema = 1\ninclude = ["{more}/*.toml"]'
    trap.estate.write_text(text.replace("schema = 1", include, 1), encoding="utf-8")
    give(STRANGER, more)
    return trap.here


def _including(trap: Trap) -> Path:
    """Have an estate of the victim's include whatever comes, and come after it was looked at."""
    folder = _included(trap)
    (trap.top / "more/more.toml").unlink()
    os.chown(trap.top / "more", 0, 0)
    (trap.top / "more").chmod(0o1777)
    return folder


LAID = {
    "a folder of the stranger's": _leave_it, "a folder like /tmp": _like_tmp,
    "a file of the victim's": _lend_the_file, "a file moved to /tmp": _moved_to_tmp,
    "the folder above": _above, "a link": _linked, "an included file": _included,
    "an included folder": _including,
}  # fmt: skip


@only_root
@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, OPERATOR], ids=["root", "an operator"])
@pytest.mark.parametrize("lay", LAID.values(), ids=LAID)
def test_nobody_runs_what_a_stranger_has_laid(
    top: Path, lay: Callable[[Trap], Path], victim: int
) -> None:
    trap = Trap(top, victim)
    folder = lay(trap)
    named = ("--estate", str(folder / "estate.toml"))
    ended = [trap.type("backup.init", folder=folder)]
    ended += [trap.type(*named, *words, folder=Path("/")) for words in TASKS]

    assert [it.returncode for it in ended] == [1] * len(ended), ended
    assert all("is not believed" in it.stderr for it in ended), ended
    assert not trap.mark.exists()
    assert list(trap.state.iterdir()) == []


@only_root
@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, OPERATOR], ids=["root", "an operator"])
def test_an_own_estate_below_tmp_is_believed(top: Path, victim: int) -> None:
    trap = Trap(top, victim)
    give(victim, trap.here)
    top.chmod(0o1777)  # what root and the victim have put there stays theirs
    ended = [trap.type(*words) for words in TASKS[:2]]

    assert [it.returncode for it in ended] == [0, 0], ended
    assert trap.mark.read_text() == f"{victim}\n"


@only_root
@pytest.mark.slow
def test_root_acts_for_the_installed_estate_wherever_it_stands(top: Path) -> None:
    """Also where the one beside it is root's own: it is named where it is meant."""
    trap = Trap(top, 0)
    installed = build_estate(top / "installed").parent
    typed = ["sh", "-c", f"{GIUCONG} backup.init; {GIUCONG} backup.run --site lenh"]
    ended = run_installed(installed, *typed, folder=trap.here)
    give(0, trap.here)
    own = run_installed(
        installed, *giucong_words(), "backup.run", "--site", "lenh", folder=trap.here
    )
    words = ("--estate", "estate.toml", "backup.init")
    named = run_installed(installed, *giucong_words(), *words, folder=trap.here)

    assert 'no site is called "lenh"' in ended.stderr
    assert 'no site is called "lenh"' in own.stderr
    assert (installed / "stores/near/cong-xa").exists()
    assert (named.returncode, (trap.here / "stores/near/lenh").exists()) == (0, True), named
    assert not trap.mark.exists()


@only_root
@pytest.mark.slow
@pytest.mark.parametrize("where", ["the state folder is root's", "no state folder is there yet"])
def test_the_services_own_estate_is_no_order_to_root(top: Path, where: str) -> None:
    """Before the upgrade /etc/giucong is the service's; root becomes the service, or stops."""
    trap = Trap(top, 0)
    if where == "no state folder is there yet":
        trap.state.rmdir()
    ended = [run_installed(trap.here, *giucong_words(), *words) for words in TASKS]

    assert [it.returncode for it in ended] == [1] * len(TASKS), ended
    assert all(
        "the estate file /etc/giucong/estate.toml is not believed" in it.stderr
        or "the estate file /etc/giucong is not believed" in it.stderr
        for it in ended
    ), ended
    assert not trap.mark.exists()
