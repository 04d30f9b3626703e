"""Tell an outcome in words: what happened, why, whether data is safe, what to do next.

The catalog keeps reason codes with parameters; sentences are made here, in the reader's language.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.causes import tell_cause
from ops.deliveries.judging import CODES as DELIVERY_CODES
from ops.deliveries.telling import tell_delivery
from ops.history import SECONDS
from ops.ledger.definitions import (
    BLACKOUT,
    COALESCED,
    DOWN,
    LOST,
    RETIRED,
    STOPPED,
    TIMED_OUT,
)
from ops.malware.telling import tell_reason
from ops.present import format_number, format_size
from ops.ransomware.freezing import FROZEN
from ops.ransomware.telling import tell_figures, tell_signals
from ops.retention.braking import HELD_MISSING, MISSING
from ops.retention.wording import ASK_HOLDERS, BRAKES, LOOK_AT_STORE, tell_brake
from ops.text import N_, _, fill

Params = Mapping[str, Any]

UNTOUCHED = N_("earlier backups are untouched")


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


_PLAIN: Mapping[str, Explanation] = {
    LOST: Explanation(
        N_("the process that did the work is gone"),
        N_("it was killed, or the machine stopped"),
        UNTOUCHED,
        N_("run it again: `{program} service.trigger --job {job}`"),
    ),
    TIMED_OUT: Explanation(
        N_("it ran longer than it may and was ended"),
        "",
        UNTOUCHED,
        N_("run it again: `{program} service.trigger --job {job}`"),
    ),
    STOPPED: Explanation(N_("it was stopped"), N_("the service or a person ended it"), UNTOUCHED),
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
        UNTOUCHED,
        N_("look who owns them, then `{program} backup.run --site giucong`"),
    ),
    "restic_missing": Explanation(
        N_("stock restic is not installed, so nobody independent has looked"),
        "",
        UNTOUCHED,
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


def explain(reason: str, params: Params, *, job: str = "", site: str = "") -> Explanation:
    """Explain a reason code.

    Args:
        reason: As in the ledger; may be empty.
        params: As in the ledger; an explained error's own templates win.
        job: Name of the job, for the command to type.
        site: Name of the site.
    """
    named = {"job": job, "site": site, **params}
    if "what" in params:
        named |= params.get("params", {})
        parts = (params.get(part, "") for part in ("what", "why", "data", "next_step"))
        return Explanation(*(fill(str(part), named) for part in parts))
    if reason in BRAKES:
        return Explanation(*tell_brake(reason, named))
    if reason in DELIVERY_CODES:
        return Explanation(*tell_delivery(named))
    if reason in _SPECIAL:
        return _SPECIAL[reason](named)
    found = _PLAIN.get(reason, Explanation(reason))
    texts = (found.what, found.why, found.data, found.next_step)
    return Explanation(*(fill(text, named) for text in texts))


def _explain_unreadable(params: Params) -> Explanation:
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


def _explain_damaged_database(params: Params) -> Explanation:
    return Explanation(
        _("the live database {names} is damaged").format(names=", ".join(params["databases"])),
        "; ".join(params["problems"]),
        _("it was saved as it is, and so was everything else; earlier backups are untouched"),
        fill(
            N_("look at the database; an earlier copy: `{program} backup.list --site {site}`"),
            params,
        ),
    )


def _explain_suspicious(params: Params) -> Explanation:
    oddities = [_describe_oddity(it) for it in params["oddities"]]
    return Explanation(
        _("it ended well, but it is unlike the runs before it"),
        "; ".join(oddities),
        _("a snapshot was made; earlier ones are untouched"),
        fill(
            N_(
                "look whether the site is whole: `{program} backup.files --site {site}`; if it is,"
                " `{program} backup.run --site {site} --accept-size` ends this warning"
            ),
            params,
        ),
    )


def _describe_oddity(oddity: Params) -> str:
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


def _explain_damaged(params: Params) -> Explanation:
    first = params.get("first", [])
    return Explanation(
        _("{count} faults were found in the repository").format(count=params["count"]),
        "; ".join(tell_fault(it) for it in first[:2]),
        _("some snapshots may not restore whole; do not prune"),
        fill(N_("see all of them: `{program} backup.check --site {site}`"), params),
    )


def tell_fault(finding: Params) -> str:
    """Tell a finding of a check from its stored form."""
    from backup.checking.findings import KINDS

    kind = KINDS.get(str(finding["code"]))
    template = kind.template if kind else str(finding["code"])
    params = dict(finding["params"])
    if isinstance(params.get("cause"), str):
        # Sentences without values of their own, joined by the engine.
        params["cause"] = ": ".join(_(part) for part in params["cause"].split(": "))
    return f"{finding['concerned']}: {fill(template, params)}"


def advise_on_faults(findings: Sequence[Params], site: str) -> list[str]:
    """Say what to do about findings of a site's check, each piece of advice once."""
    from backup.checking.findings import KINDS

    kinds = [KINDS[code] for finding in findings if (code := str(finding["code"])) in KINDS]
    return list(dict.fromkeys(fill(kind.next_step, {"site": site}) for kind in kinds))


def _explain_broken_journal(params: Params) -> Explanation:
    from ops.recovery.verification import Finding, tell

    first = [tell(Finding(it["code"], it["params"])) for it in params.get("first", [])[:2]]
    return Explanation(
        _("the journal does not hold: {count} faults").format(count=params["count"]),
        "; ".join(first),
        _("backups are untouched; the journal is not signed until somebody has looked"),
        fill(N_("`{program} service.journal-verify`"), params),
    )


def _explain_unreached_stores(params: Params) -> Explanation:
    told = "; ".join(f"{store}: {tell_cause(reason)}" for store, reason in params["stores"].items())
    return Explanation(
        _("{count} stores could not be reached").format(count=len(params["stores"])),
        told,
        _("the other stores have what is new; what these had before is untouched"),
        fill(N_("check the store, then `{program} backup.run --site giucong`"), params),
    )


def _explain_witness(params: Params) -> Explanation:
    return Explanation(
        _("stock restic does not confirm the backups: {problem}").format(problem=params["problem"]),
        "; ".join(params.get("lines", [])),
        _("some snapshots may not restore whole; do not prune"),
        fill(N_("check: `{program} backup.check --site {site} --read-data`"), params),
    )


def _explain_unscanned(params: Params) -> Explanation:
    told = [f"{it['path']} ({tell_reason(it['reason'])})" for it in params["first"]]
    return Explanation(
        _("{count} files of snapshot {snapshot} were not looked into for malware").format(**params),
        "; ".join(told),
        _("nothing was found in what was looked through"),
        fill(N_("see all of them: `{program} backup.scan --site {site} --json`"), params),
    )


def _explain_malware(params: Params) -> Explanation:
    return Explanation(
        _("malware was found in snapshot {snapshot} in {store}: {count} files").format(**params),
        "; ".join(params["first"]),
        _("nothing was deleted; earlier copies may be clean"),
        fill(
            N_(
                "clean the live site, then back it up and look again: `{program} backup.scan"
                " --site {site}`"
            ),
            params,
        ),
    )


def _explain_frozen(params: Params) -> Explanation:
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


_SPECIAL: Mapping[str, Callable[[Params], Explanation]] = {
    FROZEN: _explain_frozen,
    "malware_found": _explain_malware,
    "not_all_scanned": _explain_unscanned,
    "unreadable": _explain_unreadable,
    "database_damaged": _explain_damaged_database,
    "suspicious": _explain_suspicious,
    "damaged": _explain_damaged,
    "journal_broken": _explain_broken_journal,
    "stores_unreached": _explain_unreached_stores,
    "witness_disagrees": _explain_witness,
}
