"""What recovering the service would put where, and what it refuses; decided from the manifest.

What comes out of a store says where it belongs, and whoever has the store's key wrote it. So a
recovery writes into the folders that the person names and nowhere else; and it is typed by root or
by the service's own user, never with rights that `sudo` lends, for these reach every key.
"""

import os
import pwd
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ops.access.identity import NotAllowedError
from ops.entering import find_around
from ops.errors import OpsError, WrongUseError
from ops.estate.load.read import INSTALLED_PATH, find_estate_path
from ops.estate.owner import decide_step, find_state_folder, is_borrowed
from ops.recovery.content import CATALOG_FILE, CREDENTIALS_KEY, RECORDS_FOLDER, SIGNING_KEY

ELSEWHERE = "elsewhere"
KEY = "key"
_COMPANIONS = ("-wal", "-shm", "-journal")

State = Literal["free", "same", "taken"]
Look = Callable[[str, Path], State]


def leads_out(place: str) -> OpsError:
    """Give the refusal of a snapshot that takes from, or puts to, where nothing of ours is."""
    return OpsError(
        "this snapshot leads out of its folders: {place}",
        why="no backup of Giữ Cổng does: somebody has written it to reach other files",
        data="nothing was changed",
        next_step="take another store, and find out who holds the key of this one",
        place=place,
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One file to put in place.

    Attributes:
        at: Its place in the snapshot, without the site; `key` for the key that was typed.
        path: Where it goes.
        state: `free` where nothing is there, `same` where it is there already, `taken` where
            something else is.
    """

    at: str
    path: Path
    state: State = "free"


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """What a recovery does.

    Attributes:
        estate_file: The estate file, once it is back.
        steps: In their order; the estate file comes last, so that a half-done recovery is
            never taken for a service.
        records: Place of the record tables, where the catalog is no file; else empty.
        store: Name of the store that the snapshot was made for.
        user: Who the service ran as.
        run: Id of the run that made the snapshot.
        is_moved: Whether something that lay outside of the estate's folder comes below it now.
    """

    estate_file: Path
    steps: Sequence[Step]
    records: str
    store: str
    user: str
    run: str
    is_moved: bool

    @property
    def taken(self) -> list[Step]:
        """The steps that find something else there."""
        return [step for step in self.steps if step.state == "taken"]


def plan_recovery(manifest: Mapping[str, Any], target: Path | None, look: Look) -> RecoveryPlan:
    """Decide where everything goes.

    Args:
        manifest: Of the snapshot.
        target: The folder that becomes the estate's; None for the one it was in.
        look: Says what is at the path of a place in the snapshot.
    """
    try:
        told = manifest["recovery"]
        folder = target or Path(told["estate_folder"])
        estate_file = folder / _tame(told["estate_file"])
        places = [(_tame(it["at"]), str(it["to"])) for it in told["places"]]
        run = str(manifest["made_by"]["run"])
        store, user, key_file = (str(told[name]) for name in ("store", "user", "key_file"))
        paths = [(at, _resolve(to, folder, target)) for at, to in places if to]
        paths += [(KEY, _resolve(key_file, folder, target))] if key_file else []
    except (KeyError, TypeError) as error:
        raise OpsError(
            "this snapshot does not say how the service is put back",
            why="its manifest has no part `recovery`",
            data="nothing was changed",
            next_step="is it the repository STORE/giucong? Other sites: `{program} backup.restore`",
        ) from error
    steps = sorted(_steps(paths, look), key=lambda step: step.path == estate_file)
    return RecoveryPlan(
        estate_file=estate_file,
        steps=steps,
        records=next((at for at, _to in places if at == RECORDS_FOLDER), ""),
        store=store,
        user=user,
        run=run,
        is_moved=target is not None and any(to.startswith("/") for _at, to in places),
    )


def _steps(paths: Sequence[tuple[str, Path]], look: Look) -> Iterator[Step]:
    for at, path in paths:
        state = look(at, path)
        if at == CATALOG_FILE and any(look("", it) != "free" for it in companions(path)):
            state = "taken"
        if at != KEY or state == "free":  # a key that is there is never touched
            yield Step(at, path, state)


def _resolve(to: str, folder: Path, target: Path | None) -> Path:
    """Give where a place is now; outside of a moved estate's folder it comes below it."""
    if not to.startswith("/"):
        return folder / _tame(to)
    return Path(to) if target is None else target / ELSEWHERE / _tame(to.lstrip("/"))


def _tame(path: str) -> str:
    """Give a relative path that stays below its folder."""
    normal = os.path.normpath(path)
    if normal.startswith(("/", "..")):
        raise leads_out(path)
    return normal


def companions(path: Path) -> list[Path]:
    """Give the files beside an SQLite database that only make sense with it."""
    return [Path(f"{path}{suffix}") for suffix in _COMPANIONS]


def is_secret(step: Step) -> bool:
    """Tell whether a step writes a key, for its owner alone."""
    return step.at in {SIGNING_KEY, CREDENTIALS_KEY, KEY}


INSTALLED_FOLDERS = (INSTALLED_PATH.parent, Path("/var/lib/giucong"), Path("/var/cache/giucong"))
"""What the service has where it is installed: examples/systemd/giucong.service."""


def name_folders(target: str, also: Iterable[str]) -> list[Path]:
    """Give the folders that the person names; without a target, those of the estate in force.

    Args:
        target: The folder that becomes the estate's; may be empty.
        also: More folders.
    """
    named = [Path(it).absolute() for it in also]
    if target:
        return [Path(target).absolute(), *named]
    try:
        path = find_estate_path()
    except WrongUseError:
        path = Path(os.environ.get("GIUCONG_ESTATE") or INSTALLED_PATH).absolute()
    return [*(INSTALLED_FOLDERS if path == INSTALLED_PATH else [path.parent]), *named]


def list_outside(paths: Iterable[Path], folders: Sequence[Path]) -> list[Path]:
    """List the paths that lie in none of the folders, links followed."""
    return [path for path in paths if find_around(path, folders) is None]


def refuse_outside(plan: RecoveryPlan, folders: Sequence[Path]) -> None:
    """Refuse a plan that leads out of the folders named."""
    written = [step.path for step in plan.steps if step.state != "same"]
    outside = list_outside([plan.estate_file, *written], folders)
    if outside:
        raise WrongUseError(
            "the backup would go to places that nobody has named: {places}",
            why="named is only: {folders}",
            next_step="where these are right, name their folders too: `--also FOLDER`; or have"
            " everything in one of your own: `--target FOLDER`",
            places=", ".join(map(str, outside)),
            folders=", ".join(map(str, folders)),
        )


def refuse_borrowed() -> None:
    """Refuse who acts with another user's rights.

    Raises:
        NotAllowedError: `sudo` has lent them.
    """
    if is_borrowed():
        me = pwd.getpwuid(os.geteuid()).pw_name
        raise NotAllowedError(
            "a recovery is not typed with the rights of another user",
            why='`sudo` has lent you those of "{me}"',
            data="nothing was changed",
            next_step="have it typed by root, or at a console of that user",
            me=me,
        )


def refuse_strangers(estate_file: Path) -> None:
    """Refuse a recovery over a service whose user this is not."""
    folder = find_state_folder(estate_file)
    if folder and decide_step(folder.stat().st_uid, os.geteuid()) == "refuse":
        raise NotAllowedError(
            "you may not recover over the service that is there",
            why="its folder {folder} belongs to somebody else",
            data="nothing was changed",
            next_step="have it typed by root, or at a console of that user",
            folder=folder,
        )
