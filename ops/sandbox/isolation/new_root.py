"""The sandbox's own root: this machine's programs, only read, the site's folders at their places.

Nothing of the machine's data is there: no store, no key, no socket, no home. `/etc` is a list of
what programs need to run, not the machine's; what the list does not have is not visible. What the
site writes goes into memory, over the restored files: those stay as they came.

Order (`enter_new_root`):

1. An empty root in memory gets the folders below.
2. Programs and the code we run from are bound into it, read-only; then devices, `/proc`, `/tmp`.
3. It becomes the root, and the machine's own is let go of.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ops.sandbox.isolation import system_calls as calls
from ops.sandbox.plan import FilesPlan

ROOM = "/drill/room"
"""The drill's own folder: restored data, only read; its parent keeps other accounts out."""

WORKSHOP = "/rehearsal"
"""Where the private servers work."""

OVERLAYS = "/overlays"
"""What the site writes over its restored files; in memory, gone with the sandbox."""

WORKSHOP_BELOW = "rehearsal"
"""The folder of a rehearsal, below the drill's own."""

MADE_BELOW = f"{WORKSHOP_BELOW}/made"
"""Where outside lies what was made in the workshop."""


def inside(path: str, work: str) -> str:
    """Give the place inside of what lies below the drill's folder outside.

    Raises:
        ValueError: It does not lie there.
    """
    return str(Path(ROOM) / Path(path).relative_to(work))


SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
# What programs read there; secrets, the service's own folder and its network are not among them.
_ETC = (
    "ImageMagick-6", "ImageMagick-7", "alternatives", "ca-certificates", "ca-certificates.conf",
    "default", "fonts", "group", "gai.conf", "java-11-openjdk", "java-17-openjdk",
    "java-21-openjdk", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "locale.conf",
    "localtime", "magic", "magic.mime", "mime.types", "nsswitch.conf", "passwd", "perl", "php",
    "protocols", "python3", "rpc", "services", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
# Where web servers and PHP write, as their packages make it; a service's own start makes the rest.
_WRITABLE = (
    "/run/apache2", "/run/lock/apache2", "/run/nginx", "/run/php", "/run/php-fpm",
    "/var/cache/apache2", "/var/cache/nginx", "/var/lib/apache2", "/var/lib/nginx",
    "/var/lib/php/sessions", "/var/lock/apache2", "/var/log", "/var/log/apache2",
    "/var/log/nginx", "/var/log/php-fpm",
)  # fmt: skip
_PACKAGES = ("ops", "archive", "backup", "provisioning", "runbooks")


def enter_new_root(work: str, memory_bytes: int) -> None:
    """Build the root and go there; afterwards nothing else of the machine can be named.

    Args:
        work: The drill's folder, absolute; its workshop is there already.
        memory_bytes: What files in memory may take at most.
    """
    calls.mount("none", "/", flags=calls.MS_REC | calls.MS_PRIVATE)
    new = f"{work}/{WORKSHOP_BELOW}/root"
    os.mkdir(new)  # noqa: PTH102 -- beside the calls that take texts
    options = f"mode=755,size={memory_bytes}"
    calls.mount("tmpfs", new, "tmpfs", calls.MS_NOSUID | calls.MS_NODEV, options)
    _bind_programs(new)
    _make_etc(new)
    _make_devices(new, memory_bytes)
    for path in ("/proc", "/tmp", "/run", "/var/tmp", "/root", OVERLAYS):  # noqa: S108 -- its own
        Path(new + path).mkdir(parents=True, exist_ok=True)
    Path(f"{new}/var/run").symlink_to("/run")
    for path in ("/tmp", "/var/tmp", "/run", *_WRITABLE):  # noqa: S108 -- its own
        Path(new + path).mkdir(parents=True, exist_ok=True)
        Path(new + path).chmod(0o1777)
    calls.mount("proc", f"{new}/proc", "proc", calls.MS_NOSUID | calls.MS_NODEV | calls.MS_NOEXEC)
    _bind_work(work, new)
    calls.change_root(new)


def _bind_programs(new: str) -> None:
    for path in SYSTEM:
        if os.path.islink(path):  # noqa: PTH114 -- beside the calls that take texts
            Path(new + path).symlink_to(Path(path).readlink())
        elif Path(path).is_dir():
            _show(path, new)
    for path in _code():
        if not Path(new + path).exists():
            _show(path, new)


def _code() -> Iterator[str]:
    here = Path(__file__).resolve().parents[3]
    yield from sorted({sys.base_prefix, sys.prefix, str(Path(sys.executable).resolve().parent)})
    yield from (str(here / name) for name in _PACKAGES)


def _show(path: str, new: str) -> None:
    target = Path(new + path)
    if Path(path).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    calls.bind(path, str(target))
    calls.make_read_only(str(target))


def _make_etc(new: str) -> None:
    etc = Path(f"{new}/etc")
    etc.mkdir()
    for name in _ETC:
        path = Path("/etc") / name
        if path.is_symlink() and not path.is_dir():
            (etc / name).symlink_to(path.readlink())
        elif path.exists():
            _show(str(path), new)
    (etc / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n", encoding="ascii")


def _make_devices(new: str, memory_bytes: int) -> None:
    folder = Path(f"{new}/dev")
    (folder / "shm").mkdir(parents=True)
    shared = str(folder / "shm")
    options = f"mode=1777,size={memory_bytes}"
    calls.mount("tmpfs", shared, "tmpfs", calls.MS_NOSUID | calls.MS_NODEV, options)
    for name in _DEVICES:
        (folder / name).touch()
        calls.bind(f"/dev/{name}", f"{folder}/{name}")
    for name, leads_to in _LINKS.items():
        (folder / name).symlink_to(leads_to)


def _bind_work(work: str, new: str) -> None:
    """Show restored data, only read and not by servers, and the workshop, which is written."""
    Path(new + ROOM).parent.mkdir(mode=0o700)
    Path(new + ROOM).mkdir()
    Path(new + WORKSHOP).mkdir()
    calls.mount(work, new + ROOM, flags=calls.MS_BIND)
    calls.make_read_only(new + ROOM)
    _open_workshop(work, new + WORKSHOP)


def _open_workshop(work: str, target: str) -> None:
    """Show what is made in the workshop; where the file system can, without waiting for its disk.

    A volatile layer leaves out every fsync: nothing in there has to outlive a power cut.
    """
    options = f"lowerdir=empty,upperdir={Path(MADE_BELOW).name},workdir=layer,volatile,userxattr"
    os.chdir(f"{work}/{WORKSHOP_BELOW}")  # paths in options may hold neither comma nor colon
    try:
        calls.mount("overlay", target, "overlay", calls.MS_NOSUID | calls.MS_NODEV, options)
    except OSError:
        calls.mount(f"{work}/{MADE_BELOW}", target, flags=calls.MS_BIND)


_KEPT = frozenset({"/", "/etc", "/dev", "/proc", "/run", "/tmp", "/var", "/root", *SYSTEM})  # noqa: S108 -- the sandbox's own
"""Places of the sandbox itself: a restored folder from there is laid into them, entry by entry."""

_NEVER = frozenset({"/dev", "/proc", "/run", "/sys", "/tmp"})  # noqa: S108 -- the sandbox's own
"""What is made anew at each start of a machine: nothing of a copy belongs there."""

_OF_SITES = frozenset({"/etc/php"})
"""What the sandbox shows of this machine, and a site may bring along."""


def put_in_place(files: Iterable[FilesPlan]) -> tuple[FilesPlan, ...]:
    """Show each restored folder at its live path, outer ones first; gives those that are not.

    A folder that is one of the sandbox's own is laid into it, entry by entry: what the sandbox has
    of its own stays, so that programs and accounts are this machine's.

    Raises:
        OSError: The kernel refuses.
    """
    hidden = []
    for number, part in enumerate(sorted(files, key=lambda it: len(it.live))):
        live = part.live.rstrip("/") or "/"
        if not Path(part.restored).is_dir():
            continue
        if live in _NEVER or live in SYSTEM:
            hidden.append(part)
        elif live in _KEPT:
            _lay_into(Path(part.restored), Path(live), f"files-{number}")
        else:
            _make_room(part.live)
            _lay_over(part.restored, part.live, f"files-{number}")
    return tuple(hidden)


def empty_caches(folders: Iterable[str]) -> None:
    """Show an empty folder of the same owner and mode in place of each; what it held is hidden."""
    for number, folder in enumerate(folders):
        if not Path(folder).is_dir() or not any(Path(folder).iterdir()):
            continue
        status, empty = Path(folder).stat(), Path(OVERLAYS) / f"cache-{number}"
        empty.mkdir(parents=True)
        os.chown(empty, status.st_uid, status.st_gid)
        empty.chmod(status.st_mode & 0o7777)
        calls.bind(str(empty), folder)


def _lay_into(restored: Path, live: Path, name: str) -> None:
    """Show what a restored folder has and the sandbox's own folder has not."""
    for number, entry in enumerate(sorted(restored.iterdir())):
        target, inner = live / entry.name, f"{name}.{number}"
        if str(target) in _NEVER:
            continue
        if entry.is_symlink():
            if not os.path.lexists(target):
                target.symlink_to(entry.readlink())
        elif entry.is_dir():
            _lay_folder(entry, target, inner)
        elif entry.is_file() and not os.path.lexists(target):
            target.touch()
            calls.bind(str(entry), str(target))


def _lay_folder(restored: Path, live: Path, name: str) -> None:
    if not os.path.lexists(live) or str(live) in _OF_SITES:
        live.mkdir(exist_ok=True)
        _lay_over(str(restored), str(live), name)
    elif live.is_dir() and not live.is_symlink() and not live.is_mount():
        _lay_into(restored, live, name)


def _make_room(live: str) -> None:
    """Make the folder; below the machine's programs, which are only read, in a layer of memory."""
    if Path(live).is_dir():
        return
    top = next((it for it in SYSTEM if live.startswith(f"{it}/")), None)
    if top is not None and not Path(top).is_symlink():
        _lay_over(top, top, top.strip("/"))
    Path(live).mkdir(parents=True)


def _lay_over(lower: str, target: str, name: str) -> None:
    room = Path(OVERLAYS) / name
    if room.exists():
        return
    status = Path(lower).stat()
    upper, work = room / "upper", room / "work"
    for it in (upper, work):
        it.mkdir(parents=True)
    upper.chmod(status.st_mode & 0o7777)
    options = f"lowerdir={lower},upperdir={upper},workdir={work},userxattr"
    calls.mount("overlay", target, "overlay", calls.MS_NOSUID | calls.MS_NODEV, options)
