"""How a site's TLS is set up, as `testssl.sh` sees it from outside; a program of its own.

Protocols, standard lists of ciphers, forward secrecy and well-known weaknesses; certificates are
the watch's (`ops.monitor`). It answers with rows of JSON: `id`, `severity`, `finding`. `WARN` and
`FATAL` mean that it could not look, which is never a pass.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ops.security.findings import Severity, Sighting, ToolLook, clean, digest, not_checked
from ops.security.looks.child import MOST_BYTES, Ended, run_child

TOOL = "tls"
SECONDS = 600.0
CHECKS = ("--protocols", "--std", "--fs", "--headers", "--vulnerable")
_SEVERITIES: Mapping[str, Severity] = {
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "CRITICAL": "critical",
}
_GOOD = frozenset({"OK", "INFO", "DEBUG", *_SEVERITIES})
_OF_OUR_SIDE = frozenset({"engine_problem", "old_fart"})
"""Rows about the machine that it runs on."""

_ID = re.compile(r"[A-Za-z0-9_. -]{1,80}")


def look(url: str, subject: str, checks: Sequence[str] = CHECKS) -> ToolLook:
    """Look at the server behind an address.

    Args:
        url: The site's; only `https` has something to look at.
        subject: Of the look.
        checks: Which of the program's checks.
    """
    place = urlsplit(url)
    if place.scheme != "https" or not place.hostname:
        return not_checked(subject, TOOL, "no_tls")
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    if program is None:
        return not_checked(subject, TOOL, "missing_here", package="testssl.sh")
    with tempfile.TemporaryDirectory(prefix="giucong-testssl-") as folder:
        answer = Path(folder, "answer.json")
        words = [
            program, "--quiet", "--color", "0", "--warnings", "off", "--ip", "one", *checks,
            "--jsonfile", str(answer), f"{place.hostname}:{place.port or 443}",
        ]  # fmt: skip
        ended = run_child(words, seconds=SECONDS, folder=Path(folder))
        told = b""
        if answer.is_file():
            with answer.open("rb") as file:
                told = file.read(MOST_BYTES + 1)
    return read_answer(ended, told, subject)


def read_answer(ended: Ended, told: bytes, subject: str) -> ToolLook:
    """Read its rows; pure. Whatever is not as it should be makes the whole look not checked."""
    if ended.is_late:
        return not_checked(subject, TOOL, "late")
    if ended.is_flooding or len(told) > MOST_BYTES:
        return not_checked(subject, TOOL, "flooding")
    try:
        rows = [_row(it) for it in json.loads(told)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return not_checked(subject, TOOL, "no_answer", why=f"exit {ended.status}")
    mine = [it for it in rows if it[0] not in _OF_OUR_SIDE]
    blind = [it for it in mine if it[1] not in _GOOD]
    is_dead = any(it[1] == "FATAL" for it in blind)
    if is_dead or not any(it[0] == "scanTime" for it in mine):
        why = blind[0][2] if blind else f"exit {ended.status}"
        return not_checked(subject, TOOL, "no_answer", why=why)
    return ToolLook(
        subject=subject,
        tool=TOOL,
        outcome="incomplete" if blind else "ok",
        reason="partly_blind" if blind else "",
        params={"first": blind[0][2]} if blind else {},
        sightings=tuple(
            Sighting(check=name, severity=_SEVERITIES[severity], title=f"{name}: {finding}")
            for name, severity, finding in mine
            if severity in _SEVERITIES
        ),
        evidence=digest(told),
    )


def _row(it: Mapping[str, Any]) -> tuple[str, str, str]:
    name = str(it["id"])
    if not _ID.fullmatch(name):
        raise ValueError(name)
    return name, str(it["severity"]), clean(str(it["finding"]))
