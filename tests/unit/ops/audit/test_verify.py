"""The verdict over the journal, from rows and heads alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backup.stores.memory import MemoryStore
from ops.audit.heads import (
    SignedHead,
    StoreHeads,
    UnreadHead,
    public_text,
    put_head,
    read_heads,
    sign_head,
)
from ops.audit.verify import SENTENCES, Evidence, JournalFinding, judge, tell
from ops.journal.journal import ChainVerdict, Head

KEY = Ed25519PrivateKey.generate()
NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
HASHES = {number: f"{number:064x}" for number in range(1, 11)}


def signed(number: int, text: str | None = None, key: Ed25519PrivateKey = KEY) -> SignedHead:
    return sign_head(key, Head(number, text or HASHES[number]), NOW)


def judged(*heads: SignedHead, rows: int = 10, **changes: object) -> list[tuple[str, bool]]:
    known = {number: text for number, text in HASHES.items() if number <= rows}
    evidence = Evidence(
        chain=ChainVerdict(rows, Head(rows, HASHES[rows])),
        hashes=known,
        stores={"near": StoreHeads(heads, names=[head.name for head in heads])},
        keys={public_text(KEY)},
    )
    found = judge(replace(evidence, **changes))  # type: ignore[arg-type]  # a test's own words
    return [(it.code, it.is_note) for it in found]


def test_heads_that_agree_say_nothing() -> None:
    assert judged(signed(3), signed(10)) == []


def test_a_cut_tail_is_named_once() -> None:
    assert judged(signed(3), signed(8), signed(10), rows=5) == [("cut", False)]


def test_a_chain_written_anew_is_named_with_the_last_head_that_agrees() -> None:
    heads = [signed(3), signed(6, "f" * 64), signed(9, "e" * 64)]
    evidence = Evidence(
        chain=ChainVerdict(10, Head(10, HASHES[10])),
        hashes=HASHES,
        stores={"near": StoreHeads(heads)},
        keys={public_text(KEY)},
    )

    assert judge(evidence) == [
        JournalFinding("rewritten", {"row": 6, "store": "near", "after": 3, "rows": 10})
    ]


def test_a_changed_head_and_a_foreign_key_are_named() -> None:
    changed = replace(signed(3), hash="0" * 64)
    foreign = signed(4, key=Ed25519PrivateKey.generate())

    assert judged(changed, foreign) == [("bad_signature", False), ("other_key", False)]


def test_what_a_recovery_lost_is_a_note() -> None:
    lost = signed(9, "f" * 64)

    assert judged(lost, lost={(9, "f" * 64)}) == [("lost_in_recovery", True)]
    assert judged(lost) == [("rewritten", False)]


def test_a_head_that_was_taken_out_of_a_store_is_missed() -> None:
    promised = {"near": {signed(3).name, signed(5).name}, "far": {signed(3).name}}

    assert judged(signed(3), promised=promised) == [("head_missing", False)]


def test_a_broken_chain_is_not_told_again_by_later_heads() -> None:
    broken = ChainVerdict(4, Head(4, HASHES[4]), 5, "changed")

    assert judged(signed(3), signed(8, "f" * 64), chain=broken) == [("changed", False)]


@pytest.mark.parametrize("code", SENTENCES)
def test_every_finding_has_a_sentence(code: str) -> None:
    names = ("store", "name", "reason", "person", "role", "request", "hold", "site")
    params = {"row": 5, "rows": 4, "after": 3, **dict.fromkeys(names, "near")}

    assert "{" not in tell(JournalFinding(code, params))


def test_of_many_heads_the_newest_the_oldest_and_some_by_lot_are_read() -> None:
    store = MemoryStore()
    for number in range(1, 201):
        put_head(store, signed(number, f"{number:064x}"))
    kept, again = read_heads(store, 100), read_heads(store, 100)
    numbers = [head.sequence for head in kept.heads]

    assert (numbers[0], numbers[-100:]) == (1, list(range(101, 201)))
    assert 120 <= len(numbers) <= 121
    assert sorted([*numbers, *(it.sequence for it in kept.unread)]) == list(range(1, 201))
    assert kept.unread != again.unread


def test_a_head_that_was_not_read_is_held_against_the_journal_by_its_name() -> None:
    unread = [UnreadHead(5, "f" * 16), UnreadHead(6, HASHES[6][:16])]
    kept = {"near": StoreHeads([signed(10)], unread)}

    assert judged(stores=kept) == [("rewritten", False)]
    assert judged(stores=kept, lost={(5, "f" * 64)}) == [("lost_in_recovery", True)]


def test_what_nobody_signed_explains_nothing() -> None:
    lost = signed(9, "f" * 64)

    assert judged(lost, claimed={(9, "f" * 64)}) == [("lost_unproven", False)]
    assert judged(lost, accepted_heads={(9, "f" * 64)}) == [("lost_accepted", True)]


def test_what_two_people_accepted_is_a_note_unless_the_chain_itself_is_broken() -> None:
    foreign = signed(4, key=Ed25519PrivateKey.generate())
    told = JournalFinding("other_key", {"row": 4, "store": "near", "hash": foreign.hash})
    chain = ChainVerdict(4, Head(4, HASHES[4]), 5, "changed")
    broken = JournalFinding("changed", {"row": 5})

    assert judged(foreign, accepted={told.identity}) == [("other_key", True)]
    assert judged(chain=chain, accepted={broken.identity}) == [("changed", False)]


@pytest.mark.parametrize("state", ["gone", "unknown", "unreadable"])
def test_a_signing_key_that_is_not_the_one_is_a_fault(state: str) -> None:
    assert judged(signed(3), key_state=state) == [(f"key_{state}", False)]


def test_a_store_keeps_heads_once_and_gives_them_back_in_order() -> None:
    store = MemoryStore()
    for head in (signed(10), signed(2), signed(2)):
        put_head(store, head)
    store.write("journal-heads/000000000003-x.json", b"{}")
    kept = read_heads(store)

    assert [head.sequence for head in kept.heads] == [2, 10]
    assert all(head.is_sound for head in kept.heads)
    assert kept.unreadable == ["journal-heads/000000000003-x.json"]
