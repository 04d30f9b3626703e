"""Wipe the drill's folder, whatever came before: fetched data, keys, servers' files."""

from ops.drills.phases.work import Work
from ops.drills.records import PhaseResult
from ops.estate.model.estate import Estate
from ops.estate.model.sites import Site
from ops.sandbox.leftovers import remove_tree


def wipe(work: Work) -> PhaseResult:
    """Remove it; recorded with whether personal data was among what is gone now."""
    facts = {
        "folder": str(work.folder),
        "classes": list(work.site.classes),
        "personal_data": holds_personal_data(work.estate, work.site),
        "files": work.drill.phases["fetch"].facts.get("files", 0)
        if "fetch" in work.drill.phases
        else 0,
    }
    try:
        remove_tree(work.folder)
    except OSError as error:
        params = {"folder": str(work.folder), "reason": error.strerror or type(error).__name__}
        return PhaseResult(outcome="failed", reason="drill_not_wiped", params=params, facts=facts)
    return PhaseResult(outcome="ok", facts=facts)


def holds_personal_data(estate: Estate, site: Site) -> bool:
    """Tell whether a class of content that a site holds is personal data."""
    personal = {it.name for it in estate.classes if it.personal_data}
    return bool(personal & set(site.classes))
