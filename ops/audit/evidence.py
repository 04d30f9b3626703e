"""Read from catalog and machine what the journal is judged by: hashes, keys, promises, reasons."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ops.audit.heads import SigningKeyError, StoreHeads, attester_of, find_signing_key, public_text
from ops.audit.verify import Evidence, JournalFinding, KeyState
from ops.catalog.tables.core import JournalRow
from ops.errors import SecretError
from ops.estate.model.estate import Estate
from ops.journal import journal
from ops.journal.journal import Head
from ops.journal.record_proofs import Act, find_unproven, read_acts
from ops.journal.standing import RECOVERED
from ops.language.text import N_

KEY_MADE = "journal.key_made"
SIGNED = "journal.signed"
ACCEPTED = "journal.accepted"

_AT_ONCE = 10_000
"""Rows asked for in one query: fewer than the parameters that SQLite and PostgreSQL take."""

_BEYOND = 2**63
"""No row has this number or a higher one: a head in a store says whatever somebody wrote there."""


def gather_evidence(
    session: Session, estate: Estate, chain: journal.ChainVerdict, kept: Mapping[str, StoreHeads]
) -> Evidence:
    """Read everything that the catalog and the machine's key have to say.

    Args:
        session: Any.
        estate: Names the signing key.
        chain: What recomputing the chain found.
        kept: What the stores have kept.
    """
    state, reason, own = look_at_key(estate)
    if chain.reason == "gone":
        keys = [own] if own else []
        return Evidence(
            chain=chain, hashes={}, stores=kept, keys=keys, key_state=state, key_reason=reason
        )
    acts = list(read_acts(session, KEY_MADE, SIGNED, RECOVERED, ACCEPTED))
    befores = _hashes(session, {act.sequence - 1 for act in acts}, chain)
    keys = list(_keys(acts, befores))
    proven = [it for it in acts if _attester(it, befores) in keys]
    return Evidence(
        chain=chain,
        hashes=_hashes(session, _numbers(kept), chain),
        stores=kept,
        keys=keys or ([own] if own else []),
        key_state=state or _judge_key(estate, keys, own),
        key_reason=reason,
        lost=_heads_in(proven, RECOVERED),
        claimed=_heads_in(acts, RECOVERED),
        promised=_promised(acts),
        records=[JournalFinding(code, params) for code, params in find_unproven(session)],
        accepted={
            JournalFinding(str(it["code"]), it["params"]).identity
            for act in proven
            if act.action == ACCEPTED
            for it in act.details["findings"]
        },
        accepted_heads=_heads_in(proven, ACCEPTED),
    )


def look_at_key(estate: Estate) -> tuple[KeyState, str, str]:
    """Look at the machine's signing key: what is wrong with it, why, and its public half."""
    try:
        key = find_signing_key(estate)
    except SecretError:
        return "unreadable", N_("this user cannot read it, or it is not where it should be"), ""
    except SigningKeyError as error:
        return "unreadable", error.why, ""
    return "", "", public_text(key) if key else ""


def read_keys(session: Session) -> list[str]:
    """Give the public keys that this journal was signed with, the one that signs now last."""
    acts = list(read_acts(session, KEY_MADE, ACCEPTED))
    numbers = {act.sequence - 1 for act in acts}
    return list(_keys(acts, _hashes(session, numbers, journal.ChainVerdict(0, Head(0, "")))))


def _judge_key(estate: Estate, keys: list[str], own: str) -> KeyState:
    if not keys or estate.keys.signing is None or own == keys[-1]:
        return ""
    return "unknown" if own else "gone"


def _keys(acts: Iterable[Act], befores: Mapping[int, str]) -> Iterator[str]:
    """Give the keys in their order: the first one made, then those that sign for themselves."""
    is_first = True
    for act in acts:
        key = str(act.details.get("key", ""))
        if act.action not in {KEY_MADE, ACCEPTED} or not key:
            continue
        if (is_first and act.action == KEY_MADE) or _attester(act, befores) == key:
            is_first = False
            yield key


def _attester(act: Act, befores: Mapping[int, str]) -> str:
    before = befores.get(act.sequence - 1, journal.FIRST_PREVIOUS)
    return attester_of(act.details, Head(act.sequence - 1, before))


def _heads_in(acts: Iterable[Act], action: str) -> set[tuple[int, str]]:
    """Give the heads that these acts say are without a row."""
    found: set[tuple[int, str]] = set()
    for act in acts:
        lost = act.details.get("lost")
        if act.action == action and isinstance(lost, list):
            found |= {(it["sequence"], str(it["hash"])) for it in lost if _is_head(it)}
    return found


def _is_head(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("sequence"), int) and "hash" in value


def _promised(acts: Iterable[Act]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for act in acts:
        stores = act.details.get("stores")
        if act.action == SIGNED and isinstance(stores, list):
            for store in stores:
                found.setdefault(str(store), set()).add(str(act.details.get("name", "")))
    return found


def _numbers(kept: Mapping[str, StoreHeads]) -> set[int]:
    read = {head.sequence for it in kept.values() for head in it.heads}
    return read | {head.sequence for it in kept.values() for head in it.unread}


def _hashes(session: Session, numbers: set[int], chain: journal.ChainVerdict) -> dict[int, str]:
    """Give the hashes of these rows, as far as the chain holds."""
    query = select(JournalRow.sequence, JournalRow.hash)
    if chain.broken_at is not None:
        query = query.where(JournalRow.sequence < chain.broken_at)
    found: dict[int, str] = {}
    wanted = sorted(it for it in numbers if 0 < it < _BEYOND)
    for start in range(0, len(wanted), _AT_ONCE):
        some = query.where(JournalRow.sequence.in_(wanted[start : start + _AT_ONCE]))
        found.update((number, text) for number, text in session.execute(some))
    return found
