"""Say in words why a mirror or copy is not as its source."""

from collections.abc import Mapping

from ops.language.text import N_
from ops.outcomes.explain import Explainer
from ops.outcomes.plain import Explanation

EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "nothing_to_copy": Explanation(
        N_("there is no backup yet that could go to {store}"),
    ),
    "not_all_copied": Explanation(
        N_("{count} snapshots could not be copied to {store}"),
        "{first}",
        N_("what {store} had before is untouched; the others were copied"),
        N_("find the damage: `{program} backup.check --site {site} --read-data`"),
    ),
    "mirror_shrunk": Explanation(
        N_("{store} was not made to follow {source}, which has lost most of its snapshots"),
        N_("that happens when somebody deletes them, or a disk is not what it was"),
        N_("{store} still has them all; what is new was added there"),
        N_(
            "look at {source} first: `{program} backup.list --site {site}`; if it is meant:"
            " `{program} backup.copy --site {site} --to {store} --allow-shrink`"
        ),
    ),
    "mirror_index_lost": Explanation(
        N_("{store} keeps what {source} has lost: index files are gone there"),
        N_("stored packs are named by none of its index files any more"),
        N_("{store} still has all of it; what is new was added there"),
        N_("repair {source}: `{program} backup.repair --site {site} --store {source}`"),
    ),
    "mirror_source_damaged": Explanation(
        N_("{store} keeps what {source} has lost: stored packs are gone there"),
        N_("its index still names them"),
        N_("{store} still has all of it; what is new was added there"),
        N_("see what is gone: `{program} backup.check --site {site} --store {source}`"),
    ),
    "objects_overwritten": Explanation(
        N_("somebody overwrote {count} objects in the bucket; the first is {first}"),
        N_("whoever it was has a key that may write there"),
        N_("what they held before lies beneath and was not removed"),
        N_(
            "change the access key, then see what is damaged with `{program} backup.check`;"
            " `python -m backup … --at TIME` reads as of before"
        ),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""
