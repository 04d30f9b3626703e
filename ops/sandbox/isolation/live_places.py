"""Restored folders at the places where the site looks for them, its configuration unchanged.

What the site writes goes into memory, over the restored files: those stay as they came.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from ops.sandbox.isolation import system_calls as calls
from ops.sandbox.isolation.new_root import OVERLAYS, SYSTEM
from ops.sandbox.plan import FilesPlan

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
