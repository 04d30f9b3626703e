"""What a restore by a user other than root could not give."""

import os
from pathlib import Path

from backup.format.tree import Node, go_mode
from ops.backups.restore.owners import differs


def test_a_special_bit_that_a_file_system_does_not_keep_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a").touch(mode=0o755)
    status = (tmp_path / "a").lstat()

    def node(mode: int, uid: int = status.st_uid) -> Node:
        return Node(b"a", "file", mode, 0, 0, 0, uid, status.st_gid)

    assert not differs(node(go_mode(status.st_mode)), status)
    assert not differs(node(go_mode(status.st_mode ^ 0o44)), status)  # whoever restores sets these
    for bit in (0o1000, 0o2000, 0o4000):
        assert differs(node(go_mode(status.st_mode | bit)), status)
    assert differs(node(go_mode(status.st_mode), uid=os.geteuid() + 1), status)
