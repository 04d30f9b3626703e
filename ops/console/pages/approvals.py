"""Requests that wait for a second person, what each would do, and what became of others."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ops.access.approvals.plan_wording import word_plan
from ops.access.rights import ACTIONS, decide_may_approve
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, all_pages
from ops.language.text import N_, _

_MOST = 100
_MOST_LINES = 60
_PAGE_OF: Mapping[str, str] = {
    "plan-decision": "plan",
    "role-change": "people",
    "runbook-step": "runbooks",
    "restore-in-place": "restore",
    "finding-acceptance": "findings",
    "disposal": "archive",
    "hold-release": "site",
    "security-baseline": "findings",
}
"""Action → the page from which it is done."""


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the requests; with `all` among the arguments those that are over, too."""
    found = desk.look("approval.list", all=bool(arguments.get("all")))
    items = found["items"][-_MOST:][::-1]
    for item in items:
        item["title"] = _(ACTIONS.get(item["action"], item["action"]))
        words = list(word_plan(item["plan"]))
        item["words"], item["more_words"] = words[:_MOST_LINES], words[_MOST_LINES:] != []
        item["page"] = _page_of(item)
        item["may"] = desk.roles is None or decide_may_approve(desk.roles, item["action"])
    return {**found, "items": items, "all": bool(arguments.get("all"))}


def _page_of(item: Mapping[str, Any]) -> str:
    """Give the page from which the act is done again; empty where the console has none."""
    name = _PAGE_OF.get(item["action"], "")
    if name not in all_pages():
        return ""
    run, year = item["plan"].get("run", ""), item["plan"].get("year", "")
    if name == "runbooks" and run:
        return f"runbooks?run={quote(str(run))}"
    return f"plan?year={quote(str(year))}" if name == "plan" and year else name


PAGE = Page(
    name="approvals", title=N_("Approvals"), task="approval.list", read=read,
    acts=("approval.approve", "approval.refuse"), group="now",
)  # fmt: skip
