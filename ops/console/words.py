"""Words of the console for what tasks call by names of their own: fields of forms, acts."""

from collections.abc import Mapping

from ops.language.text import N_, _

_ACTS: Mapping[str, str] = {
    "alert.ack": N_("took an alert up"), "approval.approve": N_("approved a request"),
    "approval.refuse": N_("refused a request"), "approval.request": N_("asked for an approval"),
    "approval.use": N_("did what was approved"),
    "approval.withdraw": N_("took a request back"), "archive.ingest": N_("archived content"),
    "asset.added": N_("entered an asset"), "asset.changed": N_("changed an asset"),
    "backup.init": N_("made a repository"), "backup.restore": N_("restored from a backup"),
    "document.added": N_("kept a document"), "document.exported": N_("downloaded a document"),
    "drill.begin": N_("drill begun"), "drill.end": N_("drill ended"),
    "drill.finding": N_("the drill found something"), "drill.fixed": N_("found mended by a drill"),
    "drill.phase": N_("phase of a drill"), "duty.changed": N_("table of duties changed"),
    "duty.done": N_("recorded a duty"), "duty.policy-approved": N_("policy approved"),
    "estate.changed": N_("estate file changed"),
    "estate.part-changed": N_("changed titles, people, routes or days"),
    "estate.proposed": N_("proposed a change of the estate file"),
    "estate.taken": N_("took a proposed change of the estate file"),
    "estate.written": N_("changed a file of the estate"), "job.ended": N_("job ended"),
    "job.triggered": N_("asked for a run"), "media.written": N_("wrote an offline medium"),
    "plan.begin": N_("began a plan"), "plan.decide": N_("recorded the plan's decision"),
    "plan.decide-item": N_("recorded what an item gets"), "plan.draft": N_("drafted a plan"),
    "plan.edit": N_("changed an item of the plan"), "plan.note": N_("noted on the plan"),
    "plan.review": N_("reviewed the plan"), "plan.submit": N_("submitted the plan"),
    "register.add": N_("entered into the register"), "register.close": N_("closed an entry"),
    "register.update": N_("noted on an entry"), "report.issued": N_("took a signed paper back"),
    "report.made": N_("made a paper"), "runbook.begin": N_("runbook begun"),
    "runbook.end": N_("runbook ended"), "runbook.step": N_("step of a runbook"),
    "security.accepted": N_("accepted a finding"), "security.looked": N_("audited"),
    "silence.end": N_("ended a silence"), "silence.make": N_("silenced alerts"),
    "user.add": N_("gave credentials"), "user.disable": N_("took credentials away"),
    "user.login": N_("logged in"), "user.logout": N_("logged out"),
    "user.proof-failed": N_("failed to prove who it is"), "user.role": N_("gave or took a role"),
}  # fmt: skip

_VIA: Mapping[str, str] = {"cli": N_("terminal"), "clock": N_("schedule"), "console": N_("console")}


def tell_act(row: Mapping[str, object]) -> dict[str, object]:
    """Give a row of the journal with its act in words, and by which way it was done."""
    action, via = str(row["action"]), str(row["via"])
    told = {"title": _(_ACTS.get(action, action)), "via_told": _(_VIA.get(via, via))}
    return {**row, **told}
