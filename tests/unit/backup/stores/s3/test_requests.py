"""Where a bucket is looked for, and which credential signs."""

import subprocess
import sys
from dataclasses import replace

import pytest

from backup.errors import StoreDeniedError
from backup.stores.options import StoreOptions
from backup.stores.s3.requests import place_of
from backup.stores.s3.settings import S3Settings, make_client, parse_settings
from backup.stores.s3.signing import Credential, find_credential

SETTINGS = S3Settings("https://s3.example.vn:8443", "main")


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (SETTINGS, ("https://s3.example.vn:8443", "/main/")),
        (replace(SETTINGS, lookup="dns"), ("https://main.s3.example.vn:8443", "/")),
        (replace(SETTINGS, lookup="auto"), ("https://main.s3.example.vn:8443", "/")),
        (
            replace(SETTINGS, lookup="auto", bucket="with.dots"),
            ("https://s3.example.vn:8443", "/with.dots/"),
        ),
        (
            replace(SETTINGS, lookup="auto", endpoint="http://127.0.0.1:8333"),
            ("http://127.0.0.1:8333", "/main/"),
        ),
        (
            parse_settings("s3.amazonaws.com/main", StoreOptions()),
            ("https://main.s3.amazonaws.com", "/"),
        ),
    ],
)
def test_a_bucket_is_looked_for_where_the_server_wants_it(
    settings: S3Settings, place: tuple[str, str]
) -> None:
    assert place_of(settings) == place


def test_what_is_given_signs_before_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    given = replace(SETTINGS, access_key="given", secret_key="secret")  # noqa: S106 -- of a test

    assert find_credential(given)() == Credential("given", "secret")
    assert find_credential(SETTINGS)() == Credential("of the environment", "secret", "token")
    with pytest.raises(StoreDeniedError, match="cannot sign"):
        find_credential(replace(SETTINGS, access_key="alone"))()


def test_the_client_of_a_given_key_heeds_no_profile_and_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody's")
    given = replace(SETTINGS, access_key="given", secret_key="secret")  # noqa: S106 -- of a test

    assert make_client(given).meta.endpoint_url == given.endpoint


def test_working_on_a_bucket_does_not_load_the_client() -> None:
    code = (
        "import sys; from backup.stores import open_store; from backup.errors import StoreError\n"
        "try: open_store('s3:http://127.0.0.1:9/bucket').inner.size('config')\n"
        "except StoreError: print({'boto3', 'botocore', 'urllib3'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout == "set()\n"
