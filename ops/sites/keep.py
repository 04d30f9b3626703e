"""Keep a copy of the estate file before it is changed, and put it back: both whole or not at all.

Only the estate in use is meant, and the copy has one name: no path is given. It lies beside the
file; where that is root's, in the state folder, and to put it back is proposed to root. Each is
opened in its folder by its name, so that a link in the place of one of them leads nowhere.
"""

import os
import stat
from pathlib import Path

from ops.durable_files import put_anew
from ops.entering import entered, read_entered
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.load.read import changeable_path, find_estate_path, read_document
from ops.language.text import _
from ops.sites.propose import is_roots, propose
from ops.sites.tasks import Keep
from ops.terminal.output import write_line

SUFFIX = ".truoc-khi-doi"
_MOST_BYTES = 16 << 20


def keep_estate(wish: Keep) -> int:
    """Copy the estate file to its copy, or back; gives the exit code.

    Raises:
        WrongUseError: There is no estate, or no copy to put back.
        OpsError: The folder cannot be written.
        StrangeLinkError: One of them is a link.
    """
    estate = find_estate_path()
    roots = is_roots(estate)
    folder = changeable_path(read_document(estate)).parent if roots else estate.parent
    kept = folder / f"{estate.name}{SUFFIX}"
    source, target = (kept, estate) if wish.back else (estate, kept)
    if kept.is_symlink():
        raise _unreadable(kept, _("it is a link"))
    content, found = _read(source)
    before = _read(target)[0] if target.exists() else None
    if before == content:
        write_line(
            _("{target} is the same as {source} already").format(target=target, source=source)
        )
        return 0
    if wish.dry_run:
        write_line(_("would copy {source} to {target}").format(source=source, target=target))
        return 0
    if roots and wish.back:
        return propose(load_estate(), target, before, content, task="estate.keep").tell()
    try:
        put_anew(target, content, stat.S_IMODE(found.st_mode))
    except OSError as error:
        raise OpsError(
            "{target} cannot be written",
            why="{reason}",
            data="nothing was changed",
            next_step="have root type `cp -p {source} {target}`, then go on",
            target=target,
            source=source,
            reason=error.strerror,
        ) from error
    write_line(_("{source} is copied to {target}").format(source=source, target=target))
    return 0


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    try:
        with entered(path) as place:
            return read_entered(place, _MOST_BYTES)
    except OSError as error:
        raise _unreadable(path, error.strerror or "-") from error


def _unreadable(path: Path, reason: str) -> WrongUseError:
    return WrongUseError(
        "{path} cannot be read",
        why="{reason}",
        next_step="keep one first: `{program} estate.keep`",
        path=path,
        reason=reason,
    )
