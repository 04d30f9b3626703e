"""A row a site, and the row that adds all of them; pure."""

from ops.reports.figures.gather import Facts, SiteName
from ops.reports.figures.runs import RunCounts, Tally
from ops.reports.figures.watch import Uptime
from ops.reports.kinds.kind import UNKNOWN, Frame, count, share


def site_rows(facts: Facts, frame: Frame) -> list[tuple[str, ...]]:
    """Give a row for each site: number, title, backups, missed, last good one, drills, uptime."""
    return [_row(facts, frame, number, it) for number, it in enumerate(facts.sites, start=1)]


def _row(facts: Facts, frame: Frame, number: int, site: SiteName) -> tuple[str, ...]:
    ran = tally_of(facts.backups.value, site.name)
    missed = tally_of(facts.not_run.value, site.name).missed
    drills = [it.outcome for it in facts.drills.value or () if it.site == site.name]
    uptimes = facts.uptimes.value
    percent = uptimes.of(site.name).percent if uptimes else None
    return (
        str(number),
        site.dated_title,
        f"{count(ran.ok)} / {count(ran.ran)}",
        count(missed),
        frame.day((facts.last_ok.value or {}).get(site.name)),
        f"{drills.count('ok')} / {len(drills)}",
        share(percent),
    )


def site_total(facts: Facts, label: str) -> tuple[str, ...]:
    """Give the row that adds the sites; it says how many have a good backup at all."""
    names = [it.name for it in facts.sites]
    ran = sum((tally_of(facts.backups.value, it) for it in names), Tally())
    missed = sum(tally_of(facts.not_run.value, it).missed for it in names)
    drills = [it.outcome for it in facts.drills.value or () if it.site in set(names)]
    known = sum(it in (facts.last_ok.value or {}) for it in names)
    uptimes = facts.uptimes.value
    whole = sum((uptimes.of(it) for it in names), Uptime()) if uptimes else None
    return (
        "",
        label,
        f"{count(ran.ok)} / {count(ran.ran)}",
        count(missed),
        f"{known} / {len(names)}",
        f"{drills.count('ok')} / {len(drills)}",
        share(whole.percent) if whole else UNKNOWN,
    )


def tally_of(counts: RunCounts | None, site: str) -> Tally:
    """Give a site's share."""
    return counts.by_site.get(site, Tally()) if counts else Tally()
