"""Which pages are generated."""

from pathlib import Path

from docs.generate.errors import render_errors
from docs.generate.settings import render_settings

REFERENCE = Path(__file__).parent.parent / "reference"


def render_pages() -> dict[str, str]:
    """Render every generated page, by its file name in `docs/reference`."""
    return {"errors.md": render_errors(), "settings.md": render_settings()}
