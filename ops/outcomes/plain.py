"""The reasons that are told by one sentence each: what happened, why, is data safe, what next."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.language.text import N_
from ops.schedule.ledger.job import (
    BLACKOUT,
    COALESCED,
    DOWN,
    LOST,
    RETIRED,
    STOPPED,
    TIMED_OUT,
    WINDOW_OVER,
)

UNTOUCHED = N_("earlier backups are untouched")
_KEPT = N_("earlier backups are untouched; what it has stored is kept, and the next run uses it")


@dataclass(frozen=True, slots=True)
class Explanation:
    """An outcome in words; every part but `what` may be empty.

    Attributes:
        what: What happened.
        why: The cause.
        data: Whether data is safe.
        next_step: What to type or do.
    """

    what: str
    why: str = ""
    data: str = ""
    next_step: str = ""


PLAIN: Mapping[str, Explanation] = {
    LOST: Explanation(
        N_("the process that did the work is gone"),
        N_("it was killed, or the machine stopped"),
        UNTOUCHED,
        N_("run it again: `{program} service.trigger --job {job}`"),
    ),
    TIMED_OUT: Explanation(
        N_("it ran longer than it may and was ended"),
        N_(
            "it took more than the site's `limits` allow, or more than two hours while others"
            " waited in vain for a place"
        ),
        _KEPT,
        N_(
            "see what kept it; if it needs so long, write more `hours` in `limits` of the site; it"
            " runs when it is due again, or now: `{program} service.trigger --job {job}`"
        ),
    ),
    STOPPED: Explanation(N_("it was stopped"), N_("the service or a person ended it"), UNTOUCHED),
    WINDOW_OVER: Explanation(
        N_("it did not end within its window and was stopped"),
        N_("it would have gone on in the hours that the estate leaves to others"),
        _KEPT,
        N_(
            "leave it to the next window, make that longer (`backup` in `schedule`), or let it run"
            " now: `{program} backup.run --site {site}`"
        ),
    ),
    COALESCED: Explanation(N_("a later one was run in its place")),
    DOWN: Explanation(N_("the service was down when it was due")),
    BLACKOUT: Explanation(N_("it was not to run at that time")),
    RETIRED: Explanation(N_("the estate does not name this job any more")),
    "crashed": Explanation(
        N_("the program failed: {error}: {text}"),
        "",
        UNTOUCHED,
        N_("send this line to the maintainers"),
    ),
    "worker_failed": Explanation(
        N_("the worker ended with status {status}"),
        "",
        UNTOUCHED,
        N_("run it again: `{program} service.trigger --job {job}`"),
    ),
}
