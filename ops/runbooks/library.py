"""The runbooks there are: those shipped with the service, and the Center's own beside the estate.

The Center's own lie in `runbooks/` beside the estate file; one with the id of a shipped one stands
in its place. A file's name ends in its language, `.vi.md` or `.en.md`; the reader's is preferred.
"""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from ops.text import language
from runbooks.errors import RunbookUseError
from runbooks.procedure import Runbook
from runbooks.reading import load_runbook

SHIPPED = Path(str(files("runbooks"))) / "procedures"


def load_runbooks(estate_file: Path) -> list[Runbook]:
    """Read all of them, by id.

    Raises:
        RunbookTextError: One has mistakes; names all mistakes of that one.
    """
    found: dict[str, Runbook] = {}
    for folder in (SHIPPED, estate_file.parent / "runbooks"):
        found |= {it.id: it for it in map(load_runbook, choose_files(folder.glob("*.md")))}
    return [found[name] for name in sorted(found)]


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


def find_runbook(estate_file: Path, wanted: str) -> Runbook:
    """Find one by its id.

    Raises:
        RunbookUseError: There is none.
    """
    for runbook in load_runbooks(estate_file):
        if runbook.id == wanted:
            return runbook
    raise RunbookUseError(
        'there is no runbook "{id}"',
        data="nothing was changed",
        next_step="`{program} runbook.list` lists all of them",
        id=wanted,
    )
