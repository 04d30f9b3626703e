"""List kinds of papers and make them, for a person at a terminal."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ops.access.session import at_bench
from ops.durable_files import FILE_MODE, place_file
from ops.errors import OpsError, WrongUseError
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_size
from ops.language.text import N_, _, fill
from ops.reports.figures.figure import (
    EARLIEST,
    LATEST,
    Timespan,
    read_day,
    report_year,
    running_year,
)
from ops.reports.kinds.table import KINDS, Kind, Need, find_kind
from ops.reports.legal_texts import FILE as LEGAL_TEXTS
from ops.reports.legal_texts import list_unread
from ops.reports.make import (
    Wish,
    compose,
    note_made,
    refuse_to_come,
    refuse_too_early,
    stem_of,
    write_files,
)
from ops.reports.papers.blanks import list_blanks
from ops.reports.papers.paper import Paper, Paragraph
from ops.reports.requests import ReportRequest, find_request
from ops.reports.tasks import Kinds, Make, OneKind
from ops.terminal.output import write_indented, write_json, write_line
from ops.terminal.view import NONE, Column, View, words, write_list

NEEDS: Mapping[Need, str] = {
    "year": N_("a year: --year"),
    "plan": N_("the year of a plan: --year; left out: the next"),
    "time": N_("a time: --from and --to, or --year"),
    "site": N_("a site: --site; and a year"),
    "drill": N_("a drill: --of; left out: the newest"),
    "stop": N_("a planned stop: --of; left out: the next"),
    "incident": N_("an incident of the register: --of; left out: the newest serious one"),
    "line": N_("a line of the year's plan: --of, --year; left out: the one accepted last"),
    "day": N_("nothing: it is about today"),
}
_DECEMBER = 12
_MOST_BLANKS = 30
PAPERS = View(
    NONE,
    Column("kind", N_("Kind")),
    Column("title", N_("What it is")),
    Column("needs", N_("What it is about"), words(NEEDS)),
    Column("files", N_("Files"), of=lambda row: ", ".join(row["files"]).upper()),
)


def show_kinds(wish: Kinds) -> int:
    """Write the kinds of papers; gives 0."""
    rows = [
        {
            "kind": it.name,
            "title": _(it.title),
            "needs": it.needs,
            "takes": it.takes,
            "files": it.files,
        }
        for it in KINDS.values()
    ]
    if write_list(PAPERS, rows, as_json=wish.json):
        write_line(fill(N_("  next: `{program} report.make --kind KIND --out FOLDER`"), {}))
    return 0


def make_report(asked: Make) -> int:
    """Make a paper, place its files and journal them; gives 0."""
    find_kind(asked.kind)
    estate, now = load_estate(), datetime.now(UTC)
    folder = _folder(asked.out)
    with at_bench(estate) as bench:
        request = None
        if asked.request:
            with bench.catalog.reading() as session:
                request = find_request(session, asked.request)
        wish = read_wish(asked, estate, now, request)
        made = compose(estate, bench.catalog, wish, now)
        files = write_files(made, stem_of(wish))
        placed = {name: folder / name for name in files}
        for name, content in files.items():
            _place(placed[name], content)
        with bench.catalog.writing() as session:
            note_made(session, bench.origin, wish, files)
    _tell(files, placed, asked)
    if isinstance(made, Paper) and not asked.json:
        _tell_unread(estate, made)
        if wish.kind.name == "security":
            _tell_unsaid(estate, wish)
        else:
            _tell_blanks(list_blanks(made))
    return 0


def make_kind(wish: OneKind) -> int:
    """Make a paper of one kind, as `make_report` does."""
    given = {"of" if name == "id" else name: it for name, it in asdict(wish).items()}
    return make_report(Make(kind=wish.kind, **given))


def _folder(out: str) -> Path:
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise WrongUseError(
            "{path} is no folder",
            next_step="give `--out` a folder; it is made where it is not there",
            path=folder,
        )
    return folder


def _place(path: Path, content: bytes) -> None:
    try:
        place_file(path, content, mode=FILE_MODE, replace=True)
    except OSError as error:
        raise OpsError(
            "{path} cannot be written",
            why=error.strerror or "",
            data="no record was changed",
            next_step="give `--out` a folder that you may write to",
            path=path,
        ) from error


def _tell(files: Mapping[str, bytes], placed: Mapping[str, Path], asked: Make) -> None:
    if asked.json:
        rows = [
            {"file": str(placed[name]), "bytes": len(it), "sha256": hashlib.sha256(it).hexdigest()}
            for name, it in files.items()
        ]
        write_json(rows)
        return
    text = _("written: {path} ({size})")
    for name, content in files.items():
        write_line(text.format(path=placed[name], size=format_size(len(content))))


def _tell_unread(estate: Estate, paper: Paper) -> None:
    """Say what of the legal texts that the paper cites was read in no copy of them."""
    told = (it.text for it in paper.blocks if isinstance(it, Paragraph))
    unread = list_unread(estate.reports.texts, "\n".join((*paper.bases, *told)))
    if not unread:
        return
    text = _("check in the official text, then write it into {file} (`unread = []` ends this):")
    write_line(text.format(file=LEGAL_TEXTS))
    for it in unread:
        write_line(f"  {it}")


def _tell_unsaid(estate: Estate, wish: Wish) -> None:
    """Say what form 08 leaves blank, since the estate does not say it."""
    from ops.reports.kinds.security import list_blanks as list_unsaid

    if blanks := list_unsaid(estate, wish.day):
        write_line(_("left blank, since the estate does not say it:"))
    for it in blanks:
        write_line(f"  {it}")


def _tell_blanks(blanks: Sequence[str]) -> None:
    """Name what nobody knows, and somebody has to write in by hand."""
    if blanks:
        write_line(_("left blank, to be filled in by hand:"))
    for text in blanks[:_MOST_BLANKS]:
        write_indented(text, "  ", "    ")
    if len(blanks) > _MOST_BLANKS:
        write_line(f"  +{len(blanks) - _MOST_BLANKS}")


def read_wish(
    asked: Make, estate: Estate, now: datetime, request: ReportRequest | None = None
) -> Wish:
    """Read what was asked for; pure.

    Args:
        asked: The flags.
        estate: In force.
        now: Aware.
        request: The one that the paper answers.
    """
    kind = find_kind(asked.kind)
    _refuse_others(kind, asked)
    today = now.astimezone(estate.zone).date()
    if asked.site:
        estate.site(asked.site)
    elif kind.needs == "site":
        raise _lacks(kind, "site")
    wish = Wish(
        kind=kind,
        window=_window(kind, asked, estate, today, request),
        site=asked.site,
        of=asked.of,
        number=asked.number,
        day=read_day(asked.date, "date") if asked.date else today,
        request=request,
    )
    if wish.number:
        refuse_to_come(wish.day, today)
        if kind.is_on_a_year or kind.needs == "time":
            refuse_too_early(wish.day, wish.window.last)
    return wish


def _refuse_others(kind: Kind, asked: Make) -> None:
    """Refuse a flag that the kind does not heed: the paper would not be what it was asked for."""
    given = {
        "year": asked.year,
        "from": asked.from_,
        "to": asked.to,
        "site": asked.site,
        "of": asked.of,
        "number": asked.number,
        "date": asked.date,
        "request": asked.request,
    }
    odd = [name for name, value in given.items() if value and name not in kind.takes]
    if odd:
        raise WrongUseError(
            "the kind {kind} takes no --{flag}",
            why="it takes: {takes}",
            next_step="leave it out; `{program} report.kinds` says what each kind is about",
            kind=kind.name,
            flag=odd[0],
            takes=", ".join(f"--{it}" for it in kind.takes) or "–",
        )


def _window(
    kind: Kind, asked: Make, estate: Estate, today: date, request: ReportRequest | None
) -> Timespan:
    if bool(asked.from_) != bool(asked.to) or (asked.from_ and asked.year):
        raise WrongUseError(
            "the time is not clear: give --from and --to, or --year",
            next_step="`{program} report.make --help` lists all flags",
        )
    if asked.from_:
        first, last = read_day(asked.from_, "from"), read_day(asked.to, "to")
        if first > last or (last - first) > timedelta(days=3660):
            raise WrongUseError(
                "the time ends before it begins, or is longer than ten years",
                next_step="correct `--from` and `--to`",
            )
        return Timespan(first, last, estate.zone)
    if request and request.asked.first and request.asked.last and "from" in kind.takes:
        return Timespan(request.asked.first, request.asked.last, estate.zone)
    year = asked.year or _year_of(kind, today, estate.zone)
    if not EARLIEST <= year <= LATEST:
        raise WrongUseError(
            "there is no report on the year {year}",
            next_step="give `--year` four digits, such as {today}",
            year=year,
            today=today.year,
        )
    return report_year(year, estate.zone)


def _year_of(kind: Kind, today: date, zone: ZoneInfo) -> int:
    if kind.needs in {"year", "time"}:
        raise _lacks(kind, "year")
    if "year" in kind.more:  # form 08 is due on 20/12, on what ended on 14/12 (NĐ 331/2026 Điều 35)
        return today.year if today.month == _DECEMBER else today.year - 1
    return today.year + 1 if kind.needs == "plan" else running_year(today, zone)


def _lacks(kind: Kind, flag: str) -> WrongUseError:
    return WrongUseError(
        "the kind {kind} needs the flag --{flag}",
        next_step="`{program} report.kinds` says what each kind is about",
        kind=kind.name,
        flag=flag,
    )
