"""What is said where the service does not answer."""

import os
from errno import ECONNREFUSED, ENOENT

import pytest

from ops.cli.away import away
from ops.language.text import render_error


@pytest.mark.parametrize("number", [ENOENT, ECONNREFUSED])
def test_a_socket_that_nobody_answers_at_is_named(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIUCONG_LANG", "en")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    told = render_error(away(OSError(number, os.strerror(number))))
    assert "nobody answers at /run/giucong" in told
    assert os.strerror(number) not in told
