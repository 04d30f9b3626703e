"""One estate for all runbooks: a site in a store and a copy with a key of its own, five people."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.access.identity import login_at_terminal
from tests.integration.jobs.small_estate import build_estate, giucong
from tests.integration.runbooks.driving import Desk
from tests.people import KEY_TEXT

MORE = """
[[stores]]
name = "offsite"
url = "stores/offsite"
role = "copy"
of = "near"
key = "file:keys/offsite.key"
location = "Biên Hòa"
medium = "disk"
[[people]]
name = "ttb"
title = "Trần Thị B"
login = "ttb"
phone = "0251 3822 001"
[[people]]
name = "lvc"
title = "Lê Văn C"
[[people]]
name = "ptd"
title = "Phạm Thị D"
"""
REPOSITORY_KEY = 'repository = "file:keys/repository.key"'


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it once; each test gets a copy."""
    path = build_estate(tmp_path_factory.mktemp("runbooks") / "estate", MORE)
    text = path.read_text(encoding="utf-8").replace(
        REPOSITORY_KEY, f'{REPOSITORY_KEY}\ncredentials = "file:keys/credentials.key"'
    )
    text = text.replace('name = "nva"', f'name = "nva"\nlogin = "{login_at_terminal()}"', 1)
    path.write_text(text, encoding="utf-8")
    keys = path.parent / "keys"
    keys.mkdir(mode=0o700)
    for name, words in (("credentials", KEY_TEXT), ("offsite", "a key of the copy in the tests")):
        (keys / f"{name}.key").write_text(f"{words}\n")
        (keys / f"{name}.key").chmod(0o600)
    for task in (("backup.init",), ("backup.run", "--site", "cong-xa")):
        ended = giucong(path, *task)
        assert ended.returncode == 0, ended.stderr
    return path


@pytest.fixture
def desk(built: Path, tmp_path: Path) -> Desk:
    folder = tmp_path / "estate"
    shutil.copytree(built.parent, folder, symlinks=True)
    return Desk(folder / built.name)


@pytest.fixture
def medium() -> Iterator[Path]:
    """Give a folder on another disk than the estate's: what stands for a USB stick."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="giucong-usb-") as folder:
        yield Path(folder)
