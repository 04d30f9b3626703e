"""Show the register to a person at a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from ops.access.session import reading
from ops.duties.cli import DutyDesk, at_desk
from ops.duties.wording import tell_title
from ops.errors import unknown
from ops.estate.load.load import load_estate
from ops.language.formats import format_date, format_duration, format_id, format_moment
from ops.language.text import N_, _, fill
from ops.register.cli import tell_entry, unit_title
from ops.register.clocks import Clock, read_clocks
from ops.register.entry import KINDS, LINK_WORDS, STATES, Entry, Link
from ops.register.records import MOST_LISTED, Wanted, find_entry, list_entries, read_links
from ops.register.summary import Figures, YearSummary, summarise, year_bounds
from ops.register.tasks import ListEntries, ShowEntry
from ops.register.timeline import Timeline, collect_timeline
from ops.terminal.output import Cell, Tone, write_indented, write_json, write_line
from ops.terminal.view import NONE, Column, Row, View, duration, moment, number, words, write_list

_TONES: Mapping[str, Tone] = {
    "received": "warning",
    "acknowledged": "plain",
    "restored": "good",
    "closed": "faint",
}


def _kind(row: Row) -> Cell:
    told = _(KINDS[row["kind"]])
    if not row["is_serious"]:
        return Cell(told)
    return Cell(f"{told}, {_('serious')}", "plain" if row["state"] == "closed" else "bad")


REGISTER = View(
    N_("The register has nothing of that."),
    Column("called", N_("Entry"), link="/entry?id={called}"),
    Column("title", N_("About")),
    Column("kind", N_("Kind"), of=_kind),
    Column("state", N_("State"), words(STATES, _TONES)),
    Column("received_at", N_("Received"), moment),
    Column("unit", N_("Unit")),
    Column("site", N_("Site")),
)
HAPPENED = {
    "occurred": N_("it happened, or was noticed"),
    "received": N_("received"),
    "acknowledged": N_("somebody answers for it"),
    "restored": N_("works again"),
    "closed": N_("closed"),
    "noted": N_("noted"),
    "acked": N_("alert taken up"),
    "cleared": N_("alert over"),
    "run": N_("run"),
    "drilled": N_("restore drill"),
    "found": N_("found by an audit"),
    "fixed": N_("no longer found"),
    "seen": N_("the watch saw"),
    "not_read": N_("what the watch saw cannot be read"),
}


def show(wish: ListEntries) -> int:
    """Write what is open, or the figures of a year; gives 0."""
    return show_year(wish) if wish.year else show_entries(wish)


def show_entries(wish: ListEntries) -> int:
    """Write entries, received last first; gives 0."""
    estate = load_estate()
    wanted = Wanted(kind=wish.kind, site=wish.site, unit=wish.unit, only_open=not wish.all)
    with reading(estate) as session:
        entries = list_entries(session, wanted, limit=MOST_LISTED + 1)
    units = [it.name for it in estate.units]
    if wish.unit and not entries and wish.unit not in units:
        raise unknown(N_('no unit is called "{name}"'), wish.unit, units)
    is_cut, entries = len(entries) > MOST_LISTED, entries[:MOST_LISTED]
    titles = {it.id: unit_title(estate, it.unit, it.received_at) for it in entries}
    has_table = write_list(
        REGISTER,
        ({**asdict(it), "state": it.state} for it in entries),
        as_json=wish.json,
        zone=estate.organisation.timezone,
        beside={"unit": lambda row: titles[row["id"]]},
        is_cut=is_cut,
    )
    if has_table and is_cut:
        write_line(_("There are older ones; ask for one kind, site or unit."))
    return 0


def show_entry(wish: ShowEntry) -> int:
    """Write an entry, its clocks and its timeline; gives 1 where a clock has run out, else 0."""
    now = datetime.now(UTC)
    with at_desk() as desk, desk.catalog.reading() as session:
        entry = find_entry(session, wish.id)
        clocks = read_clocks(session, desk.duties.duties, desk.setting, entry)
        links = read_links(session, entry)
        timeline = collect_timeline(session, entry, now)
    code = 1 if any(it.is_over(now) for it in clocks) else 0
    if wish.json:
        write_json(
            [
                {
                    **asdict(entry),
                    "state": entry.state,
                    "clocks": [_clock_values(it, now) for it in clocks],
                    "links": [asdict(it) for it in links],
                    "timeline": [asdict(it) for it in timeline.moments],
                    "timeline_is_cut": timeline.is_cut,
                }
            ]
        )
        return code
    _write_entry(desk, entry, links)
    _write_clocks(clocks, entry.called, now, desk.estate.organisation.timezone)
    _write_timeline(timeline, desk.estate.organisation.timezone)
    return code


def _clock_values(clock: Clock, now: datetime) -> dict[str, object]:
    return {
        "duty": clock.duty.name,
        "title": tell_title(clock.duty),
        "due_at": clock.due_at,
        "document": clock.document,
        "report": next(iter(clock.duty.evidence.papers), ""),
        "is_over": clock.is_over(now),
    }


def _write_entry(desk: DutyDesk, entry: Entry, links: Sequence[Link]) -> None:
    zone = desk.estate.organisation.timezone
    write_indented(tell_entry(entry), "", "  ", style="bold")
    unit = unit_title(desk.estate, entry.unit, entry.received_at)
    told = (
        (_("State"), _(STATES[entry.state])),
        (_("Unit"), unit),
        (_("Site"), entry.site),
        (_("Brought by"), entry.reporter),
        (_("Document"), entry.document),
        (_("Happened"), format_moment(entry.occurred_at, zone)),
        (_("Received"), format_moment(entry.received_at, zone)),
        (_("Worked again after"), _span(entry.occurred_at, entry.restored_at)),
        (_("Cause"), entry.cause),
        (_("Result"), entry.result),
        (
            _("Belongs to it"),
            ", ".join(f"{_(LINK_WORDS[it.kind])} {format_id(it.ref)}" for it in links),
        ),
    )
    for head, text in told:
        if text:
            write_indented(f"{head}: {text}", "  ", "    ")


def _span(begin: datetime, end: datetime | None) -> str:
    return format_duration(end - begin) if end is not None else ""


def _write_clocks(clocks: Sequence[Clock], called: str, now: datetime, zone: str) -> None:
    for clock in clocks:
        params = {"duty": tell_title(clock.duty), "moment": format_moment(clock.due_at, zone)}
        if clock.document:
            text = _("○ {duty}: done, see {document}").format(**params, document=clock.document)
            write_indented(text, "  ", "    ", style="green")
            continue
        left = format_duration(abs(clock.due_at - now))
        if clock.is_over(now):
            text = _("● {duty}: was due by {moment}, {left} ago").format(**params, left=left)
        else:
            text = _("● {duty}: by {moment}, {left} left").format(**params, left=left)
        write_indented(text, "  ", "    ", style="bold red" if clock.is_over(now) else "yellow")
        write_indented(_tell_next(clock, called), "    ", "      ")


def _tell_next(clock: Clock, called: str) -> str:
    """Say how the report is made and taken back, or recorded where no paper of ours is it."""
    if papers := clock.duty.evidence.papers:
        named = {"kind": papers[0], "entry": called}
        told = N_(
            "make it: `{program} report.make --kind {kind} --of {entry} --out FOLDER`; signed and"
            " sent: `{program} report.issue --kind {kind} --of {entry} --file FILE --number NUMBER"
            " --date DAY`"
        )
        return fill(told, named)
    command = {"name": clock.duty.name, "day": clock.period.start.isoformat()}
    recorded = N_(
        "once sent: `{program} duty.record --duty {name} --period {day} --document NUMBER`"
    )
    return fill(recorded, command)


def _write_timeline(timeline: Timeline, zone: str) -> None:
    write_line()
    write_list(TIMELINE, timeline.moments, as_json=False, zone=zone)
    if timeline.is_cut:
        write_line(_("There is more; the journal has it all."))


def tell_happened(row: Row) -> str:
    """Say what happened; a row is an `ops.register.timeline.Moment`."""
    what = row["what"]
    if what in HAPPENED:
        what = _(HAPPENED[what])
    elif row["source"] == "alert":
        what = _("alert: {code}").format(code=what)
    outcome = row["params"].get("outcome")
    return f"{what} ({outcome})" if outcome else what


TIMELINE = View(
    NONE,
    Column("at", N_("Moment"), moment),
    Column("what", N_("What"), of=tell_happened),
    Column(
        "text", N_("About"), of=lambda row: ": ".join(filter(None, (row["subject"], row["text"])))
    ),
    Column("person", N_("Who")),
)


def show_year(wish: ListEntries) -> int:
    """Write the figures of a year, of what is asked for alone; gives 0."""
    estate = load_estate()
    since, until = year_bounds(wish.year, estate.zone)
    with reading(estate) as session:
        summary = summarise(session, since, until, kind=wish.kind, site=wish.site, unit=wish.unit)
    if wish.json:
        write_json(_summary_values(summary), year=wish.year)
        return 0
    zone = estate.organisation.timezone
    by_kind = {_(KINDS[kind]): figures for kind, figures in summary.by_kind.items()}
    _write_figures(_("By kind"), {**by_kind, _("all"): summary.total})
    units = {
        unit_title(estate, name, since) or _("no unit"): figures
        for name, figures in summary.by_unit.items()
    }
    write_line()
    _write_figures(_("By unit"), units)
    write_line()
    for entry in summary.difficulties:
        day = format_date(entry.received_at.astimezone(estate.zone).date())
        write_indented(
            f"○ {day} {tell_entry(entry)}: {entry.result or _(STATES[entry.state])}", "", "  "
        )
    write_line(
        _("Counted is what was received from {since} to {until}.").format(
            since=format_moment(since, zone), until=format_moment(until, zone)
        )
    )
    return 0


def _summary_values(summary: YearSummary) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [{"group": "total", "name": "", **asdict(summary.total)}]
    rows += [{"group": "kind", "name": it, **asdict(f)} for it, f in summary.by_kind.items()]
    rows += [{"group": "unit", "name": it, **asdict(f)} for it, f in summary.by_unit.items()]
    return rows + [
        {"group": "difficulty", "name": it.called, **asdict(it)} for it in summary.difficulties
    ]


def _write_figures(title: str, groups: Mapping[str, Figures]) -> None:
    rows = [{"name": name, **asdict(it)} for name, it in groups.items()]
    write_list(FIGURES, rows, as_json=False, title=title)


FIGURES = View(
    N_("The register has nothing of that."),
    Column("name", N_("Of")),
    Column("count", N_("Count"), number),
    Column("still_open", N_("Open"), number),
    Column("serious", N_("Serious"), number),
    Column("answered", N_("Answered after"), duration),
    Column("restored", N_("Works again after"), duration),
    Column("longest", N_("Longest"), duration),
)
