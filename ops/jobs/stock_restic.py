"""Stock restic as an independent second program on a site's repository.

It takes no lock of its own; whoever asks it holds a shared one meanwhile. The password goes through
its environment, never its arguments.
"""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.estate.models import Estate
from ops.estate.references import resolve
from ops.estate.stores import Store

PACKAGE = "restic"
_PIECE = 1 << 20
_LONGEST_SECONDS = 6 * 3600


def restic_environment(
    estate: Estate, site: str, store: Store, *, password: str | None = None
) -> dict[str, str]:
    """Give restic what it needs and nothing else of ours.

    Args:
        estate: The estate.
        site: Name of the site.
        store: Where its repository lies.
        password: Of the repository; None for the one the estate points to.

    Raises:
        SecretError: A secret cannot be read.
    """
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "TZ") if (
        name in os.environ
    )}  # fmt: skip
    environment["RESTIC_REPOSITORY"] = estate.repository_url(store, site)
    environment["RESTIC_PASSWORD"] = (
        resolve(estate.repository_key(store)).get_secret_value() if password is None else password
    )
    for name, reference in (
        ("AWS_ACCESS_KEY_ID", store.access_key),
        ("AWS_SECRET_ACCESS_KEY", store.secret_key),
    ):
        if reference is not None:
            environment[name] = resolve(reference).get_secret_value()
    return environment


@dataclass(frozen=True, slots=True)
class Restic:
    """Stock restic on one repository.

    Attributes:
        program: Its file.
        environment: Holds the repository's address and password.
    """

    program: str
    environment: Mapping[str, str]

    def version(self) -> str:
        """Give its name and version."""
        return " ".join(self._run("version").stdout.split()[:2])

    def check(self, share: int, total: int) -> subprocess.CompletedProcess[str]:
        """Check the repository, and read one share of its packs, counted from 0."""
        return self._run("check", f"--read-data-subset={share + 1}/{total}")

    def restore(self, snapshot: str, target: Path) -> subprocess.CompletedProcess[str]:
        """Restore a whole snapshot into a folder."""
        return self._run("restore", snapshot, "--target", str(target))

    def dump(self, snapshot: str, path: str) -> tuple[str, subprocess.CompletedProcess[str]]:
        """Give the SHA-256 of a file's content, and how restic ended."""
        seen = hashlib.sha256()
        command = self._command("dump", snapshot, path)
        with subprocess.Popen(
            command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                while piece := process.stdout.read(_PIECE) if process.stdout else b"":
                    seen.update(piece)
            except BaseException:
                process.kill()
                raise
        return seen.hexdigest(), subprocess.CompletedProcess(command, process.returncode, "", "")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*arguments),
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
            timeout=_LONGEST_SECONDS,
        )

    def _command(self, *arguments: str) -> list[str]:
        return [self.program, "--no-lock", "--no-cache", *arguments]
