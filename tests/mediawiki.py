"""A real MediaWiki, Debian's, on a database of the tests: edited as its officers do."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_RUN = Path("/usr/share/mediawiki/maintenance/run.php")
_PASSWORD = "mật khẩu của wiki thử"  # noqa: S105 -- of an account that lives for a minute


@dataclass(frozen=True, slots=True)
class Wiki:
    """A wiki whose configuration and files lie in a folder."""

    folder: Path

    def run(self, script: str, *words: str, text: str = "") -> str:
        """Run one of MediaWiki's own maintenance scripts; give what it said."""
        config = {"MW_CONFIG_FILE": str(self.folder / "LocalSettings.php")}
        return _run([script, *words], config, text)

    def edit(self, title: str, text: str, user: str = "Quantri") -> None:
        """Write a page anew."""
        self.run("edit", "--user", user, title, text=text)


def make_wiki(folder: Path, database: Mapping[str, str]) -> Wiki:
    """Install MediaWiki into an empty database.

    Args:
        folder: Gets its configuration, and its files below `images`.
        database: Words of the installer after `--db`: type, name, server, user, …
    """
    if not _RUN.is_file():
        raise RuntimeError("MediaWiki is missing: apt-get install mediawiki")
    (folder / "images").mkdir(parents=True)
    words = [word for name, value in database.items() for word in (f"--{name}", value)]
    words += ["--pass", _PASSWORD, "--confpath", str(folder), "--scriptpath", "", "--lang", "vi"]
    _run(["install", *words, "--server", "https://wiki.example.vn", "Wiki xã", "Quantri"], {})
    settings = folder / "LocalSettings.php"
    more = (
        f"\n$wgUploadDirectory = '{folder}/images';\n$wgEnableUploads = true;\n"
        "$wgArticlePath = '/wiki/$1';\n$wgJobRunRate = 0;\n$wgMainCacheType = CACHE_NONE;\n"
        f"$wgTmpDirectory = '{folder}';\n$wgCompressRevisions = $wgDBtype !== 'postgres';\n"
    )
    settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")
    return Wiki(folder)


def _run(words: Sequence[str], environment: Mapping[str, str], text: str = "") -> str:
    php = shutil.which("php") or "php"
    done = subprocess.run(
        [php, "-d", "error_reporting=E_ALL & ~E_DEPRECATED", str(_RUN), *words], input=text,
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, **environment},
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout
