"""What audits found unsafe on hosts and sites: open, accepted until a day, fixed."""

from collections.abc import Mapping
from typing import Any, get_args
from uuid import UUID

from ops.catalog.find import is_called
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.rows import cut
from ops.console.subjects import describe_subject, link
from ops.language.text import N_, _
from ops.security.findings import Severity
from ops.security.wording import FINDINGS, LOOKS, SEVERITY_WORDS, STANDINGS
from ops.terminal.view import as_cells, as_table

_ROWS = 100
_SHOWN = ("host", "site", "tool", "severity")


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give findings, the gravest first, a page at a time.

    Args:
        desk: Where.
        arguments: `host`, `site`, `tool`, `severity`, `state`: only those; `fixed`: fixed ones
            too; `from`: how many come before; `id`: that one alone, in whatever state.
    """
    chosen = {name: arguments.get(name, "") for name in _SHOWN}
    fixed, state = bool(arguments.get("fixed")), arguments.get("state", "")
    named = arguments.get("id", "")[:80].replace("-", "").lower()
    with_fixed = fixed or state == "fixed" or bool(named)
    found = desk.look("security.findings", **chosen, fixed=with_fixed)["items"]
    items = [it for it in found if not state or it["state"] == state]
    items = [it for it in items if not named or is_called(UUID(it["id"]), named)]
    page = cut(items, arguments, _ROWS)
    looks = (
        []
        if named or arguments.get("from")
        else desk.look("security.findings", host=chosen["host"], site=chosen["site"], looks=True)[
            "items"
        ]
    )
    # What saw nothing is not checked, which is not good.
    blind = [it for it in looks if it["outcome"] != "ok"][:_ROWS]
    return {
        **page,
        "items": [_describe(it) for it in page["items"]],
        "counts": {it: sum(one["state"] == it for one in found) for it in STANDINGS},
        "blind": as_table(LOOKS, blind, beside={"subject": lambda it: link(it["subject"])}),
        "is_blind": bool(blind),
        "severities": [(it, _(SEVERITY_WORDS[it])) for it in reversed(get_args(Severity))],
        "hosts": ["localhost", *sorted(it.name for it in desk.estate.hosts)],
        "sites": sorted(it.name for it in desk.estate.sites),
        "state": state,
        "fixed": fixed,
        **chosen,
    }


def _describe(it: Mapping[str, Any]) -> dict[str, Any]:
    return {**it, "about": describe_subject(it["subject"]), "cells": as_cells(FINDINGS, it)}


PAGE = Page(
    name="findings",
    title=N_("Findings"),
    task="security.findings",
    read=read,
    reads=("host", "site", "tool", "severity", "state", "fixed", "from", "id"),
    acts=("security.accept", "security.audit", "security.baseline", "register.add"),
    group="infrastructure",
)
