"""Where a recovery may write, and who may begin one.

What comes out of a store says where it belongs, and whoever has the store's key wrote it. So a
recovery writes into the folders that the person names and nowhere else; and it is typed by root or
by the service's own user, never with rights that `sudo` lends, for these reach every key.
"""

import os
import pwd
from collections.abc import Iterable, Sequence
from pathlib import Path

from ops.access.identity import NotAllowedError
from ops.entering import find_around
from ops.errors import WrongUseError
from ops.estate.load.read import INSTALLED_PATH, find_estate_path
from ops.estate.owner import decide_step, find_state_folder, is_borrowed
from ops.recovery.plan import RecoveryPlan

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
