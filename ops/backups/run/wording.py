"""Say in words what a backup came to."""

from collections.abc import Mapping
from typing import Any

from ops.backups.pages.notes import tell_problem
from ops.backups.run.too_small import SECONDS
from ops.language.causes import tell_cause
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes.explain import Explainer
from ops.outcomes.plain import Explanation


def _explain_unreadable(params: Mapping[str, Any]) -> Explanation:
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


def _explain_damaged_database(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("the live database {names} is damaged").format(names=", ".join(params["databases"])),
        "; ".join(params["problems"]),
        _("it was saved as it is, and so was everything else; earlier backups are untouched"),
        fill(
            N_("look at the database; an earlier copy: `{program} backup.list --site {site}`"),
            params,
        ),
    )


def _explain_suspicious(params: Mapping[str, Any]) -> Explanation:
    losses = params.get("losses", ())
    told = [*map(_describe_loss, losses), *map(_describe_oddity, params["oddities"])]
    more = " …" if params.get("lost", 0) > len(losses) else ""
    return Explanation(
        _("the site has lost something since its last good backups")
        if losses
        else _("it ended well, but it is unlike the runs before it"),
        "; ".join(told) + more,
        _("a snapshot was made; earlier ones are untouched"),
        fill(
            N_(
                "look whether the site is whole: `{program} backup.files --site {site}`; if it is,"
                " `{program} backup.run --site {site} --accept-size` ends this warning"
            ),
            params,
        ),
    )


def _describe_loss(loss: Mapping[str, Any]) -> str:
    """Tell one thing that is gone."""
    if loss["what"] == "page":
        reason = tell_problem(loss["problem"], "", loss["detail"])
        return _("the page {name} was well and fails now: {reason}").format(
            name=loss["name"], reason=reason
        )
    told = {
        "table": N_("the table {name} of the database {part} is gone; it had {before} rows"),
        "rows": N_("the table {name} of the database {part} has {now} rows; it had {before}"),
        "folder": N_("the folder {name} of {part} is gone or empty; {before} files lay in it"),
    }[loss["what"]]
    figures = {name: format_number(loss[name]) for name in ("before", "now")}
    return _(told).format(name=loss["name"], part=loss["part"], **figures)


def _describe_oddity(oddity: Mapping[str, Any]) -> str:
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


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "unreadable": _explain_unreadable,
    "database_damaged": _explain_damaged_database,
    "suspicious": _explain_suspicious,
}
"""By reason code; parts with placeholders, or what makes them."""
