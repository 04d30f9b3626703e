"""Probe all sites: some at a time, within a deadline."""

from collections.abc import Sequence
from datetime import datetime

from ops.monitor.probes.result import ProbeResult, Seen
from ops.monitor.probes.target import ProbeTarget, Surroundings


def probe_sites(
    targets: Sequence[ProbeTarget], previous: Seen, now: datetime, *, deadline: float,
    width: int = 8, around: Surroundings | None = None,
) -> list[ProbeResult]:  # fmt: skip
    """Probe sites; gives one result a site, in the order of the targets.

    Args:
        targets: The sites.
        previous: What is remembered: of the last results `{it.site: it.known}`.
        now: The moment of the look; UTC.
        deadline: Until when, by `time.monotonic`; a site not reached by then is `unknown`.
        width: How many sites at a time.
        around: Nameservers, authorities, references; None: this machine's.
    """
    raise NotImplementedError
