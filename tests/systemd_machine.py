"""A real systemd, the first process of namespaces of its own, over a copy of this machine; by root.

The copy is an overlay: it shows what is installed here, and what is written there lies in memory
and goes with it. It has its own processes, mounts, control groups, devices, host name and network
(a loopback). Of systemd's own units it has the targets and the journal, nothing that this machine
starts. Whoever kills the test ends it, too.

1. In a mount namespace of its own, the layers in memory and a control group are made.
2. In all the other namespaces the root is put together and entered; systemd is started there.
3. At the end the first process is killed, with which the kernel ends all, and the group goes.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.private_server import end, tie

ROOT = Path(__file__).parents[1]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNITS = "/usr/local/lib/systemd/system"
_TARGETS = ("basic", "local-fs", "multi-user", "network", "network-online", "paths", "shutdown",
            "slices", "sockets", "swap", "sysinit", "timers", "umount")  # fmt: skip
_JOURNAL = (
    "systemd-journald.service",
    "systemd-journald.socket",
    "systemd-journald-dev-log.socket",
)
_SYSTEMD = "/usr/lib/systemd/systemd"
_BOOT_SECONDS = 60
_LOOK_EVERY_SECONDS = 0.05

# $1 the folder; it waits for the machine's end and takes its control group away.
_OUTSIDE = """
set -eu; cd "$1"
mount -t tmpfs -o mode=755 none layers; mkdir layers/groups
mount -t cgroup2 none layers/groups
group=$PWD/layers/groups$(sed -n 's/^0:://p' /proc/self/cgroup)/giucong-test-$$
mkdir "$group"
trap 'kill -s KILL "$machine"; wait "$machine" || true' TERM
sh -c 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"' sh "$group" setpriv --pdeathsig=KILL \
  unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup bash -c "$INSIDE" bash "$@" &
machine=$!
wait "$machine" || true
for _ in $(seq 100); do
  find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || true
  [ -e "$group" ] || exit 0
  sleep 0.05
done
"""

# $1 the folder, $2 the checkout, $3 its Python environment, $4 Python's own folder.
_INSIDE = """
set -eu; shopt -s nullglob; work=$PWD new=$PWD/layers/root
umount -l layers/groups
mkdir -p layers/{upper,work,code,codework,root}
mount -t overlay -o "lowerdir=/,upperdir=$work/layers/upper,workdir=$work/layers/work" none "$new"
mount -t proc none "$new/proc"; mount -t sysfs none "$new/sys"
mount -t cgroup2 none "$new/sys/fs/cgroup"
for it in run tmp dev; do mount -t tmpfs -o mode=1777 none "$new/$it"; done
chmod 755 "$new"/{run,dev}
cp -a /dev/{null,zero,full,random,urandom,tty} "$new/dev"
mkdir -p "$new"/dev/{pts,shm} "$new"/{opt/giucong,var/lib/giucong} "$new/$4"
mount -t devpts -o newinstance,ptmxmode=666 none "$new/dev/pts"
mount -t tmpfs -o mode=1777 none "$new/dev/shm"
ln -s pts/ptmx "$new/dev/ptmx"; ln -s /proc/self/fd "$new/dev/fd"
touch "$new/dev/console"; mount --bind console.log "$new/dev/console"
mount --bind disk "$new/var/lib/giucong"
mount --bind "$4" "$new/$4"
for it in $(readlink -m "$4" | tr / ' '); do at=${at-}/$it; chmod o+x "$new$at"; done
mount -t overlay -o "lowerdir=$2,upperdir=$work/layers/code,workdir=$work/layers/codework" \
  none "$new/opt/giucong"
grep -lIs "$2" "$new/opt/giucong/${3#"$2"/}"/{bin/*,lib/*/site-packages/*.pth} \
  | xargs sed -i "s:$2:/opt/giucong:"
mkdir -p "$new/etc/systemd/system" "$new$UNITS/sysinit.target.wants"
mount -t tmpfs none "$new/etc/systemd/system"
for it in $UNIT_NAMES; do ln -sf "/usr/lib/systemd/system/$it" "$new$UNITS"; done
ln -sf "$new$UNITS"/systemd-journald* "$new$UNITS/sysinit.target.wants"
ip link set lo up; hostname giucong-test
cd "$new"; mkdir -p mnt; pivot_root . mnt; umount -l mnt; mount --make-rshared /
exec env -i container=giucong-test PATH="$PATH" SYSTEMD_UNIT_PATH="/etc/systemd/system:$UNITS" \
  SYSTEMD_GENERATOR_PATH=/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/none \
  /usr/lib/systemd/systemd --unit=multi-user.target --show-status=yes
"""


@dataclass(frozen=True, slots=True)
class SystemdMachine:
    """A machine that is up.

    Attributes:
        first: The process id of its systemd, as seen from here.
        console: What systemd says on its console.
    """

    first: int
    console: Path

    def run(
        self, *words: str, check: bool = True, typed: str = "", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command in it, as root.

        Args:
            words: The command.
            check: Whether it has to end with 0.
            typed: Its standard input.
            environment: More of its environment.
        """
        variables = {"PATH": PATH, "LANG": "C.UTF-8", "GIUCONG_LANG": "en",
                     "SYSTEMD_UNIT_PATH": f"/etc/systemd/system:{UNITS}"}  # fmt: skip
        done = subprocess.run(
            ["nsenter", f"--target={self.first}", "--all", *words],
            env={**variables, **environment}, input=typed, capture_output=True, text=True,
            check=False, timeout=240,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def script(self, text: str) -> "subprocess.CompletedProcess[str]":
        """Run lines of a shell in the copy of the checkout, in which each has to succeed."""
        return self.run("sh", "-euc", f"cd /opt/giucong\n{text}")

    def journal(self, unit: str) -> str:
        """Give what a unit has said."""
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout


@contextmanager
def systemd_machine(folder: Path) -> Iterator[SystemdMachine]:
    """Boot it; the checkout is at /opt/giucong there, /var/lib/giucong on the disk of the folder.

    Raises:
        RuntimeError: It does not come up; the text says what it said last.
    """
    if os.geteuid() != 0:
        raise RuntimeError("a systemd of its own takes root: sudo make soak")
    if not Path(_SYSTEMD).exists():
        raise RuntimeError("systemd is missing: apt-get install systemd")
    for name in ("layers", "disk"):
        (folder / name).mkdir()
    console = folder / "console.log"
    console.touch()
    names = [f"{it}.target" for it in _TARGETS] + list(_JOURNAL)
    environment = {"PATH": PATH, "INSIDE": _INSIDE, "UNITS": UNITS, "UNIT_NAMES": " ".join(names)}
    words = [str(folder), str(ROOT), sys.prefix, str(Path(sys.executable).resolve().parents[1])]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*tie("TERM"), "unshare", "--mount", "sh", "-c", _OUTSIDE, "sh", *words],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        machine = SystemdMachine(_await_first(process, folder), console)
        _await_boot(machine)
        yield machine
    finally:
        end(process)


def _await_first(process: "subprocess.Popen[bytes]", folder: Path) -> int:
    """Wait until systemd has taken the place of what made its root."""
    deadline = time.monotonic() + _BOOT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        for it in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # ended since it was listed
                if it.name() == "systemd":
                    return it.pid
        time.sleep(_LOOK_EVERY_SECONDS)
    raise RuntimeError((folder / "log").read_text(errors="replace")[-3000:])


def _await_boot(machine: SystemdMachine) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while machine.run("systemctl", "is-active", "multi-user.target", check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise RuntimeError(machine.console.read_text(errors="replace")[-3000:])
        time.sleep(_LOOK_EVERY_SECONDS)
