"""Lynis on a host, through its account for audits; what its report says.

The report is lines `key=value`; `warning[]` and `suggestion[]` hold `TEST-ID|text|details|more|`
(source: Lynis 3.1, include/report). It is whole only where it says `finish=true`. Lynis repeats
itself, and counts its own age as a fault that nobody can turn off: that one is left out.
"""

import re

from ops.hosts.connect import run_program
from ops.security.findings import Severity, Sighting, ToolLook, digest, not_checked
from provisioning.errors import ProvisioningError
from provisioning.hosts import Completed, Host

TOOL = "lynis"
SECONDS = 1_000.0
_SEVERITIES: dict[str, Severity] = {"warning": "medium", "suggestion": "low"}
_LINE = re.compile(r"(warning|suggestion)\[\]=([A-Z]{2,10}-\d{3,5})\|([^|]*)\|", re.ASCII)
_VALUE = re.compile(r"(lynis_version|hardening_index|finish)=([\w.]{1,20})", re.ASCII)
_MOST_SCORE = 100


def look(host: Host, subject: str) -> ToolLook:
    """Run it there."""
    try:
        ended = run_program(host, "lynis", timeout=SECONDS)
    except ProvisioningError as error:
        return not_checked(subject, TOOL, "unreachable", why=str(error))
    if ended.is_refused_by_gate:
        return not_checked(subject, TOOL, "gate")
    return read_report(ended, subject)


def read_report(ended: Completed, subject: str) -> ToolLook:
    """Read what the program that was sent has printed; pure."""
    first, _, report = ended.stdout.decode("utf-8", "replace").partition("\n")
    if first == "lynis missing":
        return not_checked(subject, TOOL, "missing", package="lynis")
    if first == "lynis late":
        return not_checked(subject, TOOL, "late")
    values = {found[1]: found[2] for it in report.splitlines() if (found := _VALUE.fullmatch(it))}
    is_whole = first.startswith("lynis ended ") and values.get("finish") == "true"
    if ended.status or not is_whole or "lynis_version" not in values:
        return not_checked(subject, TOOL, "no_answer", why=ended.stderr.decode("utf-8", "replace"))
    score = values.get("hardening_index", "")
    return ToolLook(
        subject=subject,
        tool=TOOL,
        sightings=tuple(_read_lines(report)),
        version=values["lynis_version"],
        score=min(int(score), _MOST_SCORE) if score.isdecimal() else None,
        evidence=digest(ended.stdout),
    )


def _read_lines(report: str) -> list[Sighting]:
    found = (_LINE.match(it) for it in report.splitlines())
    return [Sighting(check=it[2], severity=_SEVERITIES[it[1]], title=it[3]) for it in found if it]
