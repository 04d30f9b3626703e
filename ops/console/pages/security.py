"""What audits found, and what of the prescribed levels is proven."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, get_args
from uuid import UUID

from ops.catalog.columns import is_called
from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page, cut
from ops.console.subjects import describe_subject, link
from ops.duties.evidence.verdicts import GRAVEST
from ops.duties.wording import tell_subject
from ops.language.text import N_, _
from ops.security.findings import Severity
from ops.security.subjects import FINDINGS, LOOKS, SEVERITY_WORDS, STANDINGS, VERDICTS, tool
from ops.terminal.view import Column, View, as_cells, as_table, moment, verdict

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


_MOST_EVIDENCE = 30
EVIDENCE = View(
    N_("Nothing: it is not checked."),
    Column("subject", N_("What"), of=lambda it: link(it["subject"])),
    Column("tool", N_("Tool"), tool),
    Column("outcome", N_("Result"), verdict),
    Column("at", N_("Moment"), moment),
    Column("digest", N_("Proof"), of=lambda it: it["digest"][:16]),
)
_MOST_COLUMNS, _MOST_ROWS = 30, 300


def read_compliance(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the table: a row a control or duty, a column a system; sites are summed up in one.

    Args:
        desk: Where.
        arguments: `name`: that control or duty at each system and site; `subject` with it: at that
            one, with the rows behind it.
    """
    rows = desk.look("security.findings", compliance=True)["items"]
    sites = {it.name for it in (*desk.estate.sites, desk.estate.own_site)}
    columns = sorted({it["subject"] for it in rows if it["subject"] not in sites})
    levels = {it["subject"]: it["level"] for it in rows}
    name, subject = arguments.get("name", ""), arguments.get("subject")
    chosen = [it for it in rows if name and it["name"] == name and subject in {None, it["subject"]}]
    chosen.sort(key=lambda it: (GRAVEST.index(it["outcome"]), it["subject"]))
    return {
        "columns": [
            {"subject": it, "title": tell_subject(it), "level": levels[it]}
            for it in columns[:_MOST_COLUMNS]
        ],
        "has_sites": any(it["subject"] in sites for it in rows),
        "rows": [] if chosen else _table(rows, columns[:_MOST_COLUMNS], sites),
        "counts": {it: sum(row["outcome"] == it for row in rows) for it in GRAVEST},
        "count": len(rows),
        "is_cut": len(columns) > _MOST_COLUMNS or len(chosen) > _MOST_ROWS,
        "chosen": chosen[:1],
        "list": as_table(VERDICTS, chosen[:_MOST_ROWS]),
        "evidence": as_table(EVIDENCE, chosen[0]["evidence"][:_MOST_EVIDENCE] if chosen else ()),
    }


def _table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], sites: set[str]
) -> list[dict[str, Any]]:
    by_name: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for it in rows:
        by_name.setdefault((it["kind"], it["name"]), []).append(it)
    table = []
    for (_kind, name), own in by_name.items():
        outcomes = {it["subject"]: it["outcome"] for it in own}
        counts = Counter(it["outcome"] for it in own if it["subject"] in sites)
        table.append(
            {
                "name": name,
                "title": own[0]["title"],
                "basis": own[0]["basis"],
                "cells": [outcomes.get(it) for it in columns],
                "sites": [(it, counts[it]) for it in GRAVEST if counts[it]],
            }
        )
    return table


COMPLIANCE_PAGE = Page(
    name="compliance",
    title=N_("What is proven"),
    task="security.findings",
    read=read_compliance,
    reads=("name", "subject"),
    group="infrastructure",
)
