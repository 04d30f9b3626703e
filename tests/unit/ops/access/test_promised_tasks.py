"""Every task that operators were promised is declared, or its name is kept free."""

import pytest

from ops.terminal.task import all_tasks

PROMISED = {
    "approval": "approve list refuse",
    "archive": "capture export ingest list reindex repair replay search show status verify"
    " dispose hold prove release static",
    "asset": "diff export import list",
    "backup": "check copy export-media files forget hold import-media init key-add key-combine"
    " key-escrow key-export key-list key-rotate list prune redate release repair restore run"
    " run-all scan status",
    "catalog": "move trust",
    "console": "run",
    "drill": "list run show",
    "duty": "diff due evidence import list",
    "estate": "account check discover import retire sample secret show test trust",
    "monitor": "ack alerts chart check forecast observer silence status",
    "plan": "complete draft edit progress record-decision revise show submit",
    "provision": "apply drift plan",
    "register": "add close list show update",
    "report": "activity annual drill evidence issue kinds make notice policy request requests"
    " section security site",
    "runbook": "list print resume run show",
    "security": "accept audit baseline findings",
    "service": "jobs kit missed notify-test recover run status trigger upgrade",
    "user": "add disable reset-totp role",
}
"""The long-lived names of operators' tasks; one that is not built yet keeps its place."""

KEPT_FREE = {
    "archive.dispose", "archive.hold", "archive.prove", "archive.release", "archive.static",
    "monitor.observer", "provision.apply", "provision.drift", "provision.plan", "service.kit",
    "service.upgrade",
}  # fmt: skip
"""Names of what is still to be built; nobody's role reaches them."""


@pytest.mark.parametrize(
    "task", [f"{area}.{verb}" for area, verbs in PROMISED.items() for verb in verbs.split()]
)
def test_who_may_run_a_promised_task_is_said(task: str) -> None:
    assert (task in all_tasks()) != (task in KEPT_FREE)
