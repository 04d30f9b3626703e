"""What the figures of a year say for themselves: good and bad, each with its number; pure."""

from collections.abc import Iterator, Mapping

from ops.reports.figures.gather import Facts
from ops.reports.kinds.kind import count, share

Told = tuple[str, Mapping[str, object]]
"""Name of a text, and what fills it."""

_GRAVE = ("high", "critical")


def list_good(facts: Facts) -> Iterator[Told]:
    """Give what went well."""
    ran = facts.backups.value
    if ran is not None and ran.total.ran:
        yield "good_runs", {"percent": share(100 * ran.total.ok / ran.total.ran)}
    drills = facts.drills.value
    if drills and (ok := sum(it.outcome == "ok" for it in drills)):
        yield "good_drills", {"ok": ok, "count": len(drills)}


def list_bad(facts: Facts) -> Iterator[Told]:
    """Give what did not."""
    yield from _bad_backups(facts)
    drills = facts.drills.value or []
    if bad := sum(it.outcome != "ok" for it in drills):
        yield "bad_drills", {"count": bad}
    drilled = {it.site for it in drills}
    if undrilled := sum(it.name not in drilled for it in facts.sites):
        yield "bad_undrilled", {"count": undrilled}
    found = facts.findings.value
    if found is not None and (grave := sum(found.open[it] for it in _GRAVE)):
        yield "bad_findings", {"count": grave}
    if facts.uptimes.value is None:
        yield "bad_unwatched", {}


def _bad_backups(facts: Facts) -> Iterator[Told]:
    known = facts.last_ok.value or {}
    if never := sum(it.name not in known for it in facts.sites):
        yield "bad_never", {"count": never}
    ran, not_run = facts.backups.value, facts.not_run.value
    failed = ran.total.ran - ran.total.ok if ran else 0
    missed = not_run.total.missed if not_run else 0
    if failed or missed:
        yield "bad_failed", {"count": count(failed), "missed": count(missed)}
