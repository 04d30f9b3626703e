"""Runs on the host whose files are saved: lists a folder, and sends the files it is asked for.

It is sent over the connection each time, needs Python 3.6 and nothing else, opens nothing for
writing and starts no other program. The other end is `backup.sources.remote.python_tree`, which
describes every frame.
"""

import errno
import grp
import hashlib
import os
import pwd
import stat
import struct
import sys
import time

FRAME = struct.Struct("<cI")
NUMBER = struct.Struct("<I")
LONG = struct.Struct("<Q")
# mode, uid, gid, links, inode, device, device it stands for, size; atime, mtime, ctime in ns
ROW = struct.Struct("<IIIIQQQQqqq")
PAUSE_ENTRIES = 50000
FINE = bytes(8)  # no error: errno 0, no words
BLOCK = 256 * 1024
PIECE = 1024 * 1024
LONGEST_PATH = 4000
MOST_ATTRIBUTE_BYTES = 1 << 20
LATEST = (1 << 63) - 1
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NO_XATTRS = (errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES)

source = sys.stdin.buffer
output = open(1, "wb", buffering=256 * 1024, closefd=False)  # noqa: SIM115 -- open to the end


def send(kind: bytes, *parts: bytes) -> None:
    """Send one frame: kind, length, body."""
    output.write(FRAME.pack(kind, sum(map(len, parts))))
    output.writelines(parts)


def text(raw: bytes) -> bytes:
    """Write a length in front."""
    return NUMBER.pack(len(raw)) + raw


def failure(error: OSError) -> bytes:
    """Write an error: its number, and the system's words."""
    words = error.strerror or str(error)
    return NUMBER.pack(error.errno or 0) + text(words.encode("utf-8", "surrogateescape"))


def row(status: os.stat_result) -> bytes:
    """Write what lstat says; times are signed, and those beyond 2262 become that."""
    times = (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)
    return ROW.pack(
        status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_ino,
        status.st_dev, status.st_rdev, status.st_size,
        *(max(-LATEST, min(it, LATEST)) for it in times),
    )  # fmt: skip


def open_folder(path: bytes) -> int:
    """Open a folder, however long its path is."""
    folder = None
    while len(path) >= LONGEST_PATH:
        cut = path.rindex(b"/", 0, LONGEST_PATH)
        deeper = os.open(path[:cut] or b"/", FOLDER, dir_fd=folder)
        if folder is not None:
            os.close(folder)
        folder, path = deeper, path[cut + 1 :]
    opened = os.open(path, FOLDER, dir_fd=folder)
    if folder is not None:
        os.close(folder)
    return opened


def read_xattrs(file: "int | bytes") -> bytes:
    """Write all extended attributes in the kernel's order: number, then names and values."""
    follow = isinstance(file, int)
    try:
        names = os.listxattr(file, follow_symlinks=follow)
    except OSError as error:
        if error.errno in NO_XATTRS:
            return NUMBER.pack(0)
        raise
    pairs, total = [], 0
    for name in names:
        try:
            value = os.getxattr(file, name, follow_symlinks=follow)
        except OSError:
            continue  # removed since, or not for us to read
        pairs.append(text(os.fsencode(name)) + text(value))
        total += len(os.fsencode(name)) + len(value)
        if total > MOST_ATTRIBUTE_BYTES:
            raise OSError(errno.E2BIG, "its extended attributes are too large")
    return NUMBER.pack(len(pairs)) + b"".join(pairs)


def extra(path: bytes, status: os.stat_result) -> bytes:
    """Write what lstat does not say of anything but a regular file: error, target, attributes."""
    try:
        target = os.readlink(path) if stat.S_ISLNK(status.st_mode) else b""
        return FINE + text(target) + read_xattrs(path)
    except OSError as error:
        return failure(error) + text(b"") + NUMBER.pack(0)


def tell_owners(status: os.stat_result, known: "set[tuple[bytes, int]]") -> None:
    """Name a user and a group the first time they are met."""
    for kind, number in ((b"u", status.st_uid), (b"g", status.st_gid)):
        if (kind, number) in known:
            continue
        known.add((kind, number))
        try:
            name = pwd.getpwuid(number)[0] if kind == b"u" else grp.getgrgid(number)[0]
        except (KeyError, OverflowError):
            name = ""
        send(kind, NUMBER.pack(number), name.encode("utf-8", "surrogateescape"))


def join(folder: bytes, name: bytes) -> bytes:
    """Put a name behind a path, which may be empty."""
    return name if not folder else folder.rstrip(b"/") + b"/" + name


def list_folder(
    root: bytes, path: bytes, known: "set[tuple[bytes, int]]"
) -> "list[tuple[bytes, int]]":
    """Send one folder's entries, ascending by name; gives (path, device) of the folders in it."""
    folder = open_folder(join(root, path) if path else root)
    names = []  # type: list[bytes]
    rows, extras, errors = [], [], []  # type: (list[bytes], list[bytes], list[bytes])
    below = []  # type: list[tuple[bytes, int]]
    try:
        for name in sorted(map(os.fsencode, os.listdir(folder))):
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue  # it was gone before we looked at it
            except OSError as error:
                errors.append(text(name) + failure(error))
                continue
            tell_owners(status, known)
            if not stat.S_ISREG(status.st_mode):
                reachable = join(join(root, path) if path else root, name)
                if len(reachable) >= LONGEST_PATH:
                    reachable = b"/proc/self/fd/%d/%s" % (folder, name)
                extras.append(NUMBER.pack(len(names)) + extra(reachable, status))
            if stat.S_ISDIR(status.st_mode):
                below.append((join(path, name), status.st_dev))
            names.append(name)
            rows.append(row(status))
    finally:
        os.close(folder)
    send(
        b"F", text(path), NUMBER.pack(len(names)), text(b"\0".join(names)), b"".join(rows),
        NUMBER.pack(len(extras)), b"".join(extras), NUMBER.pack(len(errors)), b"".join(errors),
    )  # fmt: skip
    return [*below, (b"", len(names))]


def list_all(root: bytes, device: int, one_file_system: bool) -> None:
    """Send every folder, depth first, each before those in it; a pause now and then."""
    waiting, entries = [(b"", device, device)], 0
    known = set()  # type: set[tuple[bytes, int]]
    while waiting:
        path, own_device, above = waiting.pop()
        if one_file_system and own_device != above:
            continue
        try:
            found = list_folder(root, path, known)
        except OSError as error:
            send(b"E", text(path), failure(error))
            continue
        entries += found.pop()[1]
        waiting += [(below, number, own_device) for below, number in reversed(found)]
        if entries >= PAUSE_ENTRIES:
            entries = 0
            send(b"P")
            answer(root)
    send(b"Z")


def answer(root: bytes) -> None:
    """Send what is asked for until nothing is."""
    output.flush()
    while True:
        (count,) = NUMBER.unpack(take(NUMBER.size))
        if not count:
            return
        wanted = [(take_text(), take_text()) for _ in range(count)]
        for path, hashes in wanted:
            send_file(root, path, hashes)
        output.flush()


def take(size: int) -> bytes:
    """Read exactly so many bytes; the other end being gone ends us too."""
    data = source.read(size)
    if len(data) != size:
        sys.exit("the connection was closed")
    return data


def take_text() -> bytes:
    """Read bytes with their length in front."""
    (size,) = NUMBER.unpack(take(NUMBER.size))
    return take(size)


def send_file(root: bytes, path: bytes, hashes: bytes) -> None:
    """Send one file: what it is, its bytes, what it is afterwards; or why not."""
    try:
        file = open_file(root, path)
    except OSError as error:
        send(b"N", failure(error))
        return
    try:
        before = os.fstat(file)
        xattrs = read_xattrs(ensure_regular(file, before))
    except OSError as error:
        os.close(file)
        send(b"N", failure(error))
        return
    try:
        if not hashes and 0 < before.st_size <= BLOCK:
            data = os.pread(file, before.st_size, 0)
            if len(data) == before.st_size and look(os.fstat(file)) == look(before):
                send(b"W", row(before), xattrs, data)
                os.close(file)
                return
    except OSError:
        pass  # told below, where it happens again
    send(b"H", row(before), xattrs)
    try:
        send_bytes(file, before, hashes)
        send(b"T", FINE, row(os.fstat(file)))
    except OSError as error:
        send(b"T", failure(error), row(before))
    finally:
        os.close(file)


def open_file(root: bytes, path: bytes) -> int:
    """Open a file without following a link, waiting, or touching its access time if we may."""
    above, _, name = (join(root, path) if path else root).rpartition(b"/")
    folder = open_folder(above or b"/")
    try:
        try:
            return os.open(name, READ | os.O_NOATIME, dir_fd=folder)
        except PermissionError:
            return os.open(name, READ, dir_fd=folder)
    finally:
        os.close(folder)


def look(status: os.stat_result) -> "tuple[int, ...]":
    """Give what changes when a file changes."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def ensure_regular(file: int, status: os.stat_result) -> int:
    """Refuse what took a file's place since we looked: a pipe or a device may never end."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "it is no regular file any more")
    return file


def send_bytes(file: int, status: os.stat_result, hashes: bytes) -> None:
    """Send as many bytes as the file had when it was opened; holes and known blocks by number."""
    size = status.st_size or PIECE  # a file without a size, as in /proc, may hold something
    known = [hashes[at : at + 16] for at in range(0, len(hashes), 16)]
    sparse = status.st_blocks * 512 < status.st_size
    at = 0
    while at < size:
        if sparse:
            start = find_data(file, at, size)
            if start > at:
                send(b"S", LONG.pack(start - at))
                at = start
                continue
        number = at // BLOCK
        whole = bool(known) and at % BLOCK == 0 and number < len(known)
        data = os.pread(file, min(BLOCK if known else PIECE, size - at), at)
        if not data:
            return
        if whole and hashlib.blake2b(data, digest_size=16).digest() == known[number]:
            send(b"K", LONG.pack(at), NUMBER.pack(len(data)))
        else:
            send(b"D", data)
        at += len(data)


def find_data(file: int, at: int, size: int) -> int:
    """Say where the next bytes that are not a hole begin, in whole blocks."""
    try:
        start = os.lseek(file, at, os.SEEK_DATA)
    except OSError:
        return size  # nothing but a hole to the end, or the file has shrunk
    return max(at, min(start - start % BLOCK, size))


def main() -> None:
    """Read the order, list, answer, and say that all is told."""
    flags, path = take(1), take_text()
    root = os.path.realpath(path)
    try:
        status = os.lstat(root)
    except OSError as error:
        send(b"X", failure(error))
        output.flush()
        return
    send(b"O", LONG.pack(int(time.time() * 1000000000)))
    tell_owners(status, set())
    send(b"R", text(root), row(status), extra(root, status))
    if stat.S_ISDIR(status.st_mode):
        list_all(root, status.st_dev, flags == b"\1")
    else:
        send(b"Z")
    answer(root)
    send(b"B")
    output.flush()


if __name__ == "__main__":
    main()
