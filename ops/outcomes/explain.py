"""Tell an outcome in words: what happened, why, whether data is safe, what to do next.

The catalog keeps reason codes with parameters; sentences are made here, in the reader's language.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ops.backups.malware.wording import tell_reason
from ops.backups.ransomware.freeze import FROZEN
from ops.backups.ransomware.wording import tell_figures, tell_signals
from ops.backups.retention.wording import BRAKES, tell_brake
from ops.backups.run.too_small import SECONDS
from ops.backups.sources.delivery_verdict import CODES as DELIVERY_CODES
from ops.backups.sources.delivery_wording import tell_delivery
from ops.drills.wording import explain_drill
from ops.language.causes import tell_cause
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes.plain import PLAIN, Explanation

__all__ = ["Explanation", "advise_on_faults", "explain", "tell_fault"]

Params = Mapping[str, Any]


def explain(reason: str, params: Params, *, job: str = "", site: str = "") -> Explanation:
    """Explain a reason code.

    Args:
        reason: As in the ledger; may be empty.
        params: As in the ledger; an explained error's own templates win.
        job: Name of the job, for the command to type.
        site: Name of the site.
    """
    named = {"job": job, "site": site, **params}
    if "what" in params:
        named |= params.get("params", {})
        parts = (params.get(part, "") for part in ("what", "why", "data", "next_step"))
        return Explanation(*(fill(str(part), named) for part in parts))
    if reason in BRAKES:
        return Explanation(*tell_brake(reason, named))
    if reason in DELIVERY_CODES:
        return Explanation(*tell_delivery(named))
    if reason in _SPECIAL:
        return _SPECIAL[reason](named)
    if reason not in PLAIN and (of_drill := explain_drill(reason, named)):
        return of_drill
    found = PLAIN.get(reason, Explanation(reason))
    texts = (found.what, found.why, found.data, found.next_step)
    return Explanation(*(fill(text, named) for text in texts))


def _explain_unreadable(params: Params) -> Explanation:
    first = params.get("first", [])
    shown = "; ".join(f"{it['path']} ({tell_cause(it['reason'])})" for it in first[:2])
    more = len(first) > 2 or params["count"] > len(first)  # noqa: PLR2004 - two are shown
    return Explanation(
        _("{count} files or folders could not be read").format(count=params["count"]),
        shown + (" …" if more else ""),
        _("everything else was saved"),
        fill(
            N_("give this user the right to read them, then `{program} backup.run --site {site}`"),
            params,
        ),
    )


def _explain_damaged_database(params: Params) -> Explanation:
    return Explanation(
        _("the live database {names} is damaged").format(names=", ".join(params["databases"])),
        "; ".join(params["problems"]),
        _("it was saved as it is, and so was everything else; earlier backups are untouched"),
        fill(
            N_("look at the database; an earlier copy: `{program} backup.list --site {site}`"),
            params,
        ),
    )


def _explain_suspicious(params: Params) -> Explanation:
    oddities = [_describe_oddity(it) for it in params["oddities"]]
    return Explanation(
        _("it ended well, but it is unlike the runs before it"),
        "; ".join(oddities),
        _("a snapshot was made; earlier ones are untouched"),
        fill(
            N_(
                "look whether the site is whole: `{program} backup.files --site {site}`; if it is,"
                " `{program} backup.run --site {site} --accept-size` ends this warning"
            ),
            params,
        ),
    )


def _describe_oddity(oddity: Params) -> str:
    """Tell one measure with the figures the verdict was made from."""
    if oddity["measure"] == SECONDS:
        return _(
            "it took {value} seconds; the {runs} good runs before took about {typical}, and"
            " {lowest} was the least to be expected"
        ).format(
            value=format_number(oddity["value"], 1),
            runs=oddity["runs"],
            typical=format_number(oddity["typical"], 1),
            lowest=format_number(oddity["lowest"], 1),
        )
    return _(
        "{part} held {value}; in the {runs} good runs before it was about {typical}, and {lowest}"
        " was the least to be expected"
    ).format(
        part=oddity["measure"],
        value=format_size(int(oddity["value"])),
        runs=oddity["runs"],
        typical=format_size(int(oddity["typical"])),
        lowest=format_size(int(oddity["lowest"])),
    )


def _explain_damaged(params: Params) -> Explanation:
    first = params.get("first", [])
    return Explanation(
        _("{count} faults were found in the repository").format(count=params["count"]),
        "; ".join(tell_fault(it) for it in first[:2]),
        _("some snapshots may not restore whole; do not prune"),
        fill(N_("see all of them: `{program} backup.check --site {site}`"), params),
    )


def tell_fault(finding: Params) -> str:
    """Tell a finding of a check from its stored form."""
    from backup.check.findings import KINDS

    kind = KINDS.get(str(finding["code"]))
    template = kind.template if kind else str(finding["code"])
    params = dict(finding["params"])
    if isinstance(params.get("cause"), str):
        # Sentences without values of their own, joined by the engine.
        params["cause"] = ": ".join(_(part) for part in params["cause"].split(": "))
    return f"{finding['concerned']}: {fill(template, params)}"


def advise_on_faults(findings: Sequence[Params], site: str) -> list[str]:
    """Say what to do about findings of a site's check, each piece of advice once."""
    from backup.check.findings import KINDS

    kinds = [KINDS[code] for finding in findings if (code := str(finding["code"])) in KINDS]
    return list(dict.fromkeys(fill(kind.next_step, {"site": site}) for kind in kinds))


def _explain_broken_journal(params: Params) -> Explanation:
    from ops.audit.verify import Finding, tell

    first = [tell(Finding(it["code"], it["params"])) for it in params.get("first", [])[:2]]
    return Explanation(
        _("the journal does not hold: {count} faults").format(count=params["count"]),
        "; ".join(first),
        _("backups are untouched; the journal is not signed until somebody has looked"),
        fill(N_("`{program} service.journal-verify`"), params),
    )


def _explain_unreached_stores(params: Params) -> Explanation:
    told = "; ".join(f"{store}: {tell_cause(reason)}" for store, reason in params["stores"].items())
    return Explanation(
        _("{count} stores could not be reached").format(count=len(params["stores"])),
        told,
        _("the other stores have what is new; what these had before is untouched"),
        fill(N_("check the store, then `{program} backup.run --site giucong`"), params),
    )


def _explain_witness(params: Params) -> Explanation:
    return Explanation(
        _("stock restic does not confirm the backups: {problem}").format(problem=params["problem"]),
        "; ".join(params.get("lines", [])),
        _("some snapshots may not restore whole; do not prune"),
        fill(N_("check: `{program} backup.check --site {site} --read-data`"), params),
    )


def _explain_unscanned(params: Params) -> Explanation:
    told = [f"{it['path']} ({tell_reason(it['reason'])})" for it in params["first"]]
    return Explanation(
        _("{count} files of snapshot {snapshot} were not looked into for malware").format(**params),
        "; ".join(told),
        _("nothing was found in what was looked through"),
        fill(N_("see all of them: `{program} backup.scan --site {site} --json`"), params),
    )


def _explain_malware(params: Params) -> Explanation:
    return Explanation(
        _("malware was found in snapshot {snapshot} in {store}: {count} files").format(**params),
        "; ".join(params["first"]),
        _("nothing was deleted; earlier copies may be clean"),
        fill(
            N_(
                "clean the live site, then back it up and look again: `{program} backup.scan"
                " --site {site}`"
            ),
            params,
        ),
    )


def _explain_frozen(params: Params) -> Explanation:
    return Explanation(
        _(
            "nothing of the site is deleted, in any store: a backup looks like the work of"
            " ransomware"
        ),
        f"{tell_signals(params)}; {tell_figures(params)}",
        fill(
            N_("snapshot {before}, from before, is kept; {snapshot} holds the changed files"),
            params,
        ),
        fill(
            N_(
                "look at the site, and at `{program} backup.files --site {site} --all`; once you"
                " know what it was: `{program} backup.accept --site {site} --reason TEXT`"
            ),
            params,
        ),
    )


_SPECIAL: Mapping[str, Callable[[Params], Explanation]] = {
    FROZEN: _explain_frozen,
    "malware_found": _explain_malware,
    "not_all_scanned": _explain_unscanned,
    "unreadable": _explain_unreadable,
    "database_damaged": _explain_damaged_database,
    "suspicious": _explain_suspicious,
    "damaged": _explain_damaged,
    "journal_broken": _explain_broken_journal,
    "stores_unreached": _explain_unreached_stores,
    "witness_disagrees": _explain_witness,
}
