"""What the catalog says of looks at hosts and sites, of what is allowed there, and of levels."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from ops.catalog.tables.security import SecurityBaseline, SecurityLook
from ops.duties.evidence.due import Period
from ops.duties.evidence.verdicts import Piece
from ops.duties.table.versions import hosts_of
from ops.schedule.ledger.job import Outcome

if TYPE_CHECKING:
    from ops.duties.evidence.queries import Ask

_SITE_TOOLS = frozenset({"tls", "unicode"})


def find_looks(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find, for each site, whether all that it stands on was looked at by the duty's tools.

    Where the duty wants it clean, nothing may be open after the newest look of the period.
    """
    first, after = ask.bounds()
    proof = ask.duty.evidence
    looked = (
        select(SecurityLook.subject, SecurityLook.tool, func.max(SecurityLook.at).label("at"))
        .where(SecurityLook.at >= first, SecurityLook.at < after)
        .where(SecurityLook.tool.in_(proof.tools), SecurityLook.outcome != "not_checked")
        .group_by(SecurityLook.subject, SecurityLook.tool)
        .subquery()
    )
    mine = (SecurityLook.subject == looked.c.subject, SecurityLook.tool == looked.c.tool)
    columns = (SecurityLook.outcome, SecurityLook.open, SecurityLook.id)
    query = select(looked, *columns).join_from(
        looked, SecurityLook, and_(*mine, SecurityLook.at == looked.c.at)
    )
    newest = {
        (subject, tool): (at, outcome == "ok" and not (proof.clean and count), str(row))
        for subject, tool, at, outcome, count, row in session.execute(query)
    }
    for site in ask.estate.get("sites", ()):
        wanted = _wanted(site, proof.tools)
        yield from _piece(site["name"], wanted, newest, "security_looks")


def find_allowed(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find, for each site, whether two people went over what is allowed on its hosts."""
    first, after = ask.bounds()
    query = (
        select(SecurityBaseline)
        .where(SecurityBaseline.approved_at >= first, SecurityBaseline.approved_at < after)
        .order_by(SecurityBaseline.approved_at)
    )
    newest = {
        (it.subject, it.tool): (it.approved_at, True, str(it.id))
        for it in session.execute(query).scalars()
    }
    for site in ask.estate.get("sites", ()):
        wanted = _wanted(site, ask.duty.evidence.tools)
        yield from _piece(site["name"], wanted, newest, "security_baselines")


def _wanted(site: Mapping[str, Any], tools: tuple[str, ...]) -> list[tuple[str, str]]:
    hosts = hosts_of(site)
    return [
        (subject, tool)
        for tool in tools
        for subject in (
            [f"site:{site['name']}"] if tool in _SITE_TOOLS else [f"host:{it}" for it in hosts]
        )
    ]


def _piece(
    site: str,
    wanted: list[tuple[str, str]],
    newest: Mapping[tuple[str, str], tuple[datetime, bool, str]],
    table: Any,
) -> Iterator[Piece]:
    found = {it: newest[it] for it in wanted if it in newest}
    if not found:
        return
    lacking = [" ".join(it) for it in wanted if it not in found or not found[it][1]]
    at = max(it[0] for it in found.values())
    outcome: Outcome = "incomplete" if lacking else "ok"
    rows = [it[2] for it in found.values()]
    yield Piece(site, at, outcome, table, rows[-1], {"rows": rows, "lacking": lacking})


def find_levels(_session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find which systems of the estate name the decision that approved their level."""
    systems = ask.estate.get("systems", ())
    lacking = [it["name"] for it in systems if not it.get("decision")]
    if systems:
        first, _after = ask.setting.bounds(Period(ask.setting.today, ask.setting.today))
        details = {
            "decisions": {it["name"]: it.get("decision", "") for it in systems},
            "lacking": lacking,
        }
        outcome: Outcome = "incomplete" if lacking else "ok"
        yield Piece("", first, outcome, "estate_versions", "", details)
