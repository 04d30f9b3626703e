"""What pieces of evidence amount to; pure. What did not run, or was only said, is never ok."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from ops.duties.evidence.due import Period
from ops.duties.table.versions import Subject
from ops.schedule.ledger.job import Outcome

Standing = Literal[Outcome, "stated"]
"""How a duty stands: an outcome, or `stated`: somebody says it is done, and no row proves it."""

GRAVEST: tuple[Standing, ...] = (
    "failed", "missed", "incomplete", "not_checked", "skipped", "stated", "ok",
)  # fmt: skip
"""Every standing, the gravest first."""

SETTLED: frozenset[Standing] = frozenset({"ok", "stated"})
"""Standings of which nobody is reminded any more; only `ok` is proven."""


LATE = "late"
"""Detail of a piece that shows work done after its day."""

UNCHECKED = "signer_not_checked"
"""Detail of a piece that is a paper of which nobody knows who signed it."""

Table = Literal[
    "runs",
    "journal",
    "snapshots",
    "stores_seen",
    "policy_versions",
    "drills",
    "drill_findings",
    "archive_places",
    "minutes",
    "changes",
    "security_looks",
    "security_baselines",
    "register_entries",
    "estate_versions",
    "documents",
    "runbook_runs",
    "verdicts",
    "plans",
]


_OF_STORES: frozenset[Table] = frozenset({"snapshots", "stores_seen", "archive_places"})
"""Tables that show what stores hold now, and not what they held."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One row of the catalog that speaks for or against a duty.

    Attributes:
        site: Site it is about; empty for the organisation.
        at: When it happened.
        outcome: What it shows: `ok`, `incomplete` (it does not prove enough), `failed`,
            `not_checked` where the past cannot be told from what is kept, or `stated`.
        table: Where the row stands.
        row: Its id there.
        details: What else is worth telling.
        subject: The one subject it speaks for; None when its site says so.
    """

    site: str
    at: datetime
    outcome: Standing
    table: Table
    row: str
    details: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one duty, for one subject and period.

    Attributes:
        subject: Name; empty for the organisation.
        period: Which.
        outcome: How it stands.
        reason: `proven`, `by_paper` (whose signer was not checked), `stated` (with a document that
            is kept), `by_word` (with none), `failures`, `late`, `partly`,
            `nothing_yet` (the period still runs), `nothing` (it is over), `no_records` (nothing was
            recorded at that time), `not_rebuildable` (the past state of the stores is not kept),
            `not_looked` (what should prove it could not be looked at, or was not kept).
        pieces: The rows behind it.
        lacking: Sites for which no row speaks well.
    """

    subject: str
    period: Period
    outcome: Standing
    reason: str
    pieces: tuple[Piece, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """Of which days there are records.

    Attributes:
        since: The first one; None when there are none at all.
        gaps: Days whose records were lost, as when the service came back from an older backup.
    """

    since: date | None
    gaps: tuple[Period, ...] = ()

    def have(self, period: Period) -> bool:
        """Say whether what was done in a period would stand in them."""
        if self.since is None or period.start < self.since:
            return False
        return not any(it.start <= period.start and period.end <= it.end for it in self.gaps)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a verdict is made in.

    Attributes:
        today: The organisation's date.
        records: Of which days there are records.
        deadline: By the end of which day it was due; the period's end where that is later.
    """

    today: date
    records: Records
    deadline: date


def judge(
    subject: Subject, period: Period, pieces: Sequence[Piece], coverage: str, frame: Frame
) -> Verdict:
    """Judge one subject and period by the pieces found in it.

    With coverage `every` each site of the subject needs a good piece, with `any` one is enough.
    Statements never add up to `ok`, and hide nothing that the service saw itself.
    """
    names = subject.sites if subject.name or any(it.site for it in pieces) else ("",)
    mine = tuple(it for it in pieces if _concerns(it, subject, names))
    good = {it.site for it in mine if it.outcome == "ok"}
    lacking = () if "" in good else tuple(it for it in names if it not in good)
    if names and (not lacking or (coverage == "any" and good)):
        is_word = any(it.details.get(UNCHECKED) for it in mine)
        return Verdict(subject.name, period, "ok", "by_paper" if is_word else "proven", mine)
    outcome, reason = _judge_lacking(mine, lacking, period, frame)
    return Verdict(subject.name, period, outcome, reason, mine, lacking)


def _judge_lacking(
    pieces: Sequence[Piece], lacking: Sequence[str], period: Period, frame: Frame
) -> tuple[Standing, str]:
    """Say why a period is not proven: standing and reason."""
    known = {it.outcome for it in pieces if it.site in {*lacking, ""}}
    stated = [it for it in pieces if it.outcome == "stated" and not it.details.get(LATE)]
    is_kept = any(it.details.get("sha256") or it.table == "verdicts" for it in stated)
    reasons: tuple[tuple[bool, Standing, str], ...] = (
        ("failed" in known, "failed", "failures"),
        (bool(stated) and "incomplete" not in known, "stated", "stated" if is_kept else "by_word"),
        ("not_checked" in known, "not_checked", _why_not_checked(pieces)),
        (any(it.details.get(LATE) for it in pieces), "incomplete", "late"),
        (bool(pieces), "incomplete", "partly"),
        (frame.today <= max(frame.deadline, period.end), "not_checked", "nothing_yet"),
        (not frame.records.have(period), "not_checked", "no_records"),
    )
    for holds, outcome, reason in reasons:
        if holds:
            return outcome, reason
    return "missed", "nothing"


def _why_not_checked(pieces: Iterable[Piece]) -> str:
    tables = {it.table for it in pieces if it.outcome == "not_checked"}
    return "not_rebuildable" if tables & _OF_STORES else "not_looked"


def _concerns(piece: Piece, subject: Subject, names: Sequence[str]) -> bool:
    if piece.subject is not None:
        return piece.subject == subject.name
    return piece.site in names or not piece.site


def gravest(verdicts: Iterable[Verdict]) -> Standing:
    """Give the gravest standing; `not_checked` when there is none."""
    found = {it.outcome for it in verdicts}
    return next((it for it in GRAVEST if it in found), "not_checked")
