"""Programs of others in their own environment, `.tools`: `make tools` installs them."""

from pathlib import Path

_PLACE = Path(__file__).parents[1] / ".tools" / "bin"


def outside_program(name: str) -> str:
    """Give the path of one; its absence is a failure, not a test left out."""
    path = _PLACE / name
    if not path.exists():
        raise AssertionError(f"{name} is not installed; run: make tools")
    return str(path)
