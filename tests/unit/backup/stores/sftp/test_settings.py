"""URLs of SFTP stores, in restic's forms."""

import getpass
from pathlib import Path

import pytest

from backup.errors import UsageError
from backup.stores import open_store
from backup.stores.options import StoreOptions
from backup.stores.sftp.settings import SftpSettings, parse_settings

ME = getpass.getuser()


@pytest.mark.parametrize(
    ("rest", "user", "address", "port", "path"),
    [
        ("user@host:/srv/repo", "user", "host", 22, "/srv/repo"),
        ("host:repo", ME, "host", 22, "repo"),
        ("user@host:repo//x/../y/", "user", "host", 22, "repo/y"),
        ("user@[2001:db8::1]:/srv", "user", "[2001:db8::1]", 22, "/srv"),
        ("a@b@host:/srv", "a@b", "host", 22, "/srv"),
        ("//user@host:2222//srv/repo", "user", "host", 2222, "/srv/repo"),
        ("//user@host/repo", "user", "host", 22, "repo"),
        ("//host:22//srv", ME, "host", 22, "/srv"),
        ("//user@[::1]:2222//srv", "user", "[::1]", 2222, "/srv"),
        ("user@host:/thư mục/x", "user", "host", 22, "/thư mục/x"),
    ],
)
def test_a_url_says_where_the_store_is(
    rest: str, user: str, address: str, port: int, path: str
) -> None:
    settings = parse_settings(rest, StoreOptions())

    assert (settings.user, settings.address, settings.port) == (user, address, port)
    assert settings.path == path
    assert settings.target.address == address.strip("[]")
    assert parse_settings(settings.place.removeprefix("sftp:"), StoreOptions()) == settings


@pytest.mark.parametrize(
    "rest",
    ["", "host", "/path", "host:", ":/path", "user@:/path", "//host", "//host/", "//host:0//x",
     "//host:70000//x", "//:22/x", "host:~/repo", "//host/~user/repo", "host:a\0b"],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_place_is_refused(rest: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        open_store(f"sftp:{rest}")


def test_options_say_how_to_enter() -> None:
    options = {"sftp.identity": "keys/id", "sftp.known_hosts": "/k", "sftp.connections": "2"}
    settings = parse_settings("h:/p", StoreOptions(extra=options))

    assert settings.identity == str(Path.cwd() / "keys/id")
    assert (settings.known_hosts, settings.connections) == ("/k", 2)
    assert SftpSettings(**settings.pack()) == settings  # type: ignore[arg-type]  # plain values
    assert parse_settings("h:/p", StoreOptions()).identity.endswith("/.ssh/id_ed25519")


@pytest.mark.parametrize(
    "options", [{"sftp.command": "ssh"}, {"sftp.connections": "0"}, {"sftp.connections": "many"}]
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"sftp\."):
        open_store("sftp:h:/p", StoreOptions(extra=options))
