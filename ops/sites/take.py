"""Take what the service has proposed for the files that are root's; root types it, for itself.

Order:

1. The service's user looks in the journal's catalog whether who sits behind root may (roles).
2. The proposal is read as hostile data: bounded, through no link, held against its own id.
3. The file is held against what it was when the proposal was made, and the estate that would come
   of it is loaded: any mistake stops here.
4. The difference is shown; it is what will be written, byte for byte. Ask.
5. Write it, whole or not at all, as root's, readable for the service.
6. The service's user journals it and drops the proposal. The service sees by itself that the estate
   has changed.

Cut off between 5 and 6, the file is in its place, and the next task journals the difference.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ops.access.caller import current_caller, run_as_owner
from ops.access.identity import NotAllowedError, check_door
from ops.access.session import note_act
from ops.durable_files import name_of_old, put_anew
from ops.entering import Entered, entered, read_entered
from ops.errors import OpsError, WrongUseError
from ops.estate.check import find_references
from ops.estate.edit import proposal as proposals
from ops.estate.edit.import_sites import is_included
from ops.estate.edit.proposal import Proposal, show_difference
from ops.estate.load.changeable import read_whole
from ops.estate.load.load import load_document, load_estate
from ops.estate.load.read import (
    INSTALLED_PATH,
    EstateClosedError,
    changeable_path,
    find_estate_path,
    read_document,
)
from ops.journal.journal import Entry
from ops.language.formats import format_moment
from ops.language.text import _, make_visible
from ops.sites.tasks import Take
from ops.terminal.output import write_json, write_line, write_table
from ops.terminal.progress import need_confirmation

_FILE_MODE, _SECRET_MODE, _FOLDER_MODE = 0o640, 0o600, 0o750


@dataclass(frozen=True, slots=True)
class _Taking:
    """A proposal, and where it goes.

    Attributes:
        id: Its id.
        proposal: What it says.
        estate_file: The main file.
        state: The state folder, which is the service's.
    """

    id: str
    proposal: Proposal
    estate_file: Path
    state: Path

    @property
    def target(self) -> Path:
        """The file that it changes."""
        return self.estate_file.parent / self.proposal.file


def take_proposal(wish: Take) -> int:
    """Show a proposal, ask, and write it; without an id list what waits. Gives the exit code.

    Raises:
        NotAllowedError: This is not root, or the roles of who sits behind root do not reach.
        OpsError: The proposal is not what it was, or its file has changed since.
        EstateError: The estate that would come of it has mistakes.
    """
    path, state = _find_places()
    refused = run_as_owner(state, lambda: check_door("estate.take", {"id": wish.id}))
    if refused:
        return refused
    if not wish.id:
        return _list(path, state, as_json=wish.json)
    taking = _Taking(wish.id, proposals.find_proposal(state, wish.id), path, state)
    _check_target(taking)
    before = _read_target(taking)
    if taking.proposal.kind == "estate":
        load_document(read_whole(path, instead={taking.target: taking.proposal.content}))
    _show(taking, before)
    if wish.dry_run:
        write_line(_("would be written so; nothing was changed"))
        return 0
    question = _("{path} becomes what is shown above.").format(path=taking.target)
    need_confirmation(taking.target.name, wish.confirm, question)
    _read_target(taking)  # again: it may have changed while somebody read the question
    _write(taking, before)
    write_line(_("{path} is written").format(path=taking.target))
    return run_as_owner(state, lambda: _note(taking))


def _find_places() -> tuple[Path, Path]:
    """Give the main file and the state folder; refuse who may not write root's files."""
    try:
        path = find_estate_path()
        state = changeable_path(read_document(path)).parent
        mine = path.parent.stat().st_uid == os.geteuid()
        services = state.stat().st_uid != 0
        foreign = os.geteuid() == 0 and services != (path == INSTALLED_PATH)
    except (EstateClosedError, OSError):
        mine = foreign = False
    if current_caller() is not None or (os.geteuid() != 0 and not mine):
        raise NotAllowedError(
            "only root takes what is proposed",
            why="it changes files that are root's",
            data="nothing was changed",
            next_step="have root type `{program} estate.take`",
        )
    if foreign or not state.is_dir():
        raise WrongUseError(
            "nothing is proposed for {path}",
            why="root takes proposals for the installed estate alone: {installed}",
            next_step="leave out --estate and GIUCONG_ESTATE, and go to a folder without an"
            " estate.toml: `cd /`",
            path=path,
            installed=INSTALLED_PATH,
        )
    return path, state


def _list(path: Path, state: Path, *, as_json: bool) -> int:
    waiting, is_more = proposals.list_proposals(state)
    if as_json:
        write_json(
            (
                {
                    "id": name,
                    "file": it.file,
                    "kind": it.kind,
                    "task": it.task,
                    "by": it.by,
                    "at": it.at,
                }
                for name, it in waiting
            ),
            is_more=is_more,
        )
        return 0
    if is_more:
        told = _(
            "more lies in {folder} than is looked at: take by the id that was told when it was"
            " proposed (--id), and ask who has the rights of the service's user"
        )
        write_line(told.format(folder=state / proposals.FOLDER))
    if not waiting:
        if not is_more:
            write_line(_("nothing waits for root"))
        return 0
    zone = load_estate(path).organisation.timezone
    write_table(
        (_("Id"), _("File"), _("Task"), _("By"), _("At")),
        [
            (name, *map(_on_a_line, (it.file, it.task, it.by)), format_moment(it.at, zone))
            for name, it in waiting
        ],
    )
    return 0


def _on_a_line(told: str) -> str:
    return make_visible(told, one_line=True)


def _check_target(taking: _Taking) -> None:
    """Refuse another file than one that the estate has, or would read."""
    target, main = taking.target, taking.estate_file
    is_plain = _on_a_line(taking.proposal.file) == taking.proposal.file
    is_below = target == Path(os.path.normpath(target)) and target.is_relative_to(main.parent)
    if taking.proposal.kind == "estate":
        is_read = target == main or is_included(read_document(main), target)
    elif taking.proposal.kind == "secret":
        is_read = f"file:{target}" in {it for _at, it in find_references(load_estate(main))}
    else:
        estate = load_estate(main)
        tables = [it.known_hosts for it in estate.hosts]
        is_read = target in (*tables, *(it.known_hosts for it in estate.stores))
    if not (is_plain and is_below and is_read):
        raise OpsError(
            "the proposal {id} is not believed",
            why="it changes {file}, which the estate does not read",
            data="nothing was changed",
            next_step="ask who has the rights of the service's user",
            id=taking.id,
            file=_on_a_line(taking.proposal.file),
        )


def _read_target(taking: _Taking) -> bytes | None:
    """Give what the file holds, None where it is not there; refuse what has changed meanwhile."""
    before = None
    try:
        with entered(taking.target) as place:
            _refuse_others(place)
            before = read_entered(place, proposals.MOST_BYTES)[0]
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OpsError(
            "{path} cannot be read",
            why="{reason}",
            data="nothing was changed",
            next_step="look at it: `ls -l {path}`",
            path=taking.target,
            reason=error.strerror,
        ) from error
    if proposals.digest_of_file(before) != taking.proposal.before:
        raise OpsError(
            "{path} has changed since this was proposed",
            why="the proposal {id} was made for what it held before",
            data="nothing was changed",
            next_step="have it proposed anew",
            path=taking.target,
            id=taking.id,
        )
    return before


def _refuse_others(place: Entered) -> None:
    """Refuse a folder in which others than who runs this could swap the file."""
    if not place.is_steady:
        raise OpsError(
            "{folder} is not root's",
            why="others could swap what root writes there for something else",
            data="nothing was changed",
            next_step="give it to root: `chown root:giucong {folder}`, `chmod 750 {folder}`",
            folder=place.path.parent,
        )


def _show(taking: _Taking, before: bytes | None) -> None:
    it = taking.proposal
    told = _("{task}, typed by {by}")
    write_line(told.format(task=_on_a_line(it.task), by=_on_a_line(it.by)))
    if it.kind == "secret":
        write_line(_("a secret goes to {path}; it is not shown").format(path=taking.target))
        return
    for line in show_difference(it.file, before, it.content):
        write_line(line)


def _write(taking: _Taking, before: bytes | None) -> None:
    """Write what was shown, in folders that are root's."""
    target, group = taking.target, taking.estate_file.stat().st_gid
    try:
        _make_folders(target.parent, group)
        with entered(target) as place:
            _refuse_others(place)
            found = place.look()
            if taking.proposal.kind == "secret":
                _put_secret(taking, place.path, before)
            else:
                mode = stat.S_IMODE(found.st_mode) & ~0o022 if found else _FILE_MODE
                put_anew(place.path, taking.proposal.content, mode, (os.geteuid(), group))
    except OSError as error:
        raise OpsError(
            "{path} cannot be written",
            why="{reason}",
            data="nothing was changed",
            next_step="make room, or the folder writable for root; then type it again",
            path=target,
            reason=error.strerror,
        ) from error


def _make_folders(folder: Path, group: int) -> None:
    """Make what is missing on the way, for root, readable for the service."""
    missing = [it for it in (folder, *folder.parents) if not it.exists()]
    for path in reversed(missing):
        with entered(path) as place:
            _refuse_others(place)
            os.mkdir(place.name, 0o700, dir_fd=place.folder)
            os.chown(place.name, -1, group, dir_fd=place.folder, follow_symlinks=False)
            os.chmod(place.name, _FOLDER_MODE, dir_fd=place.folder)  # root's umask would close it


def _put_secret(taking: _Taking, path: Path, before: bytes | None) -> None:
    """Put a secret in its place, for the service alone; the one that was there stays beside it."""
    state = taking.state.stat()
    owner = (state.st_uid, state.st_gid)
    if before is not None:
        kept = name_of_old(path)
        put_anew(kept, before, _SECRET_MODE, owner)
        write_line(_("the one that was there is kept as {path}").format(path=kept))
    put_anew(path, taking.proposal.content, _SECRET_MODE, owner)


def _note(taking: _Taking) -> int:
    it = taking.proposal
    entries = [Entry("estate.taken", taking.id, {**it.details(), "proposed_by": it.by})]
    if it.kind == "secret":
        replaced = {"replaced": bool(it.before)}
        entries.append(Entry("secret.stored", f"file:{it.file}", replaced))
    note_act(load_estate(taking.estate_file), *entries)
    proposals.drop_proposal(taking.state, taking.id)
    return 0
