"""A site shows what nobody here has written; evidence is kept, and its files are as before."""

from tests.lab.incidents import Answer, back_up, bring_key, carry_out, newest, stand
from tests.lab.lab import Lab
from tests.lab.ops import wait_for
from tests.lab.play import step
from tests.lab.sites import PORTAL, deface, look, visit


def begin(lab: Lab) -> None:
    """Have the portal stand, and deface it: a page, and a program beside it."""
    stand(lab, PORTAL)
    _let_happen(lab)


def play(lab: Lab) -> None:
    """Have its backup say so, and take it back by the runbook."""
    stand(lab, PORTAL)
    before, good = look(lab.web1, PORTAL), newest(lab, PORTAL)
    mails = len(lab.network.mails())
    _let_happen(lab)
    back_up(lab, PORTAL)
    assert lab.ops.list_last()[f"backup/{PORTAL.name}"]["reason"] == "pages_unlike"
    wait_for(
        lambda: "HACKED" in _read_mails(lab, mails) or None, 1.0, lambda: _read_mails(lab, mails)
    )

    def remove_strange() -> str:
        lab.web1.run("rm", f"{PORTAL.folder}/uploads/x.php")
        return "có"

    values = {"site": PORTAL.name, "document": "BB-01/2026", "login": "root",
              "identity": bring_key(lab), "reason": "Trang chủ bị sửa"}  # fmt: skip
    answers: dict[str, Answer] = {
        "Mã của bản vừa làm": lambda: newest(lab, PORTAL),
        "Bản cuối cùng trang còn đúng": good,
        "Tệp lạ đã xóa": remove_strange,
        "gõ một chữ bất kỳ": "x",
    }
    carried = carry_out(lab, "defacement", values, answers).check(writes=1)

    assert all(it in carried.told for it in ("index.php", "uploads/x.php"))
    assert "HACKED" not in visit(lab.web1, PORTAL)
    assert look(lab.web1, PORTAL).files == before.files
    back_up(lab, PORTAL)


def _read_mails(lab: Lab, since: int) -> str:
    texts = [it.get_body(("plain",)) for it in lab.network.mails()[since:]]
    return "\n".join(it.get_content() for it in texts if it is not None)


def _let_happen(lab: Lab) -> None:
    step("a strange first page, and a program among the uploads")
    deface(lab.web1, PORTAL)
    assert "HACKED" in visit(lab.web1, PORTAL)
