"""Compare a loaded database with its manifest, table by table; pure."""

from collections.abc import Iterator, Mapping

from ops.drills.sandbox.plan import DatabasePlan
from ops.drills.sandbox.result import DatabaseResult, Remark, TableDifference, Told

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


def _about(plan: DatabasePlan, count: int, tables: list[str]) -> dict[str, Told]:
    return {"database": plan.name, "count": count, "tables": tables}


def _told(difference: TableDifference) -> str:
    if difference.least == difference.most:
        return str(difference.most)
    return f"{difference.least}–{difference.most}"
