"""A dump is whole, or it is an error: the client's status and the last line both have their say."""

import re

import pytest

from backup.errors import SourceError
from backup.sources.databases.client_stream import open_dump
from backup.sources.databases.connection import Connection
from backup.sources.databases.mariadb_client import CLIENTS, client_command, explain, secret_line
from backup.sources.databases.postgresql_client import secret_lines
from provisioning.hosts import Completed
from provisioning.local_host import LocalHost

END = re.compile(rb"\n-- done\n\Z")


def a_connection(password: str | None = None) -> Connection:
    return Connection(host=LocalHost(), database="portal", user="reader", password=password)


def take(script: bytes) -> bytes:
    command = (b"sh", b"-c", script)
    taken = bytearray()
    buffer = memoryview(bytearray(1 << 16))
    with open_dump(a_connection(), command, stdin=b"x\n", end=END, explain=explain) as reader:
        while count := reader.readinto(buffer):
            taken += buffer[:count]
    return bytes(taken)


def test_a_whole_dump_is_given_as_it_is() -> None:
    assert take(b"read x; printf 'CREATE\\n-- done\\n'") == b"CREATE\n-- done\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (b"printf 'CREATE\\n'", "it ended after 7 bytes without the line that ends a dump"),
        (b"printf 'CREATE\\n-- done\\nmore'", "it ended after 19 bytes"),
        (b":", "it ended after 0 bytes"),
        (b"printf 'CREATE\\n-- done\\n'; exit 3", "exit status 3"),
        (b"printf 'CREATE\\n-- done\\n'; kill -9 $$", "exit status -9"),
        (b"printf '\\n-- done\\n'; echo 'Got error: 2013: Lost' >&2; exit 2", "2013: Lost"),
        (b"printf '\\n-- done\\n'; exit 127", "it reads the database portal"),
    ],
)
def test_anything_less_is_an_error(script: bytes, told: str) -> None:
    with pytest.raises(SourceError) as failed:
        take(script)

    parts = dict(failed.value.lines())
    assert told in parts["why"]
    assert "no snapshot was made" in parts["data"]


def test_a_client_that_repeats_the_password_is_not_quoted_with_it() -> None:
    ended = Completed(1, b"", b"ERROR 9999 (HY000): odd option 'geheim' given\n")
    error = explain(a_connection("geheim"), ended)

    assert "odd option '***' given" in dict(error.lines())["why"]


@pytest.mark.parametrize(
    ("password", "line"),
    [
        (None, b"\n"),
        ("plain", b"plain\n"),
        ('a"b\\c', b'a\\"b\\\\c\n'),
        ("two\nlines", b"two\\nlines\n"),
        ('x"\nresult-file="/etc/passwd', b'x\\"\\nresult-file=\\"/etc/passwd\n'),
    ],
)
def test_a_password_stays_one_line_of_an_option_file(password: str | None, line: bytes) -> None:
    assert secret_line(a_connection(password)) == line


@pytest.mark.parametrize("letter", [b"A", "é".encode()])
def test_a_long_first_line_does_not_become_an_option(letter: bytes) -> None:
    command = client_command(a_connection(""), CLIENTS, [b"--print-defaults"])
    for size in range(4072, 4096):
        line = letter * (size // len(letter)) + b"plugin-dir=/tmp\n"
        ended = LocalHost().run(command, stdin=line)
        assert b"--plugin-dir" not in ended.stdout
        assert ended.status == 1
        assert b"the password is too long" in ended.stderr


def test_postgresql_takes_a_password_of_one_line_only() -> None:
    assert secret_lines(a_connection("a b"), snapshot="0-1") == b"a b\n0-1\n"
    with pytest.raises(SourceError, match="spans several lines"):
        secret_lines(a_connection("a\nb"))
