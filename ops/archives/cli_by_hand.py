"""Archive what is handed in, for a person at a terminal."""

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from archive.errors import HandedInError
from archive.handed_in.table import Refused
from ops.access.session import at_bench
from ops.archives.by_hand import Looked, desk_of, ingest_by_hand, look_at
from ops.archives.kind import BY_HAND, by_hand_job
from ops.archives.tasks import Ingest
from ops.estate.choose import choose_sites
from ops.estate.load.load import load_estate
from ops.jobs.run_now import run_by_hand
from ops.language.formats import format_number, format_size
from ops.language.text import _, fill
from ops.outcomes.output import write_outcome
from ops.schedule.ledger.job import JobResult
from ops.terminal.exit_codes import EXIT_CODES, INCOMPLETE
from ops.terminal.output import write_json, write_line, write_table
from ops.terminal.progress import shown_progress

_SHOWN = 50


def ingest(wish: Ingest) -> int:
    """Archive what lies at a path; gives the exit code."""
    estate = load_estate()
    (chosen,) = choose_sites(estate, wish.site)
    source = Path(wish.from_).absolute()
    if wish.dry_run:
        looked = look_at(source, desk_of(estate, chosen, wish.content_class))
        return _tell_looked(looked, as_json=wish.json)
    refused: list[Refused] = []
    with shown_progress() as progress, at_bench(estate) as bench:
        work = partial(ingest_by_hand, progress=progress, told=refused.append)
        given = {
            "from": str(source),
            **({"class": wish.content_class} if wish.content_class else {}),
        }
        result = run_by_hand(
            bench, work, job=by_hand_job(chosen.name), kind=BY_HAND.name, site=chosen.name,
            arguments=given,
        )  # fmt: skip
    if wish.json:
        write_json([{"site": chosen.name, **asdict(result)}])
    else:
        _write_kept(chosen.name, result, refused)
    return EXIT_CODES[result.outcome]


def _tell_looked(looked: Looked, *, as_json: bool) -> int:
    if as_json:
        refused = [{"place": it.place, "why": it.error.reason} for it in looked.refused]
        remarks = [it.reason for it in looked.remarks]
        counts = {it: getattr(looked, it) for it in ("kind", "items", "files", "bytes")}
        write_json([{**counts, "refused": refused, "remarks": remarks}])
    else:
        text = _("would archive {items} items with {files} files, {size}")
        write_line(
            text.format(
                items=format_number(looked.items), files=format_number(looked.files),
                size=format_size(looked.bytes),
            )
        )  # fmt: skip
        _write_remarks(looked.remarks)
        _write_refused(looked.refused)
    return INCOMPLETE if looked.refused else 0


def _write_kept(site: str, result: JobResult, refused: list[Refused]) -> None:
    summary = result.summary
    text = _(
        "{site}: {seen} items handed in; {new} new, {changed} changed, {unchanged} as before,"
        " {size}"
    )
    names = ("seen", "new", "changed", "unchanged")
    write_line(
        text.format(
            site=site, size=format_size(summary["bytes"]),
            **{it: format_number(summary[it]) for it in names},
        )
    )  # fmt: skip
    for remark in summary["remarks"]:
        write_line(f"  {remark}")
    _write_refused(refused)
    write_outcome(result, job=by_hand_job(site), site=site)


def _write_refused(refused: list[Refused]) -> None:
    if not refused:
        return
    rows = [[it.place, _reason(it.error)] for it in refused[:_SHOWN]]
    write_table((_("where"), _("why it is not taken")), rows)
    if more := len(refused) - len(rows):
        write_line(_("and {count} more").format(count=format_number(more)))


def _write_remarks(remarks: Iterable[HandedInError]) -> None:
    for it in remarks:
        write_line(f"  {_reason(it)}")


def _reason(error: HandedInError) -> str:
    return fill(error.why, error.params)
