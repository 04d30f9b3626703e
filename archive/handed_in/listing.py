"""The files of a folder that somebody handed in; nothing in it is trusted.

Links are not followed, here or on the way; what is no plain file is refused by name. Two names that
are one in Unicode's normal form, or but for capitals, are refused both: on another disk, or in a
list, one would take the other's place.
"""

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archive.errors import HandedInError
from archive.handed_in.access import MYSELF, Reader

MOST_FILES = 100_000
LARGEST_FILE = 5_000_000_000
"""Bytes of a file; as of a file that a portal has (`ops.archives.portal`)."""
_DEEPEST = 40
_LONGEST = 1000
_MOST_WRITTEN = 4 * _LONGEST
"""Characters of a path as somebody writes it: decomposed, or each escaped."""

_CONTROLS = {chr(it) for it in (*range(32), 127)}


@dataclass(slots=True)
class Listing:
    """What lies in a folder.

    Attributes:
        folder: It.
        files: Path below it in NFC, apart by "/" → the path as the disk has it.
        refused: Path → why, with the path in its parameters.
        reader: Opens them.
    """

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    refused: dict[str, HandedInError] = field(default_factory=dict)
    reader: Reader = MYSELF

    def find(self, path: str) -> Path | None:
        """Give the file at a path that somebody wrote; None where there is none."""
        return self.files.get(clean(path))


def clean(path: str) -> str:
    """Give a path as listings have it: NFC, without "./"; empty where it leads anywhere else."""
    if len(path) > _MOST_WRITTEN:  # the time that a normal form takes grows with the square
        return ""
    text = unicodedata.normalize("NFC", path.strip())
    parts = [it for it in text.split("/") if it not in {"", "."}]
    leads_away = (
        text.startswith(("/", "~"))
        or "\\" in text
        or ".." in parts
        or len(text) > _LONGEST
        or (parts and ":" in parts[0])
        or not _CONTROLS.isdisjoint(text)
    )
    return "" if leads_away else "/".join(parts)


def list_folder(folder: Path, reader: Reader = MYSELF) -> Listing:
    """List a folder with everything below it.

    Args:
        folder: Absolute, without links on the way to it.
        reader: Who hands it in.

    Raises:
        HandedInError: It is none, is a link, may not be read by who hands it in, or has more files
            than one hand-over may have.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise HandedInError(why="{path} is no folder", path=folder)
    listing, seen = Listing(folder, reader=reader), dict[str, str]()
    for place in _walk(folder, listing):
        name = unicodedata.normalize("NFC", place)
        key = name.casefold()
        if twin := seen.get(key):
            for one, other in ((place, twin), (twin, place)):
                listing.refused[one] = HandedInError(
                    why="{path}: {twin} differs from it only in capitals or in how Unicode writes"
                    " it", path=one, twin=other,
                )  # fmt: skip
            listing.files.pop(unicodedata.normalize("NFC", twin), None)
            continue
        seen[key] = place
        if len(seen) > MOST_FILES:
            raise HandedInError(why="more than {most} files at once", most=MOST_FILES)
        listing.files[name] = folder / place
    return listing


def _walk(folder: Path, listing: Listing) -> Iterator[str]:
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with listing.reader.scan(folder / below) as entries:
                plain = list(_sorted_out(entries, below, listing, waiting))
        except OSError as error:
            refusal = unreadable(below or str(folder), error)
            if not below:
                raise refusal from error
            listing.refused[below] = refusal
            continue
        yield from plain


def _sorted_out(
    entries: Iterable[os.DirEntry[str]], below: str, listing: Listing, waiting: list[str]
) -> Iterator[str]:
    """Give the plain files of a folder; its folders wait, what else it has is refused."""
    for entry in entries:
        place = f"{below}/{entry.name}" if below else entry.name
        if error := _refusal_of(entry, place, listing.reader):
            listing.refused[str(error.params["path"])] = error
        elif entry.is_dir(follow_symlinks=False):
            waiting.append(place)
        else:
            yield place


def unreadable(path: str, error: OSError) -> HandedInError:
    """Give why something that was handed in cannot be read."""
    if isinstance(error, PermissionError):
        return HandedInError(why="{path}: who hands it in may not read it", path=path)
    return HandedInError(why="{path}: {reason}", path=path, reason=error.strerror or str(error))


def _refusal_of(entry: os.DirEntry[str], place: str, reader: Reader) -> HandedInError | None:
    path = place.encode(errors="replace").decode()
    if any("\ud800" <= it <= "\udfff" for it in entry.name):
        return HandedInError(why="{path}: its name is not UTF-8", path=path)
    if not _CONTROLS.isdisjoint(entry.name) or "\\" in entry.name:
        return HandedInError(
            why="{path}: its name has characters that no list can hold", path=repr(path)[1:-1]
        )
    if place.count("/") >= _DEEPEST or len(place) > _LONGEST:
        return HandedInError(why="{path}: it lies too deep", path=path)
    return _refusal_by_state(entry.stat(follow_symlinks=False), path, reader)


def _refusal_by_state(found: os.stat_result, path: str, reader: Reader) -> HandedInError | None:
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return HandedInError(why="{path}: it is a link, or no plain file", path=path)
    if not reader.may(found):
        return HandedInError(why="{path}: who hands it in may not read it", path=path)
    if stat.S_ISREG(found.st_mode) and found.st_size > LARGEST_FILE:
        return HandedInError(
            why="{path}: it has {size} bytes, more than the {most} of one file", path=path,
            size=found.st_size, most=LARGEST_FILE,
        )  # fmt: skip
    return None
