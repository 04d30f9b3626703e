"""Sign the journal's head and give it to every store; hold the journal against what they kept.

Order of signing:

1. Verify the chain and the heads that stores have kept. A journal that does not hold is not signed.
2. Sign for the newest row.
3. Write the head into each store that can be reached; durable when that returns.
4. Journal which stores have it.

Killed between 3 and 4, a store has a head that nobody promised; it is checked all the same.

The clock signs each day, and so does each act that two people agree on, or that changes who they
are. What was journaled since then could be cut off unseen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backup.errors import BackupError
from ops.access.session import Bench
from ops.audit.evidence import KEY_MADE, SIGNED, gather_evidence, read_keys
from ops.audit.heads import (
    SignedHead,
    StoreHeads,
    find_signing_key,
    make_signing_key,
    public_text,
    put_head,
    read_heads,
    sign_head,
    signing_file,
)
from ops.audit.verify import JournalFinding, find_disagreeing, find_signed, judge
from ops.backups.repositories.stores import open_root
from ops.catalog.open import Catalog
from ops.errors import OpsError
from ops.estate.model.estate import Estate
from ops.jobs.definitions import own_job
from ops.jobs.run_now import begin
from ops.journal import journal
from ops.journal.journal import Entry, Origin
from ops.language.causes import tell_error
from ops.language.text import N_, _
from ops.schedule.kinds import JobKind, RunContext
from ops.schedule.ledger.job import JobDefinition, JobResult
from ops.terminal.output import write_line

ENOUGH_HEADS = 100
"""Heads of a store that the clock reads each day; `service.journal-verify` reads all."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What holding the journal against everything has shown.

    Attributes:
        findings: Faults and notes.
        head: The newest row that holds.
        counts: Heads looked at, by store; stores that could not be reached are left out.
        unreached: Why each other store could not be reached.
        has_key: Whether the estate names a signing key.
        signed: The newest row that a store's head vouches for; 0 for none.
        disagreeing: Heads (number, hash) that were read and that no row answers to.
    """

    findings: Sequence[JournalFinding]
    head: journal.Head
    counts: Mapping[str, int]
    unreached: Mapping[str, str]
    has_key: bool
    signed: int = 0
    disagreeing: Sequence[tuple[int, str]] = ()

    @property
    def faults(self) -> list[JournalFinding]:
        """The findings that have no innocent cause."""
        return [it for it in self.findings if not it.is_note]

    @property
    def outcome(self) -> str:
        """`failed` with faults, `not_checked` where no store could answer, else `ok`."""
        if self.faults:
            return "failed"
        return "ok" if any(self.counts.values()) else "not_checked"


def examine(estate: Estate, catalog: Catalog, *, newest: int | None = None) -> Examination:
    """Verify the chain, and what stores have kept of it; writes nothing.

    Args:
        estate: Names the stores and the signing key.
        catalog: Holds the journal.
        newest: Read so many heads of each store, the oldest and some drawn by lot; of the others
            the names are held against the journal. None: read all.
    """
    kept: dict[str, StoreHeads] = {}
    unreached: dict[str, str] = {}
    for store in estate.stores:
        try:
            kept[store.name] = read_heads(open_root(estate, store), newest)
        except (BackupError, OpsError) as error:
            unreached[store.name] = tell_error(error)
    chain = journal.verify(catalog)
    with catalog.reading() as session:
        if session.get_bind().dialect.name == "postgresql":  # tables and journal of one moment
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        evidence = gather_evidence(session, estate, chain, kept)
    counts = {store: len(it.heads) + len(it.unread) for store, it in kept.items()}
    has_key = estate.keys.signing is not None
    disagreeing = tuple(find_disagreeing(evidence))
    signed = find_signed(evidence)
    return Examination(judge(evidence), chain.head, counts, unreached, has_key, signed, disagreeing)


def sign_now(estate: Estate, catalog: Catalog, origin: Origin) -> SignedHead | None:
    """Sign for the newest row; None where the estate names no signing key, or not the right one.

    The key is made on first use. One that is not there any more is never made anew by itself: that
    takes two people (`service.journal-verify --accept`).

    Raises:
        SecretError, SigningKeyError: The key cannot be read or made.
    """
    if estate.keys.signing is None:
        return None
    key = find_signing_key(estate)
    with catalog.reading() as session:
        keys = read_keys(session)
    if keys:
        return None if key is None or public_text(key) != keys[-1] else _sign(key, catalog)
    path = signing_file(estate)
    if key is None and path is not None:
        key = make_signing_key(path)
    if key is None:
        return None
    with catalog.writing() as session:
        entry = Entry(KEY_MADE, estate.keys.signing, {"key": public_text(key)})
        journal.append(session, origin, [entry])
    return _sign(key, catalog)


def _sign(key: Ed25519PrivateKey, catalog: Catalog) -> SignedHead:
    with catalog.readers.connect() as connection:
        head = journal.read_head(connection)
    return sign_head(key, head, datetime.now(UTC))


def give_head(
    estate: Estate, catalog: Catalog, origin: Origin, head: SignedHead, *, is_patient: bool = True
) -> dict[str, str]:
    """Write a signed head into every store, and journal where it is.

    Args:
        estate: Names the stores.
        catalog: Holds the journal.
        origin: Who signs.
        head: What was signed.
        is_patient: Whether a store that does not answer is asked again.

    Returns:
        Why each store that does not have it could not be reached.
    """
    failed: dict[str, str] = {}
    for store in estate.stores:
        try:
            put_head(open_root(estate, store, is_patient=is_patient), head)
        except (BackupError, OpsError) as error:
            failed[store.name] = tell_error(error)
    having = [store.name for store in estate.stores if store.name not in failed]
    if having:
        details = {"name": head.name, "stores": having}
        with catalog.writing() as session:
            journal.append(session, origin, [Entry(SIGNED, str(head.sequence), details)])
    return failed


def sign_decision(bench: Bench) -> None:
    """Sign for what people have just decided, so that it is not cut off before the day ends.

    A store that does not answer at once gets the head of the next signing. Where the chain itself
    does not hold, nothing is signed. Heads in the stores are not looked at: whatever is signed now,
    an older head that no row answers to stays where it is, and is found.
    """
    estate, catalog = bench.estate, bench.catalog
    if estate.keys.signing is None or journal.verify(catalog).broken_at is not None:
        return
    try:
        head = sign_now(estate, catalog, bench.origin)
    except OpsError as error:
        write_line(
            "  " + _("the journal was not signed: {reason}").format(reason=tell_error(error))
        )
        return
    failed = (
        {} if head is None else give_head(estate, catalog, bench.origin, head, is_patient=False)
    )
    for store, reason in failed.items():
        text = _("the journal's newest head is not in {store} yet: {reason}")
        write_line("  " + text.format(store=store, reason=reason))


def sign_daily(context: RunContext) -> JobResult:
    """Verify the journal and sign its head, as the clock does after each day."""
    estate, _version, _site = begin(context)
    found = examine(estate, context.catalog, newest=ENOUGH_HEADS)
    summary: dict[str, Any] = {
        "rows": found.head.sequence,
        "heads": dict(found.counts),
        "unreached": dict(found.unreached),
    }
    if found.faults:
        return JobResult("failed", "journal_broken", broken_params(found), summary)
    head = sign_now(estate, context.catalog, context.origin)
    if head is None:
        return JobResult("not_checked", "journal_unsigned", {}, summary)
    failed = give_head(estate, context.catalog, context.origin, head)
    summary |= {"signed": head.sequence}
    if failed:
        return JobResult("incomplete", "stores_unreached", {"stores": failed}, summary)
    return JobResult("ok", summary=summary)


def broken_params(found: Examination) -> dict[str, Any]:
    """Give the faults of a journal as the parameters of `journal_broken`."""
    first = [{"code": it.code, "params": dict(it.params)} for it in found.faults[:20]]
    return {"count": len(found.faults), "first": first}


_AFTER_MIDNIGHT = "5 0 * * *"


def _jobs(estate: Estate) -> Iterator[JobDefinition]:
    yield own_job(estate, JOURNAL_HEAD.name, _AFTER_MIDNIGHT)


JOURNAL_HEAD = JobKind(
    name="journal-head", title=N_("look at the journal"), run="ops.audit.job:sign_daily", jobs=_jobs
)
VERIFY = JobKind(name="journal-verify", title=JOURNAL_HEAD.title)
