"""Codes, passwords and pauses, judged without a catalog."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from ops.access.approvals.decide import decide_obstacle
from ops.access.factors import (
    check_new_password,
    derive_key,
    find_step,
    hash_password,
    is_password_right,
    looks_like_totp,
    make_recovery_codes,
    open_secret,
    pause_after,
    seal_secret,
    step_of,
)
from ops.access.prompts import ask_new_password, ask_proof
from ops.errors import OpsError, SecretError, WrongUseError
from ops.language.text import render_error

# RFC 6238, appendix B: the ASCII secret "12345678901234567890" in base32; the last six digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # noqa: S105 - the RFC's own
NOW = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)

    assert find_step(RFC_SECRET, code, moment, 0) == seconds // 30


@pytest.mark.parametrize(("minutes", "fits"), [(0, True), (0.5, True), (-0.5, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off(minutes: float, fits: bool) -> None:
    code = pyotp.TOTP(RFC_SECRET).at(NOW + timedelta(minutes=minutes))

    assert (find_step(RFC_SECRET, code, NOW, 0) is not None) == fits


def test_a_used_step_and_those_before_it_are_refused() -> None:
    step = step_of(NOW)
    totp = pyotp.TOTP(RFC_SECRET)

    assert find_step(RFC_SECRET, totp.generate_otp(step), NOW, step) is None
    assert find_step(RFC_SECRET, totp.generate_otp(step - 1), NOW, step) is None
    assert find_step(RFC_SECRET, totp.generate_otp(step + 1), NOW, step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "１２３４５６"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert find_step(RFC_SECRET, code, NOW, 0) is None


def test_pauses_grow_from_the_third_failure_to_an_hour() -> None:
    pauses = [pause_after(failures).total_seconds() for failures in (0, 2, 3, 4, 5, 9, 10, 10_000)]

    assert pauses == [0, 0, 30, 60, 120, 1920, 3600, 3600]


def test_passwords_are_kept_as_argon2id() -> None:
    stored = hash_password("lúa vàng trên đồng")

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert is_password_right(stored, "lúa vàng trên đồng")
    assert not is_password_right(stored, "lúa vàng")
    assert not is_password_right("not a hash", "lúa vàng")


@pytest.mark.parametrize("password", ["ngắn quá", "nva nva nva nva", "aaaaaaaaaaaaaaaa"])
def test_passwords_that_are_easy_to_guess_are_refused(password: str) -> None:
    with pytest.raises(WrongUseError) as caught:
        check_new_password(password, "nva")

    assert password not in f"{caught.value} {caught.value.params}"


def test_recovery_codes_are_ten_different_ones_and_no_time_codes() -> None:
    codes = make_recovery_codes()

    assert len(set(codes)) == 10
    assert not any(looks_like_totp(code) for code in codes)
    assert all(len(code) == 19 for code in codes)


def test_a_changed_or_cut_sealed_secret_is_told() -> None:
    key = derive_key("k")
    sealed = seal_secret(key, "nva", RFC_SECRET)

    assert open_secret(key, "nva", sealed) == RFC_SECRET
    assert sealed != seal_secret(key, "nva", RFC_SECRET)
    for broken in (f"{sealed[:-8]}AAAAAAA=", sealed[:8], ""):
        with pytest.raises(OpsError, match="cannot be read"):
            open_secret(key, "nva", broken)


@pytest.mark.parametrize(
    ("standing", "person", "roles", "can_prove", "expected"),
    [
        ("waiting", "ttb", ["approver"], True, ""),
        ("waiting", "nva", ["approver"], True, "own"),
        ("waiting", "ttb", ["approver"], False, "no-proof"),
        ("waiting", "ttb", ["operator"], True, "no-role"),
        ("approved", "ttb", ["approver"], True, "approved"),
        ("expired", "ttb", ["approver"], True, "expired"),
    ],
)
def test_who_may_decide(
    standing: str, person: str, roles: list[str], can_prove: bool, expected: str
) -> None:
    found = decide_obstacle(
        standing,  # type: ignore[arg-type]  # one of its values
        "nva",
        person,
        roles,
        action="deletion-below-minimum",
        can_prove=can_prove,
    )

    assert found == expected


def test_secrets_come_from_a_file_only_the_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("lúa vàng trên đồng\n123456\n", encoding="utf-8")
    path.chmod(0o644)
    with pytest.raises(SecretError, match="others may read"):
        ask_proof("nva", str(path))
    path.chmod(0o600)
    proof = ask_proof("nva", str(path))

    assert (proof.password, proof.code) == ("lúa vàng trên đồng", "123456")
    assert ask_new_password("nva", str(path)) == "lúa vàng trên đồng"


def test_secrets_come_from_an_open_descriptor() -> None:
    reading, writing = os.pipe()
    os.write(writing, "lúa vàng trên đồng\n123456".encode())
    os.close(writing)

    assert ask_proof("nva", f"/dev/fd/{reading}").code == "123456"
    os.close(reading)


def test_without_a_terminal_or_a_file_the_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        with pytest.raises(OpsError) as caught:
            ask_proof("nva", "")
        with pytest.raises(OpsError) as other:
            ask_proof("nva", "", flag="proof-file")

    assert "--password-file" in render_error(caught.value)
    assert "--proof-file" in render_error(other.value)
