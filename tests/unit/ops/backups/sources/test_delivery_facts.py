"""Lists of hashes, as other programs write them."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.backups.sources.delivery_facts import Listed, parse_hashes

NAMES = [b"a b.zip", b"sub/c", b"d\nd", b"e\\e", b"\xff", b"- f"]


@pytest.mark.parametrize("program", ["md5sum", "sha1sum", "sha224sum", "sha256sum", "sha512sum"])
@pytest.mark.parametrize("form", ["--text", "--binary", "--tag"])
def test_what_coreutils_writes_is_read(tmp_path: Path, program: str, form: str) -> None:
    assert shutil.which(program), f"{program} is missing: apt-get install coreutils"
    (tmp_path / "sub").mkdir()
    for name in NAMES:
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    listed = subprocess.run(
        [program, form, "--", *NAMES], cwd=tmp_path, capture_output=True, check=True
    ).stdout

    algorithm = program.removesuffix("sum")
    assert parse_hashes(listed) == [
        Listed(name, algorithm, hashlib.new(algorithm, name, usedforsecurity=False).hexdigest())
        for name in NAMES
    ]


def test_other_lines_are_passed_over() -> None:
    text = b"# made by cms\r\n\nnot a hash  x\nABCDEF  short\n" + b"A" * 32 + b"  ./x.zip\r\n"
    assert parse_hashes(text) == [Listed(b"x.zip", "md5", "a" * 32)]
