"""Judge what probes found: what is red, how grave, and what it hangs on; pure.

::

    watch:line ◄── watch:resolver
        ▲               ▲
    line:L ◄── host:H ◄── site:S ◄── site:S/certificate, site:S/names, site:S/check:NAME …

A site that is red has no children: they were not seen, and stay as they were.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from ops.alerts.drafts import Severity
from ops.alerts.looks import Condition, State
from ops.monitor.probes.result import GOOD, Known, ProbeFinding, ProbeResult

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
