"""Which copies of a site do not follow its primary store; decided from the facts alone."""

from collections.abc import Iterator
from datetime import datetime

from ops.jobs.reasons import Explanation
from ops.present import format_duration
from ops.status.facts import SiteFacts
from ops.status.rule import CopyFacts, is_fresh
from ops.text import N_, _, fill


def explain_late_copies(site: SiteFacts, now: datetime) -> Iterator[Explanation]:
    """Explain each; where the primary store itself is late, that is told elsewhere."""
    is_late = {it.store: not is_fresh(it, now=now, rpo=site.rpo) for it in site.copies}
    if any(it.role == "primary" and is_late[it.store] for it in site.copies):
        return
    for copy in site.copies:
        is_medium = copy.role == "medium"
        if is_late[copy.store] and not copy.gone_from and not is_medium:
            yield Explanation(
                _tell(copy, now),
                data=_("the primary store has what is newer"),
                next_step=fill(
                    N_("`{program} backup.copy --site {site} --to {store}`"),
                    {"site": site.name, "store": copy.store},
                ),
            )


def _tell(copy: CopyFacts, now: datetime) -> str:
    if copy.newest_at is None:
        return _("there is no copy yet in {store}").format(store=copy.store)
    age = format_duration(now - copy.newest_at)
    return _("the newest copy in {store} is {age} old").format(store=copy.store, age=age)
