"""Judge what probes found: what is red, how grave, and what it hangs on; pure."""

from collections.abc import Sequence

from ops.alerts.conditions import Condition
from ops.monitor.probes.result import ProbeResult
from ops.monitor.probes.target import ProbeThresholds


def judge_probe(result: ProbeResult, thresholds: ProbeThresholds) -> list[Condition]:
    """Judge one site: `site:NAME`, and below it `site:NAME/ASPECT`."""
    raise NotImplementedError


def judge_look(results: Sequence[ProbeResult]) -> list[Condition]:
    """Judge what all sites have in common: `watch:line` and `watch:resolver`."""
    raise NotImplementedError
