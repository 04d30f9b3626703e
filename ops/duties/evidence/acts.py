"""What shows that people acted: runbooks carried out, acts journaled, media, where keys lie."""

import json
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.stores.kinds import is_remote
from ops.catalog.tables.core import JournalRow
from ops.catalog.tables.drills import RunbookRun
from ops.catalog.tables.plans import PolicyVersion
from ops.duties.evidence.due import Period
from ops.duties.evidence.verdicts import Piece, Standing
from ops.schedule.ledger.job import Outcome

if TYPE_CHECKING:
    from ops.duties.evidence.queries import Ask

MEDIUM_RETIRED = "media.retired"
"""What the journal tells of a removable medium that was taken out of use."""

REVIEWED = "duty.reviewed"
"""What it tells of a review: who, what was gathered for it, and the conclusion as its reason."""


POLICY_APPROVED = "duty.policy-approved"
"""What it tells of an approval of the policy; with the hash of the decision where that is kept."""


def find_policy(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find the policies that were decided on in the period; a number alone is somebody's word."""
    rows = select(PolicyVersion).where(
        PolicyVersion.decided_on >= ask.period.start, PolicyVersion.decided_on <= ask.period.end
    )
    for row in session.execute(rows).scalars():
        details = {"number": row.number, "decided_on": row.decided_on.isoformat()}
        standing: Standing = "ok" if is_policy_kept(session, row) else "stated"
        yield Piece("", row.approved_at, standing, "policy_versions", row.digest, details)


def is_policy_kept(session: Session, version: PolicyVersion) -> bool:
    """Tell whether the decision on a version was kept when it was recorded, or since."""
    rows = select(JournalRow.details).where(
        JournalRow.action == POLICY_APPROVED, JournalRow.subject == version.number
    )
    found = (json.loads(it) for it in session.execute(rows).scalars())
    told = (version.decided_on.isoformat(), version.digest)
    return any((it["decided_on"], it["digest"]) == told and it.get("sha256") for it in found)


def find_runbooks(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find the duty's runbooks that were carried out to their end, at the site that they name."""
    first, after = ask.bounds()
    query = select(RunbookRun).where(
        RunbookRun.runbook.in_(ask.duty.evidence.runbooks),
        RunbookRun.ended_at >= max([first, *ask.about.values()]),
        RunbookRun.ended_at < after,
        RunbookRun.standing == "done",
    )
    for row in session.execute(query.order_by(RunbookRun.ended_at)).scalars():
        told = {"runbook": row.runbook, "document": row.values.get("document", "")}
        at = row.ended_at or row.started_at
        yield Piece(row.values.get("site", ""), at, "ok", "runbook_runs", str(row.id), told)


def find_acts(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find rows of the journal that tell of the duty's acts, each after what asked for it."""
    first, after = ask.bounds()
    rows = select(JournalRow.sequence, JournalRow.at, JournalRow.action, JournalRow.details).where(
        JournalRow.action.in_(ask.duty.evidence.acts),
        JournalRow.at >= max([first, *ask.about.values()]),
        JournalRow.at < after,
    )
    for sequence, at, action, details in session.execute(rows.order_by(JournalRow.sequence)):
        told = {"act": action, **json.loads(details)}
        yield Piece("", at, "ok", "journal", str(sequence), told)


def find_reviews(session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find who went over what the service had gathered; what lacked then makes it incomplete."""
    first, after = ask.bounds()
    rows = select(JournalRow).where(
        JournalRow.action == REVIEWED,
        JournalRow.subject == ask.duty.name,
        JournalRow.at >= first,
        JournalRow.at < after,
    )
    for row in session.execute(rows.order_by(JournalRow.sequence)).scalars():
        told = json.loads(row.details)
        outcome: Outcome = "incomplete" if told["lacking"] or not told["rows"] else "ok"
        details = {**told, "person": row.person or row.login, "conclusion": row.reason}
        key = str(row.sequence)
        yield Piece("", row.at, outcome, "journal", key, details, told["subject"])


def find_media(session: Session) -> Iterator[Piece]:
    """Find the media that were taken out of use, with the day on which each was to be renewed."""
    rows = select(JournalRow).where(JournalRow.action == MEDIUM_RETIRED)
    for row in session.execute(rows.order_by(JournalRow.sequence)).scalars():
        told = json.loads(row.details)
        if told.get("renew_on"):
            yield Piece("", row.at, "ok", "journal", str(row.sequence), told, row.subject)


def find_keys(_session: Session, ask: "Ask") -> Iterator[Piece]:
    """Find, by the estate of that day, whether no password of a repository lies in a store."""
    estate = ask.estate
    named = {
        it["name"]: str(it.get("key") or estate.get("keys", {}).get("repository") or "")
        for it in estate.get("stores", ())
    }
    urls = (str(it.get("url")) for it in estate.get("stores", ()))
    folders = [it for it in urls if not is_remote(it)]
    beside = {name: key for name, key in named.items() if lies_in(key, folders)}
    if named:
        at, _after = ask.setting.bounds(Period(ask.setting.today, ask.setting.today))
        told = {"keys": named, "beside_copies": sorted(beside)}
        yield Piece("", at, "failed" if beside else "ok", "estate_versions", "", told)


def lies_in(reference: str, folders: Iterable[str]) -> bool:
    """Tell whether a secret's file lies below one of some folders; pure.

    What is no file (`env:`, `credential:`) lies in none: systemd or the environment keeps it.
    """
    scheme, _colon, path = reference.partition(":")
    if scheme != "file":
        return False
    stores = (PurePosixPath(it.removeprefix("local:")) for it in folders)
    return any(PurePosixPath(path).is_relative_to(it) for it in stores)
