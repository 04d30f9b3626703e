"""Say in words what is wrong with the journal."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.audit.verify import Finding, tell
from ops.language.text import N_, _, fill
from ops.outcomes.explain import Explainer
from ops.outcomes.plain import Explanation


def _explain_broken_journal(params: Mapping[str, Any]) -> Explanation:
    first = [tell(Finding(it["code"], it["params"])) for it in params.get("first", [])[:2]]
    return Explanation(
        _("the journal does not hold: {count} faults").format(count=params["count"]),
        "; ".join(first),
        _("backups are untouched; the journal is not signed until somebody has looked"),
        fill(N_("`{program} service.journal-verify`"), params),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "journal_broken": _explain_broken_journal,
    "journal_unsigned": Explanation(
        N_("the journal's head is not signed"),
        N_("the estate names no key in `[keys] signing`"),
        N_("the journal itself is untouched"),
        N_("add `signing = 'file:keys/journal-signing.key'` to `[keys]`; it is made on first use"),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""


def tell_findings(findings: Sequence[Mapping[str, Any]]) -> str:
    """Tell what is accepted by a request, from its stored form."""
    return "; ".join(tell(Finding(it["code"], it["params"])) for it in findings)


PLAN_WORDS = {"findings": tell_findings}
"""Values of a plan that only this room can tell (`ops.access.approvals.plan_wording`)."""
