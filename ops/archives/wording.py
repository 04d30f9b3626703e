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


def _explain_damaged(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("{count} objects of the archive are damaged, and no whole copy of them was found").format(
            **params
        ),
        "; ".join(params["first"]),
        _("whole objects were not touched; what is damaged stays as it is"),
        fill(N_("bring back a copy that holds them, then `{program} archive.repair`"), params),
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
    "archive_damaged": _explain_damaged,
    "archive_much_damaged": Explanation(
        N_("{count} objects of the archive are damaged at once ({places}); nothing was repaired"),
        N_("so much damage in one run is rarely a disk; repairing might spread it"),
        N_("whole copies stay as they are"),
        N_("find the cause first, then `{program} archive.repair --confirm luu-tru`"),
    ),
    "archive_place_lost": Explanation(
        N_("the archive's place {place} could not be used: {why}"),
        N_("a disk that is not mounted, or rights that are missing"),
        N_("the other places were checked"),
        N_("mount it, then `{program} archive.verify --place {place}`"),
    ),
    "archive_nothing_read": Explanation(
        N_("nothing of the archive's place {place} was read: it is not checked"),
        N_("there must be objects, and none was found"),
        N_("nobody knows whether it is intact"),
        N_("look at the folder, then `{program} archive.verify --place {place} --all`"),
    ),
    "archive_not_readable": Explanation(
        N_("{count} objects of the archive's place {place} may not be read by this account"),
        N_("their rights are not those that the archive gives"),
        N_("they are not checked"),
        N_("mend the rights, then `{program} archive.verify --place {place}`"),
    ),
    "archive_copy_lacks": Explanation(
        N_("the archive's copy {place} lacks {count} objects"),
        N_("they are damaged at the source or at the copy, and damage is never carried over"),
        N_("what the copy has is whole"),
        N_("`{program} archive.verify --all` heals what can be healed"),
    ),
    "archive_overdue": Explanation(
        N_("bytes of the archive's place {place} have not been read for {days} days"),
        N_("they are to be read again within {longest} days"),
        N_("nobody knows whether they are intact"),
        N_("`{program} archive.verify --place {place} --all`"),
    ),
    "archive_repaired": Explanation(
        N_("{count} objects of the archive were damaged; all are whole again"),
        N_("they were taken from a copy that proved itself"),
        N_("everything archived is intact"),
        N_("if it happens again, look at the disk"),
    ),
    "archive_empty": Explanation(
        N_("nothing is archived yet, so nothing was checked"),
        N_("no site was captured"),
        "",
        N_("`{program} archive.capture`"),
    ),
    "archive_nothing_seen": Explanation(
        N_("the portal of {site} shows no item at all"),
        N_("the connector found its tables, and nothing in them that everybody may see"),
        N_("everything archived is kept as it is"),
        N_("look at `connector`, `part` and `options` in `[sites.archive]`"),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""
