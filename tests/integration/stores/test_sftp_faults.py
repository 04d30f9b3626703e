"""SFTP stores on servers and lines that fail."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from backup.errors import (
    ObjectExistsError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from backup.stores import open_store
from backup.stores.leftovers import sweep_leftovers
from backup.stores.options import StoreOptions
from backup.stores.reopen import recipe_of, store_from_recipe
from backup.stores.retry import RetryingStore
from backup.stores.sftp.settings import parse_settings
from backup.stores.sftp.store import SftpStore
from tests.ssh_server import (
    ServerMaker,
    SshServer,
    find_sftp_server,
    make_ssh_server,
    ssh_server,
)
from tests.tcp_line import TcpLine

__all__ = ["make_ssh_server", "ssh_server"]

pytestmark = pytest.mark.slow

BIG = hashlib.shake_128(b"big").digest(20_000_000)


def connect(server: SshServer, folder: Path, **options: str) -> SftpStore:
    known = {"sftp.identity": f"{server.identity}", "sftp.known_hosts": f"{server.known_hosts}"}
    rest = f"//127.0.0.1:{server.port}/{folder}"
    extra = known | {f"sftp.{name}": value for name, value in options.items()}
    return SftpStore(parse_settings(rest, StoreOptions(extra=extra)))


@pytest.fixture
def line(ssh_server: SshServer) -> Iterator[TcpLine]:
    with TcpLine(ssh_server.port) as made:
        yield made


@pytest.fixture
def behind(line: TcpLine, ssh_server: SshServer, tmp_path: Path) -> Iterator[SftpStore]:
    """A store at the far end of a line that can be cut."""
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{line.port} {ssh_server.host_key()}\n")
    extra = {"sftp.identity": str(ssh_server.identity), "sftp.known_hosts": str(known)}
    rest = f"//127.0.0.1:{line.port}/{tmp_path}/store"
    with closing(SftpStore(parse_settings(rest, StoreOptions(extra=extra)))) as store:
        yield store


def test_a_line_cut_in_a_write_leaves_no_part_and_the_next_try_heals(
    behind: SftpStore, line: TcpLine
) -> None:
    behind.write("config", b"x")
    line.cut_after(sent=5_000_000)
    with pytest.raises(StoreUnavailableError):
        behind.write("data/00/big", BIG)
    assert [info.key for info in behind.list("")] == ["config"]

    line.cut_after(sent=5_000_000)
    RetryingStore(behind, first_pause=timedelta(0)).write("data/00/big", BIG)
    assert behind.read("data/00/big") == BIG
    assert behind.sweep(timedelta(0), now=lambda: 2.0**33) == 2
    assert sorted(info.key for info in behind.list("")) == ["config", "data/00/big"]


def test_a_line_cut_in_a_read_is_told_and_the_next_try_heals(
    behind: SftpStore, line: TcpLine
) -> None:
    behind.write("data/00/big", BIG)
    line.cut_after(carried=5_000_000)
    with pytest.raises(StoreUnavailableError):
        behind.read("data/00/big")
    line.cut_after(carried=5_000_000)
    assert RetryingStore(behind, first_pause=timedelta(0)).read("data/00/big") == BIG


def test_a_listing_that_is_cut_is_no_listing(behind: SftpStore, line: TcpLine) -> None:
    behind.write("data/00/a", b"x")
    behind.write("data/01/a", b"x")
    listing = behind.list("")
    line.cut()
    behind.close()
    assert len(list(listing)) == 2
    line.cut_after(carried=1)
    with pytest.raises(StoreUnavailableError):
        list(behind.list(""))


def test_an_object_is_never_replaced(ssh_server: SshServer, tmp_path: Path) -> None:
    with closing(connect(ssh_server, tmp_path)) as store:
        store.write("config", b"first")
        with pytest.raises(ObjectExistsError):
            store.write("config", b"second")
        assert store.read("config") == b"first"
        assert [path.name for path in tmp_path.iterdir()] == ["config"]
        assert (tmp_path / "config").stat().st_mode & 0o777 == 0o400


def test_what_writers_that_died_left_is_swept_when_it_is_old(
    ssh_server: SshServer, tmp_path: Path
) -> None:
    with closing(connect(ssh_server, tmp_path)) as store:
        store.write("data/00/a", b"x")
        (tmp_path / "data" / "00" / ".giucong-tmp-old").write_bytes(b"part")
        (tmp_path / "data" / ".giucong-tmp-new").write_bytes(b"part")
        os.utime(tmp_path / "data" / "00" / ".giucong-tmp-old", (1, 1))
        assert [info.key for info in store.list("")] == ["data/00/a"]
        assert sweep_leftovers(RetryingStore(store)) == 1
        assert (tmp_path / "data" / ".giucong-tmp-new").exists()


def test_openssh_confirms_that_bytes_are_on_its_disk(
    ssh_server: SshServer, make_ssh_server: ServerMaker, tmp_path: Path
) -> None:
    with closing(connect(ssh_server, tmp_path / "a")) as store:
        assert store.durability == "confirmed"
    internal = make_ssh_server(
        "AllowTcpForwarding no", "ForceCommand internal-sftp", sftp="internal"
    )
    with closing(connect(internal, tmp_path / "b")) as store:
        store.write("config", b"x")
        assert store.durability == "confirmed"


def test_a_server_without_extensions_is_written_to_and_confirms_nothing(
    make_ssh_server: ServerMaker, tmp_path: Path
) -> None:
    plain = Path(__file__).with_name("plain_sftp_server.py")
    server = make_ssh_server(f"Subsystem sftp {sys.executable} {plain}", sftp="none")
    with closing(connect(server, tmp_path / "store")) as store:
        assert store.durability == "not confirmed"
        store.write("data/00/big", BIG[:3_000_000])
        with pytest.raises(ObjectExistsError):
            store.write("data/00/big", b"other")
        assert store.read("data/00/big", 7, 1_000_000) == BIG[7:1_000_007]
        assert [info.size for info in store.list("")] == [3_000_000]


def test_who_is_not_let_in_is_told_at_once(
    ssh_server: SshServer, make_ssh_server: ServerMaker, tmp_path: Path
) -> None:
    stores = [
        connect(ssh_server, tmp_path, known_hosts=str(tmp_path / "none")),
        connect(ssh_server, tmp_path, identity=str(tmp_path / "none")),
        connect(make_ssh_server(sftp="none"), tmp_path),
    ]
    for store in stores:
        with closing(store), pytest.raises(StoreDeniedError) as caught:
            store.read("config")
        assert all(text for _label, text in caught.value.lines())
        assert "127.0.0.1" in str(caught.value.lines())


def test_a_server_that_is_not_there_is_unavailable(ssh_server: SshServer, tmp_path: Path) -> None:
    settings = parse_settings(f"//127.0.0.1:9/{tmp_path}", StoreOptions(
        extra={"sftp.identity": f"{ssh_server.identity}"}))  # fmt: skip
    with pytest.raises(StoreUnavailableError) as caught:
        SftpStore(settings).read("config")
    assert "127.0.0.1:9" in str(caught.value.lines())


def test_a_folder_in_the_way_and_a_file_in_the_way_are_told(
    ssh_server: SshServer, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"a file")
    with closing(connect(ssh_server, tmp_path)) as store, pytest.raises(StoreError):
        store.write("data/00/x", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_more_threads_than_connections_wait_for_their_turn(
    behind: SftpStore, line: TcpLine
) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda n: behind.write(f"data/{n}", b"%d" % n), range(64)))
        assert list(threads.map(lambda n: behind.read(f"data/{n}"), range(64))) == [
            b"%d" % n for n in range(64)
        ]
    assert line.opened <= 4


def test_another_process_opens_the_same_store(ssh_server: SshServer, tmp_path: Path) -> None:
    extra = {"sftp.identity": f"{ssh_server.identity}",
             "sftp.known_hosts": f"{ssh_server.known_hosts}"}  # fmt: skip
    url = f"sftp://127.0.0.1:{ssh_server.port}/{tmp_path}"
    store = open_store(url, StoreOptions(extra=extra))
    store.write("config", b"x")
    recipe = recipe_of(store)
    assert recipe is not None
    assert store_from_recipe(recipe).read("config") == b"x"


def test_restic_reads_what_the_engine_wrote_through_sftp(
    ssh_server: SshServer, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "trang chủ.html").write_text("xin chào")
    (tmp_path / "password").write_text("secret")
    url = f"sftp://127.0.0.1:{ssh_server.port}/{tmp_path}/store"
    options = ["-o", f"sftp.identity={ssh_server.identity}",
               "-o", f"sftp.known_hosts={ssh_server.known_hosts}"]  # fmt: skip
    engine = [sys.executable, "-m", "backup", "-r", url, *options,
              "--password-file", str(tmp_path / "password")]  # fmt: skip
    for verb in (["init"], ["backup", str(tmp_path / "site")], ["check", "--read-data"]):
        ended = subprocess.run([*engine, *verb], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    there = ["restic", "-r", str(tmp_path / "store"), "--password-file", str(tmp_path / "password")]
    subprocess.run([*there, "check", "--read-data"], check=True, capture_output=True)
    client = (f"ssh -F none -i {ssh_server.identity} -p {ssh_server.port} -o BatchMode=yes"
              f" -o UserKnownHostsFile={ssh_server.known_hosts} 127.0.0.1 -s sftp")  # fmt: skip
    over = ["restic", "-r", f"sftp:127.0.0.1:{tmp_path}/store", "-o", f"sftp.command={client}",
            "--password-file", str(tmp_path / "password"), "dump", "latest",
            f"{tmp_path}/site/trang chủ.html"]  # fmt: skip
    assert subprocess.run(over, check=True, capture_output=True).stdout == "xin chào".encode()


def test_a_servers_full_disk_is_called_so_and_nothing_of_the_attempt_remains(
    make_ssh_server: ServerMaker, tmp_path: Path
) -> None:
    """The server's folder is a small disk of its own, which lives as long as the connection."""
    room = tmp_path / "small"
    room.mkdir()
    script = tmp_path / "sftp-on-a-small-disk"
    script.write_text(
        f"#!/bin/sh\nmount -t tmpfs -o size=4m tmpfs {room} && exec {find_sftp_server()}\n"
    )
    script.chmod(0o755)
    own = "" if os.geteuid() == 0 else "--map-root-user"
    server = make_ssh_server(f"Subsystem sftp unshare --mount {own} {script}", sftp="none")
    with closing(connect(server, room / "store")) as store:
        store.write("config", b"small")
        with pytest.raises(StoreFullError, match="no room is left") as caught:
            store.write("data/00/big", BIG)
        assert "no room is left" in "\n".join(it for _, it in caught.value.lines())
        assert [info.key for info in store.list("")] == ["config"]

        store.delete("config")  # room was made: the next run goes on
        store.write("data/00/big", BIG[:2_000_000])
        assert store.read("data/00/big") == BIG[:2_000_000]
