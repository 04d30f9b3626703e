"""Copies and media: what there is, and what of the rule 3-2-1-1-0 is broken, written and judged.

What is wrong with several sites in the same way is one problem.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Any

from ops.alerts.drafts import Severity
from ops.backups.copies.rule_32110 import CopyFacts, RulePart, is_fresh
from ops.language.formats import format_date, format_duration, format_moment
from ops.language.text import N_, _, fill
from ops.outcomes import Explanation
from ops.status.facts import Facts, SiteFacts
from ops.status.problem import Problem
from ops.terminal.output import Cell, Tone, verdict_cell, write_indented, write_line
from ops.terminal.view import NONE, Column, Row, View, day, words, write_list

ROLES = {
    "primary": N_("primary"),
    "mirror": N_("mirror"),
    "copy": N_("copy"),
    "medium": N_("offline medium"),
}
_MEDIA = {"disk": N_("disk"), "tape": N_("tape"), "object": N_("object store")}
_GUARDS = {
    "protected": N_("protected"),
    "not_protected": N_("not protected"),
    "not_checked": N_("not checked"),
}
_GUARD_TONES: Mapping[str, Tone] = {
    **dict.fromkeys(_GUARDS, "warning"),
    "protected": "good",
}
_PARTS = {
    "copies": N_("{wanted} copies, the site itself included: there are {found}"),
    "media": N_("{wanted} media: there are {found}"),
    "places": N_("{wanted} copy in another place: there are {found}"),
    "locked": N_("{wanted} copy that cannot be overwritten: there are {found}"),
    "errors": N_("no errors: {found} stores with errors"),
}


def _is_unreadable(copy: Row) -> bool:
    follows = copy["role"] in {"mirror", "copy"}
    return bool(copy["gone_from"]) or (follows and copy["updated"] == "failed")


def _newest(copy: Row, zone: str) -> Cell:
    if _is_unreadable(copy):
        return Cell(_("cannot be read"), "bad")
    if copy["newest_at"] is None:
        return Cell(NONE, "bad")
    return Cell(_at(copy["newest_at"], zone), "bad" if copy.get("is_late") else "plain")


def _read_back(outcome: str, at: str | None, zone: str) -> Cell:
    if at is None:
        return verdict_cell("not_checked")
    cell = verdict_cell(outcome)
    return Cell(f"{cell.text}, {_at(at, zone)}", cell.tone)


def _at(moment: str, zone: str) -> str:
    return format_moment(datetime.fromisoformat(moment), zone).rpartition(" ")[0]


def _checked(copy: Row, zone: str) -> Cell:
    if _is_unreadable(copy):
        return verdict_cell("failed")
    return _read_back(copy["checked"], copy["checked_at"], zone)


def _protection(copy: Row) -> str:
    return "not_checked" if _is_unreadable(copy) else str(copy["protection"])


def _whole(row: Row) -> Row:
    return row


COPIES = View(
    N_("None."),
    Column("store", N_("Store")),
    Column("role", N_("Role"), words(ROLES)),
    Column("location", N_("Place")),
    Column("medium", N_("Medium"), words(_MEDIA)),
    Column("newest_at", N_("Newest backup"), _newest, of=_whole),
    Column("checked", N_("Checked"), _checked, of=_whole),
    Column("protection", N_("Cannot be deleted"), words(_GUARDS, _GUARD_TONES), of=_protection),
)
_COPIES_OF_ALL = View("", Column("site", N_("Site")), *COPIES.columns)


def write_copies(sites: Sequence[SiteFacts], facts: Facts) -> None:
    """Write a row for each site and store, then once for all sites what does not hold alike."""
    rows = [
        {
            "site": site.name,
            **asdict(it),
            "is_late": not is_fresh(it, now=facts.now, rpo=site.rpo, reread=site.reread),
        }
        for site in sites
        for it in site.copies
    ]
    title = _("Copies by the rule 3-2-1-1-0")
    write_list(_COPIES_OF_ALL, rows, as_json=False, zone=facts.zone, title=title)
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


_TONES: dict[str, Tone] = {"": "plain", "near": "warning", "over": "bad"}


def _renew(row: Row) -> Cell:
    day = row["renew_on"]
    return Cell(format_date(date.fromisoformat(day)) if day else NONE, _TONES[row["stage"]])


MEDIA = View(
    "",
    Column("code", N_("Medium")),
    Column("kind", N_("Kind")),
    Column("kept_at", N_("Kept at")),
    Column("holder", N_("Holder")),
    Column("started_on", N_("In use since"), day),
    Column("renew_on", N_("Renew by"), of=_renew),
    Column(
        "verified",
        N_("Read back"),
        lambda row, zone: _read_back(row["verified"], row["verified_at"], zone),
        of=_whole,
    ),
)


def write_media(facts: Facts) -> None:
    """Write a row for each medium; nothing where there are none."""
    if facts.media:
        write_line()
        title = _("Removable media")
        write_list(MEDIA, facts.media, as_json=False, zone=facts.zone, title=title)


COPY_LATE = "copy_late"
LOSS = "snapshots_lost"
BACKUPS_GONE = "backups_gone"
RULE_BROKEN = "rule_broken"


def find_in_stores(site: SiteFacts, now: datetime) -> Iterator[Problem]:
    """Yield what vanished in part, and which copies do not follow."""
    for loss in site.losses:
        severity: Severity = "critical" if loss.held else "warning"
        params: dict[str, Any] = {**loss.as_params(), "reason": loss.reason}
        yield Problem(severity=severity, code=LOSS, params=params, site=site.name)
    for copy in _find_late_copies(site, now):
        params = {
            "store": copy.store,
            "age_seconds": (now - copy.newest_at).total_seconds() if copy.newest_at else None,
            "is_unreadable": copy.is_unreadable,
        }
        yield Problem(severity="warning", code=COPY_LATE, params=params, site=site.name)


def _find_late_copies(site: SiteFacts, now: datetime) -> Iterator[CopyFacts]:
    """Yield each; where the primary store itself is late, that is told elsewhere."""
    is_late = {it.store: not is_fresh(it, now=now, rpo=site.rpo) for it in site.copies}
    if any(it.role == "primary" and is_late[it.store] for it in site.copies):
        return
    for copy in site.copies:
        if is_late[copy.store] and not copy.gone_from and copy.role != "medium":
            yield copy


def _alike(names: Sequence[str], severity: Severity, code: str, params: dict[str, Any]) -> Problem:
    site = names[0] if len(names) == 1 else ""
    params = {**params, "sites": list(names)}
    return Problem(severity=severity, code=code, params=params, site=site, alike=tuple(names))


def find_gone_backups(sites: Iterable[SiteFacts]) -> Iterator[Problem]:
    """Yield each store from which backups are gone, once for all sites that are left alike."""
    found: dict[tuple[str, str], list[tuple[str, CopyFacts]]] = {}
    for site in sites:
        left = ", ".join(it.store for it in site.copies if not it.gone_from and it.snapshots)
        for copy in site.copies:
            if copy.gone_from:
                found.setdefault((copy.store, left), []).append((site.name, copy))
    for (store, left), alike in found.items():
        copy = alike[0][1]
        severity: Severity = "critical" if copy.role == "primary" else "warning"
        params = {"store": store, "place": copy.gone_from, "left": left}
        yield _alike([name for name, _copy in alike], severity, BACKUPS_GONE, params)


def find_broken_parts(sites: Iterable[SiteFacts]) -> Iterator[Problem]:
    """Yield what is broken; of a site that has no backup yet that is told instead."""
    found: dict[str, tuple[RulePart, list[SiteFacts]]] = {}
    for site in sites:
        gone = {it.store for it in site.copies if it.gone_from}
        for verdict in site.rule:
            if verdict.part == "errors" and set(verdict.params["stores"]) <= gone:
                continue  # `find_gone_backups` tells more of it
            if verdict.outcome == "failed" and site.newest_at is not None:
                same = json.dumps([verdict.part, dict(verdict.params)], sort_keys=True)
                found.setdefault(same, (verdict, []))[1].append(site)
    for verdict, alike in found.values():
        yield _judge_part(verdict, alike)


def _judge_part(verdict: RulePart, sites: Sequence[SiteFacts]) -> Problem:
    stores = verdict.params["stores"]
    damaged = set(stores) - set(verdict.params.get("unreadable", ()))
    severity: Severity = "critical" if verdict.part == "errors" and damaged else "warning"
    no_copy = {it.store for it in sites[0].copies if it.role in {"primary", "medium"}}
    params = {
        "part": verdict.part,
        "verdict": dict(verdict.params),
        "is_whole_elsewhere": _is_whole_elsewhere(verdict, sites),
        "behind": [it for it in stores if it not in no_copy],
    }
    return _alike([it.name for it in sites], severity, RULE_BROKEN, params)


def _is_whole_elsewhere(verdict: RulePart, sites: Iterable[SiteFacts]) -> bool:
    """Say whether each site has a copy without errors besides those that have some."""
    bad = verdict.params["stores"]
    return verdict.part == "errors" and all(
        any(it.checked == "ok" and not it.gone_from and it.store not in bad for it in site.copies)
        for site in sites
    )


_MOST_NAMED = 5


def explain_late_copy(params: Mapping[str, Any], site: str) -> Explanation:
    """Say that a copy does not follow the primary store."""
    step = N_("`{program} backup.copy --site {site} --to {store}`")
    return Explanation(
        _tell_late_copy(params),
        data=_("the primary store has what is newer"),
        next_step=fill(step, {"site": site, "store": params["store"]}),
    )


def _tell_late_copy(params: Mapping[str, Any]) -> str:
    store, age = params["store"], params["age_seconds"]
    if age is None:
        return _("there is no copy yet in {store}").format(store=store)
    if params["is_unreadable"]:
        return _("the last copying to {store} failed: count on nothing there").format(store=store)
    told = format_duration(timedelta(seconds=age))
    return _("the newest copy in {store} is {age} old").format(store=store, age=told)


def explain_gone_backups(params: Mapping[str, Any]) -> Explanation:
    """Say what is gone, and where the backups still are."""
    sites, told = params["sites"], dict(params)
    what = N_("the backups in {store} are gone: {place} is not there")
    nowhere = _("no other store has backups of it")
    if len(sites) > 1:
        told |= {"place": str(PurePath(params["place"]).parent), "sites": name_sites(sites)}
        what = N_("the backups in {store} are gone: {sites} are not in {place}")
        nowhere = _("no other store has backups of them")
    left = N_("other stores have backups: {left}")
    return Explanation(
        fill(what, told),
        _("the store is not mounted, or somebody has moved or deleted it"),
        fill(left, told) if params["left"] else nowhere,
        fill(N_("mount the store, or put the folder back: `ls -la {place}`"), told),
    )


def name_sites(names: Sequence[str]) -> str:
    """Name some sites; of many the first, and how many more there are."""
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return shown + " " + _("and {count} more").format(count=more) if more > 0 else shown


_ADD = {
    "copies": N_(
        'add a copy: `[[stores]]` with `role = "copy"`, then `{program} backup.init` and'
        " `{program} backup.copy`"
    ),
    "media": N_(
        "add a copy on another medium: `[[stores]]`, then `{program} backup.init` and"
        " `{program} backup.copy`"
    ),
    "places": N_(
        "add a copy in another place: `[[stores]]`, then `{program} backup.init` and"
        " `{program} backup.copy`"
    ),
    "locked": N_(
        "keep one copy where nobody can delete it, e.g. `object_lock` in a bucket; then"
        " `{program} backup.check`"
    ),
}


def explain_broken_part(params: Mapping[str, Any]) -> Explanation:
    """Say which part of the rule 3-2-1-1-0 is broken."""
    verdict = RulePart(params["part"], "failed", params["verdict"])
    names = params["sites"]
    sites = _("sites: {names}").format(names=name_sites(names)) if len(names) > 1 else ""
    return Explanation(
        _("the rule 3-2-1-1-0 is broken: {told}").format(told=tell_verdict(verdict)),
        sites,
        _("the other copies are untouched") if params["is_whole_elsewhere"] else "",
        _advise(verdict, params),
    )


def _advise(verdict: RulePart, params: Mapping[str, Any]) -> str:
    stores, site = verdict.params["stores"], params["sites"][0]
    if verdict.part == "errors":
        text = N_("`{program} backup.check --site {site} --store {store} --read-data`")
        if stores[0] in verdict.params.get("unreadable", ()):
            text = N_("see why: `{program} backup.copy --site {site} --to {store}`")
        return fill(text, {"site": site, "store": stores[0]})
    if verdict.part == "copies" and params["behind"]:
        step = N_("`{program} backup.copy --to {store}`")
        return fill(step, {"store": params["behind"][0]})
    return fill(_ADD[verdict.part], {})
