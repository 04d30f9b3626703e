"""What a run of the archive found, in words."""

from collections.abc import Mapping
from typing import Any

from ops.language.text import N_, _, fill
from ops.outcomes.explain import Explainer
from ops.outcomes.plain import Explanation

_MESSAGES = (
    N_("archived"), N_("changed on the portal"), N_("gone from the portal"),
)  # fmt: skip
"""Why there is a version, as inventories keep it."""


def _explain_refused(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("{count} items of {site} were not archived").format(**params),
        "; ".join(params["first"]),
        _("all others are archived; the portal and its backup have these still"),
        fill(N_("put them right on the portal; the next run takes them"), params),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "archive_refused": _explain_refused,
    "archive_many_gone": Explanation(
        N_("{count} archived items of {site} are no longer on the portal; none was marked so"),
        N_("so many at once look like a damaged or half-empty database"),
        N_("everything archived is kept as it is"),
        N_(
            "look at the portal; if it is right, `{program} archive.capture --site {site}"
            " --accept-gone`"
        ),
    ),
    "archive_nothing_seen": Explanation(
        N_("the portal of {site} shows no item at all"),
        N_("the connector found its tables, and nothing in them that everybody may see"),
        N_("everything archived is kept as it is"),
        N_("look at `connector`, `part` and `options` in `[sites.archive]`"),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""
