"""Who gets into the console, for how long, and what a wrong try tells."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import func, select

from ops.access import credentials
from ops.access.credentials import disable_credentials, renew_factor
from ops.catalog.tables.access import Credential
from ops.catalog.tables.core import JournalRow
from ops.console.frames import whose_address
from ops.console.office import sessions
from ops.console.office.sessions import IDLE, LONGEST, LoggedOutError, NotLetInError
from ops.console.web import app
from ops.errors import OpsError
from ops.journal import journal
from ops.journal.journal import Entry
from ops.journal.record_proofs import tell_credential
from tests.console_office import PEOPLE, InProcess, build_console_estate, office_in_process, served
from tests.people import KEY, origin_of

pytestmark = pytest.mark.slow

WRONG = "không phải mật khẩu"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    folder = tmp_path_factory.mktemp("console") / "estate"
    estate = build_console_estate(folder, proving=tuple(PEOPLE))
    with office_in_process(estate) as found:
        yield found


@pytest.fixture
def office(whole: InProcess) -> Iterator[InProcess]:
    """The office, with nobody logged in and no try counted."""
    whole.tokens.clear()
    whole.counter.__post_init__()
    yield whole
    whole.counter.sessions.clock = lambda: datetime.now(UTC)


def log_in(office: InProcess, person: str, **values: str) -> str:
    """Log in with password and a fresh recovery code, unless told otherwise; gives the token."""
    given = {"name": person, "password": office.estate.password_of(person), **values}
    if "code" not in given:
        given["code"] = office.estate.code_of(person)
    request = {"address": "192.0.2.1", "token": "", "language": "en", **given}
    return str(office.counter.handlers()["login"](request).value["token"])


def is_in(office: InProcess, token: str, *, by_itself: bool = False) -> bool:
    try:
        office.counter.handlers()["session"]({"token": token, "by_itself": by_itself})
    except LoggedOutError:
        return False
    return True


def count_rows(office: InProcess) -> int:
    with office.counter.keeper.get()[1].reading() as session:
        return session.execute(select(func.count()).select_from(JournalRow)).scalar_one()


def test_a_session_is_a_new_one_whatever_the_browser_brought(office: InProcess) -> None:
    brought = "a-token-of-my-own-choice-that-is-long-enough"
    first = log_in(office, "viewer", token=brought)
    assert not is_in(office, brought)
    second = log_in(office, "viewer", token=first)
    assert first != second != brought
    assert is_in(office, second)
    assert not is_in(office, first)  # the browser has one session
    assert len(second) >= 43  # 256 bits


def test_sessions_end_when_nobody_uses_them_and_after_a_working_day(office: InProcess) -> None:
    begin = datetime.now(UTC)
    held = office.counter.sessions

    def at(moment: timedelta) -> None:
        held.clock = lambda: begin + moment

    at(timedelta(0))
    idle, used = log_in(office, "viewer"), log_in(office, "viewer")
    at(IDLE - timedelta(seconds=1))
    assert is_in(office, used)
    assert is_in(office, idle, by_itself=True)  # a page looks again, nobody reads it
    at(IDLE + timedelta(seconds=1))
    assert is_in(office, used)
    assert not is_in(office, idle)
    moment = IDLE
    while moment < LONGEST:
        at(moment)
        assert is_in(office, used)
        moment += IDLE - timedelta(minutes=1)
    at(LONGEST + timedelta(seconds=1))
    assert not is_in(office, used)
    assert (timedelta(minutes=30), timedelta(hours=12)) == (IDLE, LONGEST)


@pytest.mark.parametrize("how", ["disable", "renew"])
def test_changed_credentials_end_every_session(office: InProcess, how: str) -> None:
    person = {"disable": "auditor", "renew": "archivist"}[how]
    tokens = [log_in(office, person), log_in(office, person)]
    catalog, now = office.counter.keeper.get()[1], datetime.now(UTC)
    with catalog.writing() as session:  # as user.disable and user.reset-totp do
        if how == "disable":
            assert disable_credentials(session, person, now=now)
            journal.append(session, origin_of("test"), [Entry("user.disable", person)])
        else:
            renew_factor(session, KEY, person, now=now)
            told = tell_credential(session, person)
            journal.append(session, origin_of("test"), [Entry("user.reset-totp", person, told)])
    assert not any(is_in(office, token) for token in tokens)
    with pytest.raises(NotLetInError):
        log_in(office, person)


def test_who_logs_out_is_out_and_both_are_journaled(office: InProcess) -> None:
    token = log_in(office, "viewer")
    office.counter.handlers()["logout"]({"token": token})
    assert not is_in(office, token)
    with office.counter.keeper.get()[1].reading() as session:
        query = select(JournalRow.action, JournalRow.person, JournalRow.via, JournalRow.address)
        rows = session.execute(query.order_by(JournalRow.sequence.desc()).limit(2)).all()
    assert [(row.action, row.person, row.via) for row in rows] == [
        ("user.logout", "viewer", "console"),
        ("user.login", "viewer", "console"),
    ]
    assert rows[1].address == "192.0.2.1"


def test_a_code_lets_in_once_also_when_sent_twice_at_once(office: InProcess) -> None:
    for code in (office.estate.totp_of("operator"), office.estate.code_of("operator")):

        def attempt(_number: int, code: str = code) -> bool:
            try:
                return bool(log_in(office, "operator", code=code))
            except NotLetInError:
                return False

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(attempt, range(3))) <= 1
        with pytest.raises(NotLetInError):
            log_in(office, "operator", code=code)
        office.counter.door.__init__(office.counter.sessions)  # type: ignore[misc]  # anew, as after a start
        unpause(office, "operator")


def unpause(office: InProcess, person: str) -> None:
    with office.counter.keeper.get()[1].writing() as session:
        row = session.get(Credential, person)
        assert row is not None
        row.failures, row.paused_until = 0, None


def test_one_code_lets_in_at_all(office: InProcess) -> None:
    code = office.estate.totp_of("backup-admin")
    assert is_in(office, log_in(office, "backup-admin", code=code))
    with pytest.raises(NotLetInError):
        log_in(office, "backup-admin", code=code)


def test_after_failures_the_right_ones_are_refused_too_and_it_looks_the_same(
    office: InProcess,
) -> None:
    told = set()
    for _try in range(3):
        with pytest.raises(NotLetInError) as caught:
            log_in(office, "head", password=WRONG)
        told.add(str(caught.value))
    with pytest.raises(NotLetInError) as caught:
        log_in(office, "head")
    assert {str(caught.value)} == told
    unpause(office, "head")
    assert log_in(office, "head")


def test_ten_tries_a_minute_of_an_address(office: InProcess) -> None:
    tries = list[str]()
    for number in range(14):
        with pytest.raises(OpsError) as caught:
            log_in(office, f"ai-{number}", code="123456")
        tries.append(type(caught.value).__name__)
    assert tries == ["NotLetInError"] * 10 + ["PausedError"] * 4
    with pytest.raises(credentials.PausedError):
        log_in(office, "viewer")
    request = {"name": "x", "password": "x", "code": "x", "address": "192.0.2.200", "token": ""}
    with pytest.raises(NotLetInError):
        office.counter.handlers()["login"](request)


def test_tries_of_one_network_count_together(office: InProcess) -> None:
    """Whoever has an address of IPv6 has as many as they like."""
    for number in range(10):
        request = {"name": "x", "password": "x", "code": "x", "address": f"2001:db8::{number:x}"}
        with pytest.raises(NotLetInError):
            office.counter.handlers()["login"](request)
    for address in ("2001:db8::ffff:1", "2001:db8:0:0:9::"):
        with pytest.raises(credentials.PausedError):
            office.counter.handlers()["login"]({"name": "x", "address": address})
    with pytest.raises(NotLetInError):
        office.counter.handlers()["login"]({"name": "x", "address": "2001:db8:0:1::1"})


def test_whose_tries_count_together() -> None:
    for address, whose in (
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("unix", ""), ("", ""),
        ("2001:db8::1:2:3:4", "2001:db8::/64"), ("fe80::1%eth0", "fe80::/64"),
    ):  # fmt: skip
        assert whose_address(address) == whose


def test_what_is_no_name_is_written_nowhere(
    office: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be a password."""
    with pytest.raises(NotLetInError):
        log_in(office, office.estate.password_of("head"), code="1")
    (record,) = [it for it in caplog.records if it.message == "login-of-nobody"]
    assert record.__dict__["fields"] == {"address": "192.0.2.1"}
    assert office.estate.password_of("head") not in str(record.__dict__)


def paused(office: InProcess) -> str:
    with office.counter.keeper.get()[1].writing() as session:
        row = session.get(Credential, "approver")
        assert row is not None
        row.paused_until = datetime.now(UTC) + timedelta(hours=1)
    return "approver"


def changed_past_the_program(office: InProcess) -> str:
    with office.counter.keeper.get()[1].writing() as session:
        row = session.get(Credential, "unit-contact")
        assert row is not None
        row.password_hash = row.password_hash[:-2] + "xy"
    return "unit-contact"


@pytest.mark.parametrize(
    "who",
    [
        lambda _office: "viewer", lambda _office: "không có ai", lambda _office: "nva",
        lambda _office: "", lambda _office: "a\x00b", paused, changed_past_the_program,
    ],
    ids=["wrong-password", "nobody", "no-credentials", "empty", "nul", "paused", "changed"],
)  # fmt: skip
def test_a_failure_says_the_same_after_the_same_work(
    office: InProcess, monkeypatch: pytest.MonkeyPatch, who: Callable[[InProcess], str]
) -> None:
    """Of the password's hash there is one for each, which is what takes the time."""
    name, hashed, rows = who(office), list[str](), count_rows(office)

    def check(_digest: str, password: str) -> bool:
        hashed.append(password)
        return False

    for module in (credentials, sessions):
        monkeypatch.setattr(module, "is_password_right", check)
    with pytest.raises(NotLetInError) as caught:
        log_in(office, name, password=WRONG, code="123456")
    assert hashed == [WRONG]
    assert name == "" or name not in str(caught.value)
    assert WRONG not in repr(caught.value)
    assert count_rows(office) - rows <= 1


def test_long_names_passwords_and_codes_are_not_even_looked_at(
    office: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (credentials, sessions):
        monkeypatch.setattr(module, "is_password_right", lambda *_: 1 / 0)
    for field in ("name", "password", "code"):
        with pytest.raises(NotLetInError):
            log_in(office, "viewer", **{"code": "123456", field: "x" * 1_000_000})


def test_sessions_are_bounded_and_the_oldest_goes_first(
    office: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_MOST", 3)
    tokens = [log_in(office, "security-officer") for _ in range(4)]
    assert [is_in(office, token) for token in tokens] == [False, True, True, True]


def test_nothing_secret_of_a_session_is_kept(office: InProcess) -> None:
    token = log_in(office, "security-officer")
    state = office.estate.path.parent / "state"
    for path in (it for it in state.rglob("*") if it.is_file()):
        content = path.read_bytes()
        assert token.encode() not in content, path
        assert office.estate.password_of("security-officer").encode() not in content, path
    assert token not in repr(office.counter.sessions)


def test_at_the_door_of_the_web_all_failures_take_as_long(office: InProcess) -> None:
    """A lower bound that both keep; what is above it is the line's and the machine's."""
    with served(office) as browser:
        for name in ("bach", "nobody-at-all"):
            began = monotonic()
            answer = browser.post("/login", {"name": name, "password": WRONG, "code": "123456"})
            assert monotonic() - began >= app._FAILED_LOGIN_SECONDS
            assert answer.status == 403
            assert WRONG not in answer.text
            assert "set-cookie" not in answer.headers


def test_credentials_key_is_missing(office: InProcess) -> None:
    """Then nobody gets in, and a person is told which file is missing; nothing is made."""
    key = Path(office.estate.path.parent / "keys" / "credentials.key")
    moved = key.with_suffix(".away")
    key.rename(moved)
    try:
        with pytest.raises(OpsError):
            log_in(office, "bach")
        assert not key.exists()
    finally:
        moved.rename(key)
