"""No flag, variable or file of invoke's or fabric's chooses what runs with the service's rights."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.installed_machine import only_root, open_folder, run_installed
from tests.integration.jobs.small_estate import GIUCONG, ROOT, build_estate

pytestmark = pytest.mark.slow

FAB = Path(sys.executable).with_name("fab")
SUFFIXES = ("yaml", "yml", "json", "py")
PLACES = ("~/.invoke", "./invoke", "~/.fabric", "./fabric")
FLAGS = (
    ["-f", "{evil}.py"], ["-f{evil}.py"], ["--config", "{evil}.yaml"], ["--config={evil}.py"],
    ["-c", "evil"], ["--collection", "evil"], ["-r", "{folder}"], ["--search-root", "{folder}"],
)  # fmt: skip
VARIABLES = {
    "INVOKE_RUNTIME_CONFIG": "{evil}.py",
    "INVOKE_TASKS_EXECUTOR_CLASS": "evil.Executor",
    "INVOKE_TASKS_COLLECTION_NAME": "evil",
    "INVOKE_TASKS_SEARCH_ROOT": "{folder}",
    "INVOKE_RUN_DRY": "1",
    "INVOKE_RUN_SHELL": "{evil}.py",
    "INVOKE_DEBUG": "1",
    "FABRIC_RUN_DRY": "1",
}


class Trap:
    """A folder with files that leave a mark when they are run, or make `--dry` of every command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = folder / "mark"
        self.home = folder / "home"
        self.home.mkdir()
        for suffix in SUFFIXES:
            self.put(folder / f"evil.{suffix}")

    def put(self, path: Path) -> None:
        path.write_text({
            "py": f"open({str(self.mark)!r}, 'w').close()\nrun = {{'dry': True}}\n",
            "json": '{"run": {"dry": true}}',
        }.get(path.suffix[1:], "run:\n  dry: true\n"))  # fmt: skip

    def fill(self, text: str) -> str:
        return text.format(evil=self.folder / "evil", folder=self.folder)

    def run(
        self,
        program: Path,
        *words: str,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        kept = {name: text for name, text in os.environ.items() if not name.startswith("GIUCONG_")}
        return subprocess.run(
            [program, *map(self.fill, words)], cwd=folder or self.folder, text=True,
            env={**kept, "HOME": str(self.home), "GIUCONG_LANG": "en", **(environment or {})},
            capture_output=True, check=False,
        )  # fmt: skip


@pytest.fixture
def trap() -> Iterator[Trap]:
    with open_folder("giucong-trap-") as folder:
        yield Trap(folder)


@pytest.fixture
def stock(trap: Trap) -> Path:
    """Fabric's own program; ours stands in its place."""
    program = trap.folder / "stock" / "fab"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom fabric.main import program\nprogram.run()\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def foreign(trap: Trap) -> Path:
    """A checkout of somebody else."""
    checkout = trap.folder / "checkout"
    checkout.mkdir()
    shutil.copy(ROOT / "fabfile.py", checkout)
    for path in (checkout, checkout / "fabfile.py"):
        shutil.chown(path, "nobody")
    return checkout


def is_unmoved(trap: Trap, ended: "subprocess.CompletedProcess[str]") -> bool:
    """Whether a task ended well, nothing of the trap having been read."""
    return (ended.returncode, ended.stderr, trap.mark.exists()) == (0, "", False)


def is_refused(trap: Trap, ended: "subprocess.CompletedProcess[str]") -> bool:
    told = "is not known here" in ended.stderr
    return (ended.returncode, told, trap.mark.exists()) == (2, True, False)


@pytest.mark.parametrize("flag", FLAGS, ids=" ".join)
def test_a_flag_that_chooses_code_is_not_known(trap: Trap, flag: list[str]) -> None:
    before = trap.run(GIUCONG, *flag, "estate.sample")
    after = trap.run(GIUCONG, "estate.sample", *flag)

    assert is_refused(trap, before), before.stderr
    assert is_refused(trap, after), after.stderr


def test_no_variable_of_invokes_does_anything(trap: Trap) -> None:
    variables = {name: trap.fill(text) for name, text in VARIABLES.items()}
    variables["PYTHONPATH"] = str(trap.folder)
    ended = trap.run(GIUCONG, "estate.sample", environment=variables)

    assert is_unmoved(trap, ended), ended.stderr


@pytest.mark.parametrize("suffix", SUFFIXES)  # of one place the first alone would be read
def test_no_file_of_invokes_is_read(trap: Trap, suffix: str) -> None:
    for place in PLACES:
        top = trap.home if place[0] == "~" else trap.folder
        trap.put(top / f"{place[2:]}.{suffix}")
    ended = trap.run(FAB, "estate.sample")

    assert is_unmoved(trap, ended), ended.stderr


@only_root
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_invokes_in_etc_is_not_read(trap: Trap, suffix: str) -> None:
    estate = build_estate(trap.folder / "estate").parent
    (trap.folder / "etc").mkdir()
    for name in ("invoke", "fabric"):
        trap.put(trap.folder / f"etc/{name}.{suffix}")
    ended = run_installed(estate, str(FAB), "estate.sample", more=trap.folder / "etc")

    assert is_unmoved(trap, ended), ended.stderr


@only_root
def test_fabrics_own_program_finds_the_tasks_from_every_folder(trap: Trap, stock: Path) -> None:
    estate = build_estate(trap.folder / "estate").parent
    (trap.folder / "etc").mkdir()
    shipped = (ROOT / "examples/systemd/fabric.yaml").read_text(encoding="utf-8")
    (trap.folder / "etc/fabric.yaml").write_text(shipped.replace("/opt/giucong", str(ROOT)))
    trap.put(trap.folder / "etc/fabric.py")
    ended = run_installed(
        estate, "env", "-C", "/", "GIUCONG_LANG=en", str(stock), "estate.chek",
        more=trap.folder / "etc",
    )  # fmt: skip

    assert 'the nearest one is "estate.check"' in ended.stderr
    assert not trap.mark.exists()


def test_fabrics_own_program_obeys_who_owns_the_checkout(trap: Trap, stock: Path) -> None:
    own = trap.folder / "own"
    own.mkdir()
    shutil.copy(ROOT / "fabfile.py", own)
    by_flag = trap.run(stock, "-f", "{evil}.yaml", "estate.sample", folder=own)
    by_variable = trap.run(stock, "estate.sample", folder=own, environment={"FABRIC_RUN_DRY": "1"})
    from_above = trap.run(stock, "-r", str(own), "estate.sample")

    assert "--dry does nothing here" in by_flag.stderr
    assert "--dry does nothing here" in by_variable.stderr
    assert is_unmoved(trap, from_above), from_above.stderr


@only_root
@pytest.mark.parametrize(
    "flag",
    [["-f", "{evil}.py"], ["--config={evil}.yaml"], ["-c", "fabfile"], ["--collection=fabfile"],
     ["-r", "{folder}/checkout"], ["--search-root={folder}/checkout"], ["-S", "{evil}.py"],
     ["--ssh-config={evil}.py"]],
    ids=" ".join,
)  # fmt: skip
def test_fab_in_a_foreign_checkout_knows_no_such_flag(
    trap: Trap, foreign: Path, stock: Path, flag: list[str]
) -> None:
    ended = trap.run(stock, *flag, "estate.sample", folder=foreign)

    assert is_refused(trap, ended), ended.stderr


@only_root
@pytest.mark.parametrize("suffix", ["yaml", "json"])
@pytest.mark.parametrize("place", ["variable", "runtime", "~/.fabric", "./fabric"])
def test_fab_in_a_foreign_checkout_takes_no_setting(
    trap: Trap, foreign: Path, stock: Path, place: str, suffix: str
) -> None:
    """A file in the home folder is fabric's before it is ours; what it says must not count."""
    variables = {"variable": {"FABRIC_RUN_DRY": "1"},
                 "runtime": {"INVOKE_RUNTIME_CONFIG": trap.fill(f"{{evil}}.{suffix}")}}  # fmt: skip
    if place[0] in "~.":
        top = trap.home if place[0] == "~" else foreign
        trap.put(top / f"{place[2:]}.{suffix}")
    ended = trap.run(stock, "estate.sample", folder=foreign, environment=variables.get(place))

    assert is_unmoved(trap, ended), ended.stderr
