"""The service comes back from a store on another machine, whose entry keys no estate names yet."""

import shutil
import stat
from pathlib import Path

import pytest

from tests.integration.jobs.small_estate import build_estate, giucong
from tests.integration.recovery.signed_estate import run
from tests.s3_server import WRITER, S3Server, s3_server
from tests.ssh_server import SshServer, make_ssh_server, ssh_server

__all__ = ["make_ssh_server", "s3_server", "ssh_server"]

pytestmark = pytest.mark.slow


def build_far(folder: Path, url: str, more: str) -> Path:
    """Build a small estate whose one store is there, and save it; gives the estate file."""
    estate = build_estate(folder)
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace('url = "stores/near"', f'url = "{url}"\n{more}'), "utf-8")
    return estate


def lose(estate: Path, safe: Path) -> None:
    """Lose the machine: the keys are in the safe, nothing else is left."""
    shutil.move(estate.parent / "keys", safe)
    shutil.rmtree(estate.parent)


def test_it_comes_back_from_an_sftp_server_with_the_key_that_lets_in(
    tmp_path: Path, ssh_server: SshServer
) -> None:
    url = f"sftp://127.0.0.1:{ssh_server.port}/{tmp_path}/far"
    estate = build_far(
        tmp_path / "estate", url, 'identity = "file:keys/entry"\nknown_hosts = "hosts"'
    )
    keys, safe = estate.parent / "keys", tmp_path / "safe"
    keys.mkdir(mode=0o700)
    shutil.copy(ssh_server.identity, keys / "entry")
    shutil.copy(ssh_server.known_hosts, estate.parent / "hosts")
    shutil.copy(ssh_server.known_hosts, tmp_path / "hosts")
    run(estate, "backup.init")
    run(estate, "backup.run", "--site", "cong-xa")
    run(estate, "backup.run", "--site", "giucong")
    lose(estate, safe)
    words = ("service.recover", "--repo", url, "--password-file", str(safe / "repository.key"))
    flags = ("--identity", str(safe / "entry"), "--known-hosts", str(tmp_path / "hosts"))

    bare = giucong(estate, *words, HOME=str(tmp_path))
    unknown = giucong(estate, *words, *flags[:2], HOME=str(tmp_path))
    absent = giucong(estate, *words, "--identity", str(tmp_path / "nothing"))
    there = estate.exists()
    told = run(estate, *words, *flags)

    assert "--identity FILE --known-hosts FILE" in bare.stderr
    assert "--known-hosts FILE" in unknown.stderr
    assert f'"file:{tmp_path}/nothing" cannot be read' in absent.stderr
    assert (bare.returncode, unknown.returncode, absent.returncode, there) == (1, 1, 1, False)
    assert "put this secret back" not in told  # the one that let us in is at its place again
    assert (keys / "entry").read_bytes() == ssh_server.identity.read_bytes()
    assert stat.S_IMODE((keys / "entry").stat().st_mode) == 0o600
    assert run(estate, "backup.list", "--site", "cong-xa").count("/cong-xa") == 1


def test_it_comes_back_from_a_bucket_whose_keys_stand_in_files(
    tmp_path: Path, s3_server: S3Server
) -> None:
    url = s3_server.url(s3_server.new_bucket(), "main")
    estate = build_far(
        tmp_path / "estate", url,
        'access_key = "file:keys/access"\nsecret_key = "file:keys/secret"\nregion = "vn-1"',
    )  # fmt: skip
    keys, safe = estate.parent / "keys", tmp_path / "safe"
    keys.mkdir(mode=0o700)
    (keys / "access").write_text(f"{WRITER.access_key}\n")
    (keys / "secret").write_text(f"{WRITER.secret_key}\n")
    run(estate, "backup.init")
    run(estate, "backup.run", "--site", "cong-xa")
    run(estate, "backup.run", "--site", "giucong")
    lose(estate, safe)
    words = ("service.recover", "--repo", f"{url}/giucong",
             "--password-file", str(safe / "repository.key"))  # fmt: skip
    bare = giucong(estate, *words, HOME=str(tmp_path), AWS_EC2_METADATA_DISABLED="true")
    told = run(
        estate, *words, "--access-key-file", str(safe / "access"),
        "--secret-key-file", str(safe / "secret"), "--region", "vn-1",
    )  # fmt: skip

    assert bare.returncode == 1
    assert "--access-key-file FILE --secret-key-file FILE" in bare.stderr
    assert WRITER.secret_key not in bare.stderr + told
    assert "put this secret back" not in told
    assert (keys / "secret").read_text() == f"{WRITER.secret_key}\n"
    assert run(estate, "backup.list", "--site", "cong-xa").count("/cong-xa") == 1
