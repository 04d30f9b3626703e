"""Lynis, ssh-audit and testssl.sh: each run with bounds, and what its report says."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ops.hosts.connect import run_program
from ops.security.findings import Severity, Sighting, ToolLook, clean, digest, not_checked
from provisioning.errors import ProvisioningError
from provisioning.hosts import Completed, Host

LYNIS = "lynis"
LYNIS_SECONDS = 1_000.0
_LYNIS_SEVERITIES: dict[str, Severity] = {"warning": "medium", "suggestion": "low"}
_LINE = re.compile(r"(warning|suggestion)\[\]=([A-Z]{2,10}-\d{3,5})\|([^|]*)\|", re.ASCII)
_VALUE = re.compile(r"(lynis_version|hardening_index|finish)=([\w.]{1,20})", re.ASCII)
_MOST_SCORE = 100


def look_lynis(host: Host, subject: str) -> ToolLook:
    """Run it there."""
    try:
        ended = run_program(host, "lynis", timeout=LYNIS_SECONDS)
    except ProvisioningError as error:
        return not_checked(subject, LYNIS, "unreachable", why=str(error))
    if ended.is_refused_by_gate:
        return not_checked(subject, LYNIS, "gate")
    return read_lynis(ended, subject)


def read_lynis(ended: Completed, subject: str) -> ToolLook:
    """Read what the program that was sent has printed; pure.

    The report is lines `key=value`; `warning[]` and `suggestion[]` hold
    `TEST-ID|text|details|more|` (source: Lynis 3.1, include/report). It is whole only where it says
    `finish=true`. Lynis repeats itself, and counts its own age as a fault that nobody can turn off:
    that one is left out.
    """
    first, _, report = ended.stdout.decode("utf-8", "replace").partition("\n")
    if first == "lynis missing":
        return not_checked(subject, LYNIS, "missing", package="lynis")
    if first == "lynis late":
        return not_checked(subject, LYNIS, "late")
    values = {found[1]: found[2] for it in report.splitlines() if (found := _VALUE.fullmatch(it))}
    is_whole = first.startswith("lynis ended ") and values.get("finish") == "true"
    if ended.status or not is_whole or "lynis_version" not in values:
        return not_checked(subject, LYNIS, "no_answer", why=ended.stderr.decode("utf-8", "replace"))
    score = values.get("hardening_index", "")
    return ToolLook(
        subject=subject,
        tool=LYNIS,
        sightings=tuple(_read_lines(report)),
        version=values["lynis_version"],
        score=min(int(score), _MOST_SCORE) if score.isdecimal() else None,
        evidence=digest(ended.stdout),
    )


def _read_lines(report: str) -> list[Sighting]:
    found = (_LINE.match(it) for it in report.splitlines())
    return [
        Sighting(check=it[2], severity=_LYNIS_SEVERITIES[it[1]], title=it[3]) for it in found if it
    ]


MOST_BYTES = 4 << 20
_PIECE = 1 << 16
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended.

    Attributes:
        status: Its exit status; negative: the signal that ended it.
        output: What it printed, up to `MOST_BYTES`.
        is_late, is_flooding: Whether we ended it: its time was over, or it printed too much.
    """

    status: int
    output: bytes
    is_late: bool = False
    is_flooding: bool = False


def run_child(words: Sequence[str], *, seconds: float, folder: Path) -> Ended:
    """Run a program to its end, or end it.

    It is the leader of a session of its own, so that its own children end with it.

    Args:
        words: Its file and arguments.
        seconds: It may take so long.
        folder: Where it works, its home, and where it may leave files.

    Raises:
        OSError: It cannot be started.
    """
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "TERM": "dumb",
        "NO_COLOR": "1",
    }
    with subprocess.Popen(
        list(words),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        late = threading.Event()

        def end_late() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(seconds, end_late)
        timer.start()
        try:
            output, is_flooding = _read(process)
            if is_flooding:
                _kill(process)
            process.wait(seconds + _END_SECONDS)
        finally:
            timer.cancel()
            timer.join()
            _kill(process)
    return Ended(process.returncode, output, late.is_set(), is_flooding)


def _read(process: subprocess.Popen[bytes]) -> tuple[bytes, bool]:
    pieces, left = [], MOST_BYTES
    stream = process.stdout
    while stream is not None and (piece := os.read(stream.fileno(), _PIECE)):
        left -= len(piece)
        if left < 0:
            return b"", True
        pieces.append(piece)
    return b"".join(pieces), False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and what it has started; its id is its own until it has been waited for."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


SSH = "ssh"
COOLDOWN = timedelta(minutes=30)
SSH_SECONDS = 120.0
_SSH_SEVERITIES: Mapping[str, Severity] = {"fail": "high", "warn": "low"}
_GOOD_ENDS = frozenset({0, 2, 3})  # 1: could not connect; 2, 3: warnings, failures were found
_MOST_NOTES = 3


def decide_wait(
    now: datetime, last: datetime | None, backups: tuple[datetime, ...], *, is_running: bool
) -> str:
    """Say why a host must not be scanned now: a reason code, empty where it may; pure.

    OpenSSH counts a scan's connections against our address: several scans in a row, and the next
    backup is turned away (measured; ssh-audit#349). So scans are kept apart from each other and
    from backups.

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


def look_ssh(address: str, port: int, subject: str) -> ToolLook:
    """Scan a host's SSH server.

    `ssh-audit` looks from outside, with a deadline and without the test that floods the server.
    """
    words = [
        sys.executable, "-I", "-m", "ssh_audit", "--skip-rate-test", "-jj", "-t", "10",
        "-p", str(port), "--", address,
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="giucong-ssh-audit-") as folder:
        ended = run_child(words, seconds=SSH_SECONDS, folder=Path(folder))
    return read_ssh(ended, subject)


def read_ssh(ended: Ended, subject: str) -> ToolLook:
    """Read its JSON; pure. Whatever is not as it should be makes the whole look not checked."""
    if ended.is_late:
        return not_checked(subject, SSH, "late")
    if ended.is_flooding:
        return not_checked(subject, SSH, "flooding")
    try:
        answer = json.loads(ended.output)
        version = str(answer["banner"]["software"])
        sightings = tuple(_read_ssh(answer))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        why = ended.output[:300].decode("utf-8", "replace")
        return not_checked(subject, SSH, "no_answer", why=why)
    if ended.status not in _GOOD_ENDS or not answer.get("kex"):
        return not_checked(subject, SSH, "no_answer", why=f"exit {ended.status}")
    return ToolLook(
        subject=subject,
        tool=SSH,
        sightings=sightings,
        version=version,
        evidence=digest(ended.output),
    )


def _read_ssh(answer: Mapping[str, Any]) -> Iterator[Sighting]:
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
                    severity=_SSH_SEVERITIES[level],
                    code="ssh_algorithm",
                    params={"kind": kind, "name": name, "notes": "; ".join(told)},
                )


TLS = "tls"
TLS_SECONDS = 600.0
CHECKS = ("--protocols", "--std", "--fs", "--headers", "--vulnerable")
_TLS_SEVERITIES: Mapping[str, Severity] = {
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "CRITICAL": "critical",
}
_GOOD = frozenset({"OK", "INFO", "DEBUG", *_TLS_SEVERITIES})
_OF_OUR_SIDE = frozenset({"engine_problem", "old_fart"})
"""Rows about the machine that it runs on."""

_ID = re.compile(r"[A-Za-z0-9_. -]{1,80}")


def look_tls(url: str, subject: str, checks: Sequence[str] = CHECKS) -> ToolLook:
    """Look at the server behind an address.

    `testssl.sh` looks from outside: protocols, standard lists of ciphers, forward secrecy and
    well-known weaknesses. Certificates are the watch's (`ops.monitor`).

    Args:
        url: The site's; only `https` has something to look at.
        subject: Of the look.
        checks: Which of the program's checks.
    """
    place = urlsplit(url)
    if place.scheme != "https" or not place.hostname:
        return not_checked(subject, TLS, "no_tls")
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    if program is None:
        return not_checked(subject, TLS, "missing_here", package="testssl.sh")
    with tempfile.TemporaryDirectory(prefix="giucong-testssl-") as folder:
        answer = Path(folder, "answer.json")
        words = [
            program, "--quiet", "--color", "0", "--warnings", "off", "--ip", "one", *checks,
            "--jsonfile", str(answer), f"{place.hostname}:{place.port or 443}",
        ]  # fmt: skip
        ended = run_child(words, seconds=TLS_SECONDS, folder=Path(folder))
        told = b""
        if answer.is_file():
            with answer.open("rb") as file:
                told = file.read(MOST_BYTES + 1)
    return read_tls(ended, told, subject)


def read_tls(ended: Ended, told: bytes, subject: str) -> ToolLook:
    """Read its rows; pure. Whatever is not as it should be makes the whole look not checked.

    They are JSON: `id`, `severity`, `finding`. `WARN` and `FATAL` mean that it could not look,
    which is never a pass.
    """
    if ended.is_late:
        return not_checked(subject, TLS, "late")
    if ended.is_flooding or len(told) > MOST_BYTES:
        return not_checked(subject, TLS, "flooding")
    try:
        rows = [_row(it) for it in json.loads(told)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return not_checked(subject, TLS, "no_answer", why=f"exit {ended.status}")
    mine = [it for it in rows if it[0] not in _OF_OUR_SIDE]
    blind = [it for it in mine if it[1] not in _GOOD]
    is_dead = any(it[1] == "FATAL" for it in blind)
    if is_dead or not any(it[0] == "scanTime" for it in mine):
        why = blind[0][2] if blind else f"exit {ended.status}"
        return not_checked(subject, TLS, "no_answer", why=why)
    return ToolLook(
        subject=subject,
        tool=TLS,
        outcome="incomplete" if blind else "ok",
        reason="partly_blind" if blind else "",
        params={"first": blind[0][2]} if blind else {},
        sightings=tuple(
            Sighting(check=name, severity=_TLS_SEVERITIES[severity], title=f"{name}: {finding}")
            for name, severity, finding in mine
            if severity in _TLS_SEVERITIES
        ),
        evidence=digest(told),
    )


def _row(it: Mapping[str, Any]) -> tuple[str, str, str]:
    name = str(it["id"])
    if not _ID.fullmatch(name):
        raise ValueError(name)
    return name, str(it["severity"]), clean(str(it["finding"]))
