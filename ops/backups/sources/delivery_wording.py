"""Say in words what is wrong with a delivery, from the stored form of its findings."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.backups.sources.delivery_verdict import (
    AHEAD,
    CODES,
    HASHES_MISSING,
    HASHES_WRONG,
    NOT_CHECKED,
    NOTHING,
    SMALL,
    STALE,
    UNFINISHED,
    UNLISTED,
    Verdict,
)
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes.explain import Explainer
from ops.outcomes.plain import Explanation

_UNFINISHED = {
    True: N_("files are younger than its end marker {file}: a delivery is under way, or broke off"),
    False: N_("its end marker {file} is not there"),
}


def make_params(verdicts: Sequence[Verdict]) -> tuple[str, dict[str, Any]]:
    """Give the reason code and its parameters for the deliveries that are not as agreed."""
    findings = [
        {"part": verdict.part, "code": finding.code, "params": dict(finding.params)}
        for verdict in verdicts
        for finding in verdict.findings
    ]
    gravest = min((it.code for verdict in verdicts for it in verdict.findings), key=CODES.index)
    return gravest, {"findings": findings}


def tell_delivery(params: Mapping[str, Any]) -> Explanation:
    """Say what is wrong, why, whether data is safe, what to do."""
    findings = params.get("findings", [])
    parts = dict.fromkeys(str(it["part"]) for it in findings)
    return Explanation(
        _("what was delivered to {parts} is not as agreed").format(parts=", ".join(parts)),
        "; ".join(f"{it['part']}: {tell_finding(it['code'], it['params'])}" for it in findings),
        _("it was saved as it lay there; earlier backups are untouched"),
        fill(
            N_("ask who delivers it; once it is right: `{program} backup.run --site {site}`"),
            params,
        ),
    )


def tell_finding(code: str, params: Mapping[str, Any]) -> str:
    """Say what one finding means."""
    if code == UNFINISHED:
        return fill(_UNFINISHED[bool(params["is_there"])], params)
    if code == SMALL:
        sizes = {"bytes": format_size(params["bytes"]), "least": format_size(params["least"])}
        return fill(N_("it holds {bytes}, and at least {least} were agreed"), sizes)
    if code in _DATED:
        return fill(_DATED[code], {**params, "hours": format_number(params["hours"], 1)})
    if code in _NAMING:
        return fill(_NAMING[code], {**params, "first": ", ".join(params["first"])})
    return fill(_PLAIN.get(code, code), params)


_DATED = {
    STALE: N_("it is {hours} hours old, and at most {most} were agreed"),
    AHEAD: N_("it is dated {hours} hours ahead, so nobody can tell how old it is"),
}
_NAMING = {
    HASHES_WRONG: N_(
        "by {file}, {wrong} files hold other bytes and {missing} are not there, e.g. {first}"
    ),
    UNLISTED: N_("{file} does not list {count} files that lie there, e.g. {first}"),
}
_PLAIN = {
    NOTHING: N_("nothing lies there"),
    HASHES_MISSING: N_("the hash file {file} is not there, or lists nothing"),
    NOT_CHECKED: N_("it could not be looked at after it was saved: {cause}"),
}

EXPLANATIONS: Mapping[str, Explainer] = dict.fromkeys(CODES, tell_delivery)
"""By reason code; the gravest finding gives it, and all are told."""
