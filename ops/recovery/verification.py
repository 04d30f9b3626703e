"""Hold the journal against its own chain and against the heads that stores have kept; pure.

The chain shows what was changed, taken out or put in. Heads kept elsewhere show that the newest
rows were cut off, or that the whole chain was written anew.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.journal import Verdict
from ops.recovery.heads import SignedHead, StoreHeads, row_of
from ops.text import N_, fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything a verdict is made from.

    Attributes:
        chain: What recomputing the chain found.
        hashes: The journal's hash at each number that a head names; without those not there.
        stores: What each store that was reached has kept.
        keys: Public keys that this journal was signed with.
        lost: Heads (number, hash) beyond a backup from which the service was recovered.
        promised: Names of heads that the journal says were put into a store.
    """

    chain: Verdict
    hashes: Mapping[int, str]
    stores: Mapping[str, StoreHeads]
    keys: Collection[str] = ()
    lost: Collection[tuple[int, str]] = ()
    promised: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be, or (a note) that has a known cause.

    Attributes:
        code: One of `SENTENCES`.
        params: JSON values for the sentence.
        is_note: Whether it is only to be known.
    """

    code: str
    params: Mapping[str, Any]
    is_note: bool = False


SENTENCES: Mapping[str, str] = {
    "changed": N_("row {row} of the journal was changed"),
    "gap": N_("a row is missing before row {row} of the journal, or one was put in"),
    "cut": N_(
        "the end of the journal was cut off: it has {rows} rows, and {store} holds the signed"
        " head of row {row}"
    ),
    "rewritten": N_(
        "the journal was written anew between row {after} and row {row}: {store} holds another"
        " signed head"
    ),
    "bad_signature": N_("the head of row {row} in {store} was changed: its signature is wrong"),
    "other_key": N_("the head of row {row} in {store} is signed with a key nobody knows"),
    "unreadable_head": N_("{name} in {store} cannot be read"),
    "head_missing": N_("{name} was put into {store} and is not there any more"),
    "lost_in_recovery": N_(
        "rows up to {row} were lost when the service was recovered from an older backup"
    ),
}


def tell(finding: Finding) -> str:
    """Give the finding as a sentence in the reader's language."""
    return fill(SENTENCES[finding.code], finding.params)


def judge(evidence: Evidence) -> list[Finding]:
    """Give everything that is not as it should be, the chain's own faults first."""
    found = list(_judge_chain(evidence.chain))
    for store, kept in evidence.stores.items():
        found += [
            Finding("unreadable_head", {"name": name, "store": store}) for name in kept.unreadable
        ]
        found += _judge_heads(store, kept.heads, evidence)
        # By number: a head whose hash was changed is told as changed, and is not missing as well.
        there = {row_of(name) for name in kept.names}
        promised = sorted(evidence.promised.get(store, ()))
        missing = [name for name in promised if row_of(name) not in there]
        found += [Finding("head_missing", {"name": name, "store": store}) for name in missing]
    return found


def _judge_chain(chain: Verdict) -> Iterator[Finding]:
    if chain.broken_at is not None:
        yield Finding(chain.reason, {"row": chain.broken_at})


def _judge_heads(store: str, heads: Sequence[SignedHead], evidence: Evidence) -> Iterator[Finding]:
    """Judge one store's heads; of those that disagree only the first is told."""
    last_good = 0
    for head in heads:
        params = {"row": head.sequence, "store": store}
        if not head.is_sound:
            yield Finding("bad_signature", params)
        elif head.key not in evidence.keys:
            yield Finding("other_key", params)
        elif evidence.hashes.get(head.sequence) == head.hash:
            last_good = head.sequence
        elif (head.sequence, head.hash) in evidence.lost:
            yield Finding("lost_in_recovery", params, is_note=True)
        elif evidence.chain.broken_at is None or head.sequence < evidence.chain.broken_at:
            rows = evidence.chain.head.sequence
            code = "rewritten" if head.sequence in evidence.hashes else "cut"
            yield Finding(code, {**params, "after": last_good, "rows": rows})
            return
