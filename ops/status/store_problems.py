"""What is not as it should be with what the stores hold of sites; decided from the facts alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Literal

from ops.jobs.reasons import Explanation, explain
from ops.status.facts import SiteFacts
from ops.status.late_copies import explain_late_copies
from ops.status.rule import CopyFacts
from ops.text import N_, _, fill

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
