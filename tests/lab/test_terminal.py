"""Somebody at a terminal answers each question once it is asked, and no other."""

import os
import stat
from pathlib import Path

import pyotp
import pytest

from tests.lab.people import People
from tests.lab.terminal import type_at_terminal

ASKS = """
printf 'Mật khẩu của ttb: '; read password
printf 'Mã trong ứng dụng xác thực, hoặc một mã dự phòng: '; read code
printf 'Đúng thời điểm này? '; read said
printf 'Còn gì nữa? '; read more || more=nobody
echo "told $password/$code/$said/$more"; exit 3
"""


@pytest.fixture
def people(tmp_path: Path) -> People:
    made = People(tmp_path / "people.json")
    made.note("ttb", f"otpauth://totp/x?secret={pyotp.random_base32()}&issuer=y")
    return made


def test_passwords_and_codes_are_given_by_whom_they_are_asked_of(people: People) -> None:
    typed = type_at_terminal(
        ["sh", "-c", ASKS], people.answering("nva", ["có"]), environment=os.environ
    )

    ttb = people["ttb"]
    code = pyotp.TOTP(ttb.secret).at(ttb.last_step * 30)
    assert typed.code == 3
    assert typed.told.endswith(f"told {ttb.password}/{code}/có/nobody\n")


def test_a_code_is_given_once_and_what_people_carry_is_theirs_alone(
    people: People, tmp_path: Path
) -> None:
    codes = [people.code("ttb") for _time in range(2)]
    told = f"otpauth://totp/x?secret={people['ttb'].secret}&issuer=y"
    people.note("ttb", told)  # as it stands above the recovery codes
    codes.append(people.code("ttb"))

    assert len(set(codes)) == 3
    assert stat.S_IMODE((tmp_path / "people.json").stat().st_mode) == 0o600
