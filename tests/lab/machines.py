"""What all machines of the lab have: their names' server, the lab's authority, a real sshd."""

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.network import ADDRESSES, DOMAIN, MIDDLE, Network
from tests.lab.terminal import Typed, type_at_terminal
from tests.ssh_server import make_key
from tests.systemd_machine import VARIABLES, Shape, SystemdMachine, boot

_UNITS = ("systemd-tmpfiles-setup.service", "systemd-user-sessions.service", "ssh.service")
SERVERS = ("nginx.service", "mariadb.service", "postgresql.service", "postgresql@.service")
ROOTS_SSH = "/root" + "/.ssh"  # in two: a test looks for places of one machine
# A control group of the machine's own, as a login gets; who it is that has logged in; the command.
_AS = """
group=/sys/fs/cgroup/terminal; mkdir -p "$group"; echo 0 > "$group/cgroup.procs"
echo "$1" > /proc/self/loginuid || true; shift; exec "$@"
"""


class Machine:
    """A machine of the lab.

    Attributes:
        name: Its host name.
        address: In the lab's network.
        folder: Of the lab.
        systemd: The machine itself.
    """

    def __init__(self, name: str, folder: Path, network: Network) -> None:
        """Take up one that is there.

        Args:
            name: Its host name.
            folder: Of the lab.
            network: That it stands in.
        """
        place = folder / name
        self.name = name
        self.address = ADDRESSES[name]
        self.folder = folder
        self.systemd = SystemdMachine(int((place / "pid").read_text(encoding="ascii")), place)
        self.network = network

    def run(self, *words: str, check: bool = True, typed: str = "") -> str:
        """Run a command as root; gives what it wrote."""
        done = self.systemd.run(*words, check=check, typed=typed)
        return done.stdout

    def script(self, text: str, folder: str = "/root") -> str:
        """Run lines of a shell as root, each of which has to succeed; gives what they wrote."""
        return self.systemd.script(text, folder).stdout

    def write(self, path: str, text: str, *, mode: str = "644", owner: str = "root:") -> None:
        """Write a file, and its folders where they are missing."""
        place = shlex.quote(path)
        made = f"mkdir -p $(dirname {place}); cat > {place}"
        self.run("sh", "-euc", f"{made}; chmod {mode} {place}; chown {owner} {place}", typed=text)

    def read(self, path: str) -> str:
        """Give what a file says."""
        return self.run("cat", path)

    def words_as(self, login: str, *words: str) -> list[str]:
        """Give the words with which somebody runs a command who has logged in here.

        The kernel keeps who that is, as where PAM has let the person in.

        Args:
            login: Who has logged in.
            words: The command.
        """
        number = self.run("id", "-u", login).strip()
        home = self.run("sh", "-c", f"echo ~{login}").strip()
        who = ["setpriv", f"--reuid={login}", f"--regid={login}", "--init-groups"]
        environment = {**VARIABLES, "HOME": home, "USER": login, "LOGNAME": login}
        del environment["GIUCONG_LANG"]
        given = [f"{name}={value}" for name, value in environment.items()]
        return self.systemd.words(
            "sh", "-c", _AS, "sh", number, *who, "env", "-i", "-C", "/", *given, *words
        )

    def type(self, login: str, command: str | Sequence[str], answers: Sequence[str] = ()) -> Typed:
        """Type a command here as somebody, and answer its questions in their order."""
        words = shlex.split(command) if isinstance(command, str) else list(command)
        left = list(answers)

        def answer(_told: str) -> str:
            if not left:
                raise EOFError
            return left.pop(0)

        return type_at_terminal(self.words_as(login, *words), answer, environment=VARIABLES)

    def reboot(self, *how: str) -> None:
        """Boot it anew, in order unless flags of systemctl say how; what was written stays."""
        before = self.systemd.first
        self.run("systemctl", "reboot", *how, check=False)
        while Path(f"/proc/{before}").exists():
            time.sleep(0.05)
        self.systemd.await_boot()

    def renew(self) -> None:
        """Cut its current, and have a new machine in its place, on which nothing was written."""
        (self.folder / self.name / "blank").touch()
        self.reboot("--force", "--force")
        _join(self)


@contextmanager
def machine(
    folder: Path,
    name: str,
    network: Network,
    *,
    below: Path = Path("/"),
    units: Sequence[str] = (),
    shared: Mapping[str, Path] | None = None,
    copied: Mapping[str, Path] | None = None,
) -> Iterator[Machine]:
    """Boot one until the block ends.

    Args:
        folder: Of the lab; the machine gets one of its own there.
        name: One of `ADDRESSES`.
        network: That it stands in.
        below: The root that it is a copy of.
        units: Of its Debian, beside sshd.
        shared: Folder there → folder here.
        copied: Folder there → folder here that stays as it is.
    """
    place = folder / name
    place.mkdir()
    shape = Shape(
        name, below, (*_UNITS, *units), shared or {}, copied or {}, network.line(ADDRESSES[name])
    )
    with boot(place, shape):
        made = Machine(name, folder, network)
        _join(made)
        yield made


def _join(made: Machine) -> None:
    """Have it know names, the authority and the administrators' key; start its sshd."""
    names = [f"127.0.0.1 localhost\n{made.address} {made.name}.{DOMAIN} {made.name}\n"]
    names += [f"{at} {it}\n" for it, at in ADDRESSES.items() if it != made.name]
    made.run("rm", "-f", "/etc/resolv.conf")
    made.write("/etc/resolv.conf", f"nameserver {MIDDLE}\n")
    made.write("/etc/hosts", "".join(names))
    root = made.network.authority.root.read_text(encoding="ascii")
    made.write("/etc/ssl/certs/lab.pem", root)
    key = administrators_key(made.folder)
    made.write(f"{ROOTS_SSH}/authorized_keys", key.with_suffix(".pub").read_text(), mode="600")
    made.script(
        """
        cat /etc/ssl/certs/lab.pem >> /etc/ssl/certs/ca-certificates.crt
        ln -sf lab.pem "/etc/ssl/certs/$(openssl x509 -hash -noout -in /etc/ssl/certs/lab.pem).0"
        rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -A
        systemctl start systemd-tmpfiles-setup; systemctl start systemd-user-sessions
        systemctl -q add-wants sysinit.target systemd-tmpfiles-setup
        systemctl -q enable --now systemd-user-sessions ssh
        """
    )


def administrators_key(folder: Path) -> Path:
    """Give the key with which those who run the hosts enter all of them as root."""
    key = folder / "administrators"
    if not key.exists():
        make_key(key)
    return key
