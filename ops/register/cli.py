"""Write into the register for a person at a terminal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar, cast
from uuid import UUID

from sqlalchemy.orm import Session

from ops.access.session import at_bench
from ops.alerts.notice_wording import NoticeRow, explain_notice
from ops.catalog.tables.alerts import Alert
from ops.catalog.tables.drills import Drill
from ops.catalog.tables.security import SecurityFinding
from ops.errors import WrongUseError, unknown
from ops.estate.choose import read_moment
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_moment
from ops.language.text import N_, _, fill, make_visible
from ops.register.entry import KINDS, MOST_TITLE, Change, Entry, Kind, Link, LinkKind, NewEntry
from ops.register.records import add_entry, change_entry, find_entry, find_link, read_links
from ops.register.tasks import AddEntry, Close, Update
from ops.register.timeline import Outage, measure_outage, tell_finding
from ops.terminal.output import write_line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Origin:
    """What an alert or a drill says of an entry that begins with it.

    `is_measured`: the watch measured when it began, and nobody else says so.
    """

    link: Link
    title: str
    site: str
    occurred_at: datetime
    is_measured: bool = False


_Changing = TypeVar("_Changing", Update, Close)
_Begin = Callable[[Session, Link, Estate], _Origin]


def add(wish: AddEntry) -> int:
    """Enter it; gives 0.

    Raises:
        WrongUseError: Kind, site, unit, moment, alert or drill is not known, or cannot be so.
    """
    estate, now = load_estate(), datetime.now(UTC)
    with at_bench(estate, dry_run=wish.dry_run) as bench, bench.catalog.writing() as session:
        new = _read_new(session, estate, wish, now)
        entry = add_entry(session, bench.origin, new, zone=estate.zone, now=now)
    params = {"entry": entry.called, "kind": _(KINDS[entry.kind]), "title": entry.title}
    if wish.dry_run:
        write_line(_("would enter {entry}, {kind}: {title}").format(**params))
        return 0
    write_line(_("entered as {entry}, {kind}: {title}").format(**params))
    write_line(fill(N_("  next: `{program} register.show --id {entry}`"), {"entry": entry.called}))
    return 0


def update(wish: Update) -> int:
    """Note how an entry goes on; gives 0.

    Raises:
        WrongUseError: There is no such entry, or the change does not follow from how it stands.
    """
    entry = _change(wish, _read_update)
    told = _("would note this in {entry}") if wish.dry_run else _("noted in {entry}")
    write_line(told.format(entry=entry.called))
    return 0


def close(wish: Close) -> int:
    """Conclude an entry; gives 0.

    Raises:
        WrongUseError: As `update`.
    """
    entry = _change(wish, _read_close)
    told = _("would note this in {entry}") if wish.dry_run else _("{entry} is closed")
    write_line(told.format(entry=entry.called))
    return 0


def _change(
    wish: _Changing, read: Callable[[Session, Estate, _Changing, Entry, datetime], Change]
) -> Entry:
    estate, now = load_estate(), datetime.now(UTC)
    with at_bench(estate, dry_run=wish.dry_run) as bench, bench.catalog.writing() as session:
        entry = find_entry(session, wish.id)
        made = read(session, estate, wish, entry, now)
        origin = replace(bench.origin, document=wish.document) if wish.document else bench.origin
        return change_entry(session, origin, entry, made, now=now)


def _read_new(session: Session, estate: Estate, wish: AddEntry, now: datetime) -> NewEntry:
    start = _find_origin(session, estate, wish)
    site = wish.site or (start.site if start else "")
    if wish.site:
        estate.site(wish.site)
    if start and start.site not in {"", site}:
        raise WrongUseError(
            'what it begins with is about "{of}", not about "{site}"',
            next_step="leave `--site` out",
            of=start.site,
            site=site,
        )
    if wish.occurred and start and start.is_measured:
        raise _measured("occurred", start.occurred_at, estate)
    received = read_moment(wish.received, estate) if wish.received else now
    occurred = start.occurred_at if start else received
    return NewEntry(
        kind=_read_kind(wish, start),
        title=wish.title or (start.title[:MOST_TITLE] if start else ""),
        unit=_read_unit(estate, wish, site),
        site=site,
        reporter=wish.reporter,
        document=wish.document,
        occurred_at=read_moment(wish.occurred, estate) if wish.occurred else occurred,
        received_at=received,
        is_serious=wish.serious,
        has_personal_data=wish.personal_data,
        links=(start.link,) if start else (),
    )


def _read_kind(wish: AddEntry, start: _Origin | None) -> Kind:
    kind = wish.kind or ("incident" if start else "")
    if not kind:
        raise unknown("it is not said what kind of entry it is", kind, KINDS)
    return cast("Kind", kind)


def _read_unit(estate: Estate, wish: AddEntry, site: str) -> str:
    if wish.unit and wish.unit not in {it.name for it in estate.units}:
        units = [it.name for it in estate.units]
        raise unknown('the estate names no unit "{name}"', wish.unit, units)
    known = {it.name: it.unit for it in estate.sites}
    return wish.unit or known.get(site, "")


def _find_origin(session: Session, estate: Estate, wish: AddEntry) -> _Origin | None:
    """Read the alert, the drill or the finding that an entry begins with."""
    typed: dict[LinkKind, str] = {
        "alert": wish.from_alert,
        "drill": wish.from_drill,
        "finding": wish.from_finding,
    }
    given = [kind for kind, text in typed.items() if text]
    if len(given) > 1:
        raise WrongUseError(
            "an entry begins with one thing: an alert, a drill or a finding",
            next_step="give one of them, and link the other: `{program} register.update`",
        )
    if not given:
        return None
    return _BEGINS[given[0]](session, find_link(session, given[0], typed[given[0]]), estate)


def _begin_with_alert(session: Session, link: Link, estate: Estate) -> _Origin:
    row = session.get_one(Alert, UUID(link.ref))
    told = NoticeRow(
        severity=row.severity,
        code=row.code,
        params=row.params,
        job=row.job,
        site=row.site,
        created_at=row.seen_at,
    )
    headline, _told = explain_notice(told, estate.organisation.timezone)
    outage = measure_outage(session, row)
    return _Origin(
        link=link,
        title=make_visible(headline, one_line=True),
        site=row.site,
        occurred_at=outage[0] if outage else row.opened_at,
        is_measured=outage is not None,
    )


def _measured(flag: str, moment: datetime, estate: Estate) -> WrongUseError:
    return WrongUseError(
        "the watch has measured that moment: {at}",
        why="an outage has one length, which the watch and the register both tell",
        next_step="leave `--{flag}` out",
        at=format_moment(moment, estate.organisation.timezone),
        flag=flag,
    )


def _begin_with_drill(session: Session, link: Link, estate: Estate) -> _Origin:
    drill = session.get_one(Drill, UUID(link.ref))
    if drill.outcome in {None, "ok"}:
        raise WrongUseError(
            "that drill was passed, or is not concluded",
            next_step="`{program} drill.list` shows how drills ended",
        )
    moment = format_moment(drill.started_at, estate.organisation.timezone)
    title = _("the drill of {moment} was not passed").format(moment=moment)
    return _Origin(link=link, title=title, site=drill.site, occurred_at=drill.started_at)


def _begin_with_finding(session: Session, link: Link, _estate: Estate) -> _Origin:
    row = session.get_one(SecurityFinding, UUID(link.ref))
    where, _colon, name = row.subject.partition(":")
    title = make_visible(f"{row.subject}: {tell_finding(row)}", one_line=True)
    return _Origin(
        link=link, title=title, site=name if where == "site" else "", occurred_at=row.first_seen_at
    )


_BEGINS: Mapping[LinkKind, _Begin] = {
    "alert": _begin_with_alert,
    "drill": _begin_with_drill,
    "finding": _begin_with_finding,
}


def _read_update(
    session: Session, estate: Estate, wish: Update, entry: Entry, now: datetime
) -> Change:
    if wish.at and not (wish.acknowledged or wish.restored):
        raise WrongUseError(
            "a moment is given, and not of what", next_step="add `--acknowledged` or `--restored`"
        )
    at = read_moment(wish.at, estate) if wish.at else now
    links: dict[LinkKind, str] = {
        "run": wish.run,
        "alert": wish.alert,
        "drill": wish.drill,
        "finding": wish.finding,
    }
    return Change(
        acknowledged_at=at if wish.acknowledged else None,
        restored_at=_read_restored(session, estate, wish, entry, at) if wish.restored else None,
        cause=wish.cause,
        document=wish.document,
        is_serious=wish.serious,
        has_personal_data=wish.personal_data,
        note=wish.note,
        links=tuple(find_link(session, kind, text) for kind, text in links.items() if text),
    )


def _read_restored(
    session: Session, estate: Estate, wish: Update, entry: Entry, typed: datetime
) -> datetime:
    """Give when it worked again: as the watch measured it, where it has."""
    outage = _outage_of(session, entry)
    if outage is None:
        return typed
    began, ended = outage
    if ended is None and not wish.at:
        raise WrongUseError(
            "the watch has not seen the site answer since {began}",
            next_step="wait until `{program} monitor.alerts` no longer names it; where the watch"
            " does not run, give the moment with `--at`",
            began=format_moment(began, estate.organisation.timezone),
        )
    if ended is not None and wish.at:
        raise _measured("at", ended, estate)
    return ended or typed


def _outage_of(session: Session, entry: Entry) -> Outage | None:
    """Give the outage that an entry's alert tells of, and that was when the entry says it was."""
    alerts = (it.ref for it in read_links(session, entry) if it.kind == "alert")
    rows = (session.get_one(Alert, UUID(it)) for it in alerts)
    found = filter(None, (measure_outage(session, it) for it in rows))
    at = entry.occurred_at
    return next((it for it in found if it[0] <= at <= (it[1] or at)), None)


def _read_close(
    session: Session, _estate: Estate, wish: Close, entry: Entry, now: datetime
) -> Change:
    outage = _outage_of(session, entry) if entry.restored_at is None else None
    return Change(
        restored_at=outage[1] if outage else None,
        closed_at=now,
        cause=wish.cause,
        result=wish.result,
        document=wish.document,
    )


def unit_title(estate: Estate, name: str, moment: datetime) -> str:
    """Give a unit's title on a day; its name where the estate no longer names it."""
    day = moment.astimezone(estate.zone).date()
    return {it.name: it.title_on(day) for it in estate.units}.get(name, name)


def tell_entry(entry: Entry) -> str:
    """Give an entry in a few words."""
    return f"{entry.called} · {_(KINDS[entry.kind])} · {entry.title}"
