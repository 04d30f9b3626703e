"""Restored folders at the places where the site looks for them, its configuration unchanged.

What the site writes goes into memory, over the restored files: those stay as they came.
"""

from collections.abc import Iterable
from pathlib import Path

from ops.drills.sandbox import system_calls as calls
from ops.drills.sandbox.new_root import SYSTEM
from ops.drills.sandbox.places import OVERLAYS
from ops.drills.sandbox.plan import FilesPlan

_KEPT = frozenset({"/", "/etc", "/dev", "/proc", "/run", "/tmp", "/var", "/root", *SYSTEM})  # noqa: S108 -- the sandbox's own
"""Places of the sandbox itself; a restored folder from there is not laid over it."""


def put_in_place(files: Iterable[FilesPlan]) -> tuple[FilesPlan, ...]:
    """Show each restored folder at its live path, outer ones first; gives those that are shown.

    Raises:
        OSError: The kernel refuses.
    """
    shown = []
    for number, part in enumerate(sorted(files, key=lambda it: len(it.live))):
        if part.live.rstrip("/") in _KEPT or not Path(part.restored).is_dir():
            continue
        _make_room(part.live)
        _lay_over(part.restored, part.live, f"files-{number}")
        shown.append(part)
    return tuple(shown)


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
