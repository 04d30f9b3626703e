"""Show the estate in force, or the one that was in force on a day."""

from datetime import UTC, date, datetime, time, timedelta

from ops.access.session import reading
from ops.errors import WrongUseError
from ops.estate.edit.import_sites import read_day
from ops.estate.edit.show import describe_estate, overview
from ops.estate.history.versions import PastEstate, find_estate_at, revive
from ops.estate.load.changeable import read_whole
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.language.formats import format_date, format_moment
from ops.language.text import _
from ops.sites.tasks import Show
from ops.terminal.output import write_json, write_line, write_table


def show_estate(wish: Show) -> None:
    """Write the estate.

    Raises:
        WrongUseError: That is no day, or no estate is known of that day.
        PastEstateError: That day's estate is of a form this version does not know.
    """
    estate = load_estate()
    if not wish.at:
        if wish.json:
            write_json([describe_estate(estate)])
        else:
            changeable = read_whole(estate.path).changeable
            _write_overview(estate, " + ".join(map(str, filter(None, (estate.path, changeable)))))
        return
    day = read_day(wish.at)
    if day is None:
        raise WrongUseError(
            '"{at}" is not a day', next_step="write it like 31/03/2026 or 2026-03-31", at=wish.at
        )
    past = read_estate_of(estate, day)
    if wish.json:
        write_json([{"day": day, "since": past.since, "fingerprint": past.hash,
                     "estate": past.document}])  # fmt: skip
        return
    since = format_moment(past.since, estate.organisation.timezone)
    heading = _("as of {day}, in force since {since}").format(day=format_date(day), since=since)
    _write_overview(revive(past.document, estate.path), heading)


def read_estate_of(estate: Estate, day: date) -> PastEstate:
    """Give the estate that was in force when a day of the organisation ended, or is now.

    Raises:
        WrongUseError: None is known of that day.
    """
    end = datetime.combine(day + timedelta(days=1), time(), estate.zone).astimezone(UTC)
    with reading(estate) as session:
        past = find_estate_at(session, end - timedelta(microseconds=1))
    if past is None:
        raise WrongUseError(
            "no estate is known of {day}",
            why="the first one was remembered later",
            next_step="choose a later day, or leave --at out",
            day=format_date(day),
        )
    return past


def _write_overview(estate: Estate, about: str) -> None:
    write_line(f"{estate.name_at()} · {about}")
    for table in overview(estate):
        write_line()
        write_table(table.columns, table.rows, title=table.title)
