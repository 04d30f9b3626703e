"""The people of the lab: who they are on the machine of the service, and how they prove it.

What a person knows or carries (passwords, the app's secret, the recovery codes) stands in a file,
so that plays can log in and approve, and so that who practises can, too.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyotp

ROLES: Mapping[str, tuple[str, ...]] = {
    "nva": ("security_officer", "operator", "backup_admin", "archivist"),
    "ttb": ("approver",),
    "lvc": ("head", "approver"),
    "hve": ("auditor",),
    "ptd": ("unit_contact",),
}
"""Name → roles. The first gives them; those who approve get theirs last, as they then have to."""

TITLES: Mapping[str, str] = {
    "nva": "Nguyễn Văn A",
    "ttb": "Trần Thị B",
    "lvc": "Lê Văn C",
    "hve": "Hoàng Văn E",
    "ptd": "Phạm Thị D",
}
FIRST_ID = 1_101
_STEP_SECONDS = 30
_PASSWORD = re.compile(r"(?:Mật khẩu (?:mới )?của|(?:New p|P)assword of) (\w+): $")
_AGAIN = re.compile(r"(?:Nhập lại|Once more): $")
_CODE = re.compile(r"(?:Mã trong ứng dụng|Code from the authenticator).*: $")
_FIRST_CODE = re.compile(r"(?:Mã mà ứng dụng|The code that the app).*: $")
_SUDO = re.compile(r"\[sudo\].*: $")
_SECRET = re.compile(r"otpauth://totp/\S*[?&]secret=([A-Z2-7]+)")
_RECOVERY = re.compile(r"^  ([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})$", re.MULTILINE)


@dataclass
class Person:
    """Somebody who works here.

    Attributes:
        name: In the estate, and as a login on the machine of the service.
        login: Password of that login.
        password: For Giữ Cổng.
        secret: Of the app; empty before the person has one.
        codes: Recovery codes that are still good.
        last_step: Time step of the newest code that was used.
    """

    name: str
    login: str
    password: str
    secret: str = ""
    codes: list[str] = field(default_factory=list)
    last_step: int = 0

    def code(self, ahead: float) -> str:
        """Give the app's next code that was not used yet, and wait for it where there is none.

        Args:
            ahead: How many seconds the clock of the service is ahead of ours.
        """
        now = int(time.time() + ahead) // _STEP_SECONDS
        self.last_step = max(self.last_step + 1, now - 1)
        while int(time.time() + ahead) // _STEP_SECONDS + 1 < self.last_step:
            time.sleep(0.2)
        return pyotp.TOTP(self.secret).at(self.last_step * _STEP_SECONDS)

    def note(self, told: str) -> None:
        """Note a new factor, as the terminal shows it once."""
        found = _SECRET.findall(told)
        if found and found[-1] != self.secret:  # the same text comes again, with codes below it
            self.secret, self.last_step = found[-1], 0
        if codes := _RECOVERY.findall(told):
            self.codes = codes


def _think_of(number: int) -> tuple[str, str]:
    """Give the password of a login, and one for Giữ Cổng."""
    return f"dang-nhap-{number}", f"trâu trắng qua cầu {number} lần"


class People:
    """All of them, as they stand in a file: several programs of the lab may use it in turn."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            path.touch(0o600)
            self._write(0, {name: Person(name, *_think_of(number))
                            for number, name in enumerate(ROLES, start=3)})  # fmt: skip

    def __getitem__(self, name: str) -> Person:
        return self._read()[1][name]

    @property
    def ahead(self) -> float:
        """How many seconds the clock of the service is ahead of ours."""
        return self._read()[0]

    @ahead.setter
    def ahead(self, seconds: float) -> None:
        self._write(seconds, self._read()[1])

    def code(self, name: str) -> str:
        """Give the next code of somebody's app; each is good once."""
        ahead, people = self._read()
        code = people[name].code(ahead)
        self._write(ahead, people)
        return code

    def note(self, name: str, told: str) -> None:
        """Note somebody's new factor or codes, as the terminal shows them once."""
        ahead, people = self._read()
        if name in people:  # root has none
            people[name].note(told)
            self._write(ahead, people)

    def proof(self, name: str) -> str:
        """Give two lines with which somebody proves who it is, good once."""
        return f"{self[name].password}\n{self.code(name)}\n"

    def _read(self) -> tuple[float, dict[str, Person]]:
        read = json.loads(self._path.read_text(encoding="utf-8"))
        return read["ahead"], {it["name"]: Person(**it) for it in read["people"]}

    def _write(self, ahead: float, people: Mapping[str, Person]) -> None:
        kept = {"ahead": ahead, "people": [vars(it) for it in people.values()]}
        text = json.dumps(kept, ensure_ascii=False, indent=1)
        self._path.write_text(text, encoding="utf-8")

    def answering(
        self, who: str, answers: Sequence[str] = (), *, at: str = ""
    ) -> Callable[[str], str]:
        """Make what answers for somebody at a terminal: passwords and codes, then these lines.

        Args:
            who: Whose login it is.
            answers: Lines for all other questions, in their order.
            at: Whose proof is asked for, where no question names anybody; empty: the same.
        """
        left, asked = list(answers), at or who

        def answer(told: str) -> str:
            nonlocal asked
            line = told.rpartition("\n")[2]
            if found := _PASSWORD.search(line):
                asked = found[1]
                return self[asked].password
            if _AGAIN.search(line):
                return self[asked].password
            if _SUDO.search(line):
                return self[who].login
            if _FIRST_CODE.search(line):
                self.note(asked, told)
            if _CODE.search(line) or _FIRST_CODE.search(line):
                return self.code(asked)
            if not left:
                raise EOFError
            return left.pop(0)

        return answer
