"""From the URL of a repository to its store."""

import subprocess
import sys
from pathlib import Path

import pytest

from backup.errors import UsageError
from backup.stores import open_store
from backup.stores.folder import FolderStore


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/srv/backup", "/srv/backup"),
        ("relative/path", "{here}/relative/path"),
        ("local:/srv/backup", "/srv/backup"),
        ("local:relative", "{here}/relative"),
        ("local:s3:odd", "{here}/s3:odd"),
        ("./s3:odd", "{here}/s3:odd"),
        ("/with:colon", "/with:colon"),
        ("cổng:chính", "{here}/cổng:chính"),
    ],
)
def test_a_path_opens_a_folder_store(url: str, path: str) -> None:
    store = open_store(url)

    assert isinstance(store, FolderStore)
    assert store.location == path.format(here=Path.cwd())


@pytest.mark.parametrize(
    "url",
    ["sftp:nva@host:/srv", "s3:https://host/bucket", "rest:https://nva:secret@host/", "b2:x:y"],
)
def test_a_kind_that_comes_later_is_named_without_the_url(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store(url)
    text = "\n".join(line for _, line in caught.value.lines())

    assert f"{url.partition(':')[0]!r} are not available in this version" in text
    assert "secret" not in text
    assert "host" not in text


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="'foo' is not a kind of store"):
        open_store("foo:bar")


@pytest.mark.parametrize("url", ["", "local:", "a\0b"])
def test_no_path_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is not a path"):
        open_store(url)


def test_opening_a_store_imports_nothing_heavy() -> None:
    code = (
        "import sys, backup.stores; backup.stores.open_store('x');"
        "print({'boto3', 'paramiko', 'cryptography', 'numpy', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )

    assert done.stdout == "set()\n"
