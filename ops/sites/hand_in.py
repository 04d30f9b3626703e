"""Take the estate, a part or a table of it from a person: check, show, write or propose.

Order:

1. Read the new part; the estate is loaded with it, and any mistake stops here.
2. Show what becomes different.
3. Put it in its place, whole or not at all.
4. The new estate is remembered, which journals who changed what.

Cut off between 3 and 4, the next task journals the difference.
"""

import os
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ops.access.session import note_act
from ops.durable_files import put_anew, read_bounded
from ops.errors import EstateError, OpsError, WrongUseError
from ops.estate.edit.csv_sheet import read_sheet
from ops.estate.edit.import_sites import ImportPlan, is_included, plan_import
from ops.estate.edit.proposal import digest_of_file, show_difference
from ops.estate.load.changeable import MOST_BYTES, add_changeable, read_changeable, read_whole
from ops.estate.load.load import load_document, load_estate
from ops.estate.load.problems import render_key
from ops.estate.load.read import (
    Document,
    changeable_path,
    find_estate_path,
    parse_into,
    read_document,
)
from ops.estate.model.estate import Estate
from ops.estate.versions import find_changes
from ops.journal.journal import Entry
from ops.language.text import N_, _, as_typed, fill, ngettext
from ops.sites.propose import Proposed, change_file, read_if_there
from ops.sites.tasks import ChangePart, ImportSites, Propose
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import write_json, write_line, write_text

LARGEST_FILE = 4 << 20


def hand_in(wish: Propose) -> int:
    """Write a file of the estate, or propose it; gives the exit code.

    Raises:
        WrongUseError: It cannot be read, or the estate does not read a file of that name.
        EstateError: The estate that would come of it has mistakes.
    """
    estate = load_estate()
    content = read_handed_in(wish.file, LARGEST_FILE)
    path = _place_of(estate, wish.out)
    if path == estate.path:
        _refuse_far_includes(path, content)
    load_handed_in(read_whole(estate.path, instead={path: content}), wish.file, path)
    before = read_if_there(path)
    if before == content:
        write_line(_("{path} is the same already").format(path=path))
        return 0
    if wish.dry_run:
        for line in show_difference(wish.out, before, content):
            write_line(line)
        write_line(_("would be written so; nothing was changed"))
        return 0
    proposed = change_file(estate, path, before, content, task="estate.propose")
    if proposed is not None:
        return proposed.tell()
    details = {"file": wish.out, "before": digest_of_file(before), "after": digest_of_file(content)}
    note_act(load_estate(estate.path), Entry("estate.written", wish.out, details))
    write_line(_("{path} is written").format(path=path))
    return 0


class HandedInError(EstateError):
    """What a person hands in makes mistakes in the estate; those that stand in it name it."""

    def __init__(self, typed: Path, place: Path, error: EstateError) -> None:
        told = [replace(it, file=typed) if it.file == place else it for it in error.problems]
        super().__init__(typed, told)
        self.what = N_('the file "{path}" is not taken; problems found: {count}')
        self.data = N_("nothing was changed")
        self.next_step = N_("correct the lines above, then type the same command again")


def load_handed_in(document: Document, file: str, place: Path) -> Estate:
    """Check an estate, and tell mistakes of what is handed in as ones of the file that was typed.

    Args:
        document: As it would be read.
        file: The file.
        place: What it is to become.

    Raises:
        HandedInError: There are some.
    """
    try:
        return load_document(document)
    except EstateError as error:
        raise HandedInError(Path(as_typed(file)), place, error) from error


def read_handed_in(file: str, most: int) -> bytes:
    """Read what a person hands in.

    Raises:
        WrongUseError: It cannot be read, or is too large.
    """
    try:
        content = read_bounded(Path(file), most)
    except OSError as error:
        raise WrongUseError(
            "{path} cannot be read",
            why="{reason}",
            next_step="name a file that you may read",
            path=file,
            reason=error.strerror,
        ) from error
    if len(content) > most:
        raise WrongUseError(
            "{path} is larger than {most} MiB",
            next_step="split it: `include` may name several files",
            path=file,
            most=most >> 20,
        )
    return content


def _place_of(estate: Estate, out: str) -> Path:
    folder = estate.path.parent
    path = Path(os.path.normpath(folder / out))
    is_read = path == estate.path or is_included(read_document(estate.path), path)
    if not (path.is_relative_to(folder) and is_read):
        raise WrongUseError(
            "the estate does not read {path}",
            why="`include` in {main} does not name it",
            next_step='add `include = ["sites.d/*.toml"]` below `schema`, or choose --out',
            path=path,
            main=estate.path,
        )
    return path


def _refuse_far_includes(main: Path, content: bytes) -> None:
    """Refuse to look at files that are none of the estate's, for who may not read them.

    Raises:
        WrongUseError: `include` leads out of the estate's folder.
    """
    folder = main.parent
    asked = (parse_into(Document(main), main, content) or {}).get("include")
    for pattern in asked if isinstance(asked, list) else ():
        if not Path(os.path.normpath(folder / str(pattern))).is_relative_to(folder):
            raise WrongUseError(
                "`include` leads out of the folder {folder}",
                next_step="have root write that into {path}",
                folder=folder,
                path=main,
            )


_MODE = 0o600


def change_part(wish: ChangePart) -> int:
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


DEFAULT_OUT = "sites.d/imported.toml"
STANDARD_INPUT = "-"
_MOST_BYTES = 16 << 20


def import_sites(wish: ImportSites) -> int:
    """Add the sites of a table to the estate; gives the exit code.

    Raises:
        SheetError: The table has mistakes.
        OpsError: Something cannot be read or written.
    """
    estate = load_estate()
    content = _read_table(wish.csv)
    path = Path(os.path.normpath(estate.path.parent / (wish.out or DEFAULT_OUT)))
    plan = plan_import(read_whole(estate.path), read_sheet(content), name=wish.csv, out=path)
    proposed = None
    if not wish.dry_run and plan.added:
        proposed = _write(estate, plan)
        details = {
            "file": str(plan.out),
            "added": plan.added,
            "skipped": plan.skipped,
            "table_sha256": sha256(content).hexdigest(),
            **({"proposal": proposed.id} if proposed else {}),
        }
        note_act(load_estate(estate.path), Entry("estate.imported", plan.out.name, details))
    _tell(plan, proposed, dry_run=wish.dry_run, as_json=wish.json)
    return INCOMPLETE if proposed else 0


def _read_table(csv: str) -> bytes:
    try:
        if csv == STANDARD_INPUT:
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(csv).open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise WrongUseError(
            'the table "{path}" cannot be read',
            why="{reason}",
            data="nothing was written",
            next_step="if only you may read it: `{program} estate.import --csv - < {path}`",
            path=csv,
            reason=error.strerror or type(error).__name__,
        ) from error
    if len(content) > _MOST_BYTES:
        raise WrongUseError(
            'the table "{path}" is larger than 16 MiB',
            data="nothing was written",
            next_step="save the sheet of sites alone, as `CSV UTF-8`",
            path=csv,
        )
    return content


def _write(estate: Estate, plan: ImportPlan) -> Proposed | None:
    try:
        before = read_if_there(plan.out)
        text = (before or b"").decode()
        gap = "" if not text or text.endswith("\n\n") else "\n" * (2 - text.endswith("\n"))
        content = f"{text}{gap}{plan.text}".encode()
        return change_file(estate, plan.out, before, content, task="estate.import")
    except (OSError, UnicodeDecodeError) as error:
        raise OpsError(
            "the sites cannot be written to {path}",
            why="{reason}",
            data="the estate is as it was",
            next_step="look at the folder and its room: `ls -ld {folder}`, `df {folder}`; or take"
            " the blocks from --dry-run",
            path=plan.out,
            folder=next(it for it in plan.out.parents if it.exists()),
            reason=getattr(error, "strerror", None) or str(error),
        ) from error


def _tell(plan: ImportPlan, proposed: Proposed | None, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        written = bool(plan.added) and not dry_run and proposed is None
        added = [{"site": name} for name in plan.added]
        write_json(
            added,
            file=plan.out,
            skipped=plan.skipped,
            written=written,
            toml=plan.text,
            proposal=proposed.id if proposed else "",
        )
        return
    if proposed is not None:
        proposed.tell()
        return
    if dry_run:
        write_text(plan.text)
    count = len(plan.added)
    text = ngettext("{count} new site: {path}", "{count} new sites: {path}", count)
    if dry_run:
        text = ngettext(
            "# {count} site would be written to {path}",
            "# {count} sites would be written to {path}",
            count,
        )
    write_line(text.format(count=count, path=plan.out))
    if plan.skipped:
        told = _("there already, left as they are: {names}").format(names=", ".join(plan.skipped))
        write_line(f"# {told}" if dry_run else told)
    if not dry_run and count:
        write_line(fill(N_("next: `{program} estate.check`, then `{program} backup.init`"), {}))
