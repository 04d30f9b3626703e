"""Secrets behind references: found when used, and never part of an error."""

from pathlib import Path

import pytest

from ops.errors import SecretError
from ops.estate.model.references import resolve, reveal
from ops.language.text import render_error


def test_a_file_gives_its_line_without_the_newline(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("bí mật \n", encoding="utf-8")
    secret = resolve(f"file:{tmp_path}/key")

    assert secret.get_secret_value() == "bí mật "
    assert "bí mật" not in repr(secret)


def test_a_variable_gives_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_KEY", "x y")

    assert reveal("env:S3_KEY") == "x y"


def test_a_credential_is_read_from_systemds_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("x", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert reveal("credential:key") == "x"


def test_a_literal_is_given_as_it_is() -> None:
    assert reveal("s3:https://s3.example.vn/x") == "s3:https://s3.example.vn/x"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_secret_that_is_not_there_is_a_clear_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SecretError) as caught:
        resolve(f"file:{path}")

    assert str(path) in render_error(caught.value)


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "credential:key"])
def test_a_place_that_does_not_exist_here_is_a_clear_error(
    reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(SecretError) as caught:
        resolve(reference)

    assert caught.value.next_step
