"""How a host's SSH server is set up, as `ssh-audit` sees it from outside.

It runs as a child process with a deadline, without the test that floods the server. OpenSSH counts
its connections against our address: several scans in a row, and the next backup is turned away
(measured; ssh-audit#349). So `decide_wait` keeps scans apart from each other and from backups.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ops.security.findings import Severity, Sighting, ToolLook, clean, digest, not_checked
from ops.security.looks.child import Ended, run_child

TOOL = "ssh"
COOLDOWN = timedelta(minutes=30)
SECONDS = 120.0
_SEVERITIES: Mapping[str, Severity] = {"fail": "high", "warn": "low"}
_GOOD_ENDS = frozenset({0, 2, 3})  # 1: could not connect; 2, 3: warnings, failures were found
_MOST_NOTES = 3


def decide_wait(
    now: datetime, last: datetime | None, backups: tuple[datetime, ...], *, is_running: bool
) -> str:
    """Say why a host must not be scanned now: a reason code, empty where it may; pure.

    Args:
        now: The moment.
        last: When it was scanned last; None for never.
        backups: When backups that are read from it are due.
        is_running: Whether one runs.
    """
    if last is not None and now - last < COOLDOWN:
        return "cooldown"
    near = any(abs(it - now) < COOLDOWN for it in backups)
    return "near_backup" if is_running or near else ""


def look(address: str, port: int, subject: str) -> ToolLook:
    """Scan it."""
    words = [
        sys.executable, "-I", "-m", "ssh_audit", "--skip-rate-test", "-jj", "-t", "10",
        "-p", str(port), "--", address,
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="giucong-ssh-audit-") as folder:
        ended = run_child(words, seconds=SECONDS, folder=Path(folder))
    return read_answer(ended, subject)


def read_answer(ended: Ended, subject: str) -> ToolLook:
    """Read its JSON; pure. Whatever is not as it should be makes the whole look not checked."""
    if ended.is_late:
        return not_checked(subject, TOOL, "late")
    if ended.is_flooding:
        return not_checked(subject, TOOL, "flooding")
    try:
        answer = json.loads(ended.output)
        version = str(answer["banner"]["software"])
        sightings = tuple(_read(answer))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        why = ended.output[:300].decode("utf-8", "replace")
        return not_checked(subject, TOOL, "no_answer", why=why)
    if ended.status not in _GOOD_ENDS or not answer.get("kex"):
        return not_checked(subject, TOOL, "no_answer", why=f"exit {ended.status}")
    return ToolLook(
        subject=subject,
        tool=TOOL,
        sightings=sightings,
        version=version,
        evidence=digest(ended.output),
    )


def _read(answer: Mapping[str, Any]) -> Iterator[Sighting]:
    """Yield what it holds against each algorithm that the server offers.

    Its recommendations would leave out what it does not expect of the software that the server
    says it is: a server could choose them.
    """
    for kind in ("kex", "key", "enc", "mac"):
        for entry in answer[kind]:
            notes = entry.get("notes") or {}
            level = next((it for it in ("fail", "warn") if notes.get(it)), "")
            if level:
                name = clean(str(entry["algorithm"]), 80)
                told = [clean(str(it), 100) for it in notes[level][:_MOST_NOTES]]
                yield Sighting(
                    check=f"{kind} {name}",
                    severity=_SEVERITIES[level],
                    code="ssh_algorithm",
                    params={"kind": kind, "name": name, "notes": "; ".join(told)},
                )
