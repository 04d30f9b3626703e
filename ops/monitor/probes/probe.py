"""Probe all sites: some at a time, within a deadline, a failure twice before it is one.

A site that was well and fails is looked at again some seconds later in the same call; only then is
it down. What hangs has taken those seconds already. Where no site takes a connection and no
reference answers either, our own line is down, and nothing is known of any site.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address

from ops.monitor.probes.line import PageLimits, Roots, make_reading, make_verifying
from ops.monitor.probes.look import look_at, look_at_line, not_reached
from ops.monitor.probes.result import GOOD, Line, ProbeFinding, ProbeResult, Seen
from ops.monitor.probes.target import ProbeTarget, Surroundings, make_resolver
from ops.monitor.probes.visit import Kit

SECOND_LOOK_SECONDS = 5.0
"""Between the beginnings of two looks at a site that fails."""

_FAR = frozenset({"unreachable", "timeout"})
"""Problems that a line of our own which is down makes, too."""


def probe_sites(  # noqa: PLR0913 -- what is asked, what is known, when, and three bounds
    targets: Sequence[ProbeTarget],
    previous: Seen,
    now: datetime,
    *,
    deadline: float,
    width: int = 8,
    around: Surroundings | None = None,
    limits: PageLimits | None = None,
    second_look_seconds: float = SECOND_LOOK_SECONDS,
) -> list[ProbeResult]:
    """Probe sites; gives one result a site, in the order of the targets.

    Args:
        targets: The sites.
        previous: What is remembered: of the last results `{it.site: it.known}`.
        now: The moment of the look; UTC.
        deadline: Until when, by `time.monotonic`; a site not reached by then is `unknown`.
        width: How many sites at a time.
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

    with ThreadPoolExecutor(width, "giucong-probe") as pool:
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
