"""What two people decide is signed for at once: cut off before the day ends, it is missed."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pyotp
import pytest

from ops.access.identity import login_at_terminal
from tests.integration.jobs.small_estate import giucong
from tests.integration.recovery.signed_estate import build_signed_estate, run
from tests.people import password_of

pytestmark = pytest.mark.slow

GUARDS = ("journal_no_update", "journal_no_delete", "journal_next_only")


class Office:
    """A signed estate with two people; what they type."""

    def __init__(self, folder: Path) -> None:
        self.estate = build_signed_estate(folder)
        text = self.estate.read_text(encoding="utf-8")
        text = text.replace('name = "nva"', f'name = "nva"\nlogin = "{login_at_terminal()}"')
        self.estate.write_text(
            text + '\n[[people]]\nname = "ttb"\ntitle = "Trần Thị B"\n', encoding="utf-8"
        )
        run(self.estate, "backup.run", "--site", "giucong")
        self.secrets = {name: self.add(name) for name in ("nva", "ttb")}
        for name, role in (("nva", "security_officer"), ("ttb", "approver")):
            run(self.estate, "user.role", "--person", name, "--role", role)

    def add(self, person: str) -> str:
        told = run(
            self.estate, "user.add", "--person", person, "--password-file", self.write(person)
        )
        found = re.search(r"secret=([A-Z2-7]+)", told)
        assert found
        return found[1]

    def write(self, person: str, code: str = "") -> str:
        path = self.estate.parent / f"{person}.secret"
        path.write_text(f"{password_of(person)}\n{code}\n", encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def code(self, person: str) -> str:
        return self.write(person, pyotp.TOTP(self.secrets[person]).now())

    def ask(self) -> CompletedProcess[str]:
        return giucong(
            self.estate, "user.role", "--person", "nva", "--role", "operator", "--reason", "x",
            "--proof-file", self.code("nva"),
        )  # fmt: skip

    def approve(self) -> None:
        waiting = self.ask()
        found = re.search(r"([0-9a-f-]{36})", waiting.stderr)
        assert found
        run(
            self.estate, "approval.approve", "--id", found[1], "--person", "ttb",
            "--password-file", self.code("ttb"),
        )  # fmt: skip

    def cut_from(self, action: str, *statements: str) -> None:
        """Do what somebody with the catalog can do: the act has never been."""
        with closing(sqlite3.connect(self.estate.parent / "state/giucong.db")) as database:
            for name in GUARDS:
                database.execute(f"DROP TRIGGER IF EXISTS {name}")
            found = "SELECT max(sequence) FROM journal WHERE action = ?"
            (row,) = database.execute(found, (action,)).fetchone()
            database.execute("DELETE FROM journal WHERE sequence >= ?", (row,))
            for statement in statements:
                database.execute(statement)
            database.commit()

    def verify(self) -> tuple[int, set[str], dict[str, int]]:
        ended = giucong(self.estate, "service.journal-verify", "--json")
        told = json.loads(ended.stdout)
        codes = {it["code"] for it in told["items"]}
        return ended.returncode, codes, {name: told[name] for name in ("rows", "signed_to")}

    def verify_without(self, action: str, *statements: str) -> tuple[int, set[str]]:
        """Tell what is found where an act and its record were taken back; puts them back."""
        state, aside = self.estate.parent / "state", self.estate.parent / "aside"
        shutil.copytree(state, aside)
        self.cut_from(action, *statements)
        code, found, _rows = self.verify()
        shutil.rmtree(state)
        aside.rename(state)
        return code, found


UNDECIDED = (
    "UPDATE approval_requests SET state = 'waiting', decided_by = '', decided_at = NULL,"
    " used_at = NULL, used_by = ''"
)
UNUSED = "UPDATE approval_requests SET state = 'approved', used_at = NULL, used_by = ''"
NO_ROLE = "DELETE FROM role_grants WHERE role = 'operator'"
NO_APPROVER = "DELETE FROM role_grants WHERE role = 'approver'"


def test_what_people_decided_is_missed_where_it_is_cut_off(tmp_path: Path) -> None:
    office = Office(tmp_path / "estate")
    appointed = office.verify_without("user.role", NO_APPROVER)
    office.approve()
    approved = office.verify_without("approval.approve", UNDECIDED)
    run(office.estate, "user.role", "--person", "nva", "--role", "operator", "--reason", "x")
    used = office.verify_without("approval.use", UNUSED, NO_ROLE)
    code, found, rows = office.verify()
    told = giucong(office.estate, "service.journal-verify").stdout

    assert appointed == approved == used == (1, {"cut"})
    assert (code, found) == (0, set())
    assert rows["rows"] - rows["signed_to"] == 1  # the row that says so
    assert f"vouch for rows up to {rows['signed_to']}; later ones could be cut off unseen" in told
