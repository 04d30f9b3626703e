"""One look: at a site with all that is asked of it, or at our own line where no site answers."""

import re
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from ops.backups.pages.page_text import decode, fold, read_html
from ops.monitor.probes.result import (
    GOOD,
    Certificate,
    Known,
    Line,
    ProbeFinding,
    ProbeResult,
    State,
    Verdict,
    learn,
    tidy,
)
from ops.monitor.probes.target import Names, PageWish, ProbeTarget
from ops.monitor.probes.visit import Kit, Page, Visit

RARELY = timedelta(minutes=5)
"""Between two looks at what need not be looked at each time, and is good."""

NOT_OURS = frozenset({"resolver", "late", "line"})
"""Problems that say nothing of the site itself."""

_MOST_TOLD = 3
_MOST_KNOWN = 32  # addresses remembered of a name whose answers rotate
_FIELD = re.compile(r"<(?:textarea|input|select)[\s/>]", re.IGNORECASE)
_FORM = re.compile(r"<form[\s>]", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_CUT_OFF = ProbeFinding("no_data", "")


def look_at(target: ProbeTarget, known: Mapping[str, Known], at: datetime, kit: Kit) -> ProbeResult:
    """Look at a site once; whatever goes wrong is a value.

    The page is asked for in every look, and is the verdict. IPv6 and the chosen checks
    ask the site for more, a search even for work: they come every five minutes, and in every look
    while they are bad.

    Args:
        target: What to ask.
        known: What is remembered of it.
        at: When the look began.
        kit: What all looks share.
    """
    if time.monotonic() >= kit.deadline:
        return not_reached(target, known, at)
    visit = Visit(target, kit, _split(known.get("names")))
    page = visit.get(target.page.address)
    verdict: Verdict = "unknown" if page.problem in NOT_OURS else "down" if page.problem else "up"
    answer, shown = page.answer, page.certificate
    findings = {"answer": _judge_answer(page, verdict)}
    findings |= _judge_trust(page, shown)
    findings["names"] = _judge_names(visit, known.get("names"))
    if answer is not None and (target.page.words or target.page.no_words):
        findings["words"] = _CUT_OFF if page.problem else judge_page(target.page, page)
    if verdict == "up":
        findings |= _look_further(visit, known, at)
    return ProbeResult(
        target=target,
        at=at,
        verdict=verdict,
        findings=findings,
        known=learn(known, findings, at),
        status=answer.status if answer else None,
        server=page.server,
        redirects=tuple(tidy(it) for it in page.redirects),
        protocol=answer.protocol if answer else "",
        certificate=shown,
        seconds=page.seconds if answer else {},
        size_bytes=len(answer.body) if answer else None,
    )


def not_reached(target: ProbeTarget, known: Mapping[str, Known], at: datetime) -> ProbeResult:
    """Give the result of a site for which no time was left."""
    late = {"answer": ProbeFinding("no_data", "", "site_not_looked_at", {"problem": "late"})}
    return ProbeResult(target=target, at=at, verdict="unknown", findings=late, known=dict(known))


def _split(known: Known | None) -> tuple[str, ...]:
    return tuple(known.text.split()) if known and known.text[:1].isdigit() else ()


def _judge_answer(page: Page, verdict: Verdict) -> ProbeFinding:
    if verdict == "up":
        return ProbeFinding("good")
    params = {"problem": page.problem, "detail": tidy(page.detail), "address": tidy(page.address)}
    if verdict == "unknown":
        return ProbeFinding("no_data", "", "site_not_looked_at", params)
    return ProbeFinding("bad", page.problem, "site_down", params)


def _judge_trust(page: Page, shown: Certificate | None) -> dict[str, ProbeFinding]:
    """Judge the certificate but for its end, which thresholds decide, and tell who signed it."""
    found: dict[str, ProbeFinding] = {}
    if page.problem == "certificate":
        params = {"problem": page.detail, "issuer": shown.issuer if shown else ""}
        found["certificate"] = ProbeFinding("bad", page.detail, "certificate_refused", params)
    elif page.answer is not None and page.answer.protocol:
        found["certificate"] = ProbeFinding("good")
    elif page.answer is not None:
        is_lost = bool(page.redirects) and page.redirects[0].startswith("https:")
        found["certificate"] = (
            ProbeFinding("bad", "plain", "site_left_https", {"address": tidy(page.address)})
            if is_lost
            else ProbeFinding("not_checked", "plain")
        )
    if shown is not None and page.answer is not None and shown.issuer:
        found["issuer"] = ProbeFinding("good", shown.issuer)
    return found


def _judge_names(visit: Visit, known: Known | None) -> ProbeFinding:
    names = visit.names.get(visit.host, Names(by_dns=False))
    if names.problem:
        code = "resolver_failed" if names.problem == "resolver" else "name_unknown"
        text = "" if names.problem == "resolver" else names.problem
        return ProbeFinding("bad", text, code, {"name": tidy(visit.host), "problem": names.problem})
    if not names.by_dns:
        return ProbeFinding("not_checked", "")
    networks = visit.target.networks
    strange = [
        it for it in names.addresses if networks and not any(ip_address(it) in n for n in networks)
    ]
    if strange:
        params = {"name": tidy(visit.host), "found": strange[:_MOST_TOLD]}
        return ProbeFinding("bad", f"strange {strange[0]}", "name_leads_astray", params)
    return ProbeFinding("good", _join_addresses(names.addresses, _split(known)))


def _join_addresses(found: tuple[str, ...], before: tuple[str, ...]) -> str:
    """Give what is remembered: answers that rotate among the same addresses are no change."""
    new, old = set(found), set(before)
    if new <= old:
        return " ".join(before)
    kept = sorted(new | old if new & old else new)
    return " ".join(kept[:_MOST_KNOWN])


def _look_further(
    visit: Visit, known: Mapping[str, Known], at: datetime
) -> dict[str, ProbeFinding]:
    """Look at what need not be looked at each time."""
    found: dict[str, ProbeFinding] = {}
    if _is_due(known.get("ipv6"), at, "reachable"):
        found["ipv6"] = _look_at_ipv6(visit)
    for wish in visit.target.checks:
        if _is_due(known.get(f"check:{wish.name}"), at, GOOD):
            found[f"check:{wish.name}"] = judge_page(wish, visit.get(wish.address))
    return found


def _is_due(known: Known | None, at: datetime, good: str) -> bool:
    if known is None or known.looked_at is None or known.text != good:
        return True
    return at - known.looked_at >= RARELY


def _look_at_ipv6(visit: Visit) -> ProbeFinding:
    names = visit.names.get(visit.host, Names(by_dns=False))
    if names.problem:
        return ProbeFinding("not_checked", "")
    if not names.v6:
        return ProbeFinding("not_checked", "none")
    if not reaches_ipv6(names.v6[0]):
        return ProbeFinding("not_checked", "")
    page = visit.get(visit.target.page.address, only=names.v6, follows=False)
    if not page.problem:
        return ProbeFinding("good", "reachable")
    params = {"address": names.v6[0], "problem": page.problem, "detail": page.detail}
    return ProbeFinding("bad", "silent", "ipv6_silent", params)


def reaches_ipv6(address: str) -> bool:
    """Say whether this machine has an IPv6 address of its own that could speak to this one.

    No packet is sent: the operating system only chooses which of its addresses it would use.
    """
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as line:
        line.connect((address, 443))
        own = ip_address(line.getsockname()[0].partition("%")[0])
        return own.is_global or not ip_address(address).is_global
    return False


def judge_page(wish: PageWish, page: Page) -> ProbeFinding:
    """Judge what stands on a page."""
    about = {"check": wish.name, "address": tidy(page.address)}
    if page.problem in NOT_OURS:
        return _CUT_OFF
    answer = page.answer
    if page.problem or answer is None:
        told = {"problem": page.problem, "detail": tidy(page.detail), **about}
        return ProbeFinding("bad", page.problem, "page_missing", told)
    charset = _CHARSET.search(answer.content_type[:200])
    source = decode(answer.body, charset[1] if charset else "")
    read = read_html(source)
    text = fold(f"{read.title} {read.text}").casefold()
    state: State = "bad"
    shown = [it for it in wish.no_words if fold(it).casefold() in text]
    if shown:
        return ProbeFinding(state, "no-words", "page_shows", {"words": shown[:_MOST_TOLD], **about})
    lacking = [it for it in wish.words if fold(it).casefold() not in text]
    if lacking:
        return ProbeFinding(state, "words", "page_lacks", {"words": lacking[:_MOST_TOLD], **about})
    if wish.kind == "feedback" and not _shows_form(source):
        return ProbeFinding(state, "form", "form_missing", about)
    return ProbeFinding("good")


def _shows_form(source: str) -> bool:
    form = _FORM.search(source)
    return form is not None and _FIELD.search(source, form.end()) is not None


_ROUTES = Path("/proc/net/route")
_HAS_GATEWAY = 0x2  # RTF_GATEWAY, linux/route.h
_PORTS = (53, 443)
_SECONDS = 3.0


def look_at_line(references: Sequence[tuple[str, int]], deadline: float) -> Line:
    """Ask the references at once; `not_checked` where there is none.

    Where our own line is down, no site can be blamed. A reference that answers, or refuses, proves
    the line. Without any in the estate it is this machine's default gateway, which as a router
    refuses what it does not serve; one that says nothing to anybody has to be replaced by
    `references` in the estate.

    Args:
        references: Addresses with ports; empty: the default gateway.
        deadline: Until when, by `time.monotonic`.
    """
    asked = list(references) or [(it, port) for it in list_gateways() for port in _PORTS]
    if not asked:
        return "not_checked"
    seconds = max(min(_SECONDS, deadline - time.monotonic()), 0.1)
    with ThreadPoolExecutor(len(asked), "giucong-line") as pool:
        answers = list(pool.map(lambda it: _answers(it, seconds), asked))
    return "up" if any(answers) else "down"


def _answers(place: tuple[str, int], seconds: float) -> bool:
    try:
        socket.create_connection(place, seconds).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def list_gateways() -> list[str]:
    """Give this machine's default gateways (IPv4), from the kernel's table of routes."""
    try:
        rows = [it.split() for it in _ROUTES.read_text("ascii").splitlines()[1:]]
    except (OSError, UnicodeError):
        return []
    return [
        socket.inet_ntoa(struct.pack("<L", int(it[2], 16)))
        for it in rows
        if it[1] == "00000000" and int(it[3], 16) & _HAS_GATEWAY
    ]
