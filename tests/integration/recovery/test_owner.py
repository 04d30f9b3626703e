"""No file of the service is ever root's: root becomes its user, and anybody else is refused."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.backups.run.job import back_up
from tests.installed_machine import (
    words_for_installed,
    words_for_mode,
    words_for_python_of_all,
)
from tests.integration.jobs.small_estate import (
    GIUCONG,
    INIT,
    ROOT,
    build_estate,
    build_used_estate,
    giucong,
)
from tests.integration.recovery.signed_estate import run_job

pytestmark = pytest.mark.slow

NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def foreign() -> Iterator[Path]:
    """An estate that belongs to `nobody`, where root runs the tests; else to who runs them."""
    folder = Path(tempfile.mkdtemp(prefix="giucong-owner-"))
    estate = build_estate(folder / "estate")
    (estate.parent / "state").mkdir()
    if os.geteuid() == 0:
        folder.chmod(0o755)
        for path in [estate.parent, *estate.parent.rglob("*")]:
            shutil.chown(path, "nobody", NOBODY.pw_gid)
    yield estate
    shutil.rmtree(folder)


def test_roots_commands_leave_no_file_of_root(foreign: Path) -> None:
    """Root's are another user's for the installed estate alone; so it is at its place here."""
    installed = words_for_installed(foreign.parent) if os.geteuid() == 0 else []
    environment = {**os.environ, "GIUCONG_LANG": "en"}
    environment |= {} if installed else {"GIUCONG_ESTATE": str(foreign)}
    made, ran = (
        subprocess.run(
            [*words_for_python_of_all(), *installed, GIUCONG, *words], capture_output=True,
            text=True, env=environment, check=False, cwd="/",
        )
        for words in (("backup.init",), ("backup.run", "--site", "cong-xa"))
    )  # fmt: skip
    owner = NOBODY.pw_uid if os.geteuid() == 0 else os.geteuid()

    assert (made.returncode, ran.returncode) == (0, 0), made.stderr + ran.stderr
    assert {it.lstat().st_uid for it in foreign.parent.rglob("*")} == {owner}
    assert (foreign.parent / "state/giucong.db").stat().st_uid == owner


@pytest.mark.parametrize("closed", [".", ".venv", "ops"])
def test_a_program_that_the_services_user_cannot_read_is_explained(
    foreign: Path, closed: str
) -> None:
    """As after an installation by hand below /root: the interpreter, or the program's own text."""
    if os.geteuid() != 0:
        return  # nobody else can become another user
    refused = subprocess.run(
        [*words_for_python_of_all(), *words_for_mode("700", ROOT / closed),
         *words_for_installed(foreign.parent), GIUCONG, "backup.init"],
        capture_output=True, text=True, check=False, cwd="/",
        env={**os.environ, "GIUCONG_LANG": "en"},
    )  # fmt: skip

    assert refused.returncode == 1
    assert f'the catalog belongs to "nobody", who may not run {ROOT / closed}/' in refused.stderr
    assert "Permission denied" in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert "e.g. /opt/giucong" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_another_login_is_refused_with_the_command_to_type(tmp_path: Path) -> None:
    """Asked of the function itself: root cannot be refused, and others own no foreign folder."""
    code = (
        "import sys; from pathlib import Path; from ops.errors import OpsError\n"
        "from ops.cli.owner import act_as_owner\n"
        "try: act_as_owner(Path(sys.argv[1]))\n"
        "except OpsError as error: print(type(error).__name__, error.params['owner'])\n"
    )
    estate = tmp_path / "estate.toml"
    estate.write_text('[service]\nstate = "/etc"\n')
    if os.geteuid() == 0:
        from ops.estate.owner import decide_step

        assert decide_step(Path("/etc").stat().st_uid, NOBODY.pw_uid) == "refuse"
        return
    ended = subprocess.run(
        [sys.executable, "-c", code, estate], capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["OtherOwnerError", "root"]


def test_a_recovery_by_root_gives_everything_to_the_services_user(tmp_path: Path) -> None:
    estate = build_used_estate(tmp_path / "estate", tasks=(INIT,))
    folder = estate.parent
    owner = NOBODY if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    for path in [folder / "state", *(folder / "state").rglob("*")]:
        shutil.chown(path, owner.pw_uid, owner.pw_gid)
    saved = run_job(estate, back_up, "backup", "giucong")
    for name in ("state", "cache", "scratch"):
        shutil.rmtree(folder / name, ignore_errors=True)
    estate.unlink()
    ended = giucong(
        estate, "service.recover", "--repo", str(folder / "stores/near"),
        "--password-file", str(folder / "keys/repository.key"),
    )  # fmt: skip
    made = [estate, *(folder / "state").rglob("*"), *(folder / "cache").rglob("*")]

    assert saved.outcome == "ok"
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "no store has a signed head" in ended.stdout
    assert len(made) >= 2
    assert {it.lstat().st_uid for it in made} == {owner.pw_uid}
