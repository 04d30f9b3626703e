"""Say in words what a check has found, and what stock restic says."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.language.text import N_, _, fill
from ops.outcomes.explain import Explainer
from ops.outcomes.plain import UNTOUCHED, Explanation


def _explain_damaged(params: Mapping[str, Any]) -> Explanation:
    first = params.get("first", [])
    return Explanation(
        _("{count} faults were found in the repository").format(count=params["count"]),
        "; ".join(tell_fault(it) for it in first[:2]),
        _("some snapshots may not restore whole; do not prune"),
        fill(N_("see all of them: `{program} backup.check --site {site}`"), params),
    )


def tell_fault(finding: Mapping[str, Any]) -> str:
    """Tell a finding of a check from its stored form."""
    from backup.check.findings import KINDS

    kind = KINDS.get(str(finding["code"]))
    template = kind.template if kind else str(finding["code"])
    params = dict(finding["params"])
    if isinstance(params.get("cause"), str):
        # Sentences without values of their own, joined by the engine.
        params["cause"] = ": ".join(_(part) for part in params["cause"].split(": "))
    return f"{finding['concerned']}: {fill(template, params)}"


def advise_on_faults(
    findings: Sequence[Mapping[str, Any]], site: str, in_store: str = ""
) -> list[str]:
    """Say what to do about findings of a site's check, each piece of advice once.

    Args:
        findings: In their stored form.
        site: Name of the site.
        in_store: Name of the store, unless it is the primary one.
    """
    from backup.check.findings import KINDS

    values = {"site": site, "in_store": in_store}
    kinds = [KINDS[code] for finding in findings if (code := str(finding["code"])) in KINDS]
    return list(dict.fromkeys(fill(kind.next_step, values) for kind in kinds))


def _explain_witness(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("stock restic does not confirm the backups: {problem}").format(problem=params["problem"]),
        "; ".join(params.get("lines", [])),
        _("some snapshots may not restore whole; do not prune"),
        fill(N_("check: `{program} backup.check --site {site} --read-data`"), params),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "damaged": _explain_damaged,
    "witness_disagrees": _explain_witness,
    "restic_missing": Explanation(
        N_("stock restic is not installed, so nobody independent has looked"),
        "",
        UNTOUCHED,
        N_("install it: `apt-get install {package}`"),
    ),
    "nothing_to_witness": Explanation(
        N_("there is no snapshot yet that stock restic could look at"),
    ),
    "packs_unreadable": Explanation(
        N_("{count} packs cannot be read and stay out of the index"),
        "",
        N_("the packs themselves are untouched"),
        N_(
            "fetch them from another copy; else take them out: `{program} backup.repair --site"
            " {site} --pack {first}`"
        ),
    ),
    "damage_mended": Explanation(
        N_("{count} damaged packs in {store} were mended with the same bytes from another store"),
        N_("their disk may be failing"),
        N_("nothing was lost"),
        N_(
            "look at the disk, then read all back: `{program} backup.check --site {site}"
            " --store {store} --read-data`"
        ),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""
