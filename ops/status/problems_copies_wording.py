"""Say what is wrong with what the stores hold of sites, in the reader's language."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from ops.backups.copies.rule_32110 import Verdict
from ops.language.formats import format_duration
from ops.language.text import N_, _, fill
from ops.outcomes.plain import Explanation
from ops.status.output_copies import tell_verdict

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
    verdict = Verdict(params["part"], "failed", params["verdict"])
    names = params["sites"]
    sites = _("sites: {names}").format(names=name_sites(names)) if len(names) > 1 else ""
    return Explanation(
        _("the rule 3-2-1-1-0 is broken: {told}").format(told=tell_verdict(verdict)),
        sites,
        _("the other copies are untouched") if params["is_whole_elsewhere"] else "",
        _advise(verdict, params),
    )


def _advise(verdict: Verdict, params: Mapping[str, Any]) -> str:
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
