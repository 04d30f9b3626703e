"""The reasons that are told by one sentence each: what happened, why, is data safe, what next."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.backups.brakes import HELD_MISSING, MISSING
from ops.backups.retention.wording import ASK_HOLDERS, LOOK_AT_STORE
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

_UNTOUCHED = N_("earlier backups are untouched")
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
        _UNTOUCHED,
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
    STOPPED: Explanation(N_("it was stopped"), N_("the service or a person ended it"), _UNTOUCHED),
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
        _UNTOUCHED,
        N_("send this line to the maintainers"),
    ),
    "worker_failed": Explanation(
        N_("the worker ended with status {status}"),
        "",
        _UNTOUCHED,
        N_("run it again: `{program} service.trigger --job {job}`"),
    ),
    "prune_postponed": Explanation(
        N_("data that nobody needs could not be removed yet"),
        N_("somebody else worked on the repository"),
        N_("nothing was lost; the next run goes on from there"),
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
    "journal_unsigned": Explanation(
        N_("the journal's head is not signed"),
        N_("the estate names no key in `[keys] signing`"),
        N_("the journal itself is untouched"),
        N_("add `signing = 'file:keys/journal-signing.key'` to `[keys]`; it is made on first use"),
    ),
    "own_files_missing": Explanation(
        N_("some files of the service itself could not be read"),
        "",
        _UNTOUCHED,
        N_("look who owns them, then `{program} backup.run --site giucong`"),
    ),
    "restic_missing": Explanation(
        N_("stock restic is not installed, so nobody independent has looked"),
        "",
        _UNTOUCHED,
        N_("install it: `apt-get install {package}`"),
    ),
    "nothing_to_witness": Explanation(
        N_("there is no snapshot yet that stock restic could look at"),
    ),
    "packs_unreadable": Explanation(
        N_("{count} packs cannot be read and stay out of the index"),
        "",
        N_("the packs themselves are untouched"),
        N_(
            "fetch them from another copy; else take them out: `{program} backup.repair --site"
            " {site} --pack {first}`"
        ),
    ),
    HELD_MISSING: Explanation(
        N_("{count} snapshots that are held are gone from {store}, not by this service"),
        N_("they are held for {reference}; somebody deleted them, or they cannot be read"),
        N_("what is to be kept for an inspection is not there"),
        ASK_HOLDERS,
    ),
    MISSING: Explanation(
        N_("{count} snapshots are gone from {store}, not by this service"),
        N_("somebody deleted them by hand, or they cannot be read"),
        N_("every backup that is seen is untouched"),
        LOOK_AT_STORE,
    ),
    "damage_mended": Explanation(
        N_("{count} damaged packs in {store} were mended with the same bytes from another store"),
        N_("their disk may be failing"),
        N_("nothing was lost"),
        N_(
            "look at the disk, then read all back: `{program} backup.check --site {site}"
            " --read-data`"
        ),
    ),
    "signatures_old": Explanation(
        N_("ClamAV's signatures are {days} days old; {longest} are allowed"),
        N_("malware that came up since then would not be found"),
        N_("nothing was found in what was looked through"),
        N_("bring them up to date (`freshclam`), then `{program} backup.scan --site {site}`"),
    ),
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
    "not_all_forgotten": Explanation(
        N_("{count} old snapshots could not be removed"),
        "{first}",
        N_("nothing that is needed was lost"),
        N_("check the store, then run `{program} backup.forget --site {site}`"),
    ),
}
