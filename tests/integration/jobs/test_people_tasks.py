"""Two people at a terminal: from the first role to a restore over production, as typed."""

import json
import os
import pty
import re
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from select import select as select_ready
from subprocess import CompletedProcess

import pyotp
import pytest
from sqlalchemy import select

from ops.access.identity import kernel_login, login_at_terminal
from ops.catalog.open import open_catalog
from ops.catalog.tables.core import JournalRow
from ops.journal import journal
from tests.integration.jobs.small_estate import GIUCONG, build_estate, giucong
from tests.people import password_of

pytestmark = pytest.mark.slow

REPOSITORY_KEY = 'repository = "file:keys/repository.key"'
MORE = """
[[people]]
name = "ttb"
title = "Trần Thị B"
"""
IN_PLACE = ("backup.restore", "--site", "cong-xa", "--in-place", "--confirm", "cong-xa")


@dataclass
class Office:
    """An estate with two people; the first one sits at this terminal."""

    estate: Path
    output: str = ""
    codes: dict[str, list[str]] = field(default_factory=dict)

    def run(self, *arguments: str, language: str = "en") -> CompletedProcess[str]:
        ended = giucong(self.estate, *arguments, language=language)
        self.output += ended.stdout + ended.stderr
        return ended

    def add(self, person: str) -> tuple[str, list[str]]:
        """Give somebody credentials; gives the TOTP secret and the recovery codes."""
        ended = giucong(
            self.estate, "user.add", "--person", person, "--password-file", self.write(person)
        )
        assert ended.returncode == 0, ended.stderr
        found = re.search(r"secret=([A-Z2-7]+)", ended.stdout)
        assert found
        codes = re.findall(r"(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}", ended.stdout)
        self.codes[person] = codes[5:]
        return found[1], codes

    def ask(self, *arguments: str) -> CompletedProcess[str]:
        """Run what takes two people; the first one proves, where the kernel keeps no login."""
        return self.run(*arguments, "--proof-file", self.write("nva", self.codes["nva"].pop()))

    def write(self, person: str, code: str = "") -> str:
        """Write the file somebody proves with."""
        path = self.estate.parent / f"{person}.secret"
        path.write_text(f"{password_of(person)}\n{code}\n", encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def role(self, person: str, role: str, *more: str) -> CompletedProcess[str]:
        return self.run("user.role", "--person", person, "--role", role, *more)

    def journal(self) -> Sequence[JournalRow]:
        with open_catalog(f"sqlite:///{self.estate.parent}/state/giucong.db") as catalog:
            assert journal.verify(catalog).broken_at is None
            with catalog.reading() as session:
                query = select(JournalRow).order_by(JournalRow.sequence)
                return list(session.execute(query).scalars())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    estate = build_estate(tmp_path / "estate", MORE)
    text = estate.read_text(encoding="utf-8")
    text = text.replace(
        REPOSITORY_KEY, f'{REPOSITORY_KEY}\ncredentials = "file:keys/credentials.key"'
    )
    text = text.replace('name = "nva"', f'name = "nva"\nlogin = "{login_at_terminal()}"')
    estate.write_text(text, encoding="utf-8")
    return Office(estate)


def request_of(ended: CompletedProcess[str]) -> str:
    assert ended.returncode == 4, ended.stderr
    found = re.search(r"request ([0-9a-f]{8}) waits", ended.stderr)
    assert found
    return found[1]


def test_restoring_over_production_takes_two_people(office: Office) -> None:
    www = office.estate.parent / "www"
    assert office.run("backup.init").returncode == 0
    assert office.run("backup.run", "--site", "cong-xa").returncode == 0
    alone = office.run(*IN_PLACE)
    assert alone.returncode == 0
    assert "fewer than two have credentials" in alone.stdout

    office.add("nva")
    key = office.estate.parent / "keys/credentials.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert office.role("nva", "operator").returncode == 2
    assert office.role("nva", "security_officer").returncode == 0
    assert office.role("nva", "operator").returncode == 0
    secret, codes = office.add("ttb")
    assert office.role("ttb", "approver").returncode == 0

    (www / "index.php").write_text("hacked")
    no_reason = office.run(*IN_PLACE)
    planned = office.run(*IN_PLACE, "--dry-run")
    unproved = office.run(*IN_PLACE, "--reason", "Bị sửa")
    waiting = office.ask(*IN_PLACE, "--reason", "Bị sửa")
    request = request_of(waiting)
    listed = office.run("approval.list")
    own = office.run("approval.approve", "--id", request, "--password-file", office.write("nva"))
    wrong = office.run(
        "approval.approve", "--id", request, "--person", "ttb",
        "--password-file", office.write("ttb", "000000"),
    )  # fmt: skip
    assert (www / "index.php").read_text() == "hacked"
    approved = office.run(
        "approval.approve", "--id", request, "--person", "ttb",
        "--password-file", office.write("ttb", pyotp.TOTP(secret).now()),
    )  # fmt: skip
    done = office.run(*IN_PLACE, "--reason", "Bị sửa")
    again = office.ask(*IN_PLACE, "--reason", "Bị sửa")

    assert unproved.returncode == (4 if kernel_login() else 2)
    assert no_reason.returncode == 2
    assert (planned.returncode, "has to approve" in planned.stdout) == (0, True)
    assert request in listed.stdout
    assert (own.returncode, "yourself" in own.stderr) == (1, True)
    assert (wrong.returncode, approved.returncode) == (1, 0), approved.stderr
    assert done.returncode == 0, done.stderr
    assert "<?php" in (www / "index.php").read_text()
    assert request_of(again) != request
    _check_journal(office, request)
    _check_secrets(office, [secret, *codes, password_of("nva"), password_of("ttb")])


def _check_journal(office: Office, request: str) -> None:
    rows = office.journal()
    restored = [row for row in rows if row.action == "backup.restore"][-1]
    first = next(row for row in rows if row.action == "user.role")

    assert (restored.person, restored.reason) == ("nva", "Bị sửa")
    assert request in restored.details
    assert '"approved_by":"ttb"' in restored.details
    assert '"need":"first"' in first.details
    assert [row.person for row in rows if row.action == "approval.approve"] == ["ttb"]


def _check_secrets(office: Office, secrets: list[str]) -> None:
    files = (office.estate.parent / "state").glob("giucong.db*")
    kept = b"".join(path.read_bytes() for path in files)
    told = office.output + " ".join(row.details for row in office.journal())
    for secret in secrets:
        assert secret not in told
        assert secret.encode() not in kept


def test_changes_of_roles_wait_for_a_second_person(office: Office) -> None:
    office.add("nva")
    office.role("nva", "security_officer")
    secret, codes = office.add("ttb")
    office.role("ttb", "approver")
    wish = ("user.role", "--person", "nva", "--role", "backup_admin", "--reason", "Phân công")
    waiting = office.ask(*wish)
    request = request_of(waiting)
    by_code = office.run(
        "approval.approve", "--id", request, "--person", "ttb",
        "--password-file", office.write("ttb", codes[0]),
    )  # fmt: skip
    done = office.role("nva", "backup_admin", "--reason", "Phân công")
    take = ("user.role", "--person", "ttb", "--role", "operator", "--reason", "x")
    second = request_of(office.ask(*take))
    same_code = office.run(
        "approval.refuse", "--id", second, "--reason", "không", "--person", "ttb",
        "--password-file", office.write("ttb", codes[0]),
    )  # fmt: skip
    refused = office.run(
        "approval.refuse", "--id", second, "--reason", "không", "--person", "ttb",
        "--password-file", office.write("ttb", pyotp.TOTP(secret).now()),
    )  # fmt: skip
    last = office.role("nva", "security_officer", "--take", "--reason", "x")
    last_approver = office.run("user.disable", "--person", "ttb", "--reason", "x")
    disabled = office.run("user.disable", "--person", "nva")
    people = office.run("user.list")

    assert (by_code.returncode, done.returncode) == (0, 0), done.stderr
    assert "  gives a role\n  the person: nva\n  role: backup administrator\n" in by_code.stdout
    assert (same_code.returncode, refused.returncode) == (1, 0)
    assert (last.returncode, disabled.returncode, last_approver.returncode) == (2, 2, 2)
    assert "backup administrator" in people.stdout


def test_a_factor_is_renewed_by_its_owner_with_a_proof(office: Office) -> None:
    secret, _codes = office.add("nva")
    office.role("nva", "security_officer")
    command = ("user.reset-totp", "--person", "nva", "--password-file")
    refused = office.run(*command, office.write("nva", "000000"))
    renewed = giucong(office.estate, *command, office.write("nva", pyotp.TOTP(secret).now()))
    twice = office.run("user.add", "--person", "nva", "--password-file", office.write("nva"))

    assert (refused.returncode, renewed.returncode, twice.returncode) == (1, 0, 2)
    assert "secret=" in renewed.stdout
    assert secret not in renewed.stdout


def test_what_an_operator_must_not_do_is_refused_in_both_languages(office: Office) -> None:
    office.add("nva")
    office.role("nva", "security_officer")
    english = office.run("backup.run", "--site", "cong-xa")
    vietnamese = office.run("backup.run", "--site", "cong-xa", language="vi")

    assert (english.returncode, vietnamese.returncode) == (1, 1)
    assert "you may not run `backup.run`" in english.stderr
    assert "không có quyền chạy `backup.run`" in vietnamese.stderr


def sit_down(office: Office, person: str, passwords: Sequence[str], *more: str) -> tuple[int, str]:
    """Enrol somebody at a real terminal; gives the exit code and all that was shown.

    After the passwords one wrong code is typed, then the right one.
    """
    keyboard, screen = pty.openpty()
    command = ["setsid", "--ctty", "--wait", str(GIUCONG), "user.add", "--person", person, *more]
    environment = {**os.environ, "GIUCONG_ESTATE": str(office.estate), "GIUCONG_LANG": "en"}
    with subprocess.Popen(
        command, stdin=screen, stdout=screen, stderr=screen, env=environment
    ) as process:
        os.close(screen)
        shown = ""
        for number, password in enumerate(passwords):
            shown += _read_until(keyboard, "Once more: " if number % 2 else "New password of ")
            os.write(keyboard, f"{password}\n".encode())
        if passwords[-1] == password_of(person):
            shown += _read_until(keyboard, "shows now: ")
            os.write(keyboard, b"000000\n")
            shown += _read_until(keyboard, "shows now: ")
            secret = re.search(r"secret=([A-Z2-7]+)", shown)
            assert secret
            os.write(keyboard, f"{pyotp.TOTP(secret[1]).now()}\n".encode())
        shown += _read_until(keyboard, "")
    os.close(keyboard)
    return process.returncode, shown


def test_a_password_typed_at_a_terminal_is_not_echoed_and_a_code_proves_the_app(
    office: Office,
) -> None:
    right = password_of("nva")
    code, shown = sit_down(office, "nva", ["a slip", "another slip", right, right])
    (row,) = [row for row in office.journal() if row.action == "user.add"]

    assert code == 0
    assert "the two passwords differ" in shown
    assert shown.count("█") > 200  # the square to scan
    assert shown.index("that is not its code") < shown.index("Recovery codes")
    assert right not in shown
    assert json.loads(row.details)["proved"] is True


def test_a_slip_at_the_keyboard_leaves_the_approval_whole(office: Office) -> None:
    """The approval is used when what was typed is stored, and not before."""
    for person in ("nva", "ttb"):
        office.add(person)
        office.role(person, "security_officer")
    office.estate.write_text(
        office.estate.read_text(encoding="utf-8") + '[[people]]\nname = "lvc"\ntitle = "Lê C"\n',
        encoding="utf-8",
    )
    add = ("user.add", "--person", "lvc", "--reason", "colleague")
    asked = office.ask(*add, "--password-file", office.write("lvc"))
    proof = office.write("ttb", office.codes["ttb"].pop())
    decide = ("approval.approve", "--id", request_of(asked), "--person", "ttb")
    approved = office.run(*decide, "--password-file", proof)
    slipped, shown = sit_down(office, "lvc", ["one", "two"] * 3, "--reason", "colleague")
    added = office.run(*add, "--password-file", office.write("lvc"))

    assert (approved.returncode, slipped, added.returncode) == (0, 2, 0), shown + added.stderr
    assert "approved by ttb" in added.stdout


def _read_until(terminal: int, expected: str) -> str:
    """Read what a terminal shows up to a text; empty: until nobody writes to it any more."""
    shown = b""
    while not expected or expected.encode() not in shown:
        ready, _, _ = select_ready([terminal], [], [], 30)
        assert ready, shown
        try:
            part = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other side is closed
            part = b""
        if not part:
            assert not expected, shown
            break
        shown += part
    return shown.decode()
