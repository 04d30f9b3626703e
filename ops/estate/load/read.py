"""Find the estate file, read it with everything it includes, and remember where each key stands."""

import os
import re
import stat
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from ops.errors import OpsError, Problem, WrongUseError
from ops.estate.owner import EstateStrangeError, is_borrowed, is_services_user, refuse_strange
from ops.language.text import N_
from ops.toml import NestedTooDeeplyError, parse_toml, read_toml

Location = tuple[str | int, ...]

INSTALLED_PATH = Path("/etc/giucong/estate.toml")
TOO_DEEP = N_("lists or tables lie too deep inside each other")
DEEP_FIX = N_("look for brackets that were never closed, or opened too often")
UNREADABLE = N_("the file cannot be read: {reason}")
_ONLY_MAIN = ("schema", "include")
_PLACE_IN_TEXT = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)


class EstateClosedError(OpsError):
    """The estate file lies where this user may not look."""


Stamps = Mapping[Path, tuple[int, int]]
"""File or folder → when it was changed last, and its size."""


@dataclass(slots=True)
class Document:
    """The estate file and its included files, as plain values.

    Attributes:
        path: The main file.
        data: Everything merged.
        files: Which file a location comes from; a longer location wins over a shorter one.
        problems: What was wrong with reading and merging.
        included: The files that were included, in order.
        changeable: The part that the service writes, where there is one; never among `included`.
    """

    path: Path
    data: dict[str, Any] = field(default_factory=dict)
    files: dict[Location, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    included: list[Path] = field(default_factory=list)
    changeable: Path | None = None

    def file_of(self, location: Location) -> Path:
        """Give the file that holds a location."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.files:
                return self.files[location[:length]]
        return self.path

    def add_problem(self, key: str, what: str, fix: str, file: Path, **params: object) -> None:
        """Remember that something was wrong; arguments as `Problem` has them."""
        self.problems.append(Problem(key, what, fix, params, file))


def find_estate_path() -> Path:
    """Give the estate file: GIUCONG_ESTATE, else ./estate.toml, else /etc/giucong/estate.toml.

    Who acts with another user's rights gets the last one or none, by that very path: relative paths
    in it start at its folder. Root gets the one that it stands beside where nothing is installed;
    nobody gets one that others could have laid there.

    Raises:
        WrongUseError: None of them is a file.
        EstateClosedError: This user may not even see whether one is there.
        OpsError: It is not the installed one, and this user may not choose.
        EstateStrangeError: It is the one that lies here, and others could have put it here.
    """
    asked = os.environ.get("GIUCONG_ESTATE")
    here = Path("estate.toml")
    candidates = [Path(asked)] if asked else [here, INSTALLED_PATH]
    if not asked and os.geteuid() == 0 and _is_file(INSTALLED_PATH):
        candidates = [INSTALLED_PATH]
    for path in candidates:
        if _is_file(path):
            _refuse_choice(path.absolute())
            if path is here:
                refuse_strange([path.absolute()])
            return path.absolute()
    raise WrongUseError(
        "there is no estate file: {looked_at}",
        why="GIUCONG_ESTATE names it, else it is ./estate.toml or /etc/giucong/estate.toml",
        next_step="write one: `{program} estate.sample > estate.toml`, then edit it",
        looked_at=", ".join(str(path) for path in candidates),
    )


def _refuse_choice(path: Path) -> None:
    """Refuse another estate than the installed one to who might have had it restored.

    What the service restores belongs to its own user. So that user believes no other estate but one
    of root's, whatever program has lent the rights.
    """
    if path == INSTALLED_PATH:
        return
    is_own = is_services_user(INSTALLED_PATH) and not _is_roots(path)
    if is_own or (is_borrowed() and _is_file(INSTALLED_PATH)):
        raise OpsError(
            "the estate file {path} is not believed",
            why="who acts with the rights of the service's user does not choose the estate: it is"
            " {installed}",
            data="nothing was changed",
            next_step="leave out --estate and GIUCONG_ESTATE, and go to a folder without an"
            " estate.toml: `cd /`; an estate that root vouches for belongs to root: `chown root"
            " {path}`",
            path=path,
            installed=INSTALLED_PATH,
        )


def _is_roots(path: Path) -> bool:
    try:
        refuse_strange([path], me=0)
    except EstateStrangeError:
        return False
    return True


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError as error:
        raise EstateClosedError(
            "the estate file {path} is in a folder that is closed to you",
            data="nothing was changed",
            next_step="type `sudo -u {owner} {command}`",
            path=path,
            owner=_owner_of(path.parent),
            command=" ".join(sys.argv),
        ) from error
    except OSError:
        return False


def _owner_of(folder: Path) -> str:
    try:
        return folder.owner()
    except (OSError, KeyError):
        return "giucong"


def check_files(path: Path) -> list[Path]:
    """Refuse an estate that others could have written; gives its file, and those it includes.

    Raises:
        EstateStrangeError: They could, or could put one where it will be included.
    """
    document = read_document(path)
    files = [path, *document.included]
    refuse_strange(files, _including_folders(document))
    return files


def _including_folders(document: Document) -> Iterator[Path]:
    """Yield each folder that is looked into for what `include` names, whether anything is there."""
    for pattern in _patterns(document):
        start = Path("/") if pattern.startswith("/") else document.path.parent
        for level in PurePath(pattern.lstrip("/")).parents:
            found = [start] if level == PurePath() else start.glob(str(level))
            yield from (it for it in found if it.is_dir())


def _patterns(document: Document) -> list[str]:
    asked = document.data.get("include", ())
    return [it for it in asked if isinstance(it, str)] if isinstance(asked, list) else []


def read_document(path: Path, instead: Mapping[Path, bytes] | None = None) -> Document:
    """Read the main file and all files it includes; mistakes are collected, never raised.

    Args:
        path: The main file.
        instead: What files are to hold, for what they hold; they need not be there yet.
    """
    document, instead = Document(path), instead or {}
    main = parse_into(document, path, instead.get(path))
    if main is None:
        return document
    document.data = main
    for included in _included_files(document, instead):
        document.included.append(included)
        part = parse_into(document, included, instead.get(included))
        if part is not None:
            _merge(document, part, included)
    return document


def parse_into(
    document: Document, path: Path, content: bytes | None = None
) -> dict[str, Any] | None:
    """Read a file, or what it holds; what is wrong with it is added to the document's problems."""
    try:
        return read_toml(path) if content is None else parse_toml(content)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE_IN_TEXT.fullmatch(str(error))
        reason, line = found.groups() if found else (str(error), None)
        what = (
            N_("line {line} is not valid TOML: {reason}")
            if line
            else N_("the end is not valid TOML: {reason}")
        )
        fix = N_("correct it there; texts stand between quotes, dates do not")
        document.add_problem("", what, fix, path, line=line, reason=reason)
    except NestedTooDeeplyError:
        document.add_problem("", TOO_DEEP, DEEP_FIX, path)
    except UnicodeDecodeError as error:
        what, fix = N_("the file is not UTF-8: byte {position} is wrong"), N_("save it as UTF-8")
        document.add_problem("", what, fix, path, position=error.start)
    except OSError as error:
        fix = N_("make it readable for the user who runs this")
        document.add_problem("", UNREADABLE, fix, path, reason=error.strerror)
    return None


def _included_files(document: Document, more: Iterable[Path]) -> Iterator[Path]:
    patterns = document.data.get("include", [])
    seen = {document.path.resolve()}
    for number, pattern in enumerate(patterns if isinstance(patterns, list) else []):
        if not isinstance(pattern, str):
            continue  # its shape is reported with all others
        found = _expand(document.path.parent, pattern, more)
        if not found and not any(mark in pattern for mark in "*?["):
            document.add_problem(
                f"include[{number}]",
                'there is no file "{pattern}"',
                "create it or remove the entry",
                document.path,
                pattern=pattern,
            )
        for path in found:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def _expand(folder: Path, pattern: str, more: Iterable[Path]) -> list[Path]:
    start = Path("/") if pattern.startswith("/") else folder
    found = start.glob(pattern.lstrip("/")) if pattern.strip("/") else iter(())
    coming = (it for it in more if is_named_by(it, folder, pattern))
    return sorted({*(path for path in found if path.is_file()), *coming})


def is_named_by(path: Path, folder: Path, pattern: str) -> bool:
    """Tell whether a pattern of `include` names a file, which need not be there yet."""
    return path.match(str(folder / pattern))


def _merge(document: Document, part: dict[str, Any], path: Path) -> None:
    for key, value in part.items():
        if key not in _ONLY_MAIN:
            _merge_value(document, document.data, (key,), value, path)
        elif key != "schema" or value != document.data.get("schema"):
            document.add_problem(
                key,
                "this key belongs into the main file only",
                "remove it here; the main file is {main}",
                path,
                main=document.path.name,
            )


def _merge_value(
    document: Document, target: dict[str, Any], location: Location, value: Any, path: Path
) -> None:
    """Append to a list, descend into a table; a plain key that exists already is a conflict."""
    key = str(location[-1])
    known: Any = target.get(key)
    if key not in target:
        target[key] = value
        document.files[location] = path
    elif isinstance(known, dict) and isinstance(value, dict):
        for inner, item in value.items():
            _merge_value(document, known, (*location, inner), item, path)
    elif is_tables(known) and is_tables(value):
        for number, item in enumerate(value, len(known)):
            document.files[(*location, number)] = path
            known.append(item)
    else:
        document.add_problem(
            ".".join(str(step) for step in location),
            "the key stands in {other} as well",
            "keep it in one of the two files",
            path,
            other=document.file_of(location).name,
        )


def is_tables(value: object) -> bool:
    """Tell a list of tables from anything else."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


CHANGEABLE = "changeable.toml"
"""In the state folder: the part of the estate that the service itself may write."""


def changeable_path(document: Document) -> Path:
    """Give where the changeable part lies, whether it is there or not."""
    service = document.data.get("service")
    state = service.get("state", "var") if isinstance(service, dict) else "var"
    return document.path.parent / str(state) / CHANGEABLE


def stamp_files(paths: Iterable[Path]) -> Stamps:
    """Give what changes when a file does; of one that is gone, zeros."""
    found = dict.fromkeys(paths, (0, 0))
    for path in found:
        with suppress(OSError):
            status = path.stat()
            found[path] = status.st_mtime_ns, status.st_size
    return found


def stamp_estate(path: Path) -> Stamps:
    """Give what changes when an estate does: its files, and the folders that it includes from."""
    document = read_document(path)
    folders = [(path.parent / it).parent for it in _patterns(document)]
    included = [*document.included, *(it.parent for it in document.included)]
    return stamp_files([path, *included, *folders, changeable_path(document)])
