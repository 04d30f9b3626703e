"""What was typed wrongly is told as that: what, why, and what to type, with exit code 2."""

from pathlib import Path

import pytest

from tests.console_office import build_console_estate
from tests.integration.jobs.small_estate import giucong

pytestmark = pytest.mark.slow

WRONG_USE = 2


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_console_estate(tmp_path_factory.mktemp("clear") / "estate", proving=()).path


@pytest.mark.parametrize("flags", [(), ("--findings",), ("--due",), ("--json",)])
def test_drills_of_a_site_that_nobody_knows_are_no_empty_list(
    estate: Path, flags: tuple[str, ...]
) -> None:
    told = giucong(estate, "drill.list", "--site", "nobody", *flags, SUDO_USER="bach")
    assert told.returncode == WRONG_USE, told.stdout
    assert "nobody" in told.stderr + told.stdout
    known = giucong(estate, "drill.list", "--site", "cong-xa", SUDO_USER="bach")
    assert known.returncode == 0, known.stderr


def test_an_address_to_listen_at_that_is_none_is_told_as_that(estate: Path) -> None:
    told = giucong(estate, "console.run", "--listen", "nonsense", SUDO_USER="bach")
    assert told.returncode == WRONG_USE, told.stderr
    assert "pydantic" not in told.stderr
    assert "ConsoleSettings" not in told.stderr
    assert '"nonsense"' in told.stderr
    assert "127.0.0.1:8443" in told.stderr
