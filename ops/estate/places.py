"""Folders that people tell the service to use: those that the estate names, and what lies below.

Who types at a terminal has a process of their own, which opens their files. What the service has to
open by itself, because a medium is mounted there or a store lies there, root has named.
"""

from pathlib import Path

from ops.entering import find_around
from ops.errors import WrongUseError
from ops.estate.load.read import INSTALLED_PATH
from ops.estate.model.estate import Estate
from ops.estate.model.own_site import list_own_folders
from ops.terminal.elsewhere import is_elsewhere


def choose_place(estate: Estate, typed: str) -> str:
    """Give the folder that somebody means: by a place's name, its path, or a path below it.

    Where who types is this very process, any other folder is theirs, as they typed it.

    Args:
        estate: Has the places.
        typed: By whoever types; not believed.

    Raises:
        WrongUseError: It is no place, or a link leads out of it.
    """
    named = next((it.path for it in estate.places if it.name == typed), None)
    if not is_elsewhere():
        return typed if named is None else str(named)
    folder = Path(typed) if named is None else named
    around = next((it.path for it in estate.places if folder.is_relative_to(it.path)), None)
    if around is None or ".." in folder.parts:
        raise _no_place(estate, typed)
    real = around.resolve() / folder.relative_to(around)
    own = [*list_own_folders(estate), INSTALLED_PATH.parent]
    if real.resolve() != real or find_around(real, own):
        raise _no_place(estate, typed)
    return str(real)


def _no_place(estate: Estate, typed: str) -> WrongUseError:
    return WrongUseError(
        "{path} is no place that the estate names",
        why="the service opens no path that somebody types, and follows no link below a place;"
        " it has: {names}",
        data="nothing was changed",
        next_step="name one of these; or have root add it to {estate}:"
        ' `[[places]]`, `name = "NAME"`, `path = "{path}"`',
        path=typed,
        names=", ".join(it.name for it in estate.places) or "-",
        estate=estate.path,
    )
