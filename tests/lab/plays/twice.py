"""Everything that is scheduled runs twice, by the service as its own user, and ends well twice."""

from tests.lab.lab import Lab
from tests.lab.play import step

SITE = "cong-xa"
_OWN = ("backup/luu-tru", "archive-check/luu-tru", "backup/giucong", "drill-plan/giucong",
        "journal-head/giucong")  # fmt: skip


def play(lab: Lab) -> None:
    """Have the service do every job of the site, of the archive and of itself, two times."""
    first = f"backup/{SITE}"
    rest = [it for it in lab.ops.list_last() if it.split("/")[1] == SITE and it != first]
    for time in ("first", "second"):
        for jobs in ([first], [*rest, *_OWN]):
            step(f"the {time} time: {', '.join(jobs)}")
            ended = lab.ops.job(*jobs)
            wrong = {it: how for it, how in ended.items() if how != "ok"}
            assert not wrong, f"{wrong}\n{lab.ops.systemd.journal('giucong')[-5000:]}"
