"""Who can write to the catalog, and not to the journal, cannot prove as somebody else."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import select, text

from ops.access.approvals.decide import Ruling, decide_request
from ops.access.approvals.requests import Wish
from ops.access.approvals.require import ApprovalAwaitedError, require_approval
from ops.access.credentials import (
    CredentialsChangedError,
    Proof,
    disable_credentials,
    issue_credentials,
    prove,
)
from ops.access.factors import digest_code, hash_password, seal_secret
from ops.catalog.open import Catalog, open_catalog
from ops.catalog.tables.access import ApprovalRequest
from ops.catalog.tables.core import JournalRow
from ops.journal import journal
from ops.journal.journal import Entry
from ops.journal.record_proofs import find_unproven
from tests.people import KEY, enrol, note_credentials, origin_of, password_of, proof_of

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
WISH = Wish(action="restore-in-place", subject="cong-xa", plan={"parts": ["www"]}, reason="hỏng")
MINE, SECRET, CODE = "lời của kẻ lạ mặt", pyotp.random_base32(32), "ABCD-EFGH-IJKL-MNOP"
SWAP_HASH = (
    "UPDATE credentials SET password_hash = :hash, totp_sealed = :sealed WHERE person = 'ttb'"
)
SWAP_CODE = "INSERT INTO recovery_codes VALUES ('ttb', :digest, :at, NULL)"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(place: Path) -> Iterator[Catalog]:
    opened = open_catalog(f"sqlite:///{place}")
    enrol(opened, "nva", "backup_admin", now=NOW)
    enrol(opened, "ttb", "approver", now=NOW)
    yield opened
    opened.close()


def edit(catalog: Catalog, statement: str) -> None:
    """Do what the service's user can do to an approver's row, the credentials key in hand."""
    values = {
        "hash": hash_password(MINE),
        "sealed": seal_secret(KEY, "ttb", SECRET),
        "digest": digest_code(KEY, "ttb", CODE),
        "at": NOW.strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    with catalog.writing() as session:
        session.execute(text(statement), values)


def ask(catalog: Catalog) -> str:
    with pytest.raises(ApprovalAwaitedError) as caught:
        require_approval(catalog, origin_of("nva"), WISH, now=NOW)
    return str(caught.value.params["request"])


def approve(catalog: Catalog, request: str, proof: Proof, at: datetime = LATER) -> None:
    decide_request(
        catalog,
        origin_of("ttb"),
        Ruling(request, "approved"),
        now=at,
        prove=lambda: prove(catalog, KEY, "ttb", proof, origin=origin_of("ttb"), now=at),
    )


def found(catalog: Catalog) -> list[str]:
    with catalog.reading() as session:
        return [code for code, _params in find_unproven(session)]


def told(catalog: Catalog) -> list[tuple[str, str]]:
    query = select(JournalRow.action, JournalRow.via).order_by(JournalRow.sequence)
    with catalog.reading() as session:
        return [(action, via) for action, via in session.execute(query)]


NEWER = (
    "archive_places", "condition_states", "looks", "silences", "security_findings",
    "security_looks", "security_baselines", "register_links", "register_notes", "register_entries",
    "assets", "plan_notes", "plan_items", "plans", "documents", "unit_sections",
)  # fmt: skip
"""Tables of the migrations after 0013."""


def make_older(place: Path) -> None:
    """Make it a catalog from before the journal told of digests: two persons enrolled, no more."""
    place.unlink()
    old = open_catalog(f"sqlite:///{place}")
    with old.writing() as session:
        for person in ("nva", "ttb"):
            issue_credentials(session, KEY, person, password_of(person), now=NOW)
            journal.append(session, origin_of("test"), [Entry("user.add", person)])
        for name in NEWER:
            session.execute(text(f"DROP TABLE {name}"))
        session.execute(text("DROP INDEX runs_ended"))
        session.execute(text("UPDATE alembic_version SET version_num = '0013'"))
    old.close()


@pytest.mark.parametrize(
    ("statement", "make_proof"),
    [
        (SWAP_HASH, lambda: Proof(MINE, pyotp.TOTP(SECRET).at(LATER))),
        (SWAP_CODE, lambda: Proof(password_of("ttb"), CODE)),
    ],
    ids=["another hash", "a recovery code put in"],
)
def test_an_approvers_row_that_was_changed_approves_nothing_and_is_found(
    catalog: Catalog, statement: str, make_proof: Callable[[], Proof]
) -> None:
    request = ask(catalog)
    edit(catalog, statement)
    with pytest.raises(CredentialsChangedError):
        approve(catalog, request, make_proof())

    with catalog.reading() as session:
        assert {it.state for it in session.execute(select(ApprovalRequest)).scalars()} == {
            "waiting"
        }
    assert found(catalog) == ["credential_differs"]


def test_a_recovery_code_that_was_used_is_not_made_good_again_by_an_edit(catalog: Catalog) -> None:
    issued = enrol(catalog, "ptd", now=NOW)
    proof = Proof(password_of("ptd"), issued.codes[0])
    prove(catalog, KEY, "ptd", proof, origin=origin_of("ptd"), now=LATER)
    used_properly = found(catalog)
    edit(catalog, "UPDATE recovery_codes SET used_at = NULL WHERE person = 'ptd'")
    with pytest.raises(CredentialsChangedError):
        prove(catalog, KEY, "ptd", proof, origin=origin_of("ptd"), now=LATER)

    assert (used_properly, found(catalog)) == ([], ["credential_differs"])


def test_credentials_that_were_taken_away_do_not_come_back_by_an_edit(catalog: Catalog) -> None:
    issued = enrol(catalog, "ptd", now=NOW)
    with catalog.writing() as session:
        disable_credentials(session, "ptd", now=NOW)
        journal.append(session, origin_of("test"), [Entry("user.disable", "ptd")])
    edit(catalog, "UPDATE credentials SET disabled_at = NULL")
    with pytest.raises(CredentialsChangedError):
        prove(
            catalog, KEY, "ptd", proof_of("ptd", issued, LATER), origin=origin_of("ptd"), now=LATER
        )


def test_an_approval_by_a_stolen_account_stays_worthless_whatever_its_date_says(
    catalog: Catalog, place: Path
) -> None:
    stolen = enrol(catalog, "ttb", now=NOW)
    approve(catalog, ask(catalog), proof_of("ttb", stolen, LATER))
    with catalog.writing() as session:
        issue_credentials(session, KEY, "ttb", password_of("ttb"), now=LATER)
        note_credentials(session, "ttb")
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("UPDATE approval_requests SET decided_at = '2026-11-25 12:00:00.000000'")
    with pytest.raises(ApprovalAwaitedError):
        require_approval(catalog, origin_of("nva"), WISH, now=LATER)


def test_an_upgrade_tells_once_of_the_credentials_it_finds(catalog: Catalog, place: Path) -> None:
    url = f"sqlite:///{place}"
    catalog.close()
    make_older(place)
    upgraded = open_catalog(url)
    first, rows = found(upgraded), told(upgraded)
    edit(upgraded, SWAP_HASH)
    with closing(sqlite3.connect(place)) as database, database:
        for name in NEWER:
            database.execute(f"DROP TABLE {name}")
        database.execute("DROP INDEX runs_ended")
        database.execute("UPDATE alembic_version SET version_num = '0013'")
    upgraded.close()
    again = open_catalog(url)

    assert first == []
    assert [it for it in rows if it[1] == "upgrade"] == [("user.credential-found", "upgrade")] * 2
    assert (told(again), found(again)) == (rows, ["credential_differs"])
    assert journal.verify(again).broken_at is None
    again.close()
