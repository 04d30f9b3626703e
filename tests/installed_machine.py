"""The service as it is installed, for one command: the estate in /etc/giucong, users, sudo's rule.

The command runs in a mount namespace of its own, over a copy of /etc in memory; what is changed
there goes with it. It takes root.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.integration.jobs.small_estate import GIUCONG

SERVICE, OPERATOR = 961, 1061
"""User ids of `giucong`, whose the service is, and of `nva`, whom sudo lets run `giucong`."""

# $1 a folder to mount on, $2 the estate's folder, $3 the program that sudo allows, $4 more of /etc.
_INSTALLED = f"""
set -eu; hold=$1 estate=$2 program=$3 more=$4; shift 4
mount -t tmpfs -o mode=755 none "$hold"; cp -a /etc/. "$hold"; cp -a "$more/." "$hold"
mkdir -p "$hold/giucong"; mount --bind "$hold" /etc; mount --bind "$estate" /etc/giucong
for it in giucong:{SERVICE} nva:{OPERATOR}; do
  name=${{it%:*}} id=${{it#*:}}
  echo "$name:x:$id:$id::/nonexistent:/bin/sh" >> /etc/passwd
  echo "$name:x:$id:" >> /etc/group; echo "$name:!:19000::::::" >> /etc/shadow
done
printf '%s\\n' 'Defaults env_keep += "GIUCONG_ESTATE GIUCONG_LANG"' \\
  "nva ALL = (giucong) NOPASSWD: $program" > /etc/sudoers.d/giucong
chmod 440 /etc/sudoers.d/giucong
"$@"
"""
T = TypeVar("T", bound=Callable[..., None])
COMMAND_SITE = """
[[sites]]
name = "lenh"
title = "Lệnh"
unit = "xa"
  [[sites.files]]
  name = "lenh"
  source = "command"
  command = "sh {script}"
  path = "output"
"""
"""A site whose backup runs a script."""

AS_SERVICE = ("setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}", "--clear-groups")
_AS_OPERATOR = ("setpriv", f"--reuid={OPERATOR}", f"--regid={OPERATOR}", "--clear-groups")


def only_root(test: T) -> T | None:
    """Have a test where root runs the tests: nobody else mounts, or gives files away."""
    return test if os.geteuid() == 0 else None


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """Make a folder that every user may enter, for a while."""
    with tempfile.TemporaryDirectory(prefix=prefix) as place:
        Path(place).chmod(0o755)
        yield Path(place)


def give(owner: int, *places: Path) -> None:
    """Give folders, and all in them, to a user."""
    for place in places:
        for it in (place, *place.rglob("*")):
            os.chown(it, owner, owner, follow_symlinks=False)


# Give a folder another mode, in a mount namespace of the command alone: what it holds is mounted
# again in a fresh folder of the same name.
_WITH_MODE = """
set -eu; mode=$1 folder=$2; shift 2; hold=$(mktemp -d); trap 'rmdir "$hold"' EXIT
mount --bind "$folder" "$hold"; mount -t tmpfs -o mode="$mode" none "$folder"
for it in "$hold"/* "$hold"/.[!.]*; do
  new=$folder/${it##*/}
  if [ -d "$it" ]; then mkdir "$new"; elif [ -f "$it" ]; then : > "$new"; else continue; fi
  mount --bind "$it" "$new"
done
umount -l "$hold"; "$@"
"""


def words_for_mode(mode: str, folder: Path) -> list[str]:
    """Give the words before a command for which a folder has another mode."""
    return ["unshare", "--mount", "sh", "-c", _WITH_MODE, "sh", mode, str(folder)]


def words_for_python_of_all() -> list[str]:
    """Give the words before a command in which every user may run this Python; none if all may."""
    python = Path(sys.executable)
    above = {*python.parents, *python.resolve().parents}
    closed = sorted(it for it in above if not it.stat().st_mode & 0o001)  # outer ones first
    return [word for it in closed for word in words_for_mode("755", it)]


def words_for_installed(estate: Path, more: Path | None = None) -> list[str]:
    """Give the words before a command of root's for which an estate's folder is /etc/giucong.

    Args:
        estate: The folder of the estate.
        more: A folder with more files for /etc.
    """
    places = [estate.with_name(name) for name in ("hold", "nothing")]
    for place in places:
        place.mkdir(exist_ok=True)
    told = [places[0], estate, GIUCONG, more or places[1]]
    return ["unshare", "--mount", "sh", "-c", _INSTALLED, "sh", *map(str, told)]


def run_installed(
    estate: Path,
    *words: str,
    more: Path | None = None,
    folder: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a command as root where an estate's folder is /etc/giucong.

    Args:
        estate: The folder of the estate.
        words: The command.
        more: A folder with more files for /etc.
        folder: Where the command runs.
        environment: More of its environment.
    """
    return subprocess.run(
        [*words_for_python_of_all(), *words_for_installed(estate, more), *words],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "GIUCONG_LANG": "en",
             **(environment or {})},
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


def by_operator(words: Iterable[str]) -> list[str]:
    """Give the words with which the operator has `giucong` run as the service's user."""
    return [*_AS_OPERATOR, "sudo", "-n", "-u", "giucong", str(GIUCONG), *words]
