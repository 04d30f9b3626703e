"""Say in words what the service's own backup lacks."""

from collections.abc import Mapping
from typing import Any

from ops.language.causes import tell_cause
from ops.language.text import N_, _, fill
from ops.outcomes import UNTOUCHED, Explainer, Explanation


def _explain_unreached_stores(params: Mapping[str, Any]) -> Explanation:
    told = "; ".join(f"{store}: {tell_cause(reason)}" for store, reason in params["stores"].items())
    return Explanation(
        _("{count} stores could not be reached").format(count=len(params["stores"])),
        told,
        _("the other stores have what is new; what these had before is untouched"),
        fill(N_("check the store, then `{program} backup.run --site giucong`"), params),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "stores_unreached": _explain_unreached_stores,
    "own_files_missing": Explanation(
        N_("some files of the service itself could not be read"),
        "",
        UNTOUCHED,
        N_("look who owns them, then `{program} backup.run --site giucong`"),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""
