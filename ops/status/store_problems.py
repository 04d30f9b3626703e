"""What is not as it should be with what the stores hold of a site; decided from the facts alone."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from ops.jobs.reasons import Explanation, explain
from ops.status.facts import SiteFacts
from ops.status.gone import explain_gone
from ops.status.late_copies import explain_late_copies

Level = Literal["red", "yellow"]


def explain_stores(site: SiteFacts, now: datetime) -> Iterator[tuple[Level, Explanation]]:
    """Explain each: what vanished, whole or in part, and which copies do not follow."""
    for copy, gone in explain_gone(site.copies):
        yield "red" if copy.role == "primary" else "yellow", gone
    for loss in site.losses:
        told = explain(loss.reason, loss.as_params(), site=site.name)
        yield "red" if loss.held else "yellow", told
    for told in explain_late_copies(site, now):
        yield "yellow", told
