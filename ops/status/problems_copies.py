"""What is not as it should be with what the stores hold of sites; decided from the facts alone.

Broken parts of the rule 3-2-1-1-0 as problems: told once for all sites alike; pure.

Which copies of a site do not follow its primary store; decided from the facts alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Literal

from ops.backups.copies.rule_32110 import CopyFacts, Verdict, is_fresh
from ops.language.formats import format_duration
from ops.language.text import N_, _, fill
from ops.outcomes.explain import explain
from ops.outcomes.plain import Explanation
from ops.status.facts import SiteFacts
from ops.status.output_copies import tell_verdict


def explain_late_copies(site: SiteFacts, now: datetime) -> Iterator[Explanation]:
    """Explain each; where the primary store itself is late, that is told elsewhere."""
    is_late = {it.store: not is_fresh(it, now=now, rpo=site.rpo) for it in site.copies}
    if any(it.role == "primary" and is_late[it.store] for it in site.copies):
        return
    for copy in site.copies:
        is_medium = copy.role == "medium"
        if is_late[copy.store] and not copy.gone_from and not is_medium:
            yield Explanation(
                _tell(copy, now),
                data=_("the primary store has what is newer"),
                next_step=fill(
                    N_("`{program} backup.copy --site {site} --to {store}`"),
                    {"site": site.name, "store": copy.store},
                ),
            )


def _tell(copy: CopyFacts, now: datetime) -> str:
    if copy.newest_at is None:
        return _("there is no copy yet in {store}").format(store=copy.store)
    if copy.is_unreadable:
        return _("the last copying to {store} failed: count on nothing there").format(
            store=copy.store
        )
    age = format_duration(now - copy.newest_at)
    return _("the newest copy in {store} is {age} old").format(store=copy.store, age=age)


Level = Literal["red", "yellow"]
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class AlikeProblem:
    """Something that is wrong in the same way for some sites, and is told once.

    Attributes:
        level: `red` needs somebody now.
        sites: Their names.
        told: In words.
    """

    level: Level
    sites: tuple[str, ...]
    told: Explanation


def explain_stores(site: SiteFacts, now: datetime) -> Iterator[tuple[Level, Explanation]]:
    """Explain each: what vanished in part, and which copies do not follow."""
    for loss in site.losses:
        told = explain(loss.reason, loss.as_params(), site=site.name)
        yield "red" if loss.held else "yellow", told
    for told in explain_late_copies(site, now):
        yield "yellow", told


def find_gone_backups(sites: Iterable[SiteFacts]) -> Iterator[AlikeProblem]:
    """Give each store from which backups are gone, once for all sites that are left alike."""
    found: dict[tuple[str, str], list[tuple[str, CopyFacts]]] = {}
    for site in sites:
        left = ", ".join(it.store for it in site.copies if not it.gone_from and it.snapshots)
        for copy in site.copies:
            if copy.gone_from:
                found.setdefault((copy.store, left), []).append((site.name, copy))
    for (_store, left), alike in found.items():
        names = tuple(name for name, _copy in alike)
        copy = alike[0][1]
        level: Level = "red" if copy.role == "primary" else "yellow"
        yield AlikeProblem(level, names, _explain_gone(names, copy, left))


def _explain_gone(sites: Sequence[str], copy: CopyFacts, left: str) -> Explanation:
    """Say what is gone, and where the backups still are."""
    params = {"store": copy.store, "place": copy.gone_from, "left": left}
    what = N_("the backups in {store} are gone: {place} is not there")
    nowhere = _("no other store has backups of it")
    if len(sites) > 1:
        params |= {"place": str(PurePath(copy.gone_from).parent), "sites": name_sites(sites)}
        what = N_("the backups in {store} are gone: {sites} are not in {place}")
        nowhere = _("no other store has backups of them")
    return Explanation(
        fill(what, params),
        _("the store is not mounted, or somebody has moved or deleted it"),
        fill(N_("other stores have backups: {left}"), params) if left else nowhere,
        fill(N_("mount the store, or put the folder back: `ls -la {place}`"), params),
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


def find_broken_parts(sites: Iterable[SiteFacts]) -> Iterator[AlikeProblem]:
    """Give what is broken; of a site that has no backup yet that is told instead."""
    found: dict[str, tuple[Verdict, list[SiteFacts]]] = {}
    for site in sites:
        gone = {it.store for it in site.copies if it.gone_from}
        for verdict in site.rule:
            if verdict.part == "errors" and set(verdict.params["stores"]) <= gone:
                continue  # `find_gone_backups` tells more of it
            if verdict.outcome == "failed" and site.newest_at is not None:
                alike = found.setdefault(tell_verdict(verdict), (verdict, []))
                alike[1].append(site)
    untouched = _("the other copies are untouched")
    for told, (verdict, alike_sites) in found.items():
        names = tuple(it.name for it in alike_sites)
        damaged = set(verdict.params["stores"]) - set(verdict.params.get("unreadable", ()))
        level: Level = "red" if verdict.part == "errors" and damaged else "yellow"
        what = _("the rule 3-2-1-1-0 is broken: {told}").format(told=told)
        yield AlikeProblem(level, names, Explanation(
            what,
            _tell_sites(names),
            untouched if _is_whole_elsewhere(verdict, alike_sites) else "",
            _advise(verdict, alike_sites[0]),
        ))  # fmt: skip


def _tell_sites(names: Sequence[str]) -> str:
    return _("sites: {names}").format(names=name_sites(names)) if len(names) > 1 else ""


def _is_whole_elsewhere(verdict: Verdict, sites: Iterable[SiteFacts]) -> bool:
    """Say whether each site has a copy without errors besides those that have some."""
    bad = verdict.params["stores"]
    return verdict.part == "errors" and all(
        any(it.checked == "ok" and not it.gone_from and it.store not in bad for it in site.copies)
        for site in sites
    )


def _advise(verdict: Verdict, site: SiteFacts) -> str:
    stores = verdict.params["stores"]
    if verdict.part == "errors":
        text = N_("`{program} backup.check --site {site} --store {store} --read-data`")
        if stores[0] in verdict.params.get("unreadable", ()):
            text = N_("see why: `{program} backup.copy --site {site} --to {store}`")
        return fill(text, {"site": site.name, "store": stores[0]})
    no_copy = {it.store for it in site.copies if it.role in {"primary", "medium"}}
    behind = [it for it in stores if it not in no_copy]
    if verdict.part == "copies" and behind:
        return fill(N_("`{program} backup.copy --to {store}`"), {"store": behind[0]})
    return fill(_ADD[verdict.part], {})
