"""A small estate to start from, and a way to load variations of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ops.estate.load.load import load_estate
from ops.estate.model.estate import Estate

SMALL = """
schema = 1
[organisation]
name = "Trung tâm"
authority = "Ủy ban nhân dân tỉnh"
roles = [{ from = 2018-01-01, sites_to = "Sở" }]
[keys]
repository = "file:var/keys/repository.key"
[[units]]
name = "so-y-te"
title = "Sở Y tế"
[[stores]]
name = "near"
url = "var/stores/near"
role = "primary"
location = "Trung tâm dữ liệu"
medium = "disk"
"""

SITE = """
[[sites]]
name = "so-y-te"
title = "Sở Y tế"
unit = "so-y-te"
[[sites.files]]
name = "www"
path = "/var/www/so-y-te"
"""

Load = Callable[..., Estate]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load the small estate with some text after it; `files` are written beside it first."""

    def load_with(
        text: str = SITE, files: dict[str, str] | None = None, small: str = SMALL
    ) -> Estate:
        for name, content in (files or {}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content, encoding="utf-8")
        path = tmp_path / "estate.toml"
        path.write_text(small + text, encoding="utf-8")
        return load_estate(path)

    return load_with
