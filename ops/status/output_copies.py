"""Write for each site which copies exist, and which part of the rule 3-2-1-1-0 is broken.

Write which removable media there are, who keeps them, and by when they are to be renewed.
"""

from collections.abc import Sequence

from ops.backups.copies.rule_32110 import CopyFacts, RulePart, is_fresh
from ops.backups.media.facts import MediumFacts
from ops.language.formats import format_date, format_moment
from ops.language.text import N_, _, fill
from ops.status.facts import Facts, SiteFacts
from ops.terminal.output import Cell, Tone, outcome_cell, write_indented, write_line, write_table

ROLES = {
    "primary": N_("primary"),
    "mirror": N_("mirror"),
    "copy": N_("copy"),
    "medium": N_("offline medium"),
}
_PARTS = {
    "copies": N_("{wanted} copies, the site itself included: there are {found}"),
    "media": N_("{wanted} media: there are {found}"),
    "places": N_("{wanted} copy in another place: there are {found}"),
    "locked": N_("{wanted} copy that cannot be overwritten: there are {found}"),
    "errors": N_("no errors: {found} stores with errors"),
}


def write_copies(sites: Sequence[SiteFacts], facts: Facts) -> None:
    """Write a row for each site and store, then once for all sites what does not hold alike."""
    rows = [_row(site, copy, facts) for site in sites for copy in site.copies]
    heads = [
        _("Site"),
        _("Store"),
        _("Role"),
        _("Place"),
        _("Medium"),
        _("Newest backup"),
        _("Checked"),
        _("Cannot be deleted"),
    ]
    write_table(heads, rows, title=_("Copies by the rule 3-2-1-1-0"))
    alike: dict[str, list[str]] = {}
    for site in sites:
        for verdict in site.rule:
            if verdict.outcome != "ok":
                alike.setdefault(tell_verdict(verdict), []).append(site.name)
    for told, names in alike.items():
        about = ", ".join(names) if len(names) < max(len(sites), 2) else _("all sites")
        write_indented(f"{about}: {told}", "  ", "    ")


def write_deliveries(sites: Sequence[SiteFacts]) -> None:
    """Write a line for each site with parts that another system delivers."""
    for site in sites:
        if site.delivered:
            text = _("restore proof of {parts}: not checked by us, another system delivers it")
            write_line(f"  {site.name}: {text.format(parts=', '.join(site.delivered))}")


def tell_verdict(verdict: RulePart) -> str:
    """Say in the reader's language how one part of the rule stands."""
    told = fill(_PARTS[verdict.part], verdict.params)
    stores = ", ".join(verdict.params["stores"])
    if verdict.outcome == "not_checked":
        return _("{told} (not checked: {stores})").format(told=told, stores=stores or "–")
    if verdict.part == "copies" and stores:
        text = _("{told}; too old or unreadable, so not counted: {stores}")
        return text.format(told=told, stores=stores)
    return f"{told} ({stores})" if stores else told


def _row(site: SiteFacts, copy: CopyFacts, facts: Facts) -> Sequence[str | Cell]:
    return (
        site.name,
        copy.store,
        _(ROLES[copy.role]),
        copy.location,
        copy.medium,
        _newest(site, copy, facts),
        _moment_cell(copy, facts),
        _protection(copy),
    )


def _newest(site: SiteFacts, copy: CopyFacts, facts: Facts) -> Cell:
    if copy.newest_at is None:
        return Cell("–", "bad")
    if copy.is_unreadable:
        return Cell(_("cannot be read"), "bad")
    told = format_moment(copy.newest_at, facts.zone).rpartition(" ")[0]
    fresh = is_fresh(copy, now=facts.now, rpo=site.rpo, reread=site.reread)
    return Cell(told, "plain" if fresh else "bad")


def _moment_cell(copy: CopyFacts, facts: Facts) -> Cell:
    if copy.is_unreadable:
        return outcome_cell("failed")
    if copy.checked_at is None:
        return outcome_cell("not_checked")
    cell = outcome_cell(copy.checked)
    told = format_moment(copy.checked_at, facts.zone).rpartition(" ")[0]
    return Cell(f"{cell.text}, {told}", cell.tone)


def _protection(copy: CopyFacts) -> Cell:
    if copy.is_unreadable:
        return outcome_cell("not_checked")
    told = {
        "protected": Cell(_("protected"), "good"),
        "not_protected": Cell(_("not protected"), "warning"),
        "not_checked": outcome_cell("not_checked"),
    }
    return told[copy.protection]


_TONES: dict[str, Tone] = {"": "plain", "near": "warning", "over": "bad"}


def write_media(facts: Facts) -> None:
    """Write a row for each medium; nothing where there are none."""
    if not facts.media:
        return
    heads = [
        _("Medium"),
        _("Kind"),
        _("Kept at"),
        _("Holder"),
        _("In use since"),
        _("Renew by"),
        _("Read back"),
    ]
    write_line()
    write_table(
        heads, [_medium_row(it, facts.zone) for it in facts.media], title=_("Removable media")
    )


def _medium_row(medium: MediumFacts, zone: str) -> Sequence[str | Cell]:
    renew = format_date(medium.renew_on) if medium.renew_on else "–"
    return (
        medium.code,
        medium.kind,
        medium.kept_at or "–",
        medium.holder or "–",
        format_date(medium.started_on),
        Cell(renew, _TONES[medium.stage]),
        _read_back(medium, zone),
    )


def _read_back(medium: MediumFacts, zone: str) -> Cell:
    if medium.verified_at is None:
        return outcome_cell("not_checked")
    cell = outcome_cell(medium.verified)
    told = format_moment(medium.verified_at, zone).rpartition(" ")[0]
    return Cell(f"{cell.text}, {told}", cell.tone)
