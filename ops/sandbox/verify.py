"""Compare a loaded database with its manifest, table by table; pure.

Say what a copy lacks by its own manifest, and of what the site has today; pure.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ops.estate.model.sites import Site
from ops.sandbox.plan import DatabasePlan
from ops.sandbox.result import DatabaseResult, Outcome, Remark, TableDifference, Told

_MOST_NAMED = 20


def find_missing(plan: DatabasePlan, found: Mapping[str, int | None]) -> tuple[str, ...]:
    """Name the tables that the manifest has and the copy has not.

    A table that was dropped while the dump was made (`tables_after` lacks its count) may be absent.
    """
    after = plan.tables_after
    return tuple(
        name
        for name in plan.tables
        if name not in found and (after is None or after.get(name) is not None)
    )


def find_differing(plan: DatabasePlan, counts: Mapping[str, int]) -> tuple[TableDifference, ...]:
    """Give the tables whose rows are not as many as the manifest says; uncounted ones pass."""
    return tuple(_differ(plan, counts))


def _differ(plan: DatabasePlan, counts: Mapping[str, int]) -> Iterator[TableDifference]:
    after = plan.tables if plan.tables_after is None else plan.tables_after
    for name, before in plan.tables.items():
        later = after.get(name)
        if name not in counts or before is None or later is None:
            continue
        least, most = sorted((before, later))
        if not least <= counts[name] <= most:
            yield TableDifference(table=name, found=counts[name], least=least, most=most)


def remark_on(plan: DatabasePlan, result: DatabaseResult) -> Iterator[Remark]:
    """Yield what is not as it should be with a database that was loaded."""
    if result.refused:
        outcome: Outcome = "not_checked" if _is_another(result) else "failed"
        yield Remark(outcome, "accounts_refused", {"database": plan.name, "why": result.refused})
    if result.missing:
        named = list(result.missing[:_MOST_NAMED])
        yield Remark("failed", "tables_missing", _about(plan, len(result.missing), named))
    if result.differing:
        named = [f"{it.table}: {it.found} ({_told(it)})" for it in result.differing[:_MOST_NAMED]]
        yield Remark("failed", "tables_differ", _about(plan, len(result.differing), named))
    uncounted = [it for it, rows in plan.tables.items() if rows is None and it in result.counts]
    if uncounted:
        yield Remark("not_checked", "counts_partly", _about(plan, len(uncounted), uncounted))
    if result.uncounted:
        named = list(result.uncounted[:_MOST_NAMED])
        yield Remark("not_checked", "not_countable", _about(plan, len(result.uncounted), named))
    if not plan.tables:
        yield Remark("not_checked", "counts_unknown", {"database": plan.name})


def _is_another(result: DatabaseResult) -> bool:
    """Tell whether production's server is of another make, or newer: it may know other accounts."""
    (here, ours), (there, theirs) = (
        (it.partition(" ")[0], [int(number) for number in re.findall(r"\d+", it)[:2]])
        for it in (result.server_here, result.server_wanted)
    )
    return bool(theirs) and (here != there or ours < theirs)


def _about(plan: DatabasePlan, count: int, tables: list[str]) -> dict[str, Told]:
    return {"database": plan.name, "count": count, "tables": tables}


def _told(difference: TableDifference) -> str:
    if difference.least == difference.most:
        return str(difference.most)
    return f"{difference.least}–{difference.most}"


def doubt_copy(manifest: Mapping[str, Any], site: Site) -> Iterator[Remark]:
    """Yield what the copy never held, so that no rehearsal of it can show it; pure.

    Raises:
        KeyError, TypeError: The manifest is none.
    """
    missing = manifest["missing"]
    if missing["count"]:
        named = [str(it["path"]) for it in missing["paths"]]
        yield Remark("not_checked", "copy_incomplete", {"count": missing["count"], "paths": named})
    for it in manifest["databases"]:
        check = it.get("check", {})
        if not check.get("ok"):
            problems = [str(problem) for problem in check.get("problems", ())]
            yield Remark(
                "not_checked", "copy_doubtful", {"database": it["name"], "problems": problems}
            )
    held = {str(it["name"]) for it in (*manifest["files"], *manifest["databases"])}
    names = [*(it.name for it in site.files), *(it.name for it in site.databases)]
    lacking = [it for it in names if it not in held]
    if lacking:
        yield Remark("not_checked", "parts_not_in_copy", {"parts": lacking})
