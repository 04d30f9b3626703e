"""The programs compared, each as the commands it takes for the same work.

All of a peer's state (repository, cache, its own configuration) lies in one folder, so that it can
be copied aside and put back between rounds.
"""

import compileall
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.measure import Command, run

CHECKOUT = Path(__file__).resolve().parent.parent
PASSWORD = "chi-dung-de-do"  # noqa: S105 - protects nothing but benchmark data


class Peer(Protocol):
    """A program that packs a folder up."""

    @property
    def name(self) -> str:
        """Its name in the tables and in `--peers`."""
        ...

    @property
    def packages(self) -> dict[str, str]:
        """Debian packages by the program each brings."""
        ...

    def version(self) -> str:
        """Return its version as it says itself."""
        ...

    def prepare(self, state: Path) -> None:
        """Make an empty repository in the new folder `state`."""
        ...

    def size(self, state: Path) -> int:
        """Return the bytes of the repository."""
        ...

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Back `source` up; `label` names the archive where the program wants a name."""
        ...


@dataclass(frozen=True, slots=True)
class ResticLike:
    """A program that speaks restic's command line: restic itself, and our engine."""

    name: str
    program: tuple[str, ...]
    packages: dict[str, str]

    def version(self) -> str:
        """Return its version as it says itself."""
        return run(Command((*self.program, "version"), folder=CHECKOUT)).strip()

    def prepare(self, state: Path) -> None:
        """Make an empty repository in the new folder `state`."""
        run(self._command(state, "init"))

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Back `source` up."""
        del label  # the newest snapshot is meant everywhere
        return self._command(state, "backup", str(source))

    def check(self, state: Path) -> Command:
        """Read and verify everything."""
        return self._command(state, "check", "--read-data")

    def restore(self, state: Path, label: str, target: Path) -> Command:
        """Restore the newest snapshot below `target`."""
        del label
        return self._command(state, "restore", "latest", "--target", str(target))

    def forget_half(self, state: Path) -> None:
        """Forget every second snapshot, the oldest first, without freeing space."""
        listed = json.loads(run(self._command(state, "snapshots", "--json")))
        ordered = sorted(listed, key=lambda snapshot: str(snapshot["time"]))
        run(self._command(state, "forget", *(str(one["id"]) for one in ordered[::2])))

    def prune(self, state: Path) -> Command:
        """Free the space of forgotten snapshots."""
        return self._command(state, "prune")

    def repository(self, state: Path) -> str:
        """Return where the repository is."""
        return str(state / "repository")

    def environment(self) -> Mapping[str, str]:
        """Return the variables that the program wants."""
        return {"RESTIC_PASSWORD": PASSWORD}

    def size(self, state: Path) -> int:
        """Return the bytes of the repository."""
        return size_of(state / "repository")

    def _command(self, state: Path, *arguments: str) -> Command:
        places = ("-r", self.repository(state), "--cache-dir", str(state / "cache"))
        return Command(
            (*self.program, *places, *arguments),
            environment=self.environment(),
            folder=CHECKOUT,
        )


@dataclass(frozen=True, slots=True)
class Borg:
    """borg 1.4 with a key in the repository and zstd level 3."""

    name: str = "borg"

    @property
    def packages(self) -> dict[str, str]:
        """Debian packages by program."""
        return {"borg": "borgbackup"}

    def version(self) -> str:
        """Return its version as it says itself."""
        return run(Command(("borg", "--version"))).strip()

    def prepare(self, state: Path) -> None:
        """Make an empty repository in the new folder `state`."""
        run(self._command(state, "init", "--encryption", "repokey", self._repository(state)))

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Back `source` up as the archive `label`."""
        archive = f"{self._repository(state)}::{label}"
        return self._command(state, "create", "--compression", "zstd,3", archive, str(source))

    def check(self, state: Path) -> Command:
        """Read and verify everything."""
        return self._command(state, "check", "--verify-data", self._repository(state))

    def restore(self, state: Path, label: str, target: Path) -> Command:
        """Extract the archive `label` below `target`."""
        command = self._command(state, "extract", f"{self._repository(state)}::{label}")
        return Command(command.argv, environment=command.environment, folder=target)

    def size(self, state: Path) -> int:
        """Return the bytes of the repository."""
        return size_of(state / "repository")

    def _repository(self, state: Path) -> str:
        return str(state / "repository")

    def _command(self, state: Path, *arguments: str) -> Command:
        environment = {
            "BORG_PASSPHRASE": PASSWORD,
            "BORG_BASE_DIR": str(state / "base"),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }
        return Command(("borg", *arguments), environment=environment)


@dataclass(frozen=True, slots=True)
class TarZstd:
    """`tar | zstd -3 -T2`: no encryption, no deduplication, no check; the floor to compare with."""

    name: str = "tar"

    @property
    def packages(self) -> dict[str, str]:
        """Debian packages by program."""
        return {"tar": "tar", "zstd": "zstd", "bash": "bash"}

    def version(self) -> str:
        """Return the versions of both."""
        lines = [
            run(Command((name, "--version"))).strip().splitlines()[0] for name in ("tar", "zstd")
        ]
        return " | ".join(lines)

    def prepare(self, state: Path) -> None:
        """Make the folder of the archive."""
        (state / "repository").mkdir(parents=True)

    def size(self, state: Path) -> int:
        """Return the bytes of the archives."""
        return size_of(state / "repository")

    def backup(self, state: Path, source: Path, label: str) -> Command:
        """Write one compressed archive."""
        script = 'tar -c -C "$1" . | zstd -q -3 -T2 -f -o "$2"'
        target = str(state / "repository" / f"{label}.tar.zst")
        argv = ("bash", "-o", "pipefail", "-c", script, "tar", str(source), target)
        return Command(argv)


Archiver = ResticLike | Borg  # what can also check and restore

OURS = ResticLike("ours", (sys.executable, "-m", "backup"), {})
RESTIC = ResticLike("restic", ("restic",), {"restic": "restic"})
PEERS: tuple[Peer, ...] = (OURS, RESTIC, Borg(), TarZstd())


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def compile_ours() -> None:
    """Compile our engine to bytecode, as installing it does."""
    compileall.compile_dir(CHECKOUT / "backup", quiet=1)


def find_missing_packages(
    peers: Sequence[Peer], also: Mapping[str, str] | None = None
) -> list[str]:
    """Return the Debian packages that this machine lacks, sorted.

    Args:
        peers: Who needs them.
        also: More packages by the program each brings.
    """
    needed = {"diff": "diffutils", **(also or {})}
    for peer in peers:
        needed.update(peer.packages)
    return sorted(package for program, package in needed.items() if not shutil.which(program))
