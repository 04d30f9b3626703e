"""Controls and duties × systems: proven, not proven, or not checked; by what."""

from collections.abc import Mapping
from typing import Any

from ops.console.office.desk import Desk
from ops.console.page import Arguments, Page
from ops.duties.wording import tell_subject
from ops.language.text import N_

_ORDER = ("failed", "missed", "incomplete", "not_checked", "skipped", "ok")
_MOST_EVIDENCE = 30
_MOST_CELLS = 40


def read(desk: Desk, arguments: Arguments) -> Mapping[str, object]:
    """Give the table, a row a control or duty, a column a system.

    Args:
        desk: Where.
        arguments: `name` and `subject`: that verdict with the rows behind it.
    """
    found = desk.look("security.findings", compliance=True)
    rows = found["items"]
    subjects = sorted({it["subject"] for it in rows})
    levels = {it["subject"]: it["level"] for it in rows}
    wanted = arguments.get("name", ""), arguments.get("subject", "")
    chosen = [it for it in rows if (it["name"], it["subject"]) == wanted]
    return {
        "columns": [_column(it, levels[it]) for it in subjects[:_MOST_CELLS]],
        "rows": _table(rows, subjects[:_MOST_CELLS]),
        "counts": {it: sum(row["outcome"] == it for row in rows) for it in _ORDER},
        "count": len(rows),
        "is_cut": len(subjects) > _MOST_CELLS,
        "chosen": [_with_evidence(it) for it in chosen],
    }


def _column(subject: str, level: int | None) -> dict[str, Any]:
    return {"subject": subject, "title": tell_subject(subject), "level": level}


def _table(rows: list[dict[str, Any]], subjects: list[str]) -> list[dict[str, Any]]:
    by_name: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for it in rows:
        by_name.setdefault((it["kind"], it["name"]), {})[it["subject"]] = it
    table = []
    for (kind, name), cells in by_name.items():
        first = next(iter(cells.values()))
        shown = [cells.get(it) for it in subjects]
        table.append({
            "kind": kind, "name": name, "title": first["title"], "basis": first["basis"],
            "cells": [
                {"outcome": it["outcome"], "why": it["why"], "evidence": len(it["evidence"])}
                if it else None
                for it in shown
            ],
        })  # fmt: skip
    return table


def _with_evidence(it: dict[str, Any]) -> dict[str, Any]:
    return {**it, "subject_title": tell_subject(it["subject"]),
            "evidence": it["evidence"][:_MOST_EVIDENCE], "count": len(it["evidence"])}  # fmt: skip


PAGE = Page(
    name="compliance", title=N_("What is proven"), task="security.findings", read=read,
    group="infrastructure",
)  # fmt: skip
