"""What plays of incidents share: a site that stands and is backed up, and an operator's hands.

The operator types as everybody does, at a terminal, and gives an answer to each question; another
person approves where that takes two. How many questions were decided is counted.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.lab.lab import Lab
from tests.lab.machines import administrators_key
from tests.lab.network import ADDRESSES
from tests.lab.play import step
from tests.lab.roots import PROGRAM
from tests.lab.site_setup import let_read, make_ready
from tests.lab.sites import Site, build, visit
from tests.lab.terminal import Typed, type_at_terminal
from tests.systemd_machine import VARIABLES

OPERATOR, APPROVER = "nva", "ttb"
KEY = "/dev/shm/khoa-quan-tri"  # noqa: S108 -- in memory
"""The administrators' key on the machine of the service, for as long as it is needed."""

Answer = str | Callable[[], str]
"""What is typed; or what is done before something is typed."""
_GIUCONG = f"{PROGRAM}/.venv/bin/giucong"
_AWAITED = 4
_BUSY = "một lượt chạy khác đang làm việc với"
_WAITS_SECONDS = 120
_RUN = re.compile(r"[0-9a-f]{8}")
_LEFT_OUT = ("Mật khẩu", "(Enter: ")
_YES_OR_NO = ("(có/không)", "(yes/no)")


@dataclass(frozen=True, slots=True)
class Carried:
    """How a runbook went.

    Attributes:
        code: The exit code of the last command.
        told: All that stood on the terminal.
        decisions: How many questions a person answered, secrets and approvals apart.
        approvals: How many requests another person approved.
        seconds: How long it took, another's approvals included.
    """

    code: int
    told: str
    decisions: int
    approvals: int
    seconds: float

    def check(self, *, writes: int) -> "Carried":
        """Give this where everything was done; say how long it took.

        Args:
            writes: How many steps overwrite something, each of which takes one approval.

        Raises:
            AssertionError: It stopped before, or took more or fewer approvals.
        """
        assert self.code == 0, f"{self.code}\n{self.told}"
        assert self.approvals == writes, f"{self.approvals} approvals\n{self.told}"
        step(f"done after {self.seconds:.0f} s, with {self.decisions} decisions")
        return self


def stand(lab: Lab, *sites: Site) -> None:
    """Have sites stand on their hosts, be in the estate, and be backed up once more."""
    for site in sites:
        host = lab.hosts[site.host]
        lab.network.name(site.address, ADDRESSES[site.host])
        if not visit(host, site):
            build(host, site)
        if f"backup/{site.name}" not in lab.ops.list_last():
            lab.ops.add_to_estate(site.name, site.estate())
            make_account(lab, site.host, site.host)
            lab.ops.type(OPERATOR, f"backup.init --site {site.name}").check()
        back_up(lab, site)


def back_up(lab: Lab, site: Site, *good: str) -> None:
    """Have the service back a site up.

    Args:
        lab: Where.
        site: Which.
        good: How it may end; `ok` unless given.
    """
    ended = lab.ops.job(f"backup/{site.name}")[f"backup/{site.name}"]
    assert ended in (good or ("ok",)), f"{ended}\n{lab.ops.systemd.journal('giucong')[-3000:]}"


def newest(lab: Lab, site: Site) -> str:
    """Give the id of a site's newest backup."""
    found = lab.ops.ask(OPERATOR, f"backup.list --site {site.name}")
    return str(max(found, key=lambda it: str(it["taken_at"]))["id"])


def make_account(lab: Lab, name: str, machine: str) -> None:
    """Make, or renew, the service's account on a host, as the page says: the script, by root.

    Args:
        lab: Where.
        name: Of the host, in the estate.
        machine: On which it is.
    """
    script = lab.ops.write_out(OPERATOR, f"estate.account --host {name} --databases")
    lab.hosts[machine].run("sh", typed=script)


def make_spare_ready(lab: Lab, machine: str, site: Site) -> None:
    """Do on a new machine what no backup holds: servers, nginx, the accounts that only read."""
    make_ready(lab.hosts[machine], site)
    let_read(lab.hosts[machine], site.engine)


def bring_key(lab: Lab) -> str:
    """Have an administrator bring the key that enters the hosts; gives where it lies."""
    text = administrators_key(lab.folder).read_text(encoding="ascii")
    lab.ops.write(KEY, text, mode="600", owner=f"{OPERATOR}:{OPERATOR}")
    return KEY


def carry_out(
    lab: Lab, runbook: str, values: Mapping[str, str], answers: Mapping[str, Answer]
) -> Carried:
    """Carry a runbook out from its begin to its end, or to where it stops.

    Args:
        lab: Where.
        runbook: Its id.
        values: Given at the beginning.
        answers: A piece of a question → its answer. What asks for yes or no gets yes, what asks
            for the secret of a key or account gets none.
    """
    hands, told, approvals, started = _Hands(lab, answers), "", 0, time.monotonic()
    flags = [f"--set={name}={value}" for name, value in values.items()]
    words = ["runbook.run", "--id", runbook, *flags]
    while True:
        typed = hands.type(words)
        told += typed.told
        is_busy = typed.code not in {0, _AWAITED} and _BUSY in typed.told.rpartition("$ ")[2]
        if is_busy and time.monotonic() - started < _WAITS_SECONDS:
            time.sleep(1)  # a copy follows each backup; who is told so waits, and goes on
        elif typed.code != _AWAITED:
            seconds = time.monotonic() - started
            return Carried(typed.code, told, hands.decisions, approvals, seconds)
        else:
            approvals += approve(lab)
        run = _RUN.findall(typed.told.rpartition("runbook.resume --run")[2])[0]
        words = ["runbook.resume", "--run", run, f"--set=identity={KEY}"]  # theirs, and said anew


def approve(lab: Lab) -> int:
    """Have the other person approve all that waits; gives how many requests that were."""
    waiting = [it for it in lab.ops.ask(APPROVER, "approval.list") if it["state"] == "waiting"]
    assert waiting, "nothing waits for another person"
    for it in waiting:
        words = f"approval.approve --id {it['id']} --person {APPROVER}"
        lab.ops.type(APPROVER, words).check()
    return len(waiting)


class _Hands:
    """The operator's: they answer what the terminal asks."""

    def __init__(self, lab: Lab, answers: Mapping[str, Answer]) -> None:
        self._lab = lab
        self._answers = answers
        self._prove = lab.ops.people.answering(OPERATOR)
        self.decisions = 0

    def type(self, words: Sequence[str]) -> Typed:
        whole = self._lab.ops.words_as(OPERATOR, _GIUCONG, *words)
        return type_at_terminal(whole, self._answer, environment=VARIABLES)

    def _answer(self, told: str) -> str:
        with suppress(EOFError):
            return self._prove(told)
        asked = _last_question(told)
        is_left_out = any(it in asked for it in _LEFT_OUT)
        self.decisions += not is_left_out
        for piece, answer in self._answers.items():
            if piece in asked:
                return answer if isinstance(answer, str) else answer()
        if is_left_out:
            return ""
        assert asked.rstrip(": ").endswith(_YES_OR_NO), f"nobody knows the answer:\n{told[-3000:]}"
        return "có"


def _last_question(told: str) -> str:
    """Give what was asked last; it begins with blanks, and the terminal has broken its lines."""
    lines: list[str] = []
    for line in reversed(told.split("\n")):
        lines.insert(0, line)
        if line.startswith("   "):
            break
    return "".join(lines)
