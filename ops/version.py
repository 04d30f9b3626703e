"""Which version of the software runs."""

import tomllib
from pathlib import Path


def software_version() -> str:
    """Give the installed version, in a checkout that of its pyproject.toml."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    if project.is_file():
        version = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
        return str(version)
    from importlib.metadata import version as installed_version

    return installed_version("giucong")
