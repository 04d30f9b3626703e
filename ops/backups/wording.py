"""Say in words how the runs of backups' jobs have ended, and what to do about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ops.backups.malware.clamscan import DAMAGED, ENCRYPTED, FAILED, LIMIT, NO_ANSWER, TOO_LARGE
from ops.backups.pages.notes import tell_problem
from ops.backups.run.odd import SECONDS
from ops.language.causes import tell_cause
from ops.language.formats import format_number, format_size
from ops.language.text import N_, _, fill
from ops.outcomes import UNTOUCHED, Explainer, Explanation


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


_OF_BACKUPS: Mapping[str, Explanation | Explainer] = {
    "unreadable": _explain_unreadable,
    "database_damaged": _explain_damaged_database,
    "suspicious": _explain_suspicious,
}


def _explain_damaged(params: Mapping[str, Any]) -> Explanation:
    first = params.get("first", [])
    return Explanation(
        _("{count} faults were found in the repository").format(count=params["count"]),
        "; ".join(tell_fault(it) for it in first[:2]),
        _("some snapshots may not restore whole; do not prune"),
        fill(N_("see all of them: `{program} backup.check --site {site}`"), params),
    )


def tell_fault(finding: Mapping[str, Any]) -> str:
    """Tell a finding of a check from its stored form."""
    from backup.check.findings import KINDS

    kind = KINDS.get(str(finding["code"]))
    template = kind.template if kind else str(finding["code"])
    params = dict(finding["params"])
    if isinstance(params.get("cause"), str):
        # Sentences without values of their own, joined by the engine.
        params["cause"] = ": ".join(_(part) for part in params["cause"].split(": "))
    return f"{finding['concerned']}: {fill(template, params)}"


def advise_on_faults(
    findings: Sequence[Mapping[str, Any]], site: str, in_store: str = ""
) -> list[str]:
    """Say what to do about findings of a site's check, each piece of advice once.

    Args:
        findings: In their stored form.
        site: Name of the site.
        in_store: Name of the store, unless it is the primary one.
    """
    from backup.check.findings import KINDS

    values = {"site": site, "in_store": in_store}
    kinds = [KINDS[code] for finding in findings if (code := str(finding["code"])) in KINDS]
    return list(dict.fromkeys(fill(kind.next_step, values) for kind in kinds))


def _explain_witness(params: Mapping[str, Any]) -> Explanation:
    return Explanation(
        _("stock restic does not confirm the backups: {problem}").format(problem=params["problem"]),
        "; ".join(params.get("lines", [])),
        _("some snapshots may not restore whole; do not prune"),
        fill(N_("check: `{program} backup.check --site {site} --read-data`"), params),
    )


_OF_CHECKS: Mapping[str, Explanation | Explainer] = {
    "damaged": _explain_damaged,
    "witness_disagrees": _explain_witness,
    "restic_missing": Explanation(
        N_("stock restic is not installed, so nobody independent has looked"),
        "",
        UNTOUCHED,
        N_("install it: `apt-get install {package}`"),
    ),
    "nothing_to_witness": Explanation(
        N_("there is no snapshot yet that stock restic could look at")
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
    "damage_mended": Explanation(
        N_("{count} damaged packs in {store} were mended with the same bytes from another store"),
        N_("their disk may be failing"),
        N_("nothing was lost"),
        N_(
            "look at the disk, then read all back: `{program} backup.check --site {site}"
            " --store {store} --read-data`"
        ),
    ),
}


_OF_COPIES: Mapping[str, Explanation | Explainer] = {
    "nothing_to_copy": Explanation(N_("there is no backup yet that could go to {store}")),
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


_REASONS: Mapping[str, str] = {
    TOO_LARGE: N_("larger than ClamAV can look into"),
    LIMIT: N_("an archive beyond ClamAV's limits"),
    ENCRYPTED: N_("encrypted, so nobody can look into it without the password"),
    NO_ANSWER: N_("ClamAV said nothing about it"),
    FAILED: N_("ClamAV failed"),
    DAMAGED: N_("damaged in the store"),
}


def tell_reason(code: str) -> str:
    """Tell a reason code of `ops.backups.malware.clamscan` in the reader's language."""
    return _(_REASONS.get(code, code))


def _explain_unscanned(params: Mapping[str, Any]) -> Explanation:
    told = [f"{it['path']} ({tell_reason(it['reason'])})" for it in params["first"]]
    return Explanation(
        _("{count} files of snapshot {snapshot} were not looked into for malware").format(**params),
        "; ".join(told),
        _("nothing was found in what was looked through"),
        fill(N_("see all of them: `{program} backup.scan --site {site} --json`"), params),
    )


def _explain_malware(params: Mapping[str, Any]) -> Explanation:
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


_OF_SCANS: Mapping[str, Explanation | Explainer] = {
    "malware_found": _explain_malware,
    "not_all_scanned": _explain_unscanned,
    "signatures_old": Explanation(
        N_("ClamAV's signatures are {days} days old; {longest} are allowed"),
        N_("malware that came up since then would not be found"),
        N_("nothing was found in what was looked through"),
        N_("bring them up to date (`freshclam`), then `{program} backup.scan --site {site}`"),
    ),
}

EXPLANATIONS = {**_OF_BACKUPS, **_OF_CHECKS, **_OF_COPIES, **_OF_SCANS}
"""By reason code; parts with placeholders, or what makes them."""
