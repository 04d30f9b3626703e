"""Probe all sites, and judge what was found: what is red, how grave, and what it hangs on.

::

    watch:line ◄── watch:resolver
        ▲               ▲
    line:L ◄── host:H ◄── site:S ◄── site:S/certificate, site:S/names, site:S/check:NAME …

A site that is red has no children: they were not seen, and stay as they were.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address

from ops.alerts.drafts import Severity
from ops.alerts.looks import Condition, State
from ops.monitor.probes.line import PageLimits, Roots, make_reading, make_verifying
from ops.monitor.probes.look import look_at, look_at_line, not_reached
from ops.monitor.probes.result import GOOD, Known, Line, ProbeFinding, ProbeResult, Seen
from ops.monitor.probes.target import ProbeTarget, Surroundings, make_resolver
from ops.monitor.probes.visit import Kit

LINE, RESOLVER = "watch:line", "watch:resolver"
CHANGE_TOLD = timedelta(hours=24)
"""So long a change of who signed, or of where a name leads, is red; then it is how things are."""

_AGAIN = timedelta(seconds=20)  # red in two looks, which are 15 seconds apart at least
_SLOW_FOR = timedelta(minutes=3)
_GRAVE = frozenset({"certificate_refused", "name_unknown", "name_leads_astray", "page_shows"})
_HOLDS = frozenset({"page_lacks", "page_missing", "form_missing", "ipv6_silent", "resolver_failed"})
_CHANGES: Mapping[str, str] = {"issuer": "issuer_changed", "names": "addresses_changed"}
_RECALLED = frozenset({GOOD, "reachable"})


def judge_probe(result: ProbeResult, thresholds: Mapping[str, int]) -> list[Condition]:
    """Judge one site: `site:NAME`, and below it `site:NAME/ASPECT`.

    Args:
        result: What was found.
        thresholds: `first_byte_seconds` and `certificate_days`, as
            `Estate.thresholds_for_site` gives them.
    """
    judged = [_judge_site(result)]
    judged += [
        _judge(result, aspect, finding)
        for aspect, finding in _list_findings(result)
        if result.verdict == "up" or finding.state == "bad"
    ]
    judged += _judge_end(result, thresholds["certificate_days"])
    if result.verdict == "up" and "first_byte" in result.seconds:
        judged.append(_judge_speed(result, thresholds["first_byte_seconds"]))
    return list({it.subject: it for it in judged}.values())


def _judge_site(result: ProbeResult) -> Condition:
    finding = result.findings["answer"]
    return Condition(
        subject=f"site:{result.site}",
        state=finding.state,
        severity="critical" if finding.state == "bad" else "warning",
        code=finding.code,
        params=finding.params,
        parent=LINE if result.line == "down" else result.target.parent,
        holds_for=timedelta() if result.is_confirmed and finding.state == "bad" else _AGAIN,
        site=result.site,
    )


def _list_findings(result: ProbeResult) -> Iterator[tuple[str, ProbeFinding]]:
    """Yield what this look found, and what it left out because it was good before."""
    for aspect, known in result.known.items():
        if aspect not in result.findings and aspect in _rare(result) and known.text in _RECALLED:
            yield aspect, ProbeFinding("good")
    for aspect, finding in result.findings.items():
        if aspect != "answer":
            yield aspect, finding


def _rare(result: ProbeResult) -> set[str]:
    return {"ipv6", *(f"check:{it.name}" for it in result.target.checks)}


def _judge(result: ProbeResult, aspect: str, found: ProbeFinding) -> Condition:
    known = result.known.get(aspect)
    finding = found if found.state == "bad" else _judge_change(result, aspect, found, known)
    code = finding.code
    severity: Severity = "critical" if code in _GRAVE else "warning"
    return _below(
        result,
        aspect,
        finding,
        severity,
        holds_for=_AGAIN if code in _HOLDS else timedelta(),
        parent=RESOLVER if code == "resolver_failed" else "",
    )


def _below(
    result: ProbeResult,
    aspect: str,
    finding: ProbeFinding,
    severity: Severity,
    *,
    holds_for: timedelta = timedelta(),
    parent: str = "",
) -> Condition:
    return Condition(
        subject=f"site:{result.site}/{aspect}",
        state=finding.state,
        severity=severity,
        code=finding.code,
        params=finding.params,
        parent=parent or f"site:{result.site}",
        holds_for=holds_for,
        site=result.site,
    )


def _judge_change(
    result: ProbeResult, aspect: str, finding: ProbeFinding, known: Known | None
) -> ProbeFinding:
    if known is None or not known.before or result.at - known.since >= CHANGE_TOLD:
        return finding
    if aspect == "ipv6" and known.text == "none":
        return ProbeFinding("bad", "none", "ipv6_lost", {})
    is_other = known.before[:1].isdigit() or aspect == "issuer"  # no way back from a failure
    if aspect not in _CHANGES or finding.state != "good" or not is_other:
        return finding
    params = {"before": _listed(known.before), "found": _listed(known.text)}
    return ProbeFinding("bad", finding.text, _CHANGES[aspect], params)


def _listed(text: str) -> str:
    words = text.split()
    return text if not text[:1].isdigit() else ", ".join(words[:4]) + (" …" if words[4:] else "")


def _judge_end(result: ProbeResult, days: int) -> Iterator[Condition]:
    """Yield when a certificate runs out: a warning at half of the days, grave at a quarter."""
    shown, finding = result.certificate, result.findings.get("certificate")
    if shown is None or finding is None or finding.state == "bad":
        return
    left = (shown.ends_at - result.at) / timedelta(days=1)
    if left > days:
        return
    severity: Severity = (
        "critical" if left <= days / 4 else "warning" if left <= days / 2 else "info"
    )
    params = {"days": int(left), "ends_at": shown.ends_at.isoformat(), "issuer": shown.issuer}
    yield _below(
        result, "certificate", ProbeFinding("bad", GOOD, "certificate_runs_out", params), severity
    )


def _judge_speed(result: ProbeResult, seconds: int) -> Condition:
    took = result.seconds["first_byte"]
    if took < seconds:
        return _below(result, "speed", ProbeFinding("good"), "warning")
    params = {"seconds": round(took, 1), "most": seconds}
    finding = ProbeFinding("bad", "slow", "site_slow", params)
    return _below(result, "speed", finding, "warning", holds_for=_SLOW_FOR)


def judge_look(results: Sequence[ProbeResult]) -> list[Condition]:
    """Judge what all sites have in common: our own line, and the nameservers that are asked."""
    lines = {it.line for it in results}
    if not lines:
        return []
    state: State = "bad" if "down" in lines else "good" if "up" in lines else "not_checked"
    count = sum(it.verdict == "unknown" for it in results)
    line = Condition(
        subject=LINE,
        state=state,
        severity="critical",
        code="own_line_down" if state == "bad" else "",
        params={"sites": count} if state == "bad" else {},
    )
    asked = [it.findings["names"] for it in results if "names" in it.findings]
    asked = [it for it in asked if it.state != "not_checked"]
    failed = [it for it in asked if it.code == "resolver_failed"]
    is_bad = bool(asked) and len(failed) == len(asked)
    resolver = Condition(
        subject=RESOLVER,
        state="bad" if is_bad else "good" if asked else "not_checked",
        severity="critical",
        code="nameservers_silent" if is_bad else "",
        params={"names": len(failed)} if is_bad else {},
        parent=LINE,
        holds_for=_AGAIN,
    )
    return [line, resolver]


_AT_ONCE = 8
SECOND_LOOK_SECONDS = 5.0
"""Between the beginnings of two looks at a site that fails."""

_FAR = frozenset({"unreachable", "timeout"})
"""Problems that a line of our own which is down makes, too."""


def probe_sites(  # noqa: PLR0913 -- what is asked, what is known, when, and bounds
    targets: Sequence[ProbeTarget],
    previous: Seen,
    now: datetime,
    *,
    deadline: float,
    around: Surroundings | None = None,
    limits: PageLimits | None = None,
    second_look_seconds: float = SECOND_LOOK_SECONDS,
) -> list[ProbeResult]:
    """Probe sites; gives one result a site, in the order of the targets.

    Some sites are looked at at a time, within a deadline, a failure twice before it is one. A site
    that was well and fails is looked at again some seconds later in the same call; only then is it
    down. What hangs has taken those seconds already. Where no site takes a connection and no
    reference answers either, our own line is down, and nothing is known of any site.

    Args:
        targets: The sites.
        previous: What is remembered: of the last results `{it.site: it.known}`.
        now: The moment of the look; UTC.
        deadline: Until when, by `time.monotonic`; a site not reached by then is `unknown`.
        around: Nameservers, authorities, references; None: this machine's.
        limits: Of each page; None: the usual ones.
        second_look_seconds: Between the beginnings of two looks at a site that fails.

    Raises:
        OSError: The file of authorities cannot be read.
    """
    around = around or Surroundings()
    trust = Roots(make_verifying(around.authorities), make_reading())
    kit = Kit(trust, make_resolver(around.nameservers), limits or PageLimits(), deadline)
    began: dict[str, float] = {}

    def look(target: ProbeTarget) -> ProbeResult:
        began[target.site] = time.monotonic()
        known = previous.get(target.site, {})
        try:
            return look_at(target, known, now, kit)
        except Exception as error:  # noqa: BLE001 -- whatever one site does, the others are seen
            return _broken(target, not_reached(target, known, now), error)

    with ThreadPoolExecutor(_AT_ONCE, "giucong-probe") as pool:
        found = {it.site: it for it in pool.map(look, targets)}
        line = _find_line(found.values(), around, deadline)
        doubtful = {name for name, it in found.items() if _is_doubtful(it, previous)}
        if line != "down":
            again = [it for it in targets if it.site in doubtful]
            second = _look_again(again, began, look, pool, kit, second_look_seconds)
            found, doubtful = found | second, doubtful - second.keys()
    sure = (replace(found[it.site], is_confirmed=it.site not in doubtful) for it in targets)
    return [_with_line(it, line, previous) for it in sure]


def _broken(target: ProbeTarget, late: ProbeResult, error: Exception) -> ProbeResult:
    params = {"problem": "broken", "detail": type(error).__name__, "address": target.page.address}
    return replace(
        late, findings={"answer": ProbeFinding("no_data", "", "site_not_looked_at", params)}
    )


def _is_doubtful(result: ProbeResult, previous: Seen) -> bool:
    known = previous.get(result.site, {}).get("answer")
    return result.verdict == "down" and (known is None or known.text == GOOD)


def _look_again(
    targets: Sequence[ProbeTarget],
    began: dict[str, float],
    look: Callable[[ProbeTarget], ProbeResult],
    pool: ThreadPoolExecutor,
    kit: Kit,
    pause: float,
) -> dict[str, ProbeResult]:
    """Look at sites again; gives the results of those for which there was time."""
    if not targets:
        return {}
    again_at = max(began[it.site] for it in targets) + pause
    if again_at >= kit.deadline:
        return {}
    time.sleep(max(again_at - time.monotonic(), 0))
    kit.trust.hanging.clear()
    results = {it.site: it for it in pool.map(look, targets)}
    return {name: it for name, it in results.items() if it.verdict != "unknown"}


def _find_line(results: Iterable[ProbeResult], around: Surroundings, deadline: float) -> Line:
    far = [it for it in results if not _is_own(it.server)]
    if any(it.server for it in far):
        return "up"
    suffering = [it for it in far if _suffers(it)]
    return look_at_line(around.references, deadline) if suffering else "not_checked"


def _is_own(server: str) -> bool:
    return bool(server) and ip_address(server.partition("%")[0]).is_loopback


def _suffers(result: ProbeResult) -> bool:
    problem = result.findings["answer"].params.get("problem", "")
    return problem in _FAR or problem in {"resolver", "late"}


def _with_line(result: ProbeResult, line: Line, previous: Seen) -> ProbeResult:
    if line != "down" or not _suffers(result):
        return replace(result, line=line)
    params = {**result.findings["answer"].params, "problem": "line"}
    return replace(
        result,
        verdict="unknown",
        findings={"answer": ProbeFinding("no_data", "", "site_not_looked_at", params)},
        known=dict(previous.get(result.site, {})),
        line=line,
    )
