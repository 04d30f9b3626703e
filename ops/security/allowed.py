"""The lists of what is allowed on hosts: ports, keys, rules of sudo; approved by two people.

Order: read what the last look listed and what is allowed, show the difference (`--dry-run` ends
here); have another person agree to exactly that; in the transaction that uses the approval up,
write the list, hold the last look against it again, and journal it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.access.approvals.ask import Agreed, ask_second_person
from ops.access.approvals.requests import Wish
from ops.access.session import Bench, at_bench
from ops.canonical import digest_of
from ops.catalog.tables.security import SecurityBaseline, SecurityLook
from ops.errors import OpsError
from ops.estate.load.load import load_estate
from ops.journal.journal import Entry
from ops.language.text import _
from ops.security.findings import ToolLook, judge_items
from ops.security.records import find_baselines, remember_looks
from ops.security.subjects import ALLOWED, TOOLS
from ops.security.tasks import Baseline
from ops.terminal.output import write_json, write_line

CHANGE = "security-baseline"
"""Action of the approval."""

FRESH = timedelta(hours=26)
"""So old a look may be at most that a list is approved from; one is taken each day."""

ALLOWED_NOW = "security.allowed"
"""What the journal tells of a list that was approved; its subject is the host's."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """What is on a host and what is allowed there.

    Attributes:
        tool: Which list.
        look: The newest look that listed it.
        allowed: What is allowed; None where nothing was ever approved.
    """

    tool: str
    look: SecurityLook
    allowed: tuple[str, ...] | None

    @property
    def items(self) -> tuple[str, ...]:
        """Give what is there."""
        return tuple(self.look.items or ())

    @property
    def added(self) -> list[str]:
        """Give what is there and not allowed."""
        return sorted(set(self.items) - set(self.allowed or ()))

    @property
    def gone(self) -> list[str]:
        """Give what is allowed and no longer there."""
        return sorted(set(self.allowed or ()) - set(self.items))

    @property
    def is_same(self) -> bool:
        """Whether approving it would change nothing."""
        return self.allowed is not None and not self.added and not self.gone


def keep_baseline(wish: Baseline) -> int:
    """Show what is on a host against what is allowed, or have it approved; gives the exit code."""
    tools = [it for it in ALLOWED if not wish.only or it in wish.only]
    estate = load_estate()
    with at_bench(estate, dry_run=wish.dry_run) as bench:
        with bench.catalog.reading() as session:
            found = find_differences(session, f"host:{wish.host}", tools)
        if not found:
            raise OpsError(
                "nothing is known of what is on the host {host}",
                why="no look at it has come about yet",
                data="nothing was changed",
                next_step="`{program} security.audit --host {host}`, then the same command again",
                host=wish.host,
            )
        if wish.json:
            write_json(
                [
                    {
                        "host": wish.host,
                        "list": it.tool,
                        "looked_at": it.look.at,
                        "there": it.items,
                        "approved": it.allowed,
                        "added": it.added,
                        "gone": it.gone,
                    }
                    for it in found
                ]
            )
        else:
            _show(found)
        if not wish.approve:
            return 0
        refuse_old(found, datetime.now(UTC))
        if _agree(bench, found, wish):
            write_line("  " + _("it is what is allowed from now on"))
    return 0


def refuse_old(found: Iterable[Deviation], now: datetime) -> None:
    """Refuse to approve what was seen too long ago: what is there now may be other; pure."""
    for it in found:
        if now - it.look.at > FRESH:
            raise OpsError(
                "what is on the host was last seen on {moment}",
                why="nobody can allow what may be another by now",
                data="nothing was changed",
                next_step="`{program} security.audit --host {host}`, then the same command again",
                moment=it.look.at,
                host=it.look.subject.partition(":")[2],
            )


def find_differences(session: Session, subject: str, tools: Sequence[str]) -> list[Deviation]:
    """Give what the newest looks listed, beside what is allowed; lists that no look made are out.

    A look that may not have seen all cannot be approved: what it did not see would be forbidden.
    """
    allowed = find_baselines(session)
    found = []
    for tool in tools:
        query = (
            select(SecurityLook)
            .where(SecurityLook.subject == subject, SecurityLook.tool == tool)
            .where(SecurityLook.items.is_not(None), SecurityLook.reason.in_(("", "no_baseline")))
            .order_by(SecurityLook.at.desc())
            .limit(1)
        )
        look = session.execute(query).scalar_one_or_none()
        if look is not None:
            row = allowed.get((subject, tool))
            found.append(Deviation(tool, look, None if row is None else tuple(row.items)))
    return found


def _show(found: Sequence[Deviation]) -> None:
    for it in found:
        write_line(f"{_(TOOLS[it.tool].title)}:")
        if it.allowed is None:
            write_line("  " + _("nothing was approved yet"))
        for sign, items in (("+", it.added), ("-", it.gone)):
            for item in items:
                write_line(f"  {sign} {item}")
        if it.is_same:
            write_line("  " + _("as approved: {count}").format(count=len(it.items)))


def _agree(bench: Bench, found: Sequence[Deviation], wish: Baseline) -> Agreed | None:
    subject = f"host:{wish.host}"
    told = {it.tool: {"added": it.added, "gone": it.gone} for it in found}

    def record(session: Session, agreed: Agreed) -> Iterator[Entry]:
        now, permit = datetime.now(UTC), agreed.permit
        for it in found:
            session.add(
                SecurityBaseline(
                    subject=subject,
                    tool=it.tool,
                    items=sorted(it.items),
                    approved_at=now,
                    approved_by=permit.approved_by,
                    asked_by=permit.requested_by,
                    reason=wish.reason,
                    document=wish.document,
                )
            )
        yield Entry(ALLOWED_NOW, subject, {"lists": told})
        looks = [_again(subject, it) for it in found]
        remember_looks(session, agreed.bench.origin, looks, now=now)

    plan = {
        "act": "allow",
        "added": {it.tool: it.added for it in found if it.added},
        "gone": {it.tool: it.gone for it in found if it.gone},
        "whole": {it.tool: digest_of(it.items) for it in found},
    }
    asked = Wish(CHANGE, wish.host, plan, wish.reason, wish.document)
    return ask_second_person(bench, asked, record)


def _again(subject: str, it: Deviation) -> ToolLook:
    """Give the same look, held against the list that holds all of it."""
    return ToolLook(
        subject=subject,
        tool=it.tool,
        items=it.items,
        sightings=judge_items(it.tool, it.items, it.items),
        evidence=it.look.evidence,
    )
