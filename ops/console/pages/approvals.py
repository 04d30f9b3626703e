"""Requests that wait for a second person, what each would do, and what became of others."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ops.access.approvals.plan_wording import word_plan
from ops.access.cli import REQUESTS
from ops.access.rights import decide_may_approve
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_
from ops.terminal.view import as_cells

_MOST = 100
_MOST_LINES = 60
_PAGE_OF: Mapping[str, str] = {
    "plan-decision": "/plan?year={year}",
    "role-change": "/people",
    "runbook-step": "/runbooks?run={run}",
    "restore-in-place": "/restore?site={subject}",
    "finding-acceptance": "/findings?id={finding}",
    "disposal": "/archive",
    "hold-release": "/site?site={subject}",
    "security-baseline": "/findings",
}
"""Action → the page from which it is done; what stands in braces is the request's or its plan's."""


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the requests; with `all` among the arguments those that are over, too."""
    found = desk.look("approval.list", all=bool(arguments.get("all")))
    items = found["items"][-_MOST:][::-1]
    for item in items:
        item["shown"] = as_cells(REQUESTS, item)
        words = list(word_plan(item["plan"]))
        item["words"], item["more_words"] = words[:_MOST_LINES], words[_MOST_LINES:] != []
        item["page"] = _page_of(item)
        item["may"] = desk.roles is None or decide_may_approve(desk.roles, item["action"])
    return {**found, "items": items, "all": bool(arguments.get("all"))}


def _page_of(item: Mapping[str, Any]) -> str:
    """Give the page from which the act is done again; empty where the console has none."""
    told = {**item["plan"], "subject": item["subject"]}
    values = {name: quote(str(it), safe="") for name, it in told.items()}
    return _PAGE_OF.get(item["action"], "").format_map(defaultdict(str, values))


PAGE = Page(
    name="approvals",
    title=N_("Approvals"),
    task="approval.list",
    read=read,
    reads=("all",),
    acts=("approval.approve", "approval.refuse"),
    group="now",
)
