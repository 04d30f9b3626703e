"""One's own account: secrets renewed by who proves with the old ones, shown once, kept nowhere."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from ops.access.caller import Caller
from ops.access.credentials import Proof as Given
from ops.access.credentials import ProofError, prove
from ops.catalog.tables.core import JournalRow
from ops.console.office.server import NothingHereError
from ops.console.office.sessions import LoggedOutError
from ops.console.web.guard import COOKIE
from ops.errors import WrongUseError
from tests.console_office import InProcess, served
from tests.people import KEY, origin_of

pytestmark = pytest.mark.slow

NEW = "bảy con thuyền ngược dòng sông"
SHORT = {"new_password_again": "ngắn"}


def renew(office: InProcess, person: str, act: str, **proof: str) -> dict[str, Any]:
    given = {"password": office.estate.password_of(person), "code": office.estate.code_of(person)}
    form, given = {"person": "operator"}, {**given, **proof}
    told: dict[str, Any] = office.ask("act", person, task=act, form=form, proof=given)["page"]
    return told


def offer_to(office: InProcess, person: str) -> tuple[dict[str, str], pyotp.TOTP]:
    offer = office.page("account", person, renew="app")["offer"]
    return offer, pyotp.TOTP(offer["secret"])


def codes_of(office: InProcess, person: str, told: dict[str, Any]) -> tuple[str, ...]:
    """Give the recovery codes that were told; they are those of the estate from now on."""
    codes = tuple(it.strip() for it in told["document"]["told"] if it.startswith("  "))
    office.estate.issued[person] = replace(office.estate.issued[person], codes=codes)
    office.estate.used[person] = -1
    return codes


def is_proof(office: InProcess, person: str, password: str, code: str) -> bool:
    catalog, now = office.counter.keeper.get()[1], datetime.now(UTC)
    try:
        prove(catalog, KEY, person, Given(password, code), origin=origin_of("test"), now=now)
    except ProofError:
        return False
    return True


def everything_kept(office: InProcess) -> str:
    """All that the office still has of acts, and all that the journal says."""
    with office.counter.keeper.get()[1].reading() as session:
        told = "".join(session.execute(select(JournalRow.details)).scalars())
    runs = [it.describe() for it in office.counter.acts._runs.values()]
    files = [it.name for it in office.counter.acts.place.rglob("*")]
    return told + json.dumps([runs, files], ensure_ascii=False)


def test_an_app_is_taken_up_by_who_proves_with_the_old_one(office: InProcess) -> None:
    with office.counter.keeper.get()[1].reading() as session:
        elsewhere = office.counter.sessions.begin(session, Caller("chau", "chau", "10.0.0.8"))
    offer, app = offer_to(office, "chau")
    assert offer["square"].startswith("data:image/svg+xml")
    taken = {"offer": offer["offer"], "new_code": app.now()}
    told = renew(office, "chau", "user.reset-totp", **taken,
                 new_password=NEW, new_password_again=NEW)  # fmt: skip
    assert (told["code"], told["is_kept"]) == (0, False), told
    old, codes = office.estate.code_of("chau"), codes_of(office, "chau", told)
    assert len(codes) == 10
    assert offer["secret"] not in json.dumps(told)
    kept = everything_kept(office)
    assert not any(it in kept for it in (*codes, offer["secret"], NEW))
    with pytest.raises(NothingHereError):
        office.ask("act-state", "chau", id=told["id"])
    assert office.page("account", "chau")["codes_left"] == 10  # this session goes on
    with pytest.raises(LoggedOutError):
        office.ask("page", token=elsewhere, page="account", arguments={})
    later = app.at(datetime.now(UTC) + timedelta(seconds=30))
    assert not is_proof(office, "chau", office.estate.password_of("chau"), later)
    assert is_proof(office, "chau", NEW, later)
    assert is_proof(office, "chau", NEW, codes[0])
    assert not is_proof(office, "chau", NEW, old)


def test_the_app_stays_where_codes_alone_are_renewed(office: InProcess) -> None:
    password = office.estate.password_of("bach")
    with served(office) as anybody:
        browser = anybody.as_somebody(office, "bach")
        assert "data:image" not in browser.get("/account?renew=codes").text
        form = {"csrf": browser.csrf, "back": "/account", "proof_password": password,
                "proof_code": office.estate.code_of("bach")}  # fmt: skip
        shown = browser.post("/act/user.reset-totp.keep", form)
        assert (shown.status, shown.headers["cache-control"]) == (200, "no-store")
        codes = re.findall(r"  ((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})\b", shown.text)
        assert len(codes) == 10
        again = browser.post("/act/user.reset-totp.keep", {**form, "csrf": browser.csrf})
        assert not any(it in again.text for it in codes)
    codes_of(office, "bach", {"document": {"told": [f"  {it}" for it in codes]}})
    assert is_proof(office, "bach", password, office.estate.totp_of("bach"))
    assert is_proof(office, "bach", password, office.estate.code_of("bach"))


def test_what_is_not_proved_changes_nothing(office: InProcess) -> None:
    before = office.estate.issued["bach"]
    offer, app = offer_to(office, "bach")
    others, other_app = offer_to(office, "operator")
    wrong = app.at(datetime.now(UTC) - timedelta(hours=1))
    for taken in (
        {"offer": offer["offer"], "new_code": wrong},
        {"offer": others["offer"], "new_code": other_app.now()},
        {"offer": offer["offer"], "new_code": app.now(), "password": "không phải"},
        {"offer": offer["offer"], "new_code": app.now(), "new_password": "ngắn"} | SHORT,
    ):
        told = renew(office, "bach", "user.reset-totp", **taken)
        assert (told["code"], told["is_kept"]) in {(1, True), (2, True)}, told
    with pytest.raises(WrongUseError):
        renew(office, "bach", "user.reset-totp.keep", new_password=NEW, **SHORT)
    assert office.page("account")["sessions"]
    assert office.estate.issued["bach"] == before
    password = office.estate.password_of("bach")
    assert is_proof(office, "bach", password, office.estate.code_of("bach"))


def test_somebody_logs_out_everywhere(office: InProcess) -> None:
    with office.counter.keeper.get()[1].reading() as session:
        caller = Caller("auditor", "auditor", "10.0.0.9")
        tokens = [office.counter.sessions.begin(session, caller) for _each in range(3)]
    mine = office.ask("page", token=tokens[0], page="account", arguments={})["page"]["sessions"]
    assert [it["address"] for it in mine] == ["10.0.0.9"] * 3
    with served(office) as anybody:
        browser = replace(anybody, cookie=f"{COOKIE}={tokens[0]}")
        assert browser.post("/logout", {"csrf": browser.csrf, "everywhere": "1"}).status == 303
    for token in tokens:
        with pytest.raises(LoggedOutError):
            office.ask("session", token=token)
    assert office.page("account", "bach")["sessions"]
