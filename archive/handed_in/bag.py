"""Read a BagIt bag, 0.93 to 1.0 (RFC 8493), and say whether it is whole.

A bag is received, never repaired: nothing is fetched (`fetch.txt` is not followed), a missing file
makes it incomplete. Stricter than the specification in two points: names that are one but for
capitals or normal form are an error, and so is a link.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from archive.errors import HandedInError
from archive.handed_in.access import MYSELF, Reader
from archive.handed_in.listing import Listing, clean, list_folder, unreadable
from archive.ocfl.files import PIECE, read_most

BAGIT = "bagit.txt"
_DECLARED = re.compile(r"BagIt-Version: (\d+\.\d+)\r?\n"
                       r"Tag-File-Character-Encoding: ([\w-]{3,20})\s*", re.ASCII)  # fmt: skip
_VERSIONS = ("0.93", "0.94", "0.95", "0.96", "0.97", "1.0")
_ENCODINGS = {"utf-8": "utf-8", "iso-8859-1": "latin-1", "us-ascii": "ascii", "utf-16": "utf-16"}
_ALGORITHMS = ("sha512", "sha384", "sha256", "sha224", "sha1", "md5")
_MANIFEST = re.compile(rf"(tag)?manifest-({'|'.join(_ALGORITHMS)})\.txt")
_ANY_MANIFEST = re.compile(r"(tag)?manifest-.*\.txt")
_LINE = re.compile(r"([0-9a-fA-F]{32,128})[ \t]+(\*?)(.+)")
_FETCH = re.compile(r"\S+[ \t]+\S+[ \t]+(.+)")
_ESCAPES = (("%0A", "\n"), ("%0D", "\r"), ("%0a", "\n"), ("%0d", "\r"), ("%25", "%"))
_LARGEST_TAG, _LARGEST_INFO = 64 << 20, 1 << 20
_SMALL = 4096
MOST_TOLD = 100
"""So many errors are kept, and so many warnings; after so many errors no list is read on."""


@dataclass(slots=True)
class Bag:
    """What was found of a bag.

    Attributes:
        folder: It.
        version: As it declares; empty if it declares none.
        payload: Path below `data/`, in NFC → the file.
        digests: Path below `data/` → SHA-512 or SHA-256 of a manifest, where one has it.
        info: Lines of `bag-info.txt`, names in small letters.
        algorithms: Of its manifests, the strongest first.
        errors: Why it may not be taken; the first `MOST_TOLD`.
        warnings: What is odd about it; the first `MOST_TOLD`.
    """

    folder: Path
    version: str = ""
    payload: dict[str, Path] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    info: dict[str, list[str]] = field(default_factory=dict)
    algorithms: tuple[str, ...] = ()
    errors: list[HandedInError] = field(default_factory=list)
    warnings: list[HandedInError] = field(default_factory=list)

    def refuse(self, error: HandedInError) -> None:
        """Note why it may not be taken."""
        if not self.is_hopeless:
            self.errors.append(error)

    def remark(self, oddity: HandedInError) -> None:
        """Note what is odd about it."""
        if len(self.warnings) < MOST_TOLD:
            self.warnings.append(oddity)

    @property
    def is_hopeless(self) -> bool:
        """Whether so much is wrong that nobody wants to know more."""
        return len(self.errors) >= MOST_TOLD

    def told(self, *names: str) -> str:
        """Give the first value of `bag-info.txt` that has one of these names."""
        return next((self.info[it][0] for it in names if self.info.get(it)), "")


def is_bag(folder: Path) -> bool:
    """Say whether a folder wants to be a bag."""
    return (folder / BAGIT).is_file() and (folder / "data").is_dir()


def read_bag(folder: Path, reader: Reader = MYSELF) -> Bag:
    """Read a bag and hold every file against its manifests.

    Args:
        folder: Absolute, without links on the way to it.
        reader: Who hands it in.

    Raises:
        HandedInError: It cannot be read as a folder, or a list of files in it cannot be read.
    """
    bag = Bag(folder)
    encoding = _read_declaration(bag, reader)
    listing = list_folder(folder, reader)
    bag.errors += islice(listing.refused.values(), MOST_TOLD)
    if encoding:
        _Reader(bag, listing, encoding).read()
    return bag


def _read_declaration(bag: Bag, reader: Reader) -> str:
    """Give the encoding of its tag files; empty where it declares none."""
    try:
        with reader.open(bag.folder / BAGIT) as file:
            text = read_most(file, _SMALL).decode()
    except (OSError, UnicodeDecodeError):
        bag.refuse(HandedInError(why="bagit.txt is missing, or not UTF-8"))
        return ""
    found = _DECLARED.fullmatch(text)
    if not found or found[1] not in _VERSIONS or found[2].lower() not in _ENCODINGS:
        bag.refuse(HandedInError(why="bagit.txt does not declare a known version and encoding"))
        return ""
    bag.version = found[1]
    return _ENCODINGS[found[2].lower()]


class _Reader:
    """Holds the files of a bag against its manifests."""

    def __init__(self, bag: Bag, listing: Listing, encoding: str) -> None:
        self._bag, self._files, self._encoding = bag, listing.files, encoding
        self._open = listing.reader.open
        self._is_one = bag.version == "1.0"
        self._expected: dict[str, dict[str, str]] = {}
        self._listed: dict[str, set[str]] = {}
        self._missing: set[str] = set()

    def read(self) -> None:
        """Read manifests, fetch.txt and bag-info.txt, then every file once."""
        bag = self._bag
        payload = {it for it in self._files if it.startswith("data/")}
        for name in sorted(it for it in self._files if _ANY_MANIFEST.fullmatch(it)):
            self._read_manifest(name)
        manifests = {it: paths for it, paths in self._listed.items() if it[:3] != "tag"}
        if not manifests:
            bag.refuse(HandedInError(why="it has no manifest of its payload"))
        bag.algorithms = tuple(it for it in _ALGORITHMS if f"manifest-{it}.txt" in manifests)
        self._read_fetch()
        self._read_info()
        every = set().union(*manifests.values()) if manifests else set()
        for it in sorted(payload - every):
            bag.refuse(HandedInError(why="{path} is in no manifest", path=it))
        if self._is_one:
            for name, paths in manifests.items():
                for it in sorted(payload & every - paths):
                    bag.refuse(HandedInError(why="{path} is not in {list}", path=it, list=name))
        for path in sorted(self._expected.keys() - self._missing):
            self._verify(path, self._expected[path])
        bag.payload = {it.removeprefix("data/"): self._files[it] for it in sorted(payload)}
        self._check_oxum()

    def _read_manifest(self, name: str) -> None:
        bag = self._bag
        found = _MANIFEST.fullmatch(name)
        if not found:
            bag.refuse(HandedInError(why="{list} has sums of a kind that is not known", list=name))
            return
        paths = self._listed.setdefault(name, set())
        twins: dict[str, tuple[str, str]] = {}
        for number, line in enumerate(self._lines(name), start=1):
            where: dict[str, object] = {"list": name, "line": number}
            entry = _LINE.fullmatch(line)
            if not entry:
                bag.refuse(HandedInError(why="{list}, line {line}: neither sum nor path", **where))
                continue
            path = self._path_in(entry[3], where, is_tag=bool(found[1]))
            if not path:
                continue
            if entry[2]:
                bag.remark(HandedInError(why="{list}, line {line}: written by md5sum", **where))
            self._look_for(path)
            told = entry[1].lower()
            before = self._expected.setdefault(path, {}).setdefault(found[2], told)
            if before != told or path in paths:
                is_grave = before != told or self._is_one
                (bag.refuse if is_grave else bag.remark)(
                    HandedInError(
                        why="{list}, line {line}: {path} is listed twice", path=path, **where
                    )
                )
            twin, written = twins.setdefault(path.casefold(), (path, entry[3]))
            if twin != path or written.removeprefix("./") != entry[3].removeprefix("./"):
                bag.refuse(
                    HandedInError(
                        why="{list}, line {line}: {twin} differs from it only in capitals or in how"
                        " Unicode writes it", twin=twin, **where,
                    )
                )  # fmt: skip
            paths.add(path)

    def _path_in(self, text: str, where: dict[str, object], *, is_tag: bool) -> str:
        """Give a path of the bag as listings have it; empty where it leads out of the bag."""
        path = clean(text)
        if path not in self._files and "%" in text:
            for escape, character in _ESCAPES:
                text = text.replace(escape, character)
            path = clean(text) if clean(text) in self._files else path
        if not path or path.startswith("data/") == is_tag:
            self._bag.refuse(
                HandedInError(
                    why="{list}, line {line}: its path leads out of where it may", **where
                )
            )
            return ""
        if text.startswith("./"):
            self._bag.remark(
                HandedInError(why="{list}, line {line}: its path begins with ./", **where)
            )
        return path

    def _look_for(self, path: str) -> None:
        if path not in self._files and path not in self._missing:
            self._missing.add(path)
            self._bag.refuse(HandedInError(why="{path} is missing", path=path))

    def _verify(self, path: str, expected: dict[str, str]) -> None:
        bag = self._bag
        try:
            with self._open(self._files[path]) as source:
                found = _sums(source, expected)
        except OSError as error:
            bag.refuse(unreadable(path, error))
            return
        for kind, value in expected.items():
            if found[kind] != value:
                bag.refuse(
                    HandedInError(why="{path} is not what its {kind} says", path=path, kind=kind)
                )
        best = next((expected[it] for it in ("sha512", "sha256") if it in expected), "")
        if best and path.startswith("data/"):
            bag.digests[path.removeprefix("data/")] = best

    def _read_fetch(self) -> None:
        for number, line in enumerate(self._lines("fetch.txt"), start=1):
            where: dict[str, object] = {"list": "fetch.txt", "line": number}
            found = _FETCH.fullmatch(line)
            if not found:
                self._bag.refuse(HandedInError(why="{list}, line {line}: not an entry", **where))
                continue
            self._path_in(found[1], where, is_tag=False)

    def _read_info(self) -> None:
        told: list[tuple[str, list[str]]] = []
        for line in self._lines("bag-info.txt", _LARGEST_INFO):
            if line[:1] in {" ", "\t"} and told:
                told[-1][1].append(line.strip())
                continue
            name, colon, value = line.partition(":")
            if not colon:
                self._bag.refuse(HandedInError(why="bag-info.txt has a line without a name"))
                break
            told.append((name.strip().lower(), [value.strip()]))
        for name, parts in told:
            self._bag.info.setdefault(name, []).append(" ".join(parts))

    def _check_oxum(self) -> None:
        told = self._bag.told("payload-oxum")
        if not told:
            return
        sizes = [it.stat().st_size for it in self._bag.payload.values()]
        if told != f"{sum(sizes)}.{len(sizes)}":
            self._bag.refuse(HandedInError(why="its payload is not as large as bag-info.txt says"))

    def _lines(self, name: str, most: int = _LARGEST_TAG) -> Iterator[str]:
        """Give the lines of a tag file that are not empty; none where there is no such file.

        They end early where enough of the bag is wrong.

        Raises:
            HandedInError: It has more than `most` bytes, or cannot be read.
        """
        file = self._files.get(name)
        if file is None:
            return
        try:
            with self._open(file) as source:
                data = read_most(source, most)
        except OSError as error:
            raise unreadable(name, error) from error
        if len(data) > most:
            raise HandedInError(why="{path} has more than {most} bytes", path=name, most=most)
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError:
            self._bag.refuse(
                HandedInError(why="{list} is not in the encoding that the bag declares", list=name)
            )
            return
        for found in re.finditer(r"[^\r\n]+", text.removeprefix("\ufeff")):
            if self._bag.is_hopeless:
                return
            if found[0].strip():
                yield found[0]


def _sums(source: BinaryIO, expected: dict[str, str]) -> dict[str, str]:
    sums = {it: hashlib.new(it, usedforsecurity=False) for it in expected}
    while data := source.read(PIECE):
        for it in sums.values():
            it.update(data)
    return {name: it.hexdigest() for name, it in sums.items()}
