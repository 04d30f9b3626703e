"""What a retirement keeps of a site, and the minutes of it; decided from documents, pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ops.estate.model.policies import Retention
from ops.language.formats import format_moment
from ops.language.text import _
from ops.sites.show import format_retention

_RULE = "-" * 72


@dataclass(frozen=True, slots=True)
class StoreKept:
    """What one store keeps of a site.

    Attributes:
        store: Its name.
        address: Of the repository; a reference stays one.
        outcome: `ok` when the store was asked just now, `not_checked` when only the catalog was.
        snapshots: How many there are.
        last: Ids of the newest snapshots, one for each set of paths, the newest first.
        last_at: When the newest was taken, in UTC; empty without any.
        why: Why the store was not asked; empty when it was.
    """

    store: str
    address: str
    outcome: str
    snapshots: int
    last: tuple[str, ...] = ()
    last_at: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """A retirement as it is recorded; fields as in `ops.catalog.tables.sites.RetiredSite`.

    Attributes:
        unit_title, owner_title, by_title: What people call the three on that day.
        holds: Reference and snapshot (empty: all) of each hold that is in force.
    """

    name: str
    title: str
    unit: str
    unit_title: str
    owner: str
    owner_title: str
    at: datetime
    by: str
    by_title: str
    reason: str
    document: str
    estate: str
    retention: Mapping[str, Any]
    stores: Sequence[StoreKept]
    holds: Sequence[tuple[str, str]] = ()


def find_site(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a site's table in an estate's document; empty when there is none."""
    return next((site for site in document.get("sites", ()) if site.get("name") == name), {})


def title_of(document: Mapping[str, Any], section: str, name: str, day: date) -> str:
    """Give the title of a unit or person that is valid on a day; the name where none is known."""
    entry: Mapping[str, Any] = next(
        (it for it in document.get(section, ()) if it.get("name") == name), {}
    )
    dated = [row for row in entry.get("names") or () if row["from"] <= day.isoformat()]
    newest: Mapping[str, Any] = max(dated, key=lambda row: row["from"], default={})
    return str(newest.get("name") or entry.get("title") or name)


def newest_of_each(rows: Sequence[tuple[str, datetime, Sequence[str]]]) -> tuple[str, ...]:
    """Give the id of the newest snapshot for each set of paths, the newest first.

    Args:
        rows: Id, moment and paths of each snapshot.
    """
    seen: set[tuple[str, ...]] = set()
    chosen = []
    for snapshot_id, _at, paths in sorted(rows, key=lambda row: row[1], reverse=True):
        if tuple(paths) not in seen:
            seen.add(tuple(paths))
            chosen.append(snapshot_id)
    return tuple(chosen)


def write_minutes(retirement: Retirement, *, organisation: str, zone: str) -> str:
    """Give the minutes as plain text, for the file and for signing."""
    labelled = (
        (_("Site"), f"{retirement.title} ({retirement.name})"),
        (_("Unit"), retirement.unit_title or "–"),
        (_("Answerable"), retirement.owner_title or "–"),
        (_("Retired at"), format_moment(retirement.at, zone)),
        (_("Recorded by"), retirement.by_title),
        (_("Reason"), retirement.reason),
        (_("On the ground of"), retirement.document),
        (_("Kept by the rules"), _format_rules(retirement.retention)),
        (_("Estate version"), retirement.estate or "–"),
    )
    lines = [organisation, "", _("MINUTES: A SITE IS TAKEN OUT OF BACKUP"), _RULE]
    lines += [f"{label}: {value}" for label, value in labelled]
    lines += ["", _("The backups below stay as they are; nothing removes them by itself.")]
    lines += tell_holds(retirement.holds)
    for kept in retirement.stores:
        lines += ["", *_store_lines(kept, zone)]
    lines += ["", _RULE, _("Answerable for the site"), "", "", _("Recorded by"), ""]
    return "\n".join(lines)


def tell_holds(holds: Sequence[tuple[str, str]]) -> list[str]:
    """Say what is held and for which document; empty without holds."""
    text = _("Held for {reference} until two people release it: {what}")
    everything = _("all snapshots")
    return [text.format(reference=ref, what=snapshot or everything) for ref, snapshot in holds]


def _store_lines(kept: StoreKept, zone: str) -> list[str]:
    lines = [
        f"{_('Store')}: {kept.store}",
        "  " + _("address: {address}").format(address=kept.address),
        "  " + _("snapshots: {count}").format(count=kept.snapshots),
    ]
    if kept.last_at:
        moment = format_moment(datetime.fromisoformat(kept.last_at), zone)
        lines.append("  " + _("the newest: {moment}").format(moment=moment))
    lines += [f"    {snapshot_id}" for snapshot_id in kept.last]
    if kept.outcome != "ok":
        lines.append("  " + _("not checked now: {why}").format(why=kept.why))
    return lines


def _format_rules(retention: Mapping[str, Any]) -> str:
    if not retention:
        return "–"
    rules = Retention.model_validate(dict(retention))
    told = format_retention(rules)
    if not rules.minimum_days:
        return told
    least = _("at least {count} days").format(count=rules.minimum_days)
    return f"{told}; {least}" + (f" ({rules.minimum_basis})" if rules.minimum_basis else "")
