"""Every task that operators were promised has a line in the table of rights, built or not."""

import pytest

from ops.access.rights import RIGHTS

PROMISED = ["approval.approve", "approval.list", "approval.refuse", "archive.capture", "archive.export", "archive.ingest", "archive.list", "archive.reindex", "archive.repair", "archive.replay", "archive.search", "archive.show", "archive.status", "archive.verify", "archive.dispose", "archive.hold", "archive.prove", "archive.release", "archive.static", "asset.diff", "asset.export", "asset.import", "asset.list", "backup.check", "backup.copy", "backup.export-media", "backup.files", "backup.forget", "backup.hold", "backup.import-media", "backup.init", "backup.key-add", "backup.key-combine", "backup.key-escrow", "backup.key-export", "backup.key-list", "backup.key-rotate", "backup.list", "backup.prune", "backup.release", "backup.repair", "backup.restore", "backup.run", "backup.run-all", "backup.scan", "backup.status", "console.run", "drill.list", "drill.run", "drill.show", "duty.diff", "duty.due", "duty.evidence", "duty.import", "duty.list", "estate.account", "estate.check", "estate.discover", "estate.import", "estate.retire", "estate.sample", "estate.secret", "estate.show", "estate.test", "estate.trust", "monitor.ack", "monitor.alerts", "monitor.chart", "monitor.check", "monitor.forecast", "monitor.observer", "monitor.silence", "monitor.status", "plan.complete", "plan.draft", "plan.edit", "plan.progress", "plan.record-decision", "plan.revise", "plan.show", "plan.submit", "provision.apply", "provision.drift", "provision.plan", "register.add", "register.close", "register.list", "register.show", "register.update", "report.activity", "report.annual", "report.drill", "report.evidence", "report.issue", "report.kinds", "report.make", "report.notice", "report.policy", "report.security", "report.site", "runbook.list", "runbook.print", "runbook.resume", "runbook.run", "runbook.show", "security.accept", "security.audit", "security.baseline", "security.findings", "service.jobs", "service.kit", "service.missed", "service.notify-test", "service.recover", "service.run", "service.status", "service.trigger", "service.upgrade", "user.add", "user.disable", "user.reset-totp", "user.role"]
"""The long-lived names of operators' tasks; one that is not built yet keeps its place."""


@pytest.mark.parametrize("task", PROMISED)
def test_who_may_run_a_promised_task_is_said(task: str) -> None:
    assert task in RIGHTS
