"""III. Sao lưu, lưu trữ: the division of the year about backups, drills and archive; pure."""

from collections.abc import Iterator

from ops.language.formats import format_size
from ops.reports.figures.gather import YearFacts
from ops.reports.kinds.charts import chart_days, chart_owed
from ops.reports.kinds.judgement import is_by_rule, tell_unmet
from ops.reports.kinds.kind import Frame, count, day, span
from ops.reports.kinds.naming import name_place, name_site, name_store, place_store
from ops.reports.kinds.owing import write_owed
from ops.reports.papers.paper import Block

_MOST_NAMED = 5
_MOST_LISTED = 40
_MOST_YEARS = 2


def write_backups(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    """Yield what was owed and ran, what is kept, what drills have shown, how the archive is."""
    yield from _runs(facts, frame)
    yield from _kept(facts, frame)
    yield from _drills(facts, frame)
    yield from _archive(facts, frame)


def _runs(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_runs", 2)
    yield from write_owed(facts, frame)
    duties, ran = facts.duties.value, facts.backups.value
    if duties and duties.backup:
        yield chart_owed(frame.texts, duties.backup.by_month, facts.window.months())
        yield frame.source(facts.duties)
    if ran is None or not ran.total.ran:
        yield frame.lacking(facts.backups)
        return
    total = ran.total
    yield frame.text(
        "runs",
        ran=count(total.ran),
        ok=count(total.ok),
        incomplete=count(total.incomplete),
        failed=count(total.failed),
    )
    never = [it.dated_title for it in facts.sites if it.name not in (facts.last_ok.value or {})]
    if never:
        shown = ", ".join(never[:_MOST_NAMED]) + (", …" if len(never) > _MOST_NAMED else "")
        yield frame.text("never", count=len(never), names=shown)
    yield frame.source(facts.backups)


def _rule(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    rules = facts.rule.value or {}
    unruly = [it for it in facts.sites if not is_by_rule(rules.get(it.name, ()))]
    good = len(facts.sites) - len(unruly)
    yield frame.text("rule", good=good, sites=len(facts.sites))
    if not unruly:
        return
    rows = [
        (it.dated_title, tell_unmet(frame, [rules.get(it.name, ())]))
        for it in unruly[:_MOST_LISTED]
    ]
    yield frame.table("rule", "2l 3l", rows)
    yield from frame.listed(len(rows), len(unruly))


def _kept(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_kept", 2)
    kept = facts.kept.value
    if not kept:
        yield frame.lacking(facts.kept)
        return
    yield frame.text("kept")
    rows = [
        (
            name_store(facts, frame, name),
            place_store(facts, name),
            count(it.sites),
            count(it.snapshots),
            "–" if it.size_bytes is None else format_size(it.size_bytes),
            frame.short(it.newest_at),
        )
        for name, it in kept.items()
    ]
    yield frame.table("kept", "1.2l 1.6l 0.9r 0.9r 1r 1.5l", rows)
    yield from _rule(facts, frame)
    yield frame.source(facts.kept)


def _drills(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_drills", 2)
    drills = facts.drills.value
    if not drills:
        yield frame.lacking(facts.drills)
        return
    ended = [it.outcome for it in drills]
    yield frame.text(
        "drills",
        count=len(drills),
        sites=len({it.site for it in drills}),
        ok=ended.count("ok"),
        incomplete=ended.count("incomplete"),
        failed=ended.count("failed"),
    )
    outcomes = frame.texts.tables["outcomes"]
    whole = [it for it in drills if it.scope == "site"]
    rows = [
        (
            day(it.started_at.astimezone(facts.window.zone)),
            name_site(facts, frame, it.site),
            outcomes[it.outcome],
            f"{span(it.rto)} / {span(it.rto_target)}",
            f"{span(it.rpo)} / {span(it.rpo_target)}",
        )
        for it in whole[:_MOST_LISTED]
    ]
    yield frame.table("drills", "0.9l 1.8l 0.9l 1.5l 1.5l", rows)
    yield from frame.listed(len(rows), len(whole))
    if facts.window.last.year - facts.window.first.year <= _MOST_YEARS:
        yield chart_days(frame.texts, drills, facts.window)
    if undrilled := [it for it in facts.sites if it.name not in {it.site for it in drills}]:
        yield frame.text("drills_none", count=len(undrilled))
    yield frame.source(facts.drills)


def _archive(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    yield frame.head("h_archive", 2)
    checks, fixity = facts.checks.value, facts.fixity.value
    if checks is not None and fixity is not None:
        yield frame.text(
            "checks",
            ran=count(checks.total.ran),
            ok=count(checks.total.ok),
            failed=count(checks.total.ran - checks.total.ok),
            fixity=count(fixity.total.ran),
            fixity_ok=count(fixity.total.ok),
        )
    if facts.archive.value is None:
        yield frame.lacking(facts.archive)
        return
    yield frame.text("archive")
    rows = [
        (
            name_place(facts, frame, name),
            count(it.objects),
            count(it.damaged),
            count(it.lacks),
            frame.short(it.checked_at),
        )
        for name, it in facts.archive.value.items()
    ]
    yield frame.table("archive", "2l 0.8r 0.7r 0.7r 1.4l", rows)
    yield frame.source(facts.checks, facts.archive)
