"""The runbooks there are: those shipped with the service, and the Center's own beside the estate.

The Center's own lie in `runbooks/` beside the estate file; one with the id of a shipped one stands
in its place. A file's name ends in its language, `.vi.md` or `.en.md`; the reader's is preferred.
"""

from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from ops.estate.load.read import find_estate_path
from ops.language.text import language
from runbooks.errors import Problem, RunbookTextError, RunbookUseError
from runbooks.front_matter import read_front_matter
from runbooks.parse import load_runbook
from runbooks.procedure import Runbook

SHIPPED = Path(str(files("runbooks"))) / "procedures"


def load_runbooks(estate_file: Path) -> list[Runbook]:
    """Read all of them, by id.

    Raises:
        RunbookTextError: One has mistakes; names all mistakes of that one.
    """
    found: dict[str, Runbook] = {}
    for folder in _folders(estate_file):
        found |= _load_folder(folder)
    return [found[name] for name in sorted(found)]


def _load_folder(folder: Path) -> dict[str, Runbook]:
    places: dict[str, Path] = {}
    found = {}
    for path in choose_files(folder.glob("*.md")):
        runbook = load_runbook(path)
        if runbook.id in places:
            raise _told_twice(path, runbook, places[runbook.id])
        found[runbook.id], places[runbook.id] = runbook, path
    return found


def _told_twice(path: Path, runbook: Runbook, other: Path) -> RunbookTextError:
    lines = enumerate(runbook.text.splitlines(), 1)
    line = next((number for number, text in lines if text.lstrip().startswith("id")), 1)
    problem = Problem(
        str(line),
        'the id "{id}" stands in {other} too',
        "give each runbook of a folder an id of its own",
        {"id": runbook.id, "other": other.name},
        path,
    )
    return RunbookTextError(path, [problem])


def _folders(estate_file: Path) -> tuple[Path, Path]:
    """Give the folders to read; of two runbooks with one id that of the later folder counts."""
    return SHIPPED, estate_file.parent / "runbooks"


def _list_files(estate_file: Path) -> list[Path]:
    return [path for it in _folders(estate_file) for path in choose_files(it.glob("*.md"))]


def choose_files(paths: Iterable[Path]) -> list[Path]:
    """Give one file of each name: in the reader's language where there is one, else Vietnamese."""
    chosen: dict[str, Path] = {}
    wanted = language()
    for path in sorted(paths):
        name, _, tongue = path.stem.rpartition(".")
        if not name:
            chosen[tongue] = path
        elif tongue == wanted or (tongue == "vi" and name not in chosen):
            chosen[name] = path
    return list(chosen.values())


def list_procedures() -> Iterator[tuple[str, str]]:
    """Give id and SHA-256 of the text of each runbook in force, for who reviews them."""
    for it in load_runbooks(find_estate_path()):
        yield it.id, it.digest


def find_runbook(estate_file: Path, wanted: str) -> Runbook:
    """Find one by its id; mistakes in others keep nobody from it.

    Raises:
        RunbookTextError: It has mistakes itself, or a file does that does not tell its id.
        RunbookUseError: There is none.
    """
    found = None
    for path in _list_files(estate_file):
        try:
            runbook = load_runbook(path)
        except RunbookTextError:
            if _read_id(path) in {wanted, ""}:
                raise
            continue
        found = runbook if runbook.id == wanted else found
    if found is not None:
        return found
    raise RunbookUseError(
        'there is no runbook "{id}"',
        data="nothing was changed",
        next_step="`{program} runbook.list` lists all of them",
        id=wanted,
    )


def _read_id(path: Path) -> str:
    """Give the id in a file's front matter; empty where that cannot be read."""
    front, _problems = read_front_matter(
        path.read_text(encoding="utf-8", errors="replace").splitlines()
    )
    return str(front.values.get("id", ""))
