"""Broken parts of the rule 3-2-1-1-0 as problems: told once for all sites alike; pure."""

from collections.abc import Iterable, Iterator, Sequence

from ops.jobs.reasons import Explanation
from ops.status.facts import SiteFacts
from ops.status.rule import Verdict
from ops.status.store_problems import AlikeProblem, Level, name_sites
from ops.status.writing_copies import tell_verdict
from ops.text import N_, _, fill

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
        for verdict in site.rule:
            if verdict.outcome == "failed" and site.newest_at is not None:
                alike = found.setdefault(tell_verdict(verdict), (verdict, []))
                alike[1].append(site)
    untouched = _("the other copies are untouched")
    for told, (verdict, alike_sites) in found.items():
        names = tuple(it.name for it in alike_sites)
        level: Level = "red" if verdict.part == "errors" else "yellow"
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
        return fill(text, {"site": site.name, "store": stores[0]})
    no_copy = {it.store for it in site.copies if it.role in {"primary", "medium"}}
    behind = [it for it in stores if it not in no_copy]
    if verdict.part == "copies" and behind:
        return fill(N_("`{program} backup.copy --to {store}`"), {"store": behind[0]})
    return fill(_ADD[verdict.part], {})
