"""Which pages are generated."""

from docs.generate.commands import render_commands
from docs.generate.errors import render_errors
from docs.generate.glossary import render_glossary
from docs.generate.settings import render_settings


def render_pages() -> dict[str, str]:
    """Render every generated page, by its file name in `docs/reference`."""
    return {
        "commands.md": render_commands(),
        "errors.md": render_errors(),
        "glossary.md": render_glossary(),
        "settings.md": render_settings(),
    }
