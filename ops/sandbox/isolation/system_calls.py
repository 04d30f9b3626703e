"""The system calls that Python lacks: mounts, a new root; the loopback with all its addresses."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from ops.sandbox.plan import RehearsalPlan

_LIBC = ctypes.CDLL(None, use_errno=True)

# From linux/mount.h.
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
_MNT_DETACH = 2
_MOUNT_SETATTR = 442  # the same number on every processor since Linux 5.12
_AT_RECURSIVE = 0x8000
_READ_ONLY = 0x1 | 0x2 | 0x4  # MOUNT_ATTR_RDONLY, _NOSUID, _NODEV
_UP, _RUNNING = 0x1, 0x40
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
# From linux/rtnetlink.h and linux/if_addr.h.
_RTM_NEWADDR, _NLM_REQUEST_ACK_CREATE_REPLACE = 20, 0x1 | 0x4 | 0x400 | 0x100
_NLMSG_ERROR, _IFA_ADDRESS, _IFA_LOCAL, _NO_DUPLICATE_CHECK = 2, 1, 2, 0x02
LOOPBACK = "lo"


def _check(result: int, subject: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), subject)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount.

    Raises:
        OSError: The kernel refuses.
    """
    done = _LIBC.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode(),
        ctypes.c_ulong(flags),
        os.fsencode(options),
    )
    _check(done, target)


def bind(source: str, target: str) -> None:
    """Show a file or folder, with what is mounted below, at a second place.

    Raises:
        OSError: The kernel refuses.
    """
    mount(source, target, flags=MS_BIND | MS_REC)


def make_read_only(target: str) -> None:
    """Let nobody write below a mount, use its devices or gain rights by its programs."""
    attributes = struct.pack("=QQQQ", _READ_ONLY, 0, 0, 0)
    done = _LIBC.syscall(
        ctypes.c_long(_MOUNT_SETATTR),
        ctypes.c_int(-100),
        os.fsencode(target),
        ctypes.c_uint(_AT_RECURSIVE),
        attributes,
        ctypes.c_size_t(len(attributes)),
    )
    _check(done, target)


def change_root(new: str) -> None:
    """Make a mount the root, and let go of the old one with all that was mounted there."""
    os.chdir(new)
    _check(_LIBC.pivot_root(b".", b"."), new)  # pivot_root(2): the old one lies below the new now
    _check(_LIBC.umount2(b".", _MNT_DETACH), "/")
    os.chdir("/")


def bring_up_loopback() -> None:
    """Bring the loopback of this network namespace up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        flags = _read_flags(line, LOOPBACK)
        wanted = struct.pack("16sh14x", LOOPBACK.encode(), flags | _UP | _RUNNING)
        fcntl.ioctl(line, _SIOCSIFFLAGS, wanted)


def is_up(interface: str) -> bool:
    """Tell whether an interface can carry anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        return bool(_read_flags(line, interface) & _UP)


def _read_flags(line: socket.socket, interface: str) -> int:
    asked = struct.pack("16sh14x", interface.encode(), 0)
    (flags,) = struct.unpack_from("16xh", fcntl.ioctl(line, _SIOCGIFFLAGS, asked))
    return int(flags)


def add_address(address: str) -> None:
    """Give the loopback one more address.

    Args:
        address: IPv4 or IPv6.
    """
    packed, is_six = ip_address(address).packed, ":" in address
    family = socket.AF_INET6 if is_six else socket.AF_INET
    flags = _NO_DUPLICATE_CHECK if is_six else 0
    index = socket.if_nametoindex(LOOPBACK)
    body = struct.pack("=BBBBi", family, 8 * len(packed), flags, 0, index)
    for kind in (_IFA_LOCAL, _IFA_ADDRESS):
        body += struct.pack("=HH", 4 + len(packed), kind) + packed
    head = struct.pack(
        "=IHHII", 16 + len(body), _RTM_NEWADDR, _NLM_REQUEST_ACK_CREATE_REPLACE, 1, 0
    )
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as line:
        line.bind((0, 0))
        line.send(head + body)
        answer = line.recv(65_536)
    kind, code = struct.unpack_from("=4xH10xi", answer)
    if kind == _NLMSG_ERROR and code != 0:
        raise OSError(-code, os.strerror(-code), address)


PROBE_SECONDS = 2.0
_ALL_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def find_reached(probes: Iterable[str]) -> tuple[str, ...]:
    """Try to reach production; gives what answered, or is there, in the order tried.

    Args:
        probes: As in the plan.
    """
    return tuple(it for it in probes if (_is_there(it) if it.startswith("/") else _answers(it)))


def _is_there(path: str) -> bool:
    return Path(path).is_symlink() or Path(path).exists()


def _answers(target: str) -> bool:
    host, _colon, port = target.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS).close()
    except (OSError, UnicodeError):
        return False
    return True


def list_ways_out() -> tuple[str, ...]:
    """Name every interface that is up besides the loopback; a sandbox has none."""
    names = (name for _number, name in socket.if_nameindex())
    return tuple(name for name in names if name != LOOPBACK and is_up(name))


def find_web_address(url: str) -> tuple[str, int, bool]:
    """Give host, port and whether it is encrypted, of a site's address."""
    parts = urlsplit(url)
    is_encrypted = parts.scheme == "https"
    return parts.hostname or "", parts.port or (443 if is_encrypted else 80), is_encrypted


def find_names(plan: RehearsalPlan) -> tuple[str, ...]:
    """Give every name and address by which the site or a visitor finds a server; each once."""
    urls = [plan.url, *(it.address for it in plan.pages)]
    urls += [address for page in plan.pages for address in page.redirects]
    found = [urlsplit(url).hostname or "" for url in urls]
    found += [it.address for it in plan.databases]
    found += plan.addresses
    return tuple(dict.fromkeys(it for it in found if it and it != "localhost"))


def lead_here(names: Iterable[str]) -> None:
    """Have names and addresses lead to this sandbox, and let every account use every port."""
    lines = []
    for name in names:
        try:
            address = ip_address(name)
        except ValueError:
            lines.append(f"127.0.0.1 {name.encode('idna').decode()}\n")
            continue
        if not address.is_loopback:
            add_address(name)
    with Path("/etc/hosts").open("a", encoding="ascii") as file:
        file.writelines(lines)
    with suppress(OSError):  # an older kernel: only ports above 1023, as the site will tell
        _ALL_PORTS.write_text("0", encoding="ascii")
