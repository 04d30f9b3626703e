"""A host does not answer any more and never will; its site serves from the spare machine."""

from tests.lab.incidents import (
    Answer,
    back_up,
    bring_key,
    carry_out,
    make_account,
    make_spare_ready,
    newest,
    stand,
)
from tests.lab.lab import Lab
from tests.lab.network import ADDRESSES, DOMAIN
from tests.lab.ops import ESTATE
from tests.lab.play import step
from tests.lab.sites import PORTAL, drop, look, send_paper, visit

_LOST, _SPARE = (f'address = "{it}.{DOMAIN}"' for it in ("web1", "spare"))


def begin(lab: Lab) -> None:
    """Have the portal stand, and cut its host off; a spare machine has its servers ready."""
    stand(lab, PORTAL)
    _let_happen(lab)


def play(lab: Lab) -> None:
    """Have it serve from the spare machine by the runbook, and be backed up from there."""
    stand(lab, PORTAL)
    before, snapshot = look(lab.web1, PORTAL), newest(lab, PORTAL)
    _let_happen(lab)
    spare = lab.hosts["spare"]

    def name_spare() -> str:
        """The address of web1 is the new machine's from now on; nothing is started anew."""
        name_host(lab, _LOST, _SPARE)
        return "có"

    def read_fingerprint() -> str:
        return spare.run("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]

    def make_reader() -> str:
        make_account(lab, PORTAL.host, "spare")
        return "có"

    def move_name() -> str:
        lab.network.name(PORTAL.address, ADDRESSES["spare"])
        return "có"

    values = {"site": PORTAL.name, "host": PORTAL.host, "database": "cms",
              "live": PORTAL.database, "login": "root", "identity": bring_key(lab),
              "user": "root", "client": "root", "reason": "Mất máy chủ web1"}  # fmt: skip
    answers: dict[str, Answer] = {
        "Dựng từ bản nào": snapshot,
        "ghi địa chỉ của máy mới": name_spare,
        "Chép vân tay": read_fingerprint,
        "Kịch bản đã chạy trên máy mới": make_reader,
        "Trang đã chạy trên máy mới": move_name,
    }
    carry_out(lab, "lost-host", values, answers).check(writes=1)

    assert "Thông báo số 60/TB-UBND" in visit(spare, PORTAL)
    assert look(spare, PORTAL) == before
    assert send_paper(spare, PORTAL)
    step("the service that ran all the time backs it up from there")
    back_up(lab, PORTAL)
    take_back(lab)


def name_host(lab: Lab, old: str, new: str) -> None:
    """Put one line of the estate in the place of another; nothing is told to the service."""
    text = lab.ops.read(ESTATE)
    assert old in text
    lab.ops.write(ESTATE, text.replace(old, new, 1), mode="640", owner="giucong:giucong")


def take_back(lab: Lab) -> None:
    """Put everything as it was: the next play has web1 again."""
    drop(lab.hosts["spare"], PORTAL)
    lab.web1.run("ip", "link", "set", "eth0", "up")
    if _LOST not in lab.ops.read(ESTATE):
        name_host(lab, _SPARE, _LOST)
    lab.network.name(PORTAL.address, ADDRESSES[PORTAL.host])
    seen = lab.web1.run("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    lab.ops.type("nva", f"estate.trust --host {PORTAL.host}", [seen]).check()


def _let_happen(lab: Lab) -> None:
    make_spare_ready(lab, "spare", PORTAL)
    step("web1 answers nobody any more")
    lab.web1.run("ip", "link", "set", "eth0", "down")
