"""Change what takes no root: titles, people, routes, roster, days off.

Order:

1. Read the new part; the estate is loaded with it, and any mistake stops here.
2. Show what becomes different.
3. Put it in its place, whole or not at all.
4. The new estate is remembered, which journals who changed what.

Cut off between 3 and 4, the next task journals the difference.
"""

from typing import Any

from ops.access.session import note_act
from ops.durable_files import put_anew
from ops.errors import WrongUseError
from ops.estate.edit.proposal import digest_of_file
from ops.estate.history.versions import find_changes
from ops.estate.load.changeable import MOST_BYTES, add_changeable, read_changeable, read_whole
from ops.estate.load.load import load_estate
from ops.estate.load.problems import render_key
from ops.estate.load.read import changeable_path, find_estate_path, read_document
from ops.journal.journal import Entry
from ops.language.text import _
from ops.sites.hand_in import load_handed_in, read_handed_in
from ops.sites.tasks import Change
from ops.terminal.output import write_line, write_text

_MODE = 0o600


def change_part(wish: Change) -> int:
    """Put a new changeable part in the place of the old one, or print it; gives the exit code.

    Raises:
        WrongUseError: Nothing was given, or it cannot be read.
        EstateError: The estate that would come of it has mistakes.
        OSError: The state folder cannot be written.
    """
    document = read_document(find_estate_path())
    path = changeable_path(document)
    if wish.show:
        write_text((read_changeable(path) or b"").decode("utf-8", "backslashreplace"))
        return 0
    if not wish.file:
        raise WrongUseError(
            "the new part is missing",
            next_step="begin with `{program} estate.change --show > part.toml`, then give it back:"
            " `--file part.toml`",
        )
    content = read_handed_in(wish.file, MOST_BYTES)
    laid = add_changeable(document, content)
    if laid.missed:
        raise WrongUseError(
            "the estate file has no such entry: {keys}",
            why="the part names sites and units that are there, and adds none",
            next_step="correct `name`, or have root add the entry there first",
            keys=", ".join(laid.missed),
        )
    estate = load_handed_in(read_whole(document.path, content), wish.file, path)
    changes = find_changes(load_estate(document.path).document(), estate.document())
    before = read_changeable(path)
    for key, (old, new) in changes.items():
        write_line(f"{key}: {_told(old)} → {_told(new)}")
    for place in laid.held:
        told = _("{key} stands in the estate file too, and that holds")
        write_line(told.format(key=render_key(place, document.data)))
    if wish.dry_run:
        write_line(_("would be changed so; nothing was changed"))
        return 0
    if content == before:
        write_line(_("{path} is the same already").format(path=path))
        return 0
    put_anew(path, content, _MODE)
    details = {"before": digest_of_file(before), "after": digest_of_file(content)}
    entry = Entry("estate.part-changed", path.name, details)
    note_act(load_estate(document.path), entry, reason=wish.reason)
    write_line(_("{path} is written").format(path=path))
    return 0


def _told(value: Any) -> str:
    if value in (None, "", []):
        return "–"
    if isinstance(value, list):
        return "; ".join(map(_told, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_told(it)}" for key, it in value.items())
    return str(value)
