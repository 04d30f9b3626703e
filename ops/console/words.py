"""Words of the console for what tasks call by names of their own: fields of forms, acts."""

from collections.abc import Mapping

from ops.language.text import N_, _

FIELDS: Mapping[str, str] = {
    "archive.export.as_": N_("As what"),
    "asset.export.kind": N_("Kind; empty: all"),
    "backup.hold.site": N_("Site"),
    "backup.release.hold": N_("The hold"),
    "backup.restore.include": N_("File or folder"),
    "backup.restore.reason": N_("Why; goes into the journal."),
    "document.add.about": N_("Belongs to, such as plan:2027"),
    "drill.run.site": N_("Site"),
    "duty.planned-stop.from_": N_("Begins"),
    "duty.record.done": N_("Day on which it was done; empty: today"),
    "duty.record.period": N_("Any day of the period"),
    "monitor.check.host": N_("Only this machine"),
    "monitor.silence.about": N_("What, with all that belongs to it"),
    "monitor.silence.until": N_("Until when; at most 30 days"),
    "plan.edit.quotation": N_("Document that holds the price"),
    "plan.progress.begins": N_("Begins"),
    "plan.record-decision.defer": N_("Numbers of the items that are put off, one a line"),
    "register.add.from_alert": N_("Id of the alert that it comes from"),
    "register.add.from_drill": N_("Id of the drill that it comes from"),
    "register.add.from_finding": N_("Id of the finding that it comes from"),
    "register.add.kind": N_("Kind"),
    "register.update.acknowledged": N_("Somebody answers for it"),
    "register.update.at": N_("Since when somebody answers, or it works; empty: now"),
    "register.update.restored": N_("It works again"),
    "report.issue.kind": N_("Kind"),
    "report.issue.request": N_("Request that it answers"),
    "report.make.year": N_("Year"),
    "report.make.request": N_("Request that it answers"),
    "report.request.kind": N_("Kind"),
    "runbook.resume.roll_back": N_("Take back what was done, the last first"),
    "security.audit.host": N_("Machines, one a line; empty: all"),
    "security.audit.only": N_("Only these tools, one a line"),
    "security.audit.site": N_("Sites, one a line; empty: all"),
    "service.missed.note": N_("What you found; goes into the journal."),
    "user.role.role": N_("Role"),
}
"""Task and flag → what its field is called, where the task's help speaks of the terminal."""

ABOUT: Mapping[str, str] = {
    "asset.export": N_("All assets as a sheet, which can be taken over again."),
    "backup.restore": N_("Gets it as it was then, to be downloaded; nothing on the site changes."),
    "backup.restore.in-place": N_(
        "Puts it back where it was, in place of what is there now; a second person has to agree."
    ),
    "monitor.silence": N_("Nobody is told of it for a time; it is still seen here."),
    "plan.progress": N_("Notes what is under contract, paid and done."),
    "plan.show": N_("The papers of the plan as DOCX and PDF, to be downloaded."),
    "report.make": N_("Made from what the service knows, to be downloaded."),
    "duty.policy.approve": N_(
        "The policy as it is now was approved by a decision on paper: say by which."
    ),
    "duty.policy.withdraw": N_("A decision was recorded by mistake. The journal keeps both."),
    "backup.run.accept": N_(
        "Much has gone or changed on purpose: this backup takes it for normal."
    ),
}
"""Act → what it does, where the task does more than the form."""

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
    "estate.changed": N_("estate file changed"), "job.ended": N_("job ended"),
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

_VIA: Mapping[str, str] = {
    "cli": N_("terminal"), "clock": N_("schedule"), "console": N_("console"),
}  # fmt: skip


def tell_act(row: Mapping[str, object]) -> dict[str, object]:
    """Give a row of the journal with its act in words, and by which way it was done."""
    action, via = str(row["action"]), str(row["via"])
    told = {"title": _(_ACTS.get(action, action)), "via_told": _(_VIA.get(via, via))}
    return {**row, **told}
