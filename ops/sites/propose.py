"""Change a file of the estate, or propose it to root where it is root's; keep a copy before.

Order of a proposal (`propose`, `change_file`):

1. Keep it in the state folder, whole, under the digest of what it holds.
2. Journal it.
3. Show the difference, and the one command that root types.

Cut off between 1 and 2, it waits there unjournaled. The same change of the same file, typed again,
is the proposal that waits already.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ops.access.caller import current_caller
from ops.access.session import at_bench
from ops.durable_files import place_file, put_anew
from ops.entering import entered, read_entered
from ops.errors import OpsError, WrongUseError
from ops.estate.edit.proposal import Kind, find_equal, keep_proposal, make_proposal, show_difference
from ops.estate.load.load import load_estate
from ops.estate.load.read import INSTALLED_PATH, changeable_path, find_estate_path, read_document
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.language.text import N_, _, fill
from ops.sites.tasks import Keep
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import write_line

_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Proposed:
    """What waits for root.

    Attributes:
        id: Its id.
        path: The file that it changes.
        difference: Lines of the difference; none of a secret.
    """

    id: str
    path: Path
    difference: tuple[str, ...]

    def tell(self) -> int:
        """Show the difference, and what root types; gives the exit code."""
        for line in self.difference:
            write_line(line)
        told = _("{path} is root's: this is proposed, and nothing is changed yet")
        write_line(told.format(path=self.path))
        command = N_("root takes it with: `{program} estate.take --id {id}`")
        write_line(fill(command, {"id": self.id}))
        return INCOMPLETE


def is_roots(path: Path) -> bool:
    """Tell whether a file of the estate is root's to change, and not this process's.

    Where the service is installed, what people have it do goes through root, also while the files
    are still the service's.
    """
    return is_closed(path) or (
        find_estate_path() == INSTALLED_PATH and current_caller() is not None
    )


def is_closed(path: Path) -> bool:
    """Tell whether this process can put nothing in a file's place."""
    folder = next(it for it in path.parents if it.exists())
    return not os.access(folder, os.W_OK | os.X_OK)


def is_closed_here(estate: Estate, path: Path) -> bool:
    """Tell that of a file which can be proposed: one below the estate's folder."""
    return path.is_relative_to(estate.path.parent) and is_closed(path)


def read_if_there(path: Path) -> bytes | None:
    """Give what a file holds; None where it is not there."""
    return path.read_bytes() if path.exists() else None


def change_file(
    estate: Estate, path: Path, before: bytes | None, content: bytes, *, task: str
) -> Proposed | None:
    """Write a file of the estate at once, or propose it where it is root's.

    Args:
        estate: In force.
        path: The file.
        before: What it held when that was decided; None where it is not there.
        content: All that it is to hold.
        task: Which task changes it.

    Returns:
        What waits for root; None where the file was written.

    Raises:
        OSError: It cannot be written.
        OpsError: It cannot be proposed.
    """
    if path.is_relative_to(estate.path.parent) and is_roots(path):
        return propose(estate, path, before, content, task=task)
    mode = path.stat().st_mode & 0o777 if before is not None else _MODE
    place_file(path, content, mode=mode, replace=True)
    return None


def propose(
    estate: Estate,
    path: Path,
    before: bytes | None,
    content: bytes,
    *,
    task: str,
    kind: Kind = "estate",
) -> Proposed:
    """Keep a change of a file for root, and journal it.

    Args:
        estate: In force.
        path: The file, below the estate's folder.
        before: What it holds; None where it is not there.
        content: All that it is to hold.
        task: Which task proposes it.
        kind: What file it is.

    Raises:
        OpsError: It cannot be proposed.
    """
    file, state = str(path.relative_to(estate.path.parent)), estate.service.state
    with at_bench(load_estate(estate.path)) as bench:
        by = bench.origin.person or bench.origin.login
        made = make_proposal(kind, file, before, content, task=task, by=by)
        name = find_equal(state, made)
        if not name:
            name = keep_proposal(state, made)
            with bench.catalog.writing() as session:
                entry = journal.Entry("estate.proposed", name, made.details())
                journal.append(session, bench.origin, [entry])
    shown = () if kind == "secret" else tuple(show_difference(file, before, content))
    return Proposed(name, path, shown)


SUFFIX = ".truoc-khi-doi"
_MOST_BYTES = 16 << 20


def keep_estate(wish: Keep) -> int:
    """Copy the estate file to its copy, or back; gives the exit code.

    Only the estate in use is meant, and the copy has one name: no path is given. It lies beside the
    file; where that is root's, in the state folder, and to put it back is proposed to root. Each is
    opened in its folder by its name, so that a link in the place of one of them leads nowhere.

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
