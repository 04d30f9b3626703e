"""What machines of the lab are copies of, kept below `.lab` so that the next lab is up soon.

- The root: that of this machine, or a minimal Debian of another suite with tests/packages.txt.
- The environment that `make venv` makes, where this checkout's own is of another Python.
- The checkout as a clean copy with its history of one commit, made anew each time.

Only here is another network used than the lab's own: the package registries'.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.systemd_machine import PATH, ROOT

KEPT = ROOT / ".lab"
PROGRAM = "/opt/giucong"
_PYTHON = "usr/bin/python3"
# What leads to the registries from here, as in tests/fresh_machine.sh.
_WAY = ("http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL",
        "PIP_TRUSTED_HOST", "PIP_PROXY", "PIP_CERT")  # fmt: skip
_WAY_FILES = ("/etc/hosts", "/etc/resolv.conf", "/etc/pip.conf", "/etc/xdg/pip",
              "/etc/ssl/certs/ca-certificates.crt")  # fmt: skip

# $1 the root below, $2 a folder to work in, $3 what is to be at /opt/giucong, then the command.
_WITHIN = """
set -eu; below=$1 work=$2 program=$3; shift 3; new=$work/root
mount -t tmpfs none "$work"; mkdir "$work"/upper "$work"/layer "$new"
mount -t overlay -o "lowerdir=$below,upperdir=$work/upper,workdir=$work/layer" none "$new"
for it in dev sys; do mount --rbind "/$it" "$new/$it"; done
mount -t proc none "$new/proc"; mount -t tmpfs -o mode=1777 none "$new/tmp"
for it in $WAY_FILES; do
  [ "$below" = / ] || [ ! -e "$it" ] || { rm -rf "$new$it"; cp -rL "$it" "$new$it"; }
done
mkdir -p "$new/opt/giucong"; mount --bind "$program" "$new/opt/giucong"
exec chroot "$new" "$@"
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment as `make venv` leaves it.

    Attributes:
        folder: Where it lies here.
        made_for: The checkout whose it is.
    """

    folder: Path
    made_for: str


def copy_checkout(folder: Path) -> Path:
    """Copy what git knows of the checkout, and what it would take in, with a history of its own."""
    folder.mkdir()
    git = ["git", "-c", "safe.directory=*"]
    listed = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout  # fmt: skip
    names = [
        it for it in listed.split(b"\0") if it and os.path.lexists(os.fsencode(ROOT) + b"/" + it)
    ]
    packed = subprocess.run(
        ["tar", "--create", "--null", "--no-recursion", "--files-from=-"],
        cwd=ROOT, input=b"\0".join(names), capture_output=True, check=True,
    ).stdout  # fmt: skip
    subprocess.run(["tar", "--extract", "--no-same-owner"], cwd=folder, input=packed, check=True)
    who = ["-c", "user.name=lab", "-c", "user.email=lab@example.vn", "-c", "gc.auto=0"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "the checkout"]):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    return folder


def find_environment(below: Path) -> Environment:
    """Give an environment for a root's own Python: this checkout's, or one that is kept or made.

    Raises:
        RuntimeError: The packages cannot be had; the text says what was said last.
    """
    own = ROOT / ".venv"
    if below == Path("/") and (own / "bin/python").resolve() == Path("/", _PYTHON).resolve():
        return Environment(own, str(ROOT))
    kept = KEPT / "environments" / _digest(below)
    if not kept.exists():
        _make_environment(below, kept)
    return Environment(kept / ".venv", PROGRAM)


def _digest(below: Path) -> str:
    """Give what an environment depends on."""
    said = hashlib.sha256(os.fsencode((below / _PYTHON).resolve().name))
    for name in ("requirements.lock", "pyproject.toml"):
        said.update((ROOT / name).read_bytes())
    said.update(b"" if below == Path("/") else below.name.encode())
    return said.hexdigest()[:16]


def _make_environment(below: Path, kept: Path) -> None:
    """Make one as the page says, in a copy of the root that reaches the registries."""
    unfinished = kept.with_name(f"{kept.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    copy_checkout(unfinished)
    work = unfinished / "work"
    work.mkdir()
    say = "make venv PYTHON=/usr/bin/python3"
    _run_within(below, work, unfinished, ["sh", "-euc", f"cd {PROGRAM}; {say}"])
    work.rmdir()
    unfinished.rename(kept)


def _run_within(below: Path, work: Path, program: Path, command: list[str]) -> None:
    way = {name: os.environ[name] for name in _WAY if name in os.environ}
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _WITHIN, "sh",
         str(below), str(work), str(program), *command],
        env={"PATH": PATH, "HOME": "/root", "WAY_FILES": " ".join(_WAY_FILES), **way},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{command}: {(done.stdout + done.stderr)[-3000:]}")


def list_old() -> Iterator[Path]:
    """Yield what is kept and no lab of this checkout needs any more."""
    wanted = {_digest(Path("/"))} | {_digest(it) for it in (KEPT / "roots").glob("*")}
    yield from (it for it in (KEPT / "environments").glob("*") if it.name not in wanted)
