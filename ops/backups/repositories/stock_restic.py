"""Stock restic as an independent second program on a site's repository.

It takes no lock of its own; whoever asks it holds a shared one meanwhile. Secrets go to it as files
in memory, never in its arguments or environment.
"""

import hashlib
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from backup.stores.options import StoreOptions
from backup.stores.sftp.settings import parse_settings
from ops.backups.repositories.stores import sftp_options
from ops.estate.model.estate import Estate
from ops.estate.model.references import resolve
from ops.estate.model.stores import Store
from ops.secret_files import open_secret

PACKAGE = "restic"
_PIECE = 1 << 20
_SFTP = "sftp:"
_LONGEST_SECONDS = 6 * 3600
# Values between grave accents are taken as they are, whatever is in them.
_AWS_FILE = "[default]\naws_access_key_id = `{}`\naws_secret_access_key = `{}`\n"


@dataclass(frozen=True, slots=True)
class Restic:
    """Stock restic on one repository.

    Attributes:
        program: Its file.
        environment: All of it; the repository's address, and no secret.
        secrets: What variables name as files.
        flags: Those with which the repository is entered.
    """

    program: str
    environment: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    flags: tuple[str, ...] = ()

    def version(self) -> str:
        """Give its name and version."""
        return " ".join(self._run("version").stdout.split()[:2])

    def check(self, share: int, total: int) -> subprocess.CompletedProcess[str]:
        """Check the repository, and read one share of its packs, counted from 0."""
        return self._run("check", f"--read-data-subset={share + 1}/{total}")

    def restore(
        self,
        snapshot: str,
        target: Path,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Restore a snapshot into a folder, or what patterns choose of it."""
        chosen = [*(f"--include={it}" for it in include), *(f"--exclude={it}" for it in exclude)]
        return self._run("restore", snapshot, "--target", str(target), *chosen)

    def dump(self, snapshot: str, path: str) -> tuple[str, subprocess.CompletedProcess[str]]:
        """Give the SHA-256 of a file's content, and how restic ended."""
        seen = hashlib.sha256()
        command = self._command("dump", snapshot, path)
        with (
            self._handing_over() as (environment, descriptors),
            subprocess.Popen(
                command,
                env=environment,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ) as process,
        ):
            try:
                while piece := process.stdout.read(_PIECE) if process.stdout else b"":
                    seen.update(piece)
            except BaseException:
                process.kill()
                raise
        return seen.hexdigest(), subprocess.CompletedProcess(command, process.returncode, "", "")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self._handing_over() as (environment, descriptors):
            return subprocess.run(
                self._command(*arguments),
                env=environment,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="backslashreplace",
                check=False,
                timeout=_LONGEST_SECONDS,
            )

    @contextmanager
    def _handing_over(self) -> Iterator[tuple[dict[str, str], list[int]]]:
        """Give the environment of one run, and the descriptors it names."""
        with ExitStack() as held:
            opened = {
                name: held.enter_context(open_secret(it)) for name, it in self.secrets.items()
            }
            files = {name: f"/dev/fd/{descriptor}" for name, descriptor in opened.items()}
            yield {**self.environment, **files}, [*opened.values()]

    def _command(self, *arguments: str) -> list[str]:
        return [self.program, "--no-lock", "--no-cache", *self.flags, *arguments]


def restic_at(
    program: str, estate: Estate, site: str, store: Store, *, password: str | None = None
) -> Restic:
    """Give restic what it needs and nothing else of ours.

    Args:
        program: Its file.
        estate: The estate.
        site: Name of the site.
        store: Where its repository lies.
        password: Of the repository; None for the one the estate points to.

    Raises:
        SecretError: A secret cannot be read.
    """
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "TZ") if (name in os.environ)
    }
    address = environment["RESTIC_REPOSITORY"] = estate.repository_url(store, site)
    if password is None:
        password = resolve(estate.repository_key(store)).get_secret_value()
    secrets = {"RESTIC_PASSWORD_FILE": password}
    if store.access_key is not None and store.secret_key is not None:
        secrets["AWS_SHARED_CREDENTIALS_FILE"] = _AWS_FILE.format(
            resolve(store.access_key).get_secret_value(),
            resolve(store.secret_key).get_secret_value(),
        )
    return Restic(program, environment, secrets, _enter_server(address, store))


def _enter_server(address: str, store: Store) -> tuple[str, ...]:
    """Have restic's own ssh take the key and host keys that the estate names, and ask nobody."""
    if not address.startswith(_SFTP):
        return ()
    options = StoreOptions(extra=sftp_options(store))
    target = parse_settings(address.removeprefix(_SFTP), options).target
    command = [
        "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
        "-o", "IdentitiesOnly=yes", "-i", str(target.identity),
        "-o", f"UserKnownHostsFile={target.known_hosts}", "-p", str(target.port),
        "-l", target.user, target.address, "-s", "sftp",
    ]  # fmt: skip
    return ("-o", f"sftp.command={shlex.join(command)}")
