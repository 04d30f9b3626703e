"""From the URL of a repository to its store."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backup.errors import UsageError
from backup.stores import open_store
from backup.stores.folder import FolderStore
from backup.stores.options import LockTerms, StoreOptions
from backup.stores.s3.settings import parse_settings


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
    ["rclone:nva@host:/srv", "rest:https://nva:secret@host/", "b2:x:y"],
)
def test_a_kind_that_comes_later_is_named_without_the_url(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store(url)
    text = "\n".join(line for _, line in caught.value.lines())

    assert f"{url.partition(':')[0]!r} are not available in this version" in text
    assert "secret" not in text
    assert "host" not in text


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("s3:https://host/bucket", "s3:https://host/bucket"),
        ("s3:http://host:8333/bucket/main/site/", "s3:http://host:8333/bucket/main/site"),
        ("s3:host/bucket/site", "s3:https://host/bucket/site"),
        ("s3://host/bucket", "s3:https://host/bucket"),
    ],
)
def test_a_bucket_opens_an_s3_store_and_touches_nothing(url: str, location: str) -> None:
    assert open_store(url).location == location


@pytest.mark.parametrize(
    "url", ["s3:", "s3:https://host", "s3:https:///bucket", "s3:https://key:secret@host/bucket"]
)
def test_an_address_of_a_bucket_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="address of the S3 store") as caught:
        open_store(url)

    assert "secret" not in "\n".join(line for _, line in caught.value.lines())


@pytest.mark.parametrize(
    "extra",
    [
        {"s3.colour": "red"},
        {"s3.connections": "0"},
        {"s3.timeout": "soon"},
        {"s3.bucket-lookup": "guess"},
    ],
)
def test_an_option_that_makes_no_sense_is_refused(extra: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        open_store("s3:https://host/bucket", StoreOptions(extra=extra))


@pytest.mark.parametrize(
    "lacking",
    [{"basis": ""}, {"cap": None}, {"confirmed": False}, {"cap": timedelta(days=1)}],
)
def test_compliance_without_basis_cap_and_confirmation_is_refused(lacking: dict[str, Any]) -> None:
    terms = LockTerms("compliance", timedelta(days=30), "QĐ 1", timedelta(days=40), confirmed=True)
    open_store("s3:https://host/bucket", StoreOptions(object_lock=terms))
    with pytest.raises(UsageError, match="compliance cannot be undone"):
        open_store("s3:https://host/bucket", StoreOptions(object_lock=replace(terms, **lacking)))


def test_a_folder_has_no_past() -> None:
    with pytest.raises(UsageError, match="--at cannot be used"):
        open_store("/srv/backup", StoreOptions(at=datetime.now(UTC)))


def test_secrets_are_not_shown() -> None:
    options = StoreOptions(access_key="the-access-key", secret_key="the-secret")  # noqa: S106 -- as said

    assert "the-" not in repr(options) + repr(parse_settings("https://host/bucket", options))


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
        "heavy = {'boto3', 'botocore', 'paramiko', 'cryptography', 'numpy', 'asyncio'};"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )

    assert done.stdout == "set()\n"
