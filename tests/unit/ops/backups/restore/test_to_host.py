"""What a host reads again: `sha256sum` takes every name, and tells a file that is another."""

import hashlib
import os
from pathlib import Path

from ops.backups.restore.to_host import READ_AGAIN, sum_line
from provisioning.local_host import LocalHost

NAMES = ("một tệp", "xuống\ndòng", "gạch\\chéo", "-đầu gạch", "về\rđầu")


def test_each_file_is_read_again_and_one_that_is_another_is_named(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_text(name)
    lines = b"".join(
        sum_line(hashlib.sha256(name.encode()).hexdigest().encode(), b"/" + os.fsencode(name))
        for name in NAMES
    )
    words = [b"sh", b"-c", READ_AGAIN, b"sh", os.fsencode(tmp_path)]
    good = LocalHost().run(words, stdin=lines)
    (tmp_path / "một tệp").write_text("khác")
    changed = LocalHost().run(words, stdin=lines)
    (tmp_path / "một tệp").unlink()
    gone = LocalHost().run(words, stdin=lines)

    assert (good.status, good.stdout) == (0, b"")
    assert (changed.status, changed.stdout) == (1, "./một tệp: FAILED\n".encode())
    assert gone.status == 1
