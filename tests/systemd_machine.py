"""A real systemd, the first process of namespaces of its own, over a copy of a machine; by root.

The copy is an overlay: it shows what is installed in a root, that of this machine as a rule, and
what is written there lies in memory and goes with it. It has its own processes, mounts, control
groups, devices, host name and network: a loopback, and a line to a bridge if one is given. Of the
units of its Debian it has systemd's targets, the journal and those that are named, nothing that
this machine starts. It can be booted anew from within, and finds what it wrote. Whoever kills the
test ends it, too.

1. In a mount namespace of its own, the layers in memory and a control group are made.
2. In all the other namespaces the root is put together and entered; systemd is started there. Where
   it ends by asking for a new start, this is done again over the same layers.
3. At the end the first process is killed, with which the kernel ends all, and the group goes.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.private_server import end, is_alive, tie

ROOT = Path(__file__).parents[1]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNITS = "/usr/local/lib/systemd/system"
_TARGETS = ("basic", "local-fs", "multi-user", "network", "network-online", "nss-lookup", "paths",
            "remote-fs", "shutdown", "slices", "sockets", "swap", "sysinit", "time-set", "timers",
            "umount", "reboot", "final")  # fmt: skip
_SERVICES = (
    "systemd-journald.service",
    "systemd-journald.socket",
    "systemd-journald-dev-log.socket",
    "systemd-reboot.service",
)
_SYSTEMD = "usr/lib/systemd/systemd"
_BOOT_SECONDS = 60
_LOOK_EVERY_SECONDS = 0.05

# $1 the folder; it waits for the machine's end and takes its control group away. Who is killed by
# SIGHUP asked for a new start (reboot(2) in a namespace of processes).
_OUTSIDE = """
set -eu; cd "$1"
mount -t tmpfs -o mode=755 none layers; mkdir layers/groups
mount -t cgroup2 none layers/groups
group=$PWD/layers/groups$(sed -n 's/^0:://p' /proc/self/cgroup)/giucong-test-$$
trap 'kill -s KILL "$machine"; wait "$machine" || true' TERM
status=129
while [ "$status" = 129 ]; do
  mkdir -p "$group"; status=0
  sh -c 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"' sh "$group" setpriv --pdeathsig=KILL \
    unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup bash -c "$INSIDE" bash \
    "$@" &
  machine=$!
  wait "$machine" || status=$?
  for _ in $(seq 100); do
    find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || true
    [ -e "$group" ] || break
    sleep 0.05
  done
done
"""

# $1 the folder, $2 the host name, $3 the root below; then pairs of words: a folder of this machine,
# and where it is there; after `--` pairs of folders that are only copied from.
_INSIDE = """
set -eu; shopt -s nullglob; work=$PWD new=$PWD/layers/root name=$2 below=$3; shift 3
umount -l layers/groups
[ ! -e blank ] || rm -rf blank layers/{upper,work,over-*,booted}
mkdir -p layers/{upper,work,root}
mount -t overlay -o "lowerdir=$below,upperdir=$work/layers/upper,workdir=$work/layers/work" \
  none "$new"
mount -t proc none "$new/proc"; mount -t sysfs none "$new/sys"
mount -t cgroup2 none "$new/sys/fs/cgroup"
for it in run tmp dev; do mount -t tmpfs -o mode=1777 none "$new/$it"; done
chmod 755 "$new"/{run,dev}
cp -a /dev/{null,zero,full,random,urandom,tty} "$new/dev"
mkdir -p "$new"/dev/{pts,shm}
mount -t devpts -o newinstance,ptmxmode=666 none "$new/dev/pts"
mount -t tmpfs -o mode=1777 none "$new/dev/shm"
ln -s pts/ptmx "$new/dev/ptmx"; ln -s /proc/self/fd "$new/dev/fd"
touch "$new/dev/console"; mount --bind console.log "$new/dev/console"
while [ "$1" != -- ]; do mkdir -p "$new$2"; mount --bind "$1" "$new$2"; shift 2; done; shift
number=0
while [ $# -gt 0 ]; do
  number=$((number + 1)); over=$work/layers/over-$number; mkdir -p "$over"/{upper,work} "$new$2"
  mount -t overlay -o "lowerdir=$1,upperdir=$over/upper,workdir=$over/work" none "$new$2"
  shift 2
done
if [ ! -e layers/booted ]; then
  rm -rf "$new/etc/systemd/system"; mkdir -p "$new/etc/systemd/system"
  rm -f "$new/etc/hostname"; echo "$name" > "$new/etc/hostname"
fi
mkdir -p "$new$UNITS/sysinit.target.wants"; touch layers/booted
for it in $UNIT_NAMES; do ln -sfn "/usr/lib/systemd/system/$it" "$new$UNITS/$it"; done
for it in "$new$UNITS"/systemd-journald*; do
  ln -sfn "$UNITS/${it##*/}" "$new$UNITS/sysinit.target.wants"
done
ip link set lo up; hostname "$name"
if [ -n "$ADDRESS" ]; then
  # Of the machine before: a connection that nobody answers keeps its network for minutes.
  nsenter --net="$NETWORK" ip link del "$name" 2> /dev/null || true
  ip link add eth0 type veth peer name "$name" netns "$NETWORK"
  nsenter --net="$NETWORK" ip link set "$name" master "$BRIDGE" up
  ip address add "$ADDRESS/24" dev eth0; ip link set eth0 up
fi
cd "$new"; mkdir -p mnt; pivot_root . mnt; umount -l mnt; mount --make-rshared /
exec env -i container=giucong-test PATH="$PATH" SYSTEMD_UNIT_PATH="/etc/systemd/system:$UNITS" \
  SYSTEMD_GENERATOR_PATH=/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/none \
  /usr/lib/systemd/systemd --unit=multi-user.target --show-status=yes
"""

_MOVED = """
cd /opt/giucong/.venv
[ "$1" = /opt/giucong ] || grep -lIs "$1" ready bin/* lib/*/site-packages/*.pth \
  | xargs -r sed -i "s:$1:/opt/giucong:"
"""
_ENTERED = 'for it in $(echo "$1" | tr / " "); do at=${at-}/$it; chmod o+x "$at"; done'


@dataclass(frozen=True, slots=True)
class Line:
    """A machine's line to a network.

    Attributes:
        namespace: The file of the network namespace where the bridge is.
        bridge: Its name.
        address: The machine's, whose first three numbers are those of the network.
    """

    namespace: Path
    bridge: str
    address: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What a machine is made of.

    Attributes:
        name: Its host name; 15 characters at most where it has a line.
        below: The root that it is a copy of.
        units: Units of its Debian that it has, too.
        shared: Folder there → folder here, written by both.
        copied: Folder there → folder here, which stays as it is.
        line: To a network; None: it has a loopback alone.
    """

    name: str = "giucong-test"
    below: Path = Path("/")
    units: tuple[str, ...] = ()
    shared: Mapping[str, Path] = field(default_factory=dict)
    copied: Mapping[str, Path] = field(default_factory=dict)
    line: Line | None = None


class SystemdMachine:
    """A machine that is up.

    Attributes:
        console: What systemd says on its console.
    """

    def __init__(self, process: int, folder: Path) -> None:
        """Take up one that is there.

        Args:
            process: The id of the process that ends it.
            folder: What it is made of.
        """
        self.console = folder / "console.log"
        self._process = process
        self._log = folder / "log"
        self._first = 0

    @property
    def first(self) -> int:
        """The process id of its systemd, as seen from here.

        Raises:
            RuntimeError: It does not come up; the text says what was said last.
        """
        if not _is_first(self._first):
            self._first = self._await_first()
        return self._first

    def words(self, *words: str) -> list[str]:
        """Give the words with which root runs a command in it."""
        return ["nsenter", f"--target={self.first}", "--all", *words]

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
        done = subprocess.run(
            self.words(*words), env={**VARIABLES, **environment}, input=typed, capture_output=True,
            text=True, check=False, timeout=240,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def script(self, text: str, folder: str = "/") -> "subprocess.CompletedProcess[str]":
        """Run lines of a shell in a folder, in which each has to succeed."""
        return self.run("sh", "-euc", f"cd {folder}\n{text}")

    def journal(self, unit: str) -> str:
        """Give what a unit has said."""
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout

    def await_boot(self) -> None:
        """Wait until everything is up that is started with it.

        Raises:
            RuntimeError: It does not come up; the text says what it said last.
        """
        deadline = time.monotonic() + _BOOT_SECONDS
        active = ("systemctl", "is-active", "multi-user.target")
        while self.run(*active, check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError(self.console.read_text(errors="replace")[-3000:])
            time.sleep(_LOOK_EVERY_SECONDS)

    def _await_first(self) -> int:
        """Wait until systemd has taken the place of what made its root."""
        deadline = time.monotonic() + _BOOT_SECONDS
        while is_alive(self._process) and time.monotonic() < deadline:
            for it in psutil.Process(self._process).children(recursive=True):
                if _is_first(it.pid):
                    return it.pid
            time.sleep(_LOOK_EVERY_SECONDS)
        raise RuntimeError(self._log.read_text(errors="replace")[-3000:])


VARIABLES: Mapping[str, str] = {"PATH": PATH, "LANG": "C.UTF-8", "GIUCONG_LANG": "en",
                                "SYSTEMD_UNIT_PATH": f"/etc/systemd/system:{UNITS}"}  # fmt: skip
"""What every command in a machine has in its environment."""


@contextmanager
def systemd_machine(folder: Path) -> Iterator[SystemdMachine]:
    """Boot one; the checkout is at /opt/giucong there, /var/lib/giucong on the disk of the folder.

    Raises:
        RuntimeError: It does not come up; the text says what it said last.
    """
    (folder / "disk").mkdir()
    python = Path(sys.executable).resolve().parents[1]
    shape = Shape(
        shared={"/var/lib/giucong": folder / "disk", str(python): python},
        copied={"/opt/giucong": ROOT},
    )
    with boot(folder, shape) as machine:
        machine.run("bash", "-euc", _ENTERED, "bash", str(python))
        move_environment(machine, str(ROOT))
        yield machine


def move_environment(machine: SystemdMachine, made_for: str) -> None:
    """Let the Python environment at /opt/giucong be that of the checkout there.

    Args:
        machine: Where it is.
        made_for: The checkout that it was made for.
    """
    machine.run("bash", "-euc", _MOVED, "bash", made_for)


@contextmanager
def boot(folder: Path, shape: Shape) -> Iterator[SystemdMachine]:
    """Boot a machine, which keeps what it is made of in a folder, until the block ends.

    Raises:
        RuntimeError: It does not come up; the text says what it said last.
    """
    if os.geteuid() != 0:
        raise RuntimeError("a systemd of its own takes root: type the same command with sudo")
    if not (shape.below / _SYSTEMD).exists():
        raise RuntimeError("systemd is missing: apt-get install systemd")
    (folder / "layers").mkdir()
    (folder / "console.log").touch()
    names = [*(f"{it}.target" for it in _TARGETS), *_SERVICES, *shape.units]
    line = shape.line or Line(Path(), "", "")
    environment = {"PATH": PATH, "INSIDE": _INSIDE, "UNITS": UNITS, "UNIT_NAMES": " ".join(names),
                   "NETWORK": str(line.namespace), "BRIDGE": line.bridge,
                   "ADDRESS": line.address}  # fmt: skip
    words = [str(folder), shape.name, str(shape.below)]
    words += [str(it) for there, here in shape.shared.items() for it in (here, there)]
    words += ["--", *(str(it) for there, here in shape.copied.items() for it in (here, there))]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*tie("TERM"), "unshare", "--mount", "sh", "-c", _OUTSIDE, "sh", *words],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        (folder / "pid").write_text(str(process.pid))
        machine = SystemdMachine(process.pid, folder)
        machine.await_boot()
        yield machine
    finally:
        end(process)


def _is_first(process: int) -> bool:
    """Whether a process is the systemd that is the first of a machine."""
    with suppress(OSError):  # ended meanwhile
        text = Path(f"/proc/{process}/status").read_text()
        found = dict(it.split(":\t", 1) for it in text.splitlines() if ":\t" in it)
        return found["Name"] == "systemd" and found["NSpid"].split()[-1] == "1"
    return False
