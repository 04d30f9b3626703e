"""A proof is worth something once, on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from ops.access.credentials import (
    PausedError,
    Proof,
    ProofError,
    count_codes_left,
    disable_credentials,
    has_good_credentials,
    people_with_credentials,
    prove,
    renew_factor,
)
from ops.access.factors import derive_key
from ops.catalog.columns import Base
from ops.catalog.open import Catalog
from ops.catalog.tables.core import JournalRow
from ops.errors import OpsError
from ops.journal import journal
from tests.people import (
    KEY,
    credential_of,
    enrol,
    note_credentials,
    origin_of,
    password_of,
    proof_of,
)

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=30)


def is_proved(catalog: Catalog, person: str, proof: Proof, at: datetime) -> bool:
    try:
        prove(catalog, KEY, person, proof, origin=origin_of(person), now=at)
    except ProofError:
        return False
    return True


def actions(catalog: Catalog) -> Sequence[str]:
    with catalog.reading() as session:
        query = select(JournalRow.action).order_by(JournalRow.sequence)
        return list(session.execute(query).scalars())


def test_a_code_never_works_twice(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", now=NOW)
    first, later = proof_of("nva", issued, NOW), proof_of("nva", issued, NOW + STEP)

    assert is_proved(catalog, "nva", first, NOW)
    assert not is_proved(catalog, "nva", first, NOW)
    assert is_proved(catalog, "nva", later, NOW + STEP)
    assert not is_proved(catalog, "nva", first, NOW + STEP)


def test_one_code_in_many_hands_at_once_works_for_one(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", now=NOW)
    proof = proof_of("nva", issued, NOW)

    def look(_number: int) -> bool:
        try:
            return is_proved(catalog, "nva", proof, NOW)
        except PausedError:
            return False

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(look, range(4)))

    assert answers.count(True) == 1


def test_a_recovery_code_works_once_however_it_is_typed(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", now=NOW)
    first, second = issued.codes[:2]
    typed = first.replace("-", " ").lower()

    assert is_proved(catalog, "nva", Proof(password_of("nva"), typed), NOW)
    assert not is_proved(catalog, "nva", Proof(password_of("nva"), first), NOW)
    assert is_proved(catalog, "nva", Proof(password_of("nva"), second), NOW)
    with catalog.reading() as session:
        assert count_codes_left(session, "nva") == 8
    tried = ["user.recovery-code", "user.proof-failed", "user.recovery-code"]
    assert actions(catalog) == ["user.add", *tried]


def test_a_wrong_password_uses_no_code_up(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", now=NOW)
    code = issued.codes[0]

    assert not is_proved(catalog, "nva", Proof("sai mật khẩu rồi", code), NOW)
    assert is_proved(catalog, "nva", Proof(password_of("nva"), code), NOW)


def test_codes_are_bound_to_their_person(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", now=NOW)
    enrol(catalog, "ttb", now=NOW)

    assert not is_proved(catalog, "ttb", Proof(password_of("ttb"), issued.codes[0]), NOW)


def test_after_three_failures_there_is_a_pause_that_grows(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", now=NOW)
    wrong, moment, pauses = Proof("sai mật khẩu rồi", "000000"), NOW, []
    for _attempt in range(5):
        assert not is_proved(catalog, "nva", wrong, moment)
        until = credential_of(catalog, "nva").paused_until
        pauses.append((until - moment).total_seconds() if until else 0)
        with_right = proof_of("nva", issued, moment)
        if until:
            with pytest.raises(PausedError):
                is_proved(catalog, "nva", with_right, moment)
            moment = until

    assert pauses == [0, 0, 30, 60, 120]
    assert is_proved(catalog, "nva", proof_of("nva", issued, moment), moment)
    assert credential_of(catalog, "nva").failures == 0
    assert actions(catalog).count("user.proof-failed") == 5


def test_nobody_proves_as_somebody_without_credentials(catalog: Catalog) -> None:
    assert not is_proved(catalog, "nva", Proof(password_of("nva"), "000000"), NOW)


def test_disabled_credentials_prove_nothing_and_still_count(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", now=NOW)
    with catalog.writing() as session:
        assert disable_credentials(session, "nva", now=NOW)
        assert not disable_credentials(session, "nva", now=NOW)

    assert not is_proved(catalog, "nva", proof_of("nva", issued, NOW), NOW)
    with catalog.reading() as session:
        assert people_with_credentials(session) == {"nva"}
        assert not has_good_credentials(session, "nva")


def test_a_renewed_factor_makes_the_old_one_worthless(catalog: Catalog) -> None:
    old = enrol(catalog, "nva", now=NOW)
    with catalog.writing() as session:
        disable_credentials(session, "nva", now=NOW)
        new = renew_factor(session, KEY, "nva", now=NOW)
        note_credentials(session, "nva")

    assert not is_proved(catalog, "nva", proof_of("nva", old, NOW), NOW)
    assert not is_proved(catalog, "nva", Proof(password_of("nva"), old.codes[0]), NOW)
    assert is_proved(catalog, "nva", proof_of("nva", new, NOW), NOW)


def test_a_sealed_secret_opens_for_its_person_under_its_key_only(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", now=NOW)
    mine = enrol(catalog, "ttb", now=NOW)
    sealed = credential_of(catalog, "ttb").totp_sealed
    with catalog.writing() as session:
        session.execute(
            text("UPDATE credentials SET totp_sealed = :sealed WHERE person = 'nva'"),
            {"sealed": sealed},
        )
        note_credentials(session, "nva")

    with pytest.raises(OpsError, match="cannot be read"):
        is_proved(catalog, "nva", Proof(password_of("nva"), proof_of("ttb", mine, NOW).code), NOW)
    other = derive_key("another key")
    with pytest.raises(OpsError, match="cannot be read"):
        prove(catalog, other, "ttb", proof_of("ttb", mine, NOW), origin=origin_of("ttb"), now=NOW)
    assert issued.secret not in sealed


def test_no_secret_stands_in_the_catalog_or_in_an_error(catalog: Catalog) -> None:
    issued = enrol(catalog, "nva", "approver", now=NOW)
    proof = proof_of("nva", issued, NOW)
    assert is_proved(catalog, "nva", proof, NOW)
    assert is_proved(catalog, "nva", Proof(password_of("nva"), issued.codes[0]), NOW)
    with pytest.raises(ProofError) as caught:
        prove(catalog, KEY, "nva", proof, origin=origin_of("nva"), now=NOW)

    with catalog.reading() as session:
        rows = [
            row for table in Base.metadata.tables.values() for row in session.execute(select(table))
        ]
    told = f"{rows} {caught.value} {caught.value.params} {proof!r} {issued!r} {KEY!r}"
    bare = [code.replace("-", "") for code in issued.codes]
    for secret in (password_of("nva"), proof.code, issued.secret, *issued.codes, *bare):
        assert secret not in told
    assert "nva" in told
    assert journal.verify(catalog).broken_at is None
