"""The guide in a store's root, followed literally with stock restic alone."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.integration.recovery.signed_estate import build_signed_estate, run

pytestmark = pytest.mark.slow

GUIDE = "HUONG-DAN-KHOI-PHUC.txt"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store on a disk that somebody found, and the key's file."""
    estate = build_signed_estate(tmp_path_factory.mktemp("guide") / "estate")
    for site in ("cong-xa", "so-y-te", "giucong"):
        run(estate, "backup.run", "--site", site)
    moved = estate.parent.with_name("found-disk")
    (estate.parent / "stores/near").rename(moved)
    return moved, estate.parent / "keys/repository.key"


def commands_of(text: str, program: str) -> list[list[str]]:
    lines = (line.strip() for line in text.splitlines())
    return [shlex.split(line) for line in lines if line.startswith(f"{program} ")]


@pytest.mark.parametrize("half", ["HƯỚNG DẪN KHÔI PHỤC", "HOW TO RECOVER"])
def test_stock_restic_restores_every_site_as_the_guide_says(
    found: tuple[Path, Path], tmp_path: Path, half: str
) -> None:
    moved, key = found
    text = (moved / GUIDE).read_text(encoding="utf-8")
    assert "Giữ Cổng" in text
    first, second = text.split("HOW TO RECOVER")
    chosen = second if half == "HOW TO RECOVER" else first
    words = {"KEY": str(key), "DIR": str(tmp_path / "restored")}

    for command in commands_of(chosen, "restic"):
        ended = subprocess.run(
            [words.get(word, word) for word in command],
            cwd=moved, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr

    restored = tmp_path / "restored"
    assert sorted(it.name for it in restored.iterdir()) == ["cong-xa", "giucong", "so-y-te"]
    assert (restored / "cong-xa/files/www/index.php").exists()
    assert (restored / "giucong/databases/catalog.sqlite").exists()
    assert (restored / "giucong/files/estate/sites.d/so-y-te.toml").exists()


def test_the_guides_own_command_recovers_the_service(found: tuple[Path, Path]) -> None:
    moved, key = found
    text = (moved / GUIDE).read_text(encoding="utf-8")
    rehearsal, real = commands_of(text, "giucong")[:2]
    words = {"./giucong": str(moved / "giucong"), "KEY": str(key)}
    told = run(moved, *(words.get(word, word) for word in rehearsal[1:]), GIUCONG_ESTATE="")

    assert rehearsal == [*real, "--dry-run"]
    assert "estate.toml" in told
