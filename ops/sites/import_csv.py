"""Import sites from a table for a person at a terminal, and say what was done."""

import os
import sys
from hashlib import sha256
from pathlib import Path

from ops.access.session import note_act
from ops.errors import OpsError, WrongUseError
from ops.estate.edit.csv_sheet import read_sheet
from ops.estate.edit.import_sites import ImportPlan, plan_import
from ops.estate.load.changeable import read_whole
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.journal.journal import Entry
from ops.language.text import N_, _, fill, ngettext
from ops.sites.propose import Proposed, change_file, read_if_there
from ops.sites.tasks import ImportSites
from ops.terminal.exit_codes import INCOMPLETE
from ops.terminal.output import write_json, write_line, write_text

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
