"""Say in words how a backup is unlike its site's past, with the figures it was judged by."""

from collections.abc import Mapping
from typing import Any

from ops.backups.pages.jump import UNLIKE
from ops.backups.pages.wording import tell_jump
from ops.backups.ransomware.freeze import FROZEN
from ops.backups.ransomware.verdict import ENCRYPTED, HARDENED, LOST, RELABELLED, ChangeFigures
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes.explain import Explainer
from ops.outcomes.plain import Explanation

_MEASURES: Mapping[str, str] = {
    ENCRYPTED: N_("{files} of {all} files seem to be encrypted ({share} %, usual up to {bound} %)"),
    HARDENED: N_(
        "{files} of {all} files can no longer be compressed ({share} %, usual up to {bound} %)"
    ),
    RELABELLED: N_(
        "{files} of {all} files have got another extension ({share} %, usual up to {bound} %)"
    ),
    LOST: N_("{files} of {all} files are gone ({share} %, usual up to {bound} %)"),
}


def tell_signals(params: Mapping[str, Any]) -> str:
    """Give all measures beyond their bounds as one line; `params` as of `Freeze.as_params`."""
    figures = ChangeFigures.from_values(params["figures"])
    return "; ".join(_tell_signal(it, figures) for it in params["signals"])


def _tell_signal(signal: Mapping[str, Any], figures: ChangeFigures) -> str:
    if "page" in signal:
        return tell_jump(signal)
    return _(_MEASURES[signal["measure"]]).format(
        files=format_number(signal["files"]),
        all=format_number(figures.files),
        share=format_number(100 * signal["share"], 1),
        bound=format_number(100 * signal["bound"], 1),
    )


def tell_figures(params: Mapping[str, Any]) -> str:
    """Give the figures behind them as one line."""
    figures = ChangeFigures.from_values(params["figures"])
    parts = [
        _("changed: {changed}, gone: {removed}, new: {added}").format(
            changed=format_number(figures.changed),
            removed=format_number(figures.removed),
            added=format_number(figures.added),
        )
    ]
    if figures.new_bytes:
        parts.append(
            _("new content: {size}, stored as {packed}").format(
                size=format_size(figures.new_bytes), packed=format_size(figures.new_packed_bytes)
            )
        )
    if figures.samples:
        parts.append(
            _("of {samples} files that were looked at, {sealed} begin like encrypted data").format(
                samples=figures.samples, sealed=figures.sealed
            )
        )
    if figures.extension:
        parts.append(
            _("new extension: .{extension} ({count} files)").format(
                extension=figures.extension, count=format_number(figures.strange)
            )
        )
    runs = max((int(it["runs"]) for it in params["signals"]), default=0)
    parts.append(
        _("learnt from {runs} good backups").format(runs=runs)
        if runs
        else _("too few backups yet to know what is usual; the estate's bounds were used")
    )
    return "; ".join(parts)


def _explain_unlike(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("pages are unlike all that the last good backups noted of them: the site may be defaced"),
        tell_signals(params),
        fill(
            N_(
                "nothing of the site is deleted, in any store, until somebody has looked; snapshot"
                " {before}, the last good one, is kept; {snapshot} is the first that shows it"
            ),
            params,
        ),
        fill(
            N_(
                "look at the site; was it attacked: `{program} runbook.run --id defacement`; is it"
                " meant: `{program} backup.accept --site {site} --reason TEXT`"
            ),
            params,
        ),
    )


def _explain_frozen(params: Mapping[str, Any]) -> Explanation:
    if params.get("reason") == UNLIKE:
        return _explain_unlike(params)
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


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    FROZEN: _explain_frozen,
    UNLIKE: _explain_unlike,
}
"""By reason code; parts with placeholders, or what makes them."""
