"""Hold the journal against its own chain and against the heads that stores have kept; pure.

The chain shows what was changed, taken out or put in. Heads kept elsewhere show that the newest
rows were cut off, or that the whole chain was written anew.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ops.audit.heads import SignedHead, StoreHeads, UnreadHead, row_of
from ops.canonical import canonical_json
from ops.journal.journal import ChainVerdict
from ops.language.text import N_, _, fill
from ops.outcomes import Explainer, Explanation

KeyState = Literal["", "gone", "unknown", "unreadable"]


@dataclass(frozen=True, slots=True)
class JournalFinding:
    """One thing that is not as it should be, or (a note) that has a known cause.

    Attributes:
        code: One of `SENTENCES`.
        params: JSON values for the sentence.
        is_note: Whether it is only to be known.
    """

    code: str
    params: Mapping[str, Any]
    is_note: bool = False

    @property
    def identity(self) -> str:
        """What it is, to be found again in another look."""
        return canonical_json({"code": self.code, "params": self.params})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything a verdict is made from.

    Attributes:
        chain: What recomputing the chain found.
        hashes: The journal's hash at each number that a head names; without those not there.
        stores: What each store that was reached has kept.
        keys: Public keys that this journal was signed with.
        key_state: What is wrong with the machine's own key: it is not there though the journal was
            signed, it is not the one that signed last, or it cannot be used; empty: nothing.
        key_reason: Why it cannot be used; a message.
        lost: Heads (number, hash) beyond a backup from which the service was recovered.
        claimed: Heads of which a row says so that nobody has signed.
        promised: Names of heads that the journal says were put into a store.
        records: What other tables say and the journal does not.
        accepted: Identities of the findings that two people have accepted.
        accepted_heads: Heads (number, hash) that two people have accepted to be without a row.
    """

    chain: ChainVerdict
    hashes: Mapping[int, str]
    stores: Mapping[str, StoreHeads]
    keys: Collection[str] = ()
    key_state: KeyState = ""
    key_reason: str = ""
    lost: Collection[tuple[int, str]] = ()
    claimed: Collection[tuple[int, str]] = ()
    promised: Mapping[str, Collection[str]] = field(default_factory=dict)
    records: Sequence[JournalFinding] = ()
    accepted: Collection[str] = ()
    accepted_heads: Collection[tuple[int, str]] = ()


SENTENCES: Mapping[str, str] = {
    "changed": N_("row {row} of the journal was changed"),
    "gap": N_("a row is missing before row {row} of the journal, or one was put in"),
    "gone": N_("the journal's table is not there any more, or lacks a column"),
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
    "lost_unproven": N_(
        "the journal says that row {row} was lost in a recovery, and no known key has signed that"
    ),
    "lost_accepted": N_("two people have accepted that the head of row {row} in {store} is alone"),
    "key_gone": N_("the signing key is not there any more, and this journal was signed with one"),
    "key_unknown": N_("the signing key is not the one that this journal was signed with last"),
    "key_unreadable": N_("the signing key cannot be used: {reason}"),
    "role_unproven": N_('the role "{role}" of {person} stands in no row of the journal'),
    "role_gone": N_('the journal gave {person} the role "{role}", and its record is gone'),
    "account_unproven": N_("the credentials of {person} stand in no row of the journal"),
    "account_gone": N_("the journal gave {person} credentials, and their record is gone"),
    "account_differs": N_("whether the credentials of {person} hold is not what the journal says"),
    "credential_differs": N_(
        "what {person} proves with is not what the journal tells of; it counts for nothing"
    ),
    "request_unproven": N_("request {request} stands in no row of the journal"),
    "request_gone": N_("request {request} is in the journal, and its record is gone"),
    "request_differs": N_("request {request} is not what the journal says of it"),
    "hold_unproven": N_("hold {hold} on {site} stands in no row of the journal"),
    "hold_gone": N_("hold {hold} on {site} is in the journal, and its record is gone"),
    "hold_differs": N_("hold {hold} on {site} is not what the journal says of it"),
}

UNACCEPTABLE = frozenset({"changed", "gap", "gone", "key_unreadable"})
"""Nobody can accept these: after a broken row nothing is proven, and a file can be put right."""


def tell(finding: JournalFinding) -> str:
    """Give the finding as a sentence in the reader's language."""
    return fill(SENTENCES[finding.code], finding.params)


def judge(evidence: Evidence) -> list[JournalFinding]:
    """Give everything that is not as it should be, the chain's own faults first."""
    found = [*_judge_chain(evidence.chain), *_judge_key(evidence), *evidence.records]
    for store, kept in evidence.stores.items():
        found += [
            JournalFinding("unreadable_head", {"name": name, "store": store})
            for name in kept.unreadable
        ]
        found += _judge_heads(store, kept, evidence)
        # By number: a head whose hash was changed is told as changed, and is not missing as well.
        there = {row_of(name) for name in kept.names}
        promised = sorted(evidence.promised.get(store, ()))
        missing = [name for name in promised if row_of(name) not in there]
        found += [
            JournalFinding("head_missing", {"name": name, "store": store}) for name in missing
        ]
    return [_with_acceptance(finding, evidence.accepted) for finding in found]


def find_disagreeing(evidence: Evidence) -> list[tuple[int, str]]:
    """Give every head (number, hash) that was read and that no row of the journal answers to."""
    heads = {
        (head.sequence, head.hash): None
        for kept in evidence.stores.values()
        for head in kept.heads
        if head.is_sound and evidence.hashes.get(head.sequence) != head.hash
    }
    return sorted(heads)


def find_signed(evidence: Evidence) -> int:
    """Give the newest row that a head in a store vouches for; 0 for none. Later ones none does."""
    heads: list[SignedHead | UnreadHead] = []
    for kept in evidence.stores.values():
        heads += [*kept.heads, *kept.unread]
    return max(
        (it.sequence for it in heads if it.is_of(evidence.hashes.get(it.sequence, ""))), default=0
    )


def _with_acceptance(finding: JournalFinding, accepted: Collection[str]) -> JournalFinding:
    if finding.code in UNACCEPTABLE or finding.identity not in accepted:
        return finding
    return replace(finding, is_note=True)


def _judge_chain(chain: ChainVerdict) -> Iterator[JournalFinding]:
    if chain.broken_at is not None:
        yield JournalFinding(chain.reason, {"row": chain.broken_at})


def _judge_key(evidence: Evidence) -> Iterator[JournalFinding]:
    if evidence.key_state:
        reason = {"what": evidence.key_reason, "params": {}}
        params = {"reason": reason} if evidence.key_reason else {}
        yield JournalFinding(f"key_{evidence.key_state}", params)


def _judge_heads(store: str, kept: StoreHeads, evidence: Evidence) -> Iterator[JournalFinding]:
    """Judge one store's heads; of those that disagree only the first is told.

    Of a head that was not read only its name is known; the name holds the start of the hash.
    """
    last_good = 0
    heads: list[SignedHead | UnreadHead] = [*kept.heads, *kept.unread]
    for head in sorted(heads, key=lambda it: it.sequence):
        params = {"row": head.sequence, "store": store}
        if isinstance(head, SignedHead):
            if not head.is_sound:
                yield JournalFinding("bad_signature", params)
                continue
            if head.key not in evidence.keys:
                yield JournalFinding("other_key", params | {"hash": head.hash})
                continue
        if head.is_of(evidence.hashes.get(head.sequence, "")):
            last_good = head.sequence
        elif known := _explain(head, evidence):
            yield JournalFinding(known, params, is_note=known != "lost_unproven")
        elif evidence.chain.broken_at is None or head.sequence < evidence.chain.broken_at:
            rows = evidence.chain.head.sequence
            code = "rewritten" if head.sequence in evidence.hashes else "cut"
            yield JournalFinding(code, {**params, "after": last_good, "rows": rows})
            return


def _explain(head: SignedHead | UnreadHead, evidence: Evidence) -> str:
    """Say why the journal has no such row, where it says so itself; empty where it does not."""
    for code, heads in (
        ("lost_in_recovery", evidence.lost),
        ("lost_accepted", evidence.accepted_heads),
        ("lost_unproven", evidence.claimed),
    ):
        if _is_among(head, heads):
            return code
    return ""


def _is_among(head: SignedHead | UnreadHead, heads: Iterable[tuple[int, str]]) -> bool:
    return any(number == head.sequence and head.is_of(text) for number, text in heads)


def _explain_broken_journal(params: Mapping[str, Any]) -> Explanation:
    first = [tell(JournalFinding(it["code"], it["params"])) for it in params.get("first", [])[:2]]
    return Explanation(
        _("the journal does not hold: {count} faults").format(count=params["count"]),
        "; ".join(first),
        _("backups are untouched; the journal is not signed until somebody has looked"),
        fill(N_("`{program} service.journal-verify`"), params),
    )


EXPLANATIONS: Mapping[str, Explanation | Explainer] = {
    "journal_broken": _explain_broken_journal,
    "journal_unsigned": Explanation(
        N_("the journal's head is not signed"),
        N_("the estate names no key in `[keys] signing`"),
        N_("the journal itself is untouched"),
        N_("add `signing = 'file:keys/journal-signing.key'` to `[keys]`; it is made on first use"),
    ),
}
"""By reason code; parts with placeholders, or what makes them."""


def tell_findings(findings: Sequence[Mapping[str, Any]]) -> str:
    """Tell what is accepted by a request, from its stored form."""
    return "; ".join(tell(JournalFinding(it["code"], it["params"])) for it in findings)


PLAN_WORDS = {"findings": tell_findings}
"""Values of a plan that only this room can tell (`ops.access.approvals.notify`)."""
