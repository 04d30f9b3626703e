"""Controls and duties × systems: proven, not proven, or not checked; by what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.console.subjects import link
from ops.duties.wording import tell_subject
from ops.language.text import N_
from ops.security.wording import VERDICTS, tool
from ops.terminal.view import Column, View, as_table, moment, outcome

_ORDER = ("failed", "missed", "incomplete", "not_checked", "skipped", "ok")
_MOST_EVIDENCE = 30
EVIDENCE = View(
    N_("Nothing: it is not checked."),
    Column("subject", N_("What"), of=lambda it: link(it["subject"])),
    Column("tool", N_("Tool"), tool),
    Column("outcome", N_("Result"), outcome),
    Column("at", N_("Moment"), moment),
    Column("digest", N_("Proof"), of=lambda it: it["digest"][:16]),
)
_MOST_COLUMNS, _MOST_ROWS = 30, 300


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
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
    chosen.sort(key=lambda it: (_ORDER.index(it["outcome"]), it["subject"]))
    return {
        "columns": [
            {"subject": it, "title": tell_subject(it), "level": levels[it]}
            for it in columns[:_MOST_COLUMNS]
        ],
        "has_sites": any(it["subject"] in sites for it in rows),
        "rows": [] if chosen else _table(rows, columns[:_MOST_COLUMNS], sites),
        "counts": {it: sum(row["outcome"] == it for row in rows) for it in _ORDER},
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
                "sites": [(it, counts[it]) for it in _ORDER if counts[it]],
            }
        )
    return table


PAGE = Page(
    name="compliance",
    title=N_("What is proven"),
    task="security.findings",
    read=read,
    reads=("name", "subject"),
    group="infrastructure",
)
