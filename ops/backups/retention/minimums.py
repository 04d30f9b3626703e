"""The minimum that counts for a snapshot: no edit of the estate takes it from one that is there.

A snapshot keeps the minimum that held when it was made, or a higher one that came later. A lower
one counts for what is made from then on; for what was there it counts once two people have agreed
(`lower_minimum`), and the journal says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.identity import open_existing
from ops.access.session import at_bench
from ops.backups.retention.tasks import LowerMinimum
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError, Problem
from ops.estate.known_sites import require_site
from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate
from ops.estate.model.minimums import floor_in
from ops.estate.model.sites import Site
from ops.estate.versions import CHANGED, read_version
from ops.journal.journal import Entry
from ops.language.text import N_, _
from ops.terminal.output import write_line

LOWERED = "backup.minimum-lowered"
"""The journal's word for a lower minimum that two people have agreed to."""

_EDGE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Minimum:
    """A minimum from a moment on.

    Attributes:
        at: Since when.
        days: Nothing younger goes.
        is_agreed: Whether two people agreed that it counts for what was there already.
    """

    at: datetime
    days: int
    is_agreed: bool = False


@dataclass(frozen=True, slots=True)
class PastRules:
    """What the journal tells of the estates that were in force and of minimums agreed to.

    Attributes:
        rows: Oldest first: the moment, the estate's document or None, and for an agreement its site
            and the days by store.
    """

    rows: tuple[tuple[datetime, Mapping[str, Any] | None, str, Mapping[str, int]], ...] = ()

    def of(self, site: str, store: str, database: str = "") -> tuple[Minimum, ...]:
        """Give the minimums of a site in a store, oldest first.

        Where a database is named, those of its runs alone; what was agreed to is about the site,
        and shortens nothing of these.
        """
        found = []
        for at, document, about, days in self.rows:
            if document is None:
                if about == site and store in days and not database:
                    found.append(Minimum(at, days[store], is_agreed=True))
            elif (floor := floor_in(document, site, store, database)) is not None:
                found.append(Minimum(at, floor.days))
        return tuple(found)


def read_past_rules(session: Session) -> PastRules:
    """Read every estate that was in force, and every agreement, in the journal's order."""
    query = (
        select(JournalRow.at, JournalRow.action, JournalRow.subject, JournalRow.details)
        .where(JournalRow.action.in_((CHANGED, LOWERED)))
        .order_by(JournalRow.sequence)
    )
    rows: list[tuple[datetime, Mapping[str, Any] | None, str, Mapping[str, int]]] = []
    for at, action, subject, details in session.execute(query):
        if action == CHANGED:
            rows.append((at, read_version(session, subject), "", {}))
        else:
            rows.append((at, None, subject, json.loads(details)["minimums"]))
    return PastRules(tuple(rows))


def decide_minimum(made: datetime, history: Sequence[Minimum], today: int) -> int:
    """Give the days for which a snapshot must stay; pure.

    Args:
        made: When it was made.
        history: The minimums of its site and store, oldest first.
        today: The minimum by the estate in force.
    """
    days = 0
    for it in history:
        days = it.days if it.at <= made or it.is_agreed else max(days, it.days)
    return max(days, today)


def find_lowered(history: Sequence[Minimum], today: int, now: datetime) -> int:
    """Give the highest minimum that a snapshot may still have above today's; 0: none; pure."""
    moments = [it.at - _EDGE for it in history]
    held = {made: decide_minimum(made, history, today) for made in moments}
    still = [days for made, days in held.items() if made > now - timedelta(days=days)]
    highest = max(still, default=0)
    return highest if highest > today else 0


LOWERING = "minimum-lowering"


@dataclass(frozen=True, slots=True)
class Lowered:
    """A minimum of a site in a store that the estate has lowered: from so many days to so many."""

    store: str
    before: int
    after: int


def lower_minimum(wish: LowerMinimum) -> int:
    """Have it agreed that a lower minimum counts for what is there; gives the exit code.

    Order: find what the estate has lowered and tell it (`--dry-run` ends here); have another person
    agree; journal the agreement, in the transaction that uses the approval up. From then on
    forgetting goes by it.

    Raises:
        ApprovalAwaitedError: Another person has to agree first.
        OpsError: Nobody else has credentials.
    """
    estate = load_estate()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        site = require_site(estate, bench.catalog, wish.site)
        with bench.catalog.reading() as session:
            found = find_all_lowered(estate, site, read_past_rules(session), datetime.now(UTC))
        if not found:
            write_line(_("nothing to do: no minimum of this site was lowered"))
            return 0
        for it in found:
            text = _("{site} in {store}: at least {after} days instead of {before}")
            write_line(text, site=site.name, store=it.store, after=it.after, before=it.before)
        before = {it.store: it.before for it in found}
        after = {it.store: it.after for it in found}
        plan = {"act": "lower", "minimums": after, "before": before}

        def record(_session: Session, _agreed: Agreed) -> list[Entry]:
            return [Entry(LOWERED, site.name, {"minimums": after, "before": before})]

        asked = Wish(LOWERING, site.name, plan, wish.reason, wish.document)
        if ask_second_person(bench, asked, record):
            write_line("  " + _("it counts from now on for the snapshots that are there, too"))
    return 0


def check_lowered(estate: Estate) -> list[Problem]:
    """List the minimums that were lowered, as warnings of `estate.check`."""
    try:
        catalog = open_existing(estate)
    except OpsError:
        return []  # what keeps the catalog from being opened is told elsewhere
    if catalog is None:
        return []
    with catalog, catalog.reading() as session:
        rules = read_past_rules(session)
    now = datetime.now(UTC)
    return [
        _problem(site, it)
        for site in (*estate.sites, estate.own_site)
        for it in find_all_lowered(estate, site, rules, now)[:1]
    ]


def find_all_lowered(
    estate: Estate, site: Site, rules: PastRules, now: datetime
) -> tuple[Lowered, ...]:
    """Find in which stores the estate keeps a site for less than it once said; pure."""
    found = []
    for store in estate.stores:
        after = estate.retention_for(site, store).minimum_days
        before = find_lowered(rules.of(site.name, store.name), after, now)
        if before:
            found.append(Lowered(store.name, before, after))
    return tuple(found)


def _problem(site: Site, it: Lowered) -> Problem:
    return Problem(
        f"sites[{site.name}].retention.minimum_days",
        "the minimum was lowered from {before} to {after} days; the snapshots that are there keep"
        " the one they were made under",
        N_(
            "write {before} again, or have another person agree: `{program} backup.lower-minimum"
            " --site {site} --reason TEXT`"
        ),
        {"site": site.name, "before": it.before, "after": it.after},
        severity="warning",
    )
