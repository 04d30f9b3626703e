"""Tell what phases and drills came to, in the reader's language."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from ops.drills.phases import TITLES
from ops.drills.records import KeptPhase
from ops.language.formats import format_duration, format_number, format_size
from ops.language.text import N_, _, fill, ngettext
from ops.outcomes import Explainer, Explanation
from ops.outcomes import explain as explain_reason
from ops.sandbox.result import REMARKS, Remark, tell_remark
from ops.terminal.output import outcome_cell

Params = Mapping[str, Any]

_PRODUCTION_SAFE = N_("production was not touched")

_PLAIN: Mapping[str, Explanation] = {
    "drill_without_restic": Explanation(
        N_("stock restic is not installed here"),
        "",
        _PRODUCTION_SAFE,
        N_("install it: `apt-get install {package}`"),
    ),
    "drill_no_manifest": Explanation(
        N_("the copy's own manifest is missing or cannot be read: {text}"),
        "",
        _PRODUCTION_SAFE,
        N_("back the site up anew: `{program} backup.run --site {site}`"),
    ),
    "drill_no_file": Explanation(
        N_("the copy holds no such file: {path}"),
        "",
        _PRODUCTION_SAFE,
        N_("drill the whole site: `{program} drill.run --site {site}`"),
    ),
    "drill_archive_empty": Explanation(
        N_("nothing of {site} is archived, so nothing could be taken back"),
        "",
        _PRODUCTION_SAFE,
        N_("archive it: `{program} archive.capture --site {site}`"),
    ),
    "drill_archive_unsaved": Explanation(
        N_("the archive was never backed up to {store}, so nothing could be taken back from there"),
        "",
        N_("the archive itself was not touched"),
        N_("back it up: `{program} backup.run --site luu-tru`; then drill again"),
    ),
    "drill_archive_behind": Explanation(
        N_("the copy of the archive is whole, but of {count} items it lacks the newest version"),
        N_("they were archived after the copy was last brought up to date"),
        N_("the archive itself was not touched"),
        N_(
            "bring it up to date: `{program} archive.verify`, or `{program} backup.run"
            " --site luu-tru`"
        ),
    ),
    "drill_not_isolated": Explanation(
        N_("the site could not be rehearsed apart from production, so it was not started"),
        "{why}",
        _PRODUCTION_SAFE,
        N_("run the drill as root, or allow user namespaces on this machine"),
    ),
    "drill_not_wiped": Explanation(
        N_("the drill's folder {folder} could not be wiped: {reason}"),
        "",
        N_("restored data still lies there"),
        N_("remove it by hand: `rm -rf {folder}`"),
    ),
    "drill_copy_too_young": Explanation(
        N_("the copy was taken after the incident, so it does not show what is left from before"),
        "",
        _PRODUCTION_SAFE,
        N_("choose an earlier one: `{program} backup.list --site {site}`"),
    ),
    "drill_clock_moved": Explanation(
        N_("the machine's clock was set back during the drill, so the times say nothing"),
        "",
        _PRODUCTION_SAFE,
        N_("see to the clock, then drill again: `{program} drill.run --site {site}`"),
    ),
    "drill_window_over": Explanation(
        N_("the drill was stopped at the end of its window, and what it had restored was wiped"),
        N_("it would have gone on in the hours that the estate leaves to others"),
        _PRODUCTION_SAFE,
        N_(
            "drill by hand: `{program} drill.run --site {site}`, or make the window longer"
            " (`backup` in `schedule`)"
        ),
    ),
    "drill_stopped": Explanation(
        N_("the drill stopped on its way"),
        "",
        _PRODUCTION_SAFE,
        N_("go on with it: `{program} runbook.resume --run {run}`"),
    ),
}

WHATS: Mapping[str, str] = {
    "missing": N_("is missing"),
    "extra": N_("is not in the copy"),
    "type": N_("is of another type"),
    "content": N_("has other content"),
    "unreadable": N_("cannot be read"),
    "mode": N_("has other permissions"),
    "owner": N_("has another owner"),
    "mtime": N_("has another modification time"),
    "attributes": N_("has other extended attributes"),
    "target": N_("leads elsewhere"),
    "device": N_("is another device"),
    "links": N_("is not the same file as its other names"),
    "tree": N_("cannot be listed: the copy itself is damaged"),
}


def tell_difference(params: Params) -> str:
    """Tell one difference between the restored folder and the copy."""
    what = _(WHATS.get(str(params["what"]), str(params["what"])))
    return _("{path} {what}").format(path=params["path"], what=what)


def _explain_difference(params: Params) -> Explanation:
    told = [tell_difference(it) for it in params["first"]]
    more = " …" if params["count"] > len(told) else ""
    text = ngettext(
        "what was restored is not what was backed up: {count} difference",
        "what was restored is not what was backed up: {count} differences",
        params["count"],
    )
    return Explanation(
        text.format(count=format_number(params["count"])),
        "; ".join(told) + more,
        _("production was not touched; do not prune until the store is checked"),
        fill(N_("check: `{program} backup.check --site {site} --read-data`"), params),
    )


def _explain_too_large(params: Params) -> Explanation:
    text = _("the site is too large to be drilled here: {size}, at most {limit}")
    sizes = {name: format_size(int(params[name])) for name in ("size", "limit")}
    return Explanation(
        text.format(**sizes),
        "",
        _(_PRODUCTION_SAFE),
        _("where there is room, raise `max_size_gb` in `[drill]`"),
    )


def _explain_no_room(params: Params) -> Explanation:
    text = _("too little room in the drill's work folder: {needed} are needed, {free} are free")
    sizes = {name: format_size(int(params[name])) for name in ("needed", "free")}
    return Explanation(
        text.format(**sizes),
        "",
        _(_PRODUCTION_SAFE),
        _("make room, or move `workdir` in `[drill]`"),
    )


def _explain_page(params: Params) -> Explanation:
    return Explanation(
        _("a captured page is not shown as it was captured: {page}").format(page=params["page"]),
        _(params["reason"]),
        _("the archive itself was not touched"),
        fill(N_("read the archive back: `{program} archive.verify --all`"), params),
    )


def _explain_warned(params: Params) -> Explanation:
    told = explain_reason(params["reason"], params["params"], site=params["site"])
    return Explanation(
        _("the backup that made this copy had warned: {what}").format(what=told.what),
        told.why,
        _(_PRODUCTION_SAFE),
        told.next_step,
    )


def _explain_phase(params: Params) -> Explanation:
    title = _(TITLES.get(str(params["phase"]), str(params["phase"])))
    return Explanation(_("not done, for want of an earlier step: {title}").format(title=title))


def _explain_missing(params: Params) -> Explanation:
    title = _(TITLES.get(str(params["phase"]), str(params["phase"])))
    return Explanation(_("a step was not carried out to its end: {title}").format(title=title))


def _explain_aim(what: str) -> Callable[[Params], Explanation]:
    def explain(params: Params) -> Explanation:
        reached, target = (
            format_duration(timedelta(seconds=float(params[name])))
            for name in ("reached", "target")
        )
        return Explanation(_(what).format(reached=reached, target=target))

    return explain


_SPECIAL: Mapping[str, Callable[[Params], Explanation]] = {
    "drill_differs": _explain_difference,
    "drill_too_large": _explain_too_large,
    "drill_no_room": _explain_no_room,
    "drill_page_not_shown": _explain_page,
    "drill_copy_warned": _explain_warned,
    "drill_phase_skipped": _explain_phase,
    "drill_phase_missing": _explain_missing,
    "drill_rto_missed": _explain_aim(
        N_("the recovery took {reached}, longer than the {target} set")
    ),
    "drill_rpo_missed": _explain_aim(N_("{reached} of work were lost, more than the {target} set")),
}


def _explain_remark(code: str) -> Explainer:
    def explain(params: Params) -> Explanation:
        return Explanation(tell_remark(Remark("failed", code, params)), "", _(_PRODUCTION_SAFE))

    return explain


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    **{code: _explain_remark(code) for code in REMARKS},
    **_PLAIN,
    **_SPECIAL,
}
"""By reason code."""


def tell_phase(phase: KeptPhase, site: str) -> str:
    """Tell in one line what a phase came to."""
    parts = [_(TITLES[phase.name]), outcome_cell(phase.outcome or "not_checked").text]
    parts += [text for tell in _BRIEF.get(phase.name, ()) if (text := tell(phase.facts))]
    if phase.reason:
        found = explain_reason(phase.reason, phase.params, site=site)
        parts.append(f"{found.what}: {found.why}" if found.why else found.what)
    return " · ".join([*parts, format_duration(timedelta(seconds=phase.seconds))])


def _tell_room(facts: Params) -> str:
    if facts.get("needed_bytes") is None:
        return _("{free} free").format(free=format_size(int(facts.get("free_bytes", 0))))
    return _("{needed} needed, {free} free").format(
        needed=format_size(facts["needed_bytes"]), free=format_size(facts["free_bytes"])
    )


def _tell_keys(facts: Params) -> str:
    return _("from paper, {shares} shares").format(**facts) if facts.get("from_paper") else ""


def _tell_fetched(facts: Params) -> str:
    if "files" not in facts:
        return ""
    if "items" in facts:
        return _("{whole} of {items} items by lot whole, {size}").format(
            whole=format_number(facts["whole_items"]),
            items=format_number(facts["items"]),
            size=format_size(facts["size_bytes"]),
        )
    return _("{equal} of {files} files equal, {size}").format(
        equal=format_number(facts["equal_files"]),
        files=format_number(facts["files"]),
        size=format_size(facts["size_bytes"]),
    )


def _tell_scanned(facts: Params) -> str:
    if "tool" not in facts:
        return ""
    return _("{files} files, {tool}").format(
        files=format_number(facts["files"]), tool=facts["tool"]
    )


def _tell_rehearsed(facts: Params) -> str:
    result = facts.get("result")
    if result is None:
        return ""
    pages = result["pages"]
    same = sum(it["verdict"] == "same" for it in pages)
    rows = sum(sum(it["counts"].values()) for it in result["databases"])
    return _("{rows} rows, {same} of {pages} pages the same").format(
        rows=format_number(rows), same=same, pages=len(pages)
    )


def _tell_wiped(facts: Params) -> str:
    return _("personal data among it") if facts.get("personal_data") else ""


_BRIEF: Mapping[str, tuple[Callable[[Params], str], ...]] = {
    "prepare": (_tell_room,),
    "keys": (_tell_keys,),
    "fetch": (_tell_fetched,),
    "scan": (_tell_scanned,),
    "rehearse": (_tell_rehearsed,),
    "wipe": (_tell_wiped,),
}
