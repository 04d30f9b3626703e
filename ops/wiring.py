"""The one list of all parts: who gives what to which seam (`ops.parts`).

Whoever starts a process imports this module first. Parts are named and not imported: each is loaded
when it is asked for, so that the service itself and `--list` stay small. The order is the order of
use.
"""

from ops.parts import give

TASKS = (
    "ops.sites.tasks",
    "ops.backups.tasks",
    "ops.status.tasks",
    "ops.backups.restore.tasks",
    "ops.backups.retention.tasks",
    "ops.backups.keys.tasks",
    "ops.service.tasks",
    "ops.audit.tasks",
    "ops.recovery.tasks",
    "ops.access.tasks_approval",
    "ops.access.tasks_user",
    "ops.duties.tasks",
    "ops.drills.tasks",
    "ops.archives.tasks",
    "ops.runbooks.tasks",
    "ops.monitor.tasks",
    "ops.register.tasks",
    "ops.assets.tasks",
    "ops.security.tasks",
    "ops.planning.tasks",
    "ops.documents.tasks",
    "ops.reports.tasks",
    "ops.console.tasks",
)
"""Modules that hold tasks, in the order operators meet them (`ops.cli.collections`)."""

give("task-modules", *TASKS)
give(
    "job-kinds",
    "ops.archives.kind:BY_HAND",
    "ops.archives.kind:CAPTURE",
    "ops.archives.kind:FIXITY",
    "ops.archives.kind:PAGE_CAPTURE",
    "ops.backups.kinds:BACKUP",
    "ops.backups.kinds:CHECK",
    "ops.backups.kinds:COPY",
    "ops.drills.kind:DRILL",
    "ops.drills.kind:DRILL_PLAN",
    "ops.backups.kinds:FORGET",
    "ops.audit.job:JOURNAL_HEAD",
    "ops.audit.job:VERIFY",
    "ops.backups.kinds:SCAN",
    "ops.backups.kinds:EXPORT",
    "ops.backups.kinds:IMPORT",
    "ops.backups.kinds:REPAIR",
    "ops.security.job:AUDIT",
    "ops.backups.kinds:WITNESS",
)
give(
    "ledger-listeners",
    "ops.alerts.outbox:write_notices",
    "ops.backups.run.follow_up:follow_backups",
    "ops.drills.rotation.job:follow_drills",
    "ops.service.log_lines:log_events",
)
give(
    "explanations",
    "ops.backups.brakes:EXPLANATIONS",
    "ops.backups.wording:EXPLANATIONS",
    "ops.backups.ransomware.verdict:EXPLANATIONS",
    "ops.backups.sources.delivery_verdict:EXPLANATIONS",
    "ops.audit.verify:EXPLANATIONS",
    "ops.recovery.job:EXPLANATIONS",
    "ops.drills.wording:EXPLANATIONS",
    "ops.archives.wording:EXPLANATIONS",
    "ops.monitor.samples.wording:EXPLANATIONS",
    "ops.monitor.beat:EXPLANATIONS",
    "ops.monitor.watch_figures:EXPLANATIONS",
    "ops.monitor.forecast_wording:EXPLANATIONS",
    "ops.monitor.probes.wording:EXPLANATIONS",
    "ops.security.subjects:EXPLANATIONS",
)
give(
    "notice-kinds",
    "ops.alerts.watch_telling:NOTICE_KINDS",
    "ops.access.approvals.notify:NOTICE_KINDS",
    "ops.backups.media.records:NOTICE_KINDS",
    "ops.drills.rotation.due:NOTICE_KINDS",
    "ops.duties.reminders:NOTICE_KINDS",
    "ops.monitor.alert_wording:NOTICE_KINDS",
    "ops.register.clocks:NOTICE_KINDS",
    "ops.reports.requests:NOTICE_KINDS",
)
give("messages", "ops.status.daily_summary:MESSAGES")
give(
    "daily-chores",
    "ops.duties.idle_accounts:disable_idle",
    "ops.duties.reminders:note_duties",
    "ops.backups.media.records:note_media",
    "ops.reports.requests:remind",
)
give(
    "frequent-chores",
    "ops.status.daily_summary:tell_problems",
    "ops.monitor.beat:note_silent_watch",
    "ops.register.clocks:note_clocks",
)
give("finding-words", "ops.security.subjects:tell_finding")
give("site-moments", "ops.monitor.evidence:find_moments")
give("site-outage", "ops.monitor.outage:find_outage")
give("watch-evidence", "ops.monitor.evidence:find_watched")
give("procedures", "ops.runbooks.library:list_procedures")
give("measures-evidence", "ops.security.measures:find_measures")
give("plan-annexes", "ops.reports.plan_papers:read_annexes")
give("plan-papers", "ops.reports.plan_papers:write_papers")
give("quiet-times", "ops.duties.call_off:find_quiet_times")
give("constant-chores", "ops.status.daily_summary:note_summary")
give(
    "plan-words",
    "ops.audit.verify:PLAN_WORDS",
    "ops.backups.ransomware.suspicion:PLAN_WORDS",
    "ops.security.subjects:PLAN_WORDS",
)
give("past-of-stores", "ops.backups.repositories.init:index_past")
give("after-decision", "ops.audit.job:sign_decision", "ops.recovery.job:save_decision")
give("before-backup", "ops.archives.places:make_roots_for_backup")
give("own-backup", "ops.recovery.job:OWN_BACKUP")
give(
    "estate-checks",
    "ops.alerts.routing:check_telling",
    "ops.security.controls:check_controls",
    "ops.service.installation:check_installation",
)
