"""Make the golden files beside this one with stock restic; run as root, on a Debian machine.

    PYTHONPATH=. .venv/bin/python tests/golden/restic/make.py

- ``trees/<id>.json``: the trees of a hostile folder, as restic 0.18.0 (Go 1.24.4) stored them
  under TZ=UTC; a name is the SHA-256 of the file.
- ``snapshots/<number>.json``: the snapshots, as stored.
- ``printable.txt``: the ranges of code points that restic leaves as they are in names.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backup.format.pack import BlobType
from backup.repository.repository import Repository
from backup.stores.folder import FolderStore
from tests.restic_oracle import PASSWORD, OracleRepository, create_oracle_repository
from tests.trees import Kinds, build_hostile_tree

HERE = Path(__file__).parent
_FIRST, _AFTER = 1, 0x110000
_A_NAME = 60


def main() -> None:
    """Make all of them anew."""
    remove_old()
    with tempfile.TemporaryDirectory() as folder:
        make_trees(Path(folder))
        make_printable(Path(folder))


def make_trees(folder: Path) -> None:
    """Back a hostile folder up, and keep its trees and snapshots."""
    oracle = create_oracle_repository(folder / "trees")
    source = folder / "site"
    build_hostile_tree(source, Kinds(deep=False))
    add_rare_entries(source)
    run(oracle, "backup", "--tag", "đêm,a&b", "--host", "cổng <1>", "--exclude", "*.tmp", "site")
    run(oracle, "backup", "--with-atime", str(source), "--time", "2026-11-24 03:00:00")
    run(oracle, "tag", "--add", "giữ", "latest")
    oracle.run("backup", "site", timezone="Asia/Ho_Chi_Minh", cwd=folder)
    repository = Repository.open(FolderStore(oracle.folder), PASSWORD.encode())
    index = repository.load_index()
    for place in index:
        if place.blob.type is BlobType.TREE:
            tree = repository.load_blob(index, place.blob.id, expected=BlobType.TREE)
            if b"+07:00" not in tree:
                write(HERE / "trees" / f"{place.blob.id.hex()}.json", tree)
    for number, file_id in enumerate(repository.list_files("snapshots")):
        write(HERE / "snapshots" / f"{number}.json", repository.read_file("snapshots", file_id))


def add_rare_entries(source: Path) -> None:
    """Add what the hostile tree has not: odd links and attributes, and a name of every kind."""
    folder = source / "rare"
    folder.mkdir()
    os.symlink(  # noqa: PTH211 -- pathlib takes no bytes
        b"a<b>&\xe2\x80\xa8\xff\x08\x0c\x1b\x7f\xef\xbf\xbd", folder / "odd-target"
    )
    (folder / "attributes").touch()
    os.setxattr(folder / "attributes", "user.<b>&\u2028", b"1")
    for name in ("\u0374\u00ad\ufffd", "\u2ffc", "\U0001fae8", "tu\u031b\u0309", "tử", "\ue000"):
        (folder / name).touch()
    for second in (0, -1, 10**9, 4 * 10**9):
        for fraction in (0, 1, 120_000_000, 999_999_999):
            path = folder / f"time-{second}-{fraction}"
            path.touch()
            os.utime(path, ns=(second * 10**9 + fraction,) * 2)


def make_printable(folder: Path) -> None:
    """Back up names that hold every code point, and see which ones restic leaves as they are."""
    oracle = create_oracle_repository(folder / "printable")
    source = folder / "points"
    source.mkdir()
    for start in range(_FIRST, _AFTER, _A_NAME):
        name = "".join(chr(point) for point in points_of(start))
        if name:
            os.mknod(os.fsencode(source) + b"/%06x" % start + name.encode(), stat.S_IFREG | 0o644)
    run(oracle, "backup", str(source))
    repository = Repository.open(FolderStore(oracle.folder), PASSWORD.encode())
    index = repository.load_index()
    printable: list[int] = []
    for place in index:
        if place.blob.type is BlobType.TREE:
            tree = repository.load_blob(index, place.blob.id, expected=BlobType.TREE)
            printable += [point for point in printable_in(tree) if point >= 0]
    write(HERE / "printable.txt", b"".join(ranges_of(sorted(printable))))


def points_of(start: int) -> Iterator[int]:
    """Yield the code points of one name: no NUL, no slash, no surrogates."""
    for point in range(start, min(start + _A_NAME, _AFTER)):
        if point != ord("/") and not 0xD800 <= point < 0xE000:
            yield point


def printable_in(tree: bytes) -> Iterator[int]:
    """Yield the code points that stand unquoted in the names of one tree."""
    import json

    for node in json.loads(tree)["nodes"]:
        if node["type"] != "file":
            continue
        start, rest = int(node["name"][:6], 16), node["name"][6:]
        for point in points_of(start):
            if rest.startswith(chr(point)) and point != ord("\\"):
                yield point
                rest = rest[1:]
            else:
                rest = rest[escape_length(rest) :]
        assert not rest, node


def escape_length(text: str) -> int:
    """Give the length of the escape that a text begins with."""
    assert text[0] == "\\", text
    return {"x": 4, "u": 6, "U": 10}.get(text[1], 2)


def ranges_of(points: list[int]) -> Iterator[bytes]:
    """Yield one line a range."""
    first = last = points[0]
    for point in [*points[1:], _AFTER + 1]:
        if point != last + 1:
            yield b"%x %x\n" % (first, last)
            first = point
        last = point


def run(oracle: OracleRepository, *words: str) -> None:
    """Run restic, which must succeed."""
    done = oracle.run(*words, cwd=oracle.folder.parent)
    assert done.returncode == 0, done.stderr.decode()


def remove_old() -> None:
    """Remove the golden files of the last time."""
    for path in [*HERE.glob("trees/*.json"), *HERE.glob("snapshots/*.json")]:
        path.unlink()


def write(path: Path, content: bytes) -> None:
    """Write one golden file."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    main()
