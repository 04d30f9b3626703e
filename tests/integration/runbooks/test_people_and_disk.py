"""Somebody starts, somebody leaves, and the disk of a store is full."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.access.credentials import has_good_credentials, people_with_credentials
from ops.access.roles import roles_of
from ops.catalog.open import Catalog, open_catalog
from tests.integration.jobs.small_estate import GIUCONG, ROOT
from tests.integration.runbooks.driving import Desk, Office, assert_done
from tests.people import password_of
from tests.smtp_sink import smtp_sink

pytestmark = pytest.mark.slow

NEWCOMER = """
[[people]]
name = "hve"
title = "Hoàng Văn E"
mail = "hve@example.vn"
login = "hve"
[notices]
relay = "env:GIUCONG_TEST_RELAY"
[[notices.routes]]
severity = "warning"
people = ["hve"]
"""


@pytest.fixture
def catalog(desk: Desk) -> Iterator[Catalog]:
    found = open_catalog(f"sqlite:///{desk.folder}/state/giucong.db")
    yield found
    found.close()


def test_a_new_colleague_gets_an_account_a_role_and_a_test_message(
    desk: Desk, catalog: Catalog
) -> None:
    office = Office(desk, catalog, ("nva", "security_officer", "operator"), ("ttb", "approver"))
    desk.estate.write_text(desk.estate.read_text(encoding="utf-8") + NEWCOMER, encoding="utf-8")
    password = password_of("hve")
    values = {
        "person": "hve", "role": "operator", "reason": "Phân công", "document": "12/QĐ-TTCNTT",
    }  # fmt: skip
    with smtp_sink() as sink:
        relay = f"mailto://127.0.0.1:{sink.port}/?from=giucong@example.vn&mode=insecure"
        desk.environment["GIUCONG_TEST_RELAY"] = relay
        asked = desk.begin(
            "colleague-starts", f"có\n{password}\n", values,
            "--proof-file", office.prove("nva"),
        )  # fmt: skip
        assert (asked.returncode, desk.states()[-1]) == (4, (3, "waiting")), asked.stderr
        office.approve("ttb")
        asked = desk.resume(f"{password}\ncó\n", "--proof-file", office.prove("nva"))
        assert (asked.returncode, desk.states()[-1]) == (4, (6, "waiting")), asked.stderr
        assert "secret=" in asked.stdout
        office.approve("ttb")
        ended = desk.resume("có\ncó\n")

    assert_done(desk, ended, 11, back=frozenset({4}))
    assert ["hve@example.vn" in it.recipients for it in sink.mails] == [True]
    with catalog.reading() as session:
        assert roles_of(session, "hve") == {"operator"}


def test_who_leaves_keeps_neither_account_nor_share_and_two_people_see_to_it(
    desk: Desk, catalog: Catalog, medium: Path
) -> None:
    office = Office(desk, catalog, ("nva", "security_officer", "backup_admin"),
                    ("ttb", "approver", "operator"), ("lvc", "operator"))  # fmt: skip
    key = desk.folder / "keys/repository.key"
    old = key.read_text()
    asked = desk.begin(
        "colleague-leaves", "có\ncó\n",
        {"person": "lvc", "reason": "Chuyển công tác", "store": "near", "medium": str(medium),
         "holder1": "nva", "holder2": "ttb", "holder3": "ptd"},
        "--proof-file", office.prove("nva"),
    )  # fmt: skip
    assert asked.returncode == 4, asked.stdout + asked.stderr
    assert desk.state().standing == "waiting"
    assert key.read_text() == old
    office.approve("ttb")
    desk.environment["SUDO_USER"] = "ttb"
    same = desk.resume()
    assert (same.returncode, key.read_text()) == (1, old)
    assert "step 6 takes two people, and ttb would be both" in same.stderr
    del desk.environment["SUDO_USER"]
    asked = desk.resume("có\n", "--proof-file", office.prove("nva"))
    assert (asked.returncode, desk.states()[-1]) == (4, (8, "waiting")), asked.stderr
    office.approve("ttb")
    ended = desk.resume("có\ncó\n")

    assert_done(desk, ended, 12)
    assert [(it.person, it.approved_by) for it in desk.state().records if it.number == 6] == [
        ("nva", "ttb")
    ]
    with catalog.reading() as session:
        assert people_with_credentials(session) == {"nva", "ttb", "lvc"}
        assert not has_good_credentials(session, "lvc")
    assert key.read_text() != old
    assert len(list(medium.glob("share-near-*.txt"))) == 3


_FULL = """
set -eu
cp -r "$FOLDER/stores/near" "$FOLDER/kept"
mount -t tmpfs -o size=3m tmpfs "$FOLDER/stores/near"
cp -r "$FOLDER/kept/." "$FOLDER/stores/near"
cat /dev/zero > "$FOLDER/stores/near/filled" 2>/dev/null || true
code=0; "$GIUCONG" backup.run --site cong-xa || code=$?; echo "first backup: $code"
code=0
printf 'không\\n' | "$GIUCONG" runbook.run --id disk-full --set site=cong-xa \\
  --set folder="$FOLDER/stores/near" > "$FOLDER/told" || code=$?
echo "stopped: $code"
cat "$FOLDER/told"
mount -o remount,size=9m "$FOLDER/stores/near"
run=$(sed -n 's/.*run \\([0-9a-f]\\{8\\}\\).*/\\1/p' "$FOLDER/told" | head -n 1)
printf 'có\\ncó\\n' | "$GIUCONG" runbook.resume --run "$run"
"""


def test_a_full_disk_is_understood_given_room_and_the_next_backup_proven(desk: Desk) -> None:
    text = desk.estate.read_text(encoding="utf-8")
    keep = "[defaults.retention]\nkeep_last = 1\nminimum_days = 0\n[[sites]]"
    desk.estate.write_text(text.replace("[[sites]]", keep, 1), encoding="utf-8")
    (desk.folder / "www/index.php").write_text("<?php // sửa")
    assert desk.type("backup.run", "--site", "cong-xa").returncode == 0
    (desk.folder / "www/moi.jpg").write_bytes(os.urandom(600_000))
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    done = subprocess.run(
        [*namespace, "sh", "-c", _FULL],
        cwd=ROOT,
        env={**desk.environ(), "GIUCONG": str(GIUCONG), "FOLDER": str(desk.folder)},
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "first backup: 1" in done.stdout
    assert "stopped: 1" in done.stdout
    assert re.search(r"100% .*stores/near", done.stdout)
    found = re.search(r"run ([0-9a-f]{8})", done.stdout)
    assert found
    desk.run = found[1]
    assert desk.state().standing == "done"
    assert [number for number, _state in desk.states()] == [1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10]
