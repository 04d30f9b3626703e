"""What the program `facts` tells of a host, judged section by section; pure but for `read`.

Each section is a tool of its own: one that this user may not see, or that is not as it should be,
is not checked, and the others count all the same.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ops.hosts.connect import run_program
from ops.security.findings import Severity, Sighting, ToolLook, clean, digest, not_checked
from provisioning.errors import ProvisioningError
from provisioning.hosts import Completed, Host

SECONDS = 180.0
_DAY = 86_400.0
_LISTS_MOST_DAYS = 7
"""Package lists older than this say nothing of what is pending today; the Center's own."""
_MOST_ACCOUNTS = 200


@dataclass(frozen=True, slots=True)
class HostLimits:
    """Figures that sections are held against; from the table of controls, none stands here.

    Attributes:
        idle_days: An account that nobody used for so long is idle; None where no rule says.
        log_days: Logs reach back so far.
        silent_hours: A log that says nothing for so long has stopped.
        clock_seconds: A clock is off by at most so much.
        needs_remote_log: Whether logs are also sent elsewhere.
    """

    idle_days: int | None = None
    log_days: int | None = None
    silent_hours: int | None = None
    clock_seconds: int | None = None
    needs_remote_log: bool = False


@dataclass(frozen=True, slots=True)
class HostTold:
    """What a host told.

    Attributes:
        subject: Of the looks.
        answer: As it came; None where there was none.
        problem: The look that stands for all where there was none.
        offset: Seconds that the host's clock is ahead; None for this machine itself.
        uncertainty: Seconds that the offset may be off by: half of what the answer took.
        now: Seconds since 1970, here.
    """

    subject: str
    answer: bytes | None
    problem: tuple[str, str] = ("", "")
    offset: float | None = None
    uncertainty: float = 0.0
    now: float = 0.0


def read(host: Host, subject: str, *, is_here: bool) -> HostTold:
    """Have a host tell."""
    before = time.time()
    try:
        ended = run_program(host, "facts", timeout=SECONDS)
    except ProvisioningError as error:
        return HostTold(subject, None, ("unreachable", str(error)))
    after = time.time()
    if ended.is_refused_by_gate:
        return HostTold(subject, None, ("gate", ""))
    if ended.status:
        return HostTold(subject, None, ("no_answer", _last(ended)))
    offset = None if is_here else _offset(ended.stdout, after)
    return HostTold(subject, ended.stdout, ("", ""), offset, after - before, after)


def _last(ended: Completed) -> str:
    return ended.stderr.decode("utf-8", "replace")[-300:]


def _offset(answer: bytes, after: float) -> float | None:
    """Give how far the host's clock is ahead: it told its time last of all that it did."""
    try:
        return float(json.loads(answer)["clock"]["value"]["now"]) - after
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def judge(told: HostTold, tools: Sequence[str], limits: HostLimits) -> list[ToolLook]:
    """Give a look for each section that is wanted."""
    if told.answer is None:
        reason, why = told.problem
        return [not_checked(told.subject, it, reason, why=why) for it in tools]
    try:
        sections = json.loads(told.answer)
        given = {it: sections.get(it) for it in tools}
    except (ValueError, AttributeError, RecursionError):
        return [not_checked(told.subject, it, "no_answer", why="") for it in tools]
    return [_judge(told, tool, given[tool], limits) for tool in tools]


def _judge(told: HostTold, tool: str, section: Any, limits: HostLimits) -> ToolLook:
    if isinstance(section, dict) and "error" in section:
        return not_checked(told.subject, tool, "not_seen", why=str(section["error"]))
    try:
        value = section["value"]
        look = SECTIONS[tool](told, value, limits)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        return not_checked(told.subject, tool, "no_answer", why="")
    return replace(look, evidence=digest(json.dumps(value).encode()))


def _updates(told: HostTold, value: Any, _limits: HostLimits) -> ToolLook:
    days = int(value["lists_age"] // _DAY)
    if days > _LISTS_MOST_DAYS:
        return not_checked(told.subject, "updates", "lists_old", days=days)
    found = [
        Sighting(
            check=str(name),
            severity="medium",
            code="update_pending",
            params={
                "package": clean(str(name), 80),
                "old": clean(str(old), 60),
                "new": clean(str(new), 60),
            },
        )
        for name, old, new in value["security"]
    ]
    return ToolLook(subject=told.subject, tool="updates", sightings=tuple(found))


def _reboot(told: HostTold, value: Any, _limits: HostLimits) -> ToolLook:
    params = {name: clean(str(value[name]), 60) for name in ("running", "newest")}
    seen = Sighting(check="reboot", severity="medium", code="reboot_waits", params=params)
    return ToolLook(
        subject=told.subject, tool="reboot", sightings=(seen,) if value["waits"] is True else ()
    )


def _ports(told: HostTold, value: Any, _limits: HostLimits) -> ToolLook:
    items = [
        " ".join(clean(str(part), 60) for part in (kind, address, int(port), program)).strip()
        for kind, address, port, program in value
        if address != "loopback"
    ]
    return ToolLook(subject=told.subject, tool="ports", items=tuple(items))


def _keys(told: HostTold, value: Any, _limits: HostLimits) -> ToolLook:
    items = [
        f"{clean(str(user), 40)} {clean(str(kind), 40)} SHA256:{clean(str(print_), 60)}"
        for user, kind, print_ in value
    ]
    return ToolLook(subject=told.subject, tool="keys", items=tuple(items))


def _sudoers(told: HostTold, value: Any, _limits: HostLimits) -> ToolLook:
    items = [f"{clean(str(path))}: {clean(str(rule))}" for path, rule in value]
    return ToolLook(subject=told.subject, tool="sudoers", items=tuple(items))


def _accounts(told: HostTold, value: Any, limits: HostLimits) -> ToolLook:
    found, is_blind = [], False
    for name, uid, state, last in value:
        user = clean(str(name), 40)
        if uid == 0 and name != "root":
            found.append(_account(user, "critical", "account_is_root"))
        if state == "empty":
            found.append(_account(user, "critical", "account_open"))
        if state != "password":
            continue
        is_blind |= last is None
        days = None if last is None else int((told.now - float(last)) // _DAY)
        if limits.idle_days is not None and days is not None and days > limits.idle_days:
            found.append(
                _account(
                    user,
                    "medium",
                    "account_idle" if last else "account_unused",
                    days=days,
                    most=limits.idle_days,
                )
            )
    unknown = is_blind or limits.idle_days is None
    return ToolLook(
        subject=told.subject,
        tool="accounts",
        outcome="incomplete" if unknown else "ok",
        reason="no_last_login" if unknown else "",
        sightings=tuple(found[:_MOST_ACCOUNTS]),
    )


def _account(user: str, severity: Severity, code: str, **params: object) -> Sighting:
    return Sighting(
        check=f"{code} {user}", severity=severity, code=code, params={"user": user, **params}
    )


def _logs(told: HostTold, value: Any, limits: HostLimits) -> ToolLook:
    found = []
    age = int((told.now - float(value["oldest"])) // _DAY)
    lived = int((told.now - float(value["born"])) // _DAY)
    silent = int((told.now - float(value["newest"])) // 3600)
    needed = limits.log_days or 0
    if age < needed <= lived:
        found.append(
            Sighting(
                check="short",
                severity="high",
                code="log_short",
                params={"days": age, "least": needed},
            )
        )
    if limits.silent_hours is not None and silent > limits.silent_hours:
        found.append(
            Sighting(check="silent", severity="high", code="log_silent", params={"hours": silent})
        )
    if limits.needs_remote_log and value["remote"] is not True:
        found.append(Sighting(check="remote", severity="medium", code="log_not_sent"))
    is_young = lived < needed and age < needed
    return ToolLook(
        subject=told.subject,
        tool="logs",
        outcome="incomplete" if is_young else "ok",
        reason="too_young" if is_young else "",
        params={"days": age, "least": needed} if is_young else {},
        sightings=tuple(found),
    )


def _clock(told: HostTold, value: Any, limits: HostLimits) -> ToolLook:
    found = []
    most = limits.clock_seconds
    if value["steered"] is not True:
        found.append(Sighting(check="steered", severity="low", code="clock_free"))
    if told.offset is not None and most is not None:
        beyond = abs(told.offset) - told.uncertainty
        if beyond > most:
            found.append(
                Sighting(
                    check="offset",
                    severity="medium",
                    code="clock_off",
                    params={"seconds": round(beyond), "most": most},
                )
            )
    return ToolLook(subject=told.subject, tool="clock", sightings=tuple(found))


SECTIONS: Mapping[str, Callable[[HostTold, Any, HostLimits], ToolLook]] = {
    "updates": _updates,
    "reboot": _reboot,
    "ports": _ports,
    "keys": _keys,
    "sudoers": _sudoers,
    "accounts": _accounts,
    "logs": _logs,
    "clock": _clock,
}
"""Section of the program's answer, and tool → what judges it."""
