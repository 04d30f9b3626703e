"""What a report finds good and bad, derived from its figures: of all sites, or of one; pure.

Good is said only with its measure and what it is held against, and only where nothing lacks. Bad is
whatever the figures show, so that a failed drill never stands above "no shortcomings".
"""

from collections.abc import Iterator, Mapping, Sequence

from ops.backups.copies.rule_32110 import RulePart
from ops.duties.table.models import Duty
from ops.duties.wording import tell_title
from ops.reports.figures.checked import DrillRow, Uptime
from ops.reports.figures.gather import YearFacts
from ops.reports.figures.owed import DutyCount, Owed
from ops.reports.kinds.kind import Frame, count, share
from ops.reports.papers.paper import Block

_MOST_NAMED = 5
_GRAVE = ("high", "critical")
Told = tuple[str, Mapping[str, object]]
"""Name of a text, and what fills it."""


def write_good(facts: YearFacts, frame: Frame) -> Iterator[Block]:
    """Yield what went well, each with its measure; or that nothing can be said to have."""
    found = [frame.item(name, **values) for name, values in list_good(facts, frame)]
    yield from found or [frame.text("good_nothing")]


def write_bad(facts: YearFacts, frame: Frame, site: str = "") -> Iterator[Block]:
    """Yield what did not, of all sites or of one; or that the figures show nothing."""
    found = [frame.item(name, **values) for name, values in list_bad(facts, frame, site)]
    yield from found or [frame.text("bad_nothing")]
    if found and not site:  # of one site its unit says what there is to say
        yield frame.text("cause")


def list_good(facts: YearFacts, frame: Frame) -> Iterator[Told]:
    """Give what went well without exception, and how much of it there was."""
    duties = facts.duties.value
    backup = duties.backup if duties else None
    if backup and backup.total.is_whole:
        yield "good_days", tell_measure(backup.total)
    sites, good = len(facts.sites), sum(map(is_by_rule, _rules(facts)))
    if sites and good == sites:
        yield "good_rule", {"count": good, "sites": sites}
    drills = drills_of(facts, "")
    is_each_drilled = {it.site for it in drills} >= {it.name for it in facts.sites}
    if drills and is_each_drilled and all(it.outcome == "ok" for it in drills):
        yield "good_drills", {"count": len(drills), "sites": sites}
    aimed = duties.share_wanted("available") if duties else None
    reached = _whole(facts).percent
    if aimed is not None and reached is not None and reached >= aimed and not _unwatched(facts, ""):
        yield "good_uptime", {"percent": share(reached), "aimed": aimed}
    others = [it for it in _others(facts) if it.total.is_whole]
    if others:
        yield "good_duties", {"count": len(others), "names": _name(frame, others, "met")}


def list_bad(facts: YearFacts, frame: Frame, site: str = "") -> Iterator[Told]:
    """Give what did not go well: of all sites, or of the one that is named."""
    yield from _bad_backups(facts, frame, site)
    yield from _bad_drills(facts, site)
    yield from _bad_security(facts, site)
    yield from _bad_uptime(facts, site)
    bad = [it for it in _others(facts) if _owed(it, site).missed]
    if bad:
        bad.sort(key=lambda it: (*_rank(it.duty), -_owed(it, site).missed))
        yield "bad_duties", {"count": len(bad), "names": _name(frame, bad, "missed", site)}
    for plan in facts.plans.value or () if not site else ():
        alive = [it for it in plan.results if it.line.is_alive]
        if left := sum(it.result != "accepted" for it in alive):
            yield "bad_plan", {"count": left, "of": len(alive), "year": plan.year}


def _rank(duty: Duty) -> tuple[bool, bool]:
    """Put first what is owed within hours, as of an incident, then what the law asks."""
    return duty.due.unit != "hours", all(it.certainty == "own" for it in duty.basis)


def _bad_backups(facts: YearFacts, frame: Frame, site: str) -> Iterator[Told]:
    duties = facts.duties.value
    if duties and duties.backup and (owed := _owed(duties.backup, site)).missed:
        yield "bad_days", tell_measure(owed)
    known = facts.last_ok.value or {}
    if never := sum(it.name not in known for it in facts.sites):
        yield "bad_never", {"count": never}
    unruly = [it for it in _rules(facts) if not is_by_rule(it)]
    if unruly:
        told = {"count": len(unruly), "sites": len(facts.sites)}
        yield "bad_rule", {**told, "parts": tell_unmet(frame, unruly)}


def _bad_drills(facts: YearFacts, site: str) -> Iterator[Told]:
    drills = drills_of(facts, site)
    if bad := sum(it.outcome != "ok" for it in drills):
        yield "bad_drills", {"count": bad, "of": len(drills)}
    found = facts.drill_findings.value or {}
    if left := sum(it for name, it in found.items() if site in {"", name}):
        yield "bad_drill_findings", {"count": left}
    drilled = {it.site for it in drills}
    if undrilled := sum(it.name not in drilled for it in facts.sites):
        yield "bad_undrilled", {"count": undrilled, "sites": len(facts.sites)}


def _bad_security(facts: YearFacts, site: str) -> Iterator[Told]:
    found = facts.findings.value
    if found is None:
        yield "bad_unaudited", {}
    elif site:
        if here := found.open_at.get(f"site:{site}", 0):
            yield "bad_findings", {"count": here}
    elif whole := sum(found.open.values()):
        grave = sum(found.open[it] for it in _GRAVE)
        yield "bad_findings", {"count": whole, "grave": grave}
    incidents = [it for it in facts.incidents if site in {"", it.site}]
    if left := sum(it.state != "closed" for it in incidents):
        yield "bad_incidents", {"count": left}


def _bad_uptime(facts: YearFacts, site: str) -> Iterator[Told]:
    if unwatched := _unwatched(facts, site):
        yield "bad_unwatched", {"count": unwatched, "sites": len(facts.sites)}
    found = _whole(facts)
    if found.down:
        yield "bad_uptime", {"down": count(found.down), "outages": count(found.outages)}


def is_by_rule(parts: Sequence[RulePart]) -> bool:
    """Say whether every part of the rule 3-2-1-1-0 holds; one that nobody looked at does not."""
    return bool(parts) and all(it.outcome == "ok" for it in parts)


def tell_unmet(frame: Frame, rules: Sequence[Sequence[RulePart]]) -> str:
    """Say which parts of the rule some sites do not meet, each once."""
    names = dict.fromkeys(it.part for rule in rules for it in rule if it.outcome != "ok")
    return ", ".join(frame.texts.say(it, table="rule") for it in names)


def drills_of(facts: YearFacts, site: str) -> list[DrillRow]:
    """Give the drills of one site, or of all where none is named."""
    return [it for it in facts.drills.value or () if site in {"", it.site}]


def _rules(facts: YearFacts) -> list[tuple[RulePart, ...]]:
    rules = facts.rule.value or {}
    return [rules.get(it.name, ()) for it in facts.sites]


def _whole(facts: YearFacts) -> Uptime:
    uptimes = facts.uptimes.value
    return sum((uptimes.of(it.name) for it in facts.sites), Uptime()) if uptimes else Uptime()


def _unwatched(facts: YearFacts, site: str) -> int:
    """Count the sites of which no minute is known."""
    uptimes = facts.uptimes.value
    names = [it.name for it in facts.sites if site in {"", it.name}]
    return sum(uptimes is None or uptimes.of(it).percent is None for it in names)


def _others(facts: YearFacts) -> list[DutyCount]:
    """Give the duties beside that of the backup, of which the figures speak on their own."""
    duties = facts.duties.value
    return [it for it in duties.counts.values() if it is not duties.backup] if duties else []


def _owed(counted: DutyCount, site: str) -> Owed:
    """Give what was owed; of a site what was owed of it alone."""
    if not site:
        return counted.total
    return counted.of(site) if counted.duty.applies.kind == "site" else Owed()


def tell_measure(owed: Owed) -> dict[str, str]:
    """Give what fills a text about a measure."""
    percent = 100 * owed.met / owed.judged if owed.judged else None
    return {
        "met": count(owed.met),
        "missed": count(owed.missed),
        "unknown": count(owed.undecided),
        "owed": count(owed.judged),
        "percent": share(percent),
    }


def _name(frame: Frame, found: Sequence[DutyCount], standing: str, site: str = "") -> str:
    told = "; ".join(
        f"{tell_title(it.duty)} ({getattr(owed, standing)}/{owed.judged})"
        for it in found[:_MOST_NAMED]
        for owed in [_owed(it, site)]
    )
    more = len(found) - _MOST_NAMED
    return told + (frame.texts.say("and_more", count=more) if more > 0 else "")
