"""Trees of files for tests: build hostile ones, generate them, describe them in full.

`describe_tree` sees everything a backup has to keep, through folder descriptors, so that no path is
too long; two descriptions are equal if and only if the trees are.
"""

# Raw names and descriptors, which pathlib does not take.
# ruff: noqa: PTH101, PTH102, PTH123, PTH208, PTH211

import hashlib
import os
import socket
import stat
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from hypothesis import strategies as st

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
NANOSECOND = 1_700_000_000_123_456_789
_ACL_ACCESS = "system.posix_acl_access"
_ACL_DEFAULT = "system.posix_acl_default"
_ANYBODY = 0xFFFFFFFF

Description = dict[bytes, dict[str, object]]


# Describing --------------------------------------------------------------------------------------


def describe_tree(root: Path | bytes, *, with_root: bool = False) -> Description:
    """Describe everything below a folder: relative path to attributes.

    Attributes are type, mode (not of symlinks), uid, gid, mtime (ns), xattrs, and as it applies
    size and sha256, target, rdev, same_as (first path of the inode where it has several names).
    Times of access and change are left out: reading and writing change them.
    """
    described: Description = {}
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    first_names: dict[tuple[int, int], bytes] = {}
    try:
        for path, folder, name, status in _walk(descriptor):
            described[path] = _describe(folder, name, status)
            if not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1:
                key = (status.st_dev, status.st_ino)
                described[path]["same_as"] = first_names.setdefault(key, path)
        if with_root:
            status = os.fstat(descriptor)
            described[b""] = {**_metadata(status), "xattrs": _xattrs(descriptor)}
    finally:
        os.close(descriptor)
    return described


def differences(expected: Description, found: Description) -> list[str]:
    """Tell two descriptions apart, one line a difference; empty where they are equal."""
    lines = []
    for path in sorted(expected.keys() | found.keys()):
        before, after = expected.get(path), found.get(path)
        if before is None or after is None:
            lines.append(f"{path!r}: {'unexpected' if before is None else 'missing'}")
            continue
        lines += [
            f"{path!r}: {key} is {after.get(key)!r}, not {before.get(key)!r}"
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
        ]
    return lines


def _walk(root: int) -> Iterator[tuple[bytes, int, bytes, os.stat_result]]:
    """Yield (path, open folder, name, lstat), ascending within each folder, parents first."""
    waiting: list[tuple[bytes, int]] = [(b"", os.dup(root))]
    while waiting:
        path, folder = waiting.pop()
        try:
            for name in sorted(os.fsencode(name) for name in os.listdir(folder)):
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                below = path + b"/" + name if path else name
                yield below, folder, name, status
                if stat.S_ISDIR(status.st_mode):
                    waiting.append((below, os.open(name, FOLDER_FLAGS, dir_fd=folder)))
        finally:
            os.close(folder)


def _metadata(status: os.stat_result) -> dict[str, object]:
    return {
        "type": stat.S_IFMT(status.st_mode),
        "mode": None if stat.S_ISLNK(status.st_mode) else stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mtime": status.st_mtime_ns,
    }


def _describe(folder: int, name: bytes, status: os.stat_result) -> dict[str, object]:
    described = _metadata(status)
    if stat.S_ISREG(status.st_mode):
        described["size"] = status.st_size
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NOATIME, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            described["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
            described["xattrs"] = _xattrs(descriptor)
        return described
    if stat.S_ISLNK(status.st_mode):
        described["target"] = os.readlink(name, dir_fd=folder)
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        described["rdev"] = (os.major(status.st_rdev), os.minor(status.st_rdev))
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    try:
        described["xattrs"] = _xattrs(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
    return described


def _xattrs(where: int | str) -> dict[str, bytes]:
    return {name: os.getxattr(where, name) for name in os.listxattr(where)}


# Building ----------------------------------------------------------------------------------------


def make_acl(entries: Mapping[tuple[int, int], int]) -> bytes:
    """Encode a POSIX access list: (tag, id) to permission bits, in the kernel's own form."""
    rows = [struct.pack("<HHI", tag, bits, who) for (tag, who), bits in entries.items()]
    return struct.pack("<I", 2) + b"".join(rows)


NAMED_USER_ACL = make_acl(
    {
        (0x01, _ANYBODY): 6,  # owner
        (0x02, 12345): 4,  # a named user
        (0x04, _ANYBODY): 4,  # group
        (0x10, _ANYBODY): 6,  # mask
        (0x20, _ANYBODY): 0,  # others
    }
)

HOSTILE_NAMES = (
    b"new\nline",
    b"tab\tbell\a",
    b'quo"te\\back\\x41slash',
    b"not-utf8-\xff\xfe\x80",
    b"half-utf8-\xc3",
    b"<b>&amp;",
    b"-rf",
    b" space at both ends ",
    b"\xc2\xa0nbsp\xe2\x80\xa8line-separator\xe2\x80\xa9",
    "Ủy ban nhân dân 🏛 e\u0301".encode(),
    b"*?[glob]",
    b"#~$(touch pwned)",
    b"n" * 255,
)


@dataclass(frozen=True)
class Kinds:
    """What a hostile tree may hold.

    Attributes:
        owned: Foreign owners, devices, trusted and security attributes: root alone makes these.
        sockets: restic leaves them out.
        deep: A path longer than the 4096 bytes a system call takes: restic cannot read that.
    """

    owned: bool = field(default_factory=lambda: os.geteuid() == 0)
    sockets: bool = True
    deep: bool = True


def build_hostile_tree(root: Path, kinds: Kinds | None = None) -> None:
    """Build one of everything a Linux file system holds below `root`, which is made."""
    kinds = kinds or Kinds()
    root.mkdir()
    _build_files(root)
    _build_names(root / "names")
    _build_links(root)
    _build_specials(root, kinds)
    _build_attributes(root)
    if kinds.owned:
        _build_owned(root)
    _build_modes(root)
    _set_times(root)
    if kinds.deep:
        build_deep_folder(root)


def _build_files(root: Path) -> None:
    files = root / "files"
    files.mkdir()
    (files / "empty").touch()
    (files / "empty-folder").mkdir()
    (files / "small").write_bytes(b"xin ch\xc3\xa0o\n")
    (files / "twin").write_bytes(b"xin ch\xc3\xa0o\n")
    (files / "zeros").write_bytes(bytes(100_000))
    (files / "medium").write_bytes(os.urandom(3_000_000))
    (files / "large").write_bytes(os.urandom(2_500_000) * 8)
    build_sparse_file(files / "sparse")


def build_sparse_file(path: Path) -> None:
    """Make a file of 12 MiB with 8 KiB in it, beginning and ending with a hole."""
    with path.open("wb") as file:
        file.truncate(12 << 20)
        file.seek((3 << 20) + 4096)
        file.write(b"a" * 4096)
        file.seek(8 << 20)
        file.write(b"b" * 4096)


def _build_names(folder: Path) -> None:
    folder.mkdir()
    for name in HOSTILE_NAMES:
        path = os.fsencode(folder) + b"/" + name
        with open(path, "wb") as file:
            file.write(name)


def _build_links(root: Path) -> None:
    links = root / "links"
    links.mkdir()
    os.link(root / "files" / "medium", links / "medium-again")
    os.link(root / "files" / "medium", links / "medium-once-more")
    os.link(root / "files" / "empty", links / "empty-again")
    targets = {
        b"relative": b"../files/small",
        b"dangling": b"/nowhere/at/all",
        b"to-itself": b"to-itself",
        b"not-utf8": b"\xff\xfe/\x80",
        b"long": b"/" + b"x" * 4000,
        b"newline": b"a\nb",
    }
    for name, target in targets.items():
        os.symlink(target, os.fsencode(links) + b"/" + name)
    os.link(links / "dangling", links / "dangling-again", follow_symlinks=False)


def _build_specials(root: Path, kinds: Kinds) -> None:
    specials = root / "specials"
    specials.mkdir()
    # No second name for a FIFO: the format counts links of files, symlinks and devices only.
    os.mkfifo(specials / "fifo", 0o640)
    if kinds.sockets:
        descriptor = os.open(specials, FOLDER_FLAGS)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{descriptor}/socket")  # names of sockets must be short
        os.close(descriptor)
    if kinds.owned:
        os.mknod(specials / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(specials / "loop", stat.S_IFBLK | 0o660, os.makedev(7, 200))
        # What overlay file systems put in the place of what was deleted.
        os.mknod(specials / "whiteout", stat.S_IFCHR, os.makedev(0, 0))
        os.mknod(specials / "wide", stat.S_IFCHR | 0o600, os.makedev(300, 70_000))
        os.link(specials / "null", specials / "null-again")


def build_deep_folder(root: Path | bytes, *, depth: int = 30) -> None:
    """Make folders in folders until the path is far longer than a system call takes."""
    folder = os.open(root, FOLDER_FLAGS)
    for number in range(depth):
        name = b"deep-%02d-" % number + b"d" * 190
        os.mkdir(name, dir_fd=folder)
        below = os.open(name, FOLDER_FLAGS, dir_fd=folder)
        os.close(folder)
        folder = below
        descriptor = os.open(b"file", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=folder)
        os.write(descriptor, name)
        os.close(descriptor)
    os.close(folder)


def _build_attributes(root: Path) -> None:
    folder = root / "attributes"
    folder.mkdir()
    for name in ("plain", "acl"):
        (folder / name).write_bytes(name.encode())
    os.setxattr(folder / "plain", "user.text", b"gi\xc3\xa1 tr\xe1\xbb\x8b")
    os.setxattr(folder / "plain", "user.binary", bytes(range(256)))
    os.setxattr(folder / "plain", "user.empty", b"")
    os.setxattr(folder, "user.of-the-folder", b"1")
    os.setxattr(folder / "acl", _ACL_ACCESS, NAMED_USER_ACL)
    inner = folder / "hands-down"
    inner.mkdir()
    (inner / "made-before").write_bytes(b"no list")
    os.setxattr(inner, _ACL_DEFAULT, NAMED_USER_ACL)


def _build_owned(root: Path) -> None:
    folder = root / "owned"
    folder.mkdir()
    for name in ("file", "setuid", "capable"):
        (folder / name).write_bytes(name.encode())
        os.chown(folder / name, 12345, 54321)
    os.symlink("file", folder / "link")
    os.chown(folder / "link", 11, 22, follow_symlinks=False)
    (folder / "setuid").chmod(0o6755)
    os.setxattr(folder / "file", "trusted.note", b"root only")
    os.setxattr(folder / "link", "trusted.note", b"of the link itself", follow_symlinks=False)
    os.setxattr(
        folder / "capable", "security.capability", struct.pack("<5I", 1 << 25, 1024, 0, 0, 0)
    )
    os.chown(folder, 4_000_000_000, 65_534)


def _build_modes(root: Path) -> None:
    folder = root / "modes"
    folder.mkdir()
    unreadable = (0o000,) if os.geteuid() == 0 else ()  # anybody but root cannot compare it
    for mode in (*unreadable, 0o400, 0o444, 0o600, 0o755, 0o777, 0o2755, 0o4711, 0o1666):
        path = folder / f"file-{mode:04o}"
        path.write_bytes(b"mode")
        path.chmod(mode)
    for mode in (0o500, 0o1777, 0o2775, 0o700):
        path = folder / f"folder-{mode:04o}"
        path.mkdir()
        (path / "inside").write_bytes(b"inside")
        path.chmod(mode)


def _set_times(root: Path) -> None:
    """Give each entry another time, to the nanosecond; folders get theirs last."""
    odd_times = (-86_400_000_000_001, 1, 4_000_000_000_999_999_999)
    # Not by rglob: that of Debian 12's Python stops at a link whose target is too long a name.
    found = (Path(at, name) for at, *names in os.walk(root) for name in chain(*names))
    for number, path in enumerate(sorted(found, reverse=True)):
        when = odd_times[number] if number < len(odd_times) else NANOSECOND + number * 1_000_000_007
        os.utime(path, ns=(when, when), follow_symlinks=False)


# Generating --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One generated entry.

    Attributes:
        kind: file, folder, symlink, fifo or link (another name of an earlier file).
        mode: Permission bits; not of symlinks and links.
        mtime: Nanoseconds.
        content: Of a file: its bytes; of a symlink: its target.
        xattrs: User attributes, names without the prefix.
        below: Of a folder: what is in it, name to entry.
        pick: Of a link: which of the earlier files, modulo their number.
    """

    kind: str
    mode: int = 0o644
    mtime: int = NANOSECOND
    content: bytes = b""
    xattrs: Mapping[str, bytes] = field(default_factory=dict)
    below: Mapping[bytes, "Entry"] = field(default_factory=dict)
    pick: int = 0


def _is_name(name: bytes) -> bool:
    return name not in (b".", b"..")


names = st.one_of(
    st.binary(min_size=1, max_size=20)
    .map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"0"))
    .filter(_is_name),
    st.text(min_size=1, max_size=20, alphabet=st.characters(codec="utf-8"))
    .map(lambda text: text.replace("/", "_").replace("\0", "0").encode())
    .filter(_is_name),
    st.sampled_from(HOSTILE_NAMES),
)
times = st.integers(-(10**18), 4 * 10**18)
# The owner can always read: tests need not be root.
modes = st.integers(0, 0o7777).map(lambda mode: mode | 0o400)
contents = st.one_of(
    st.binary(max_size=200),
    st.just(b""),
    st.builds(
        lambda size, seed: (seed * size)[:size],
        st.integers(1, 700_000),
        st.binary(min_size=1, max_size=9),
    ),
)
xattrs = st.dictionaries(
    st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8),
    st.binary(max_size=40),
    max_size=2,
)
files = st.builds(Entry, st.just("file"), modes, times, contents, xattrs)
symlinks = st.builds(
    Entry,
    st.just("symlink"),
    mtime=times,
    content=st.binary(min_size=1, max_size=40).map(lambda raw: raw.replace(b"\0", b"0")),
)
fifos = st.builds(Entry, st.just("fifo"), modes, times)
links = st.builds(Entry, st.just("link"), pick=st.integers(0, 99))


def _folders(inner: st.SearchStrategy[Entry]) -> st.SearchStrategy[Entry]:
    return st.builds(
        Entry,
        st.just("folder"),
        modes.map(lambda mode: mode | 0o700),
        times,
        xattrs=xattrs,
        below=st.dictionaries(names, inner, max_size=5),
    )


entries = st.recursive(st.one_of(files, files, symlinks, fifos, links), _folders, max_leaves=12)
trees = st.dictionaries(names, entries, max_size=6)
"""Strategy: what a folder holds, name to `Entry`."""


def build_tree(root: Path | bytes, tree: Mapping[bytes, Entry]) -> None:
    """Make a generated tree below `root`, which is made too."""
    os.mkdir(root)
    made: list[bytes] = []
    _build_level(os.fsencode(root), tree, made)


def _build_level(root: bytes, tree: Mapping[bytes, Entry], made: list[bytes]) -> None:
    for name, entry in tree.items():
        path = root + b"/" + name
        if entry.kind == "link":
            if made:
                os.link(made[entry.pick % len(made)], path)
            continue
        _MAKERS[entry.kind](path, entry)
        if entry.kind == "folder":
            _build_level(path, entry.below, made)
        if entry.kind == "file":
            made.append(path)
        for key, value in entry.xattrs.items():
            os.setxattr(path, f"user.{key}", value)
        if entry.kind != "symlink":
            os.chmod(path, entry.mode)
        os.utime(path, ns=(entry.mtime, entry.mtime), follow_symlinks=False)


def _make_file(path: bytes, entry: Entry) -> None:
    with open(path, "xb") as file:
        file.write(entry.content)


_MAKERS: Mapping[str, Callable[[bytes, Entry], None]] = {
    "file": _make_file,
    "folder": lambda path, _: os.mkdir(path),
    "symlink": lambda path, entry: os.symlink(entry.content, path),
    "fifo": lambda path, _: os.mkfifo(path),
}
