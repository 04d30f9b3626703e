"""A site's files and its database are gone by a slip of the hand; it serves again, row by row."""

from tests.lab.incidents import back_up, bring_key, carry_out, newest, stand
from tests.lab.lab import Lab
from tests.lab.play import step
from tests.lab.sites import PORTAL, drop, look, send_paper, visit


def begin(lab: Lab) -> None:
    """Have the portal stand, and take it away."""
    stand(lab, PORTAL)
    _let_happen(lab)


def play(lab: Lab) -> None:
    """Bring it back by the runbook; files, rows, folders that nobody backs up: all is there."""
    stand(lab, PORTAL)
    before, snapshot = look(lab.web1, PORTAL), newest(lab, PORTAL)
    _let_happen(lab)
    values = {"site": PORTAL.name, "database": "cms", "login": "root", "identity": bring_key(lab),
              "user": "root", "fresh": "cong_moi", "reason": "Gõ nhầm cửa sổ"}  # fmt: skip
    answers = {"Đưa trang về bản nào": snapshot, "Ghi mã bản mới nhất": snapshot}
    carried = carry_out(lab, "restore-site-on-host", values, answers).check(writes=2)

    assert "Thông báo số 60/TB-UBND" in visit(lab.web1, PORTAL)
    assert look(lab.web1, PORTAL) == before
    assert send_paper(lab.web1, PORTAL)
    assert carried.decisions <= 4, carried.told
    back_up(lab, PORTAL)


def _let_happen(lab: Lab) -> None:
    step("rm -rf of its folder and DROP DATABASE")
    drop(lab.web1, PORTAL)
    assert not visit(lab.web1, PORTAL)
