"""People: what each may do, one's own account, and what waits for a second person."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import segno

from ops.access.approvals.notify import word_plan
from ops.access.cli import PEOPLE, REQUESTS
from ops.access.credentials import count_codes_left
from ops.access.factors import totp_address
from ops.access.rights import decide_may_approve
from ops.console.acts import make_offer, offered_secret
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.language.text import N_
from ops.terminal.view import as_cells, as_table


def read(desk: Desk, _arguments: Arguments) -> Mapping[str, object]:
    """Give everybody in the estate, and whoever else holds a role or credentials."""
    found = desk.look("user.list")
    names = [[it["name"], it["title"] or it["name"]] for it in found["items"]]
    return {**found, "list": as_table(PEOPLE, found["items"]), "names": names}


PAGE = Page(
    name="people",
    title=N_("People and roles"),
    task="user.list",
    read=read,
    group="people",
    acts=("user.role", "user.disable", "service.notify-test"),
)


_MOST_SESSIONS = 50


def read_account(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the person's sessions; with `renew=app` a new second factor to take up."""
    person = desk.caller.person
    with desk.catalog.reading() as session:
        codes, logins = count_codes_left(session, person), desk.sessions.of(session, person)
    sessions = [{"address": it.caller.address, "began": it.began, "seen": it.seen} for it in logins]
    renew = arguments.get("renew", "")
    return {
        "codes_left": codes,
        "sessions": sessions[:_MOST_SESSIONS],
        "renew": renew if renew in {"app", "codes"} else "",
        "offer": _offer(desk, person) if renew == "app" else None,
    }


def _offer(desk: Desk, person: str) -> dict[str, Any]:
    """Give a factor as a square to scan and as text, and what its form holds of it."""
    offer = make_offer()
    secret = offered_secret(person, offer)
    square = segno.make(totp_address(secret, person, desk.estate.name_at()), error="l", micro=False)
    return {"offer": offer, "secret": secret, "square": square.svg_data_uri(scale=5, light="#fff")}


ACCOUNT_PAGE = Page(
    name="account",
    title=N_("My account"),
    task="user.reset-totp",
    read=read_account,
    reads=("renew",),
    acts=("user.reset-totp", "user.reset-totp.keep"),
)


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


def read_approvals(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
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


APPROVALS_PAGE = Page(
    name="approvals",
    title=N_("Approvals"),
    task="approval.list",
    read=read_approvals,
    reads=("all",),
    acts=("approval.approve", "approval.refuse"),
    group="now",
)
