"""The machine of the service is gone; a new one brings it back from a far store and the safe."""

import re
import time

from tests.lab.incidents import APPROVER, OPERATOR, stand
from tests.lab.lab import Lab
from tests.lab.network import DOMAIN
from tests.lab.ops import KEYS, give_logins, install_program, wait_for
from tests.lab.play import step
from tests.lab.roots import PROGRAM
from tests.lab.sites import PORTAL

IS_LAST = True  # what stood on the machine beside the service does not come back
_BACKUP = f"backup/{PORTAL.name}"
_SAFE = "/root/safe"
_IN_SAFE = ("far", "far.key", "known_hosts", "offsite.key", "s3-access", "s3-secret", "relay",
            "web1", "web2", "spare")  # fmt: skip
_WORDS = ["service.recover", "--repo", f"sftp:giucong@backup.{DOMAIN}:/srv/stores/far",
          "--password-file", f"{_SAFE}/far.key", "--identity", f"{_SAFE}/far",
          "--known-hosts", f"{_SAFE}/known_hosts"]  # fmt: skip
_MISSING = re.compile(r"đặt lại bí mật này từ nơi cất giữ: (\S+)")
_UNIT = """
cp examples/systemd/giucong.service /etc/systemd/system/
systemctl daemon-reload
systemctl enable --now giucong
"""


def begin(lab: Lab) -> None:
    """Have the machine fail; a new one has the program, people's logins, the safe in /root/safe."""
    stand(lab, PORTAL)
    _let_happen(lab)


def play(lab: Lab) -> None:
    """Have it back with people, roles, factors, journal; the portal is backed up by itself."""
    stand(lab, PORTAL)
    ops = lab.ops
    people = ops.ask(OPERATOR, "user.list")
    _let_happen(lab)
    started = time.monotonic()
    ops.type("root", [*_WORDS, "--dry-run"]).check()
    told = ops.type("root", _WORDS).check(3).told  # not all that opens the stores is there
    for path in _MISSING.findall(told):
        file = f"{_SAFE}/{path.rpartition('/')[2]}"
        ops.run("install", "-D", "-o", "giucong", "-g", "giucong", "-m", "600", file, path)
    ops.script(_UNIT, PROGRAM)
    wait_for(lambda: f"run-ended job={_BACKUP}" in ops.systemd.journal("giucong") or None)
    step(
        f"{time.monotonic() - started:.0f} s after the first command the portal is backed up again"
    )
    assert ops.list_last()[_BACKUP]["outcome"] == "ok"
    by_whom = "rồi gõ: `giucong TASK`"
    assert by_whom in " ".join(told.split()), told
    typed = "backup.reindex service.journal-verify backup.run --site giucong"  # one after the other
    ops.type(OPERATOR, typed).check()
    assert ops.ask(OPERATOR, "user.list") == people
    role = "user.role --person hve --role operator --reason 'Thay ca'"
    ops.agree(OPERATOR, APPROVER, role).check()
    assert "root" in ops.type("root", "service.status").told


def _let_happen(lab: Lab) -> None:
    """Lose it amid a backup of the portal, soon after it has saved itself."""
    ops = lab.ops
    safe = {name: ops.read(f"{KEYS}/{name}") for name in _IN_SAFE}
    safe["repository.key"] = ops.read("/var/lib/giucong/keys/repository.key")
    lab.web1.run("ip", "link", "set", "eth0", "down")
    ops.type(OPERATOR, f"service.trigger --job {_BACKUP}").check()
    assert ops.job("backup/giucong") == {"backup/giucong": "ok"}
    step("the machine of the service is gone, amid a backup of the portal")
    ops.renew()
    lab.web1.run("ip", "link", "set", "eth0", "up")
    step("a new one gets the program, as the page says; the disk of the first store is moved over")
    install_program(ops)
    give_logins(ops)
    for name, text in safe.items():
        ops.write(f"{_SAFE}/{name}", text, mode="600")
