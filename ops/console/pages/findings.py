"""What audits found unsafe on hosts and sites: open, accepted until a day, fixed."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args
from uuid import UUID

from ops.catalog.find import is_called
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.pages.rows import cut
from ops.console.subjects import describe_subject
from ops.language.text import N_, _
from ops.security.findings import Severity
from ops.security.subjects import TOOLS
from ops.security.wording import SEVERITY_WORDS, STANDINGS

_ROWS = 100
_SHOWN = ("host", "site", "tool", "severity")
_TONES = {"critical": "bad", "high": "bad", "medium": "warning", "low": "faint"}
_STATE_TONES = {"open": "bad", "accepted": "warning", "fixed": "good"}


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
    looks = [] if named or arguments.get("from") else desk.look(
        "security.findings", host=chosen["host"], site=chosen["site"], looks=True
    )["items"]  # fmt: skip
    return {
        **page,
        "items": [_describe(it) for it in page["items"]],
        "counts": {it: sum(one["state"] == it for one in found) for it in STANDINGS},
        "blind": _blind(looks),
        "severities": [(it, _(SEVERITY_WORDS[it])) for it in reversed(get_args(Severity))],
        "hosts": ["localhost", *sorted(it.name for it in desk.estate.hosts)],
        "sites": sorted(it.name for it in desk.estate.sites),
        "state": state,
        "fixed": fixed,
        **chosen,
    }


def _describe(it: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **it,
        "about": describe_subject(it["subject"]),
        "tool_title": _(TOOLS[it["tool"]].title) if it["tool"] in TOOLS else it["tool"],
        "grave": (_TONES.get(it["severity"], "faint"), _(SEVERITY_WORDS[it["severity"]])),
        "standing": (_STATE_TONES[it["state"]], _(STANDINGS[it["state"]])),
    }


def _blind(looks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the looks that saw nothing: what they are about is not checked, which is not good."""
    return [
        {**it, "about": describe_subject(it["subject"]), "tool_title": _(TOOLS[it["tool"]].title)}
        for it in looks
        if it["outcome"] != "ok" and it["tool"] in TOOLS
    ][:_ROWS]


PAGE = Page(
    name="findings", title=N_("Findings"), task="security.findings", read=read,
    reads=("host", "site", "tool", "severity", "state", "fixed", "from", "id"),
    acts=("security.accept", "security.audit", "security.baseline", "register.add"),
    group="infrastructure",
)  # fmt: skip
