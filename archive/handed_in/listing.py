"""The files of a folder that somebody handed in; nothing in it is trusted.

Links are not followed, here or on the way; what is no plain file is refused by name. Two names that
are one in Unicode's normal form, or but for capitals, are refused both: on another disk, or in a
list, one would take the other's place.
"""

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archive.errors import HandedInError

MOST_FILES = 100_000
_DEEPEST = 40
_LONGEST = 1000
_CONTROLS = {chr(it) for it in (*range(32), 127)}


@dataclass(slots=True)
class Listing:
    """What lies in a folder.

    Attributes:
        folder: It.
        files: Path below it in NFC, apart by "/" → the path as the disk has it.
        refused: Path → why, with the path in its parameters.
    """

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    refused: dict[str, HandedInError] = field(default_factory=dict)

    def find(self, path: str) -> Path | None:
        """Give the file at a path that somebody wrote; None where there is none."""
        return self.files.get(clean(path))


def clean(path: str) -> str:
    """Give a path as listings have it: NFC, without "./"; empty where it leads anywhere else."""
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


def list_folder(folder: Path) -> Listing:
    """List a folder with everything below it.

    Raises:
        HandedInError: It is none, is a link, or has more files than one hand-over may have.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise HandedInError(why="{path} is no folder", path=folder)
    listing, seen = Listing(folder), dict[str, str]()
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
        with os.scandir(folder / below) as entries:
            found = sorted(entries, key=lambda it: it.name)
        for entry in found:
            place = f"{below}/{entry.name}" if below else entry.name
            if error := _refusal_of(entry, place):
                listing.refused[str(error.params["path"])] = error
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(place)
            else:
                yield place


def _refusal_of(entry: os.DirEntry[str], place: str) -> HandedInError | None:
    path = place.encode(errors="replace").decode()
    if any("\ud800" <= it <= "\udfff" for it in entry.name):
        return HandedInError(why="{path}: its name is not UTF-8", path=path)
    if not _CONTROLS.isdisjoint(entry.name) or "\\" in entry.name:
        return HandedInError(
            why="{path}: its name has characters that no list can hold", path=repr(path)[1:-1]
        )
    if place.count("/") >= _DEEPEST or len(place) > _LONGEST:
        return HandedInError(why="{path}: it lies too deep", path=path)
    mode = entry.stat(follow_symlinks=False).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return HandedInError(why="{path}: it is a link, or no plain file", path=path)
    return None
