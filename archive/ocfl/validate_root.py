"""Validate a storage root: its own files, its folders, and every object in it.

A root is judged by counting: one without any object is *empty*, never *valid*, for the caller to
decide about (ocfl-py answers "true" for a root whose objects it could not read).
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.ocfl import layout
from archive.ocfl.files import read_small
from archive.ocfl.findings import Finding, Findings
from archive.ocfl.validate import Verdict, validate_object

_DECLARED = "0=ocfl_"
_SMALL = 65_536
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class RootVerdict:
    """What is true of a storage root.

    Attributes:
        findings: What is wrong with the root itself and its folders.
        objects: How many objects there are.
        invalid: Verdicts of those that break a MUST, in order of path.
        warned: How many have warnings only.
        files, size: Files and bytes read in objects.
    """

    findings: tuple[Finding, ...]
    objects: int
    invalid: tuple[Verdict, ...]
    warned: int
    files: int
    size: int

    @property
    def is_valid(self) -> bool:
        """Whether neither the root nor any object breaks a MUST."""
        return not self.invalid and not any(it.is_error for it in self.findings)


def validate_root(folder: Path, judge: Callable[[Path], Verdict] = validate_object) -> RootVerdict:
    """Hold a storage root and every object in it against the rules.

    Args:
        folder: Of the root.
        judge: Gives the verdict on an object.

    Raises:
        ArchiveError: An object may not be read by this process.
        OSError: The root itself cannot be read.
    """
    findings = Findings()
    spec, is_ours = _judge_top(folder, findings)
    objects = files = size = warned = 0
    invalid = []
    for place in _objects(folder, findings):
        verdict = judge(place)
        objects += 1
        files, size = files + verdict.files, size + verdict.size
        path = place.relative_to(folder).as_posix()
        if is_ours and verdict.object_id and layout.object_path(verdict.object_id) != path:
            findings.add("E083", path, verdict.object_id)
        if spec == "1.0" and (place / "0=ocfl_object_1.1").exists():
            findings.add("E081", path)
        if not verdict.is_valid:
            invalid.append(verdict)
        elif verdict.findings:
            warned += 1
    return RootVerdict(tuple(findings), objects, tuple(invalid), warned, files, size)


def _judge_top(folder: Path, findings: Findings) -> tuple[str, bool]:
    """Gives the version of the specification, and whether the layout is ours."""
    declared = [it.name for it in folder.iterdir() if it.name.startswith("0=")]
    if len(declared) != 1:
        findings.add("E076" if declared else "E069", "", f"{len(declared)} declarations")
    for name in declared:
        if name not in {f"{_DECLARED}1.0", f"{_DECLARED}1.1"}:
            findings.add("E079", name)
        elif _read(folder / name) != f"{name[2:]}\n".encode():
            findings.add("E080", name)
    place = folder / layout.LAYOUT_FILE
    extension = _judge_layout(_read(place), findings) if place.exists() else ""
    config = folder / "extensions" / layout.EXTENSION / "config.json"
    is_ours = extension == layout.EXTENSION and layout.is_our_config(_read(config))
    return (declared[0].removeprefix(_DECLARED) if declared else ""), is_ours


def _judge_layout(data: bytes, findings: Findings) -> str:
    try:
        block = json.loads(data)
        extension, description = block["extension"], block["description"]
    except (ValueError, TypeError, KeyError, RecursionError):
        findings.add("E070", layout.LAYOUT_FILE)
        return ""
    if not isinstance(extension, str) or not isinstance(description, str):
        findings.add("E070", layout.LAYOUT_FILE)
        return ""
    if extension not in layout.KNOWN_EXTENSIONS:
        findings.add("E071", layout.LAYOUT_FILE, extension)
    return extension


def _objects(root: Path, findings: Findings) -> Iterator[Path]:
    """Give the folders of objects in order of path; tells of what else is on the way."""
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        folders, files = _inside(folder, root, findings)
        if depth and any(name.startswith("0=ocfl_object_") for name in files):
            yield folder
            continue
        path = folder.relative_to(root).as_posix()
        if not depth:
            _judge_extensions(root, findings)
            folders = [it for it in folders if it != "extensions"]
        elif not folders and not files:
            findings.add("E073", path)
        elif files:
            findings.add("E072" if folders else "E085", path, files[0])
        if depth >= _DEEPEST:
            findings.add("E088", path, "too deep")
            continue
        waiting.extend((folder / name, depth + 1) for name in sorted(folders, reverse=True))


def _inside(folder: Path, root: Path, findings: Findings) -> tuple[list[str], list[str]]:
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                findings.add("E090", Path(entry.path).relative_to(root).as_posix())
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                files.append(entry.name)
    return folders, files


def _judge_extensions(root: Path, findings: Findings) -> None:
    place = root / "extensions"
    if not place.is_dir():
        return
    folders, files = _inside(place, root, findings)
    for name in files:
        findings.add("E112", f"extensions/{name}")
    for name in folders:
        if name not in layout.KNOWN_EXTENSIONS:
            findings.add("W016", f"extensions/{name}")


def _read(path: Path) -> bytes:
    """Give a small file that must be a plain one; nothing if it is not."""
    try:
        return read_small(path, _SMALL)
    except OSError:
        return b""
