"""Everything that is scheduled runs twice, by the service as its own user, and ends well twice."""

from tests.lab.lab import Lab
from tests.lab.play import step

SITE = "cong-xa"
# Each wants what the one before has made.
_IN_ORDER = (f"backup/{SITE}", f"archive/{SITE}", "backup/luu-tru")
_OWN = ("archive-check/luu-tru", "backup/giucong", "drill-plan/giucong", "journal-head/giucong")


def play(lab: Lab) -> None:
    """Have the service do every job of the site, of the archive and of itself, two times."""
    known = lab.ops.list_last()
    rest = [it for it in known if it.split("/")[1] == SITE and it not in _IN_ORDER]
    for time in ("first", "second"):
        for jobs in (*([it] for it in _IN_ORDER), [*rest, *_OWN]):
            step(f"the {time} time: {', '.join(jobs)}")
            ended = lab.ops.job(*jobs)
            wrong = {it: how for it, how in ended.items() if how != "ok"}
            assert not wrong, f"{wrong}\n{lab.ops.systemd.journal('giucong')[-5000:]}"
